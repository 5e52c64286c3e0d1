//! The control surface: what the library offers to tests, over HTTP, for a simulator in a process of its own.
//!
//! Only the essential: people's deeds, the chats as they stand, effects, findings, faults. It exists on loopback only and needs no token.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /_control/say` | `{chat, user, text, reply_to?, topic?}` | `{id}` |
//! | `POST /_control/edit`, `POST /_control/delete` | `{chat, message, text?}` | `{}` |
//! | `POST /_control/react` | `{chat, message, user, emoji}`, empty to take it back | `{}` |
//! | `GET /_control/messages/{chat}` | | messages, oldest first |
//! | `GET /_control/effects`, `GET /_control/findings` | | lists |
//! | `POST /_control/fault` | `{method, kind, status?, description?, retry_after?}` | `{}` |
//! | `POST /_control/update` | `{bot, update}` | `{}` |
//!
//! A private chat is that of the person with the first bot.

use axum::{
    body::{Body, to_bytes},
    http::Request,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer,
    faults::Fault,
    model::{ChatId, MessageId, UserId},
    people::{self, Where},
    post, react, render,
    state::{Inner, State},
    updates,
};

const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
struct Say {
    chat: i64,
    user: UserId,
    text: String,
    reply_to: Option<MessageId>,
    topic: Option<MessageId>,
}

#[derive(Deserialize)]
struct One {
    chat: i64,
    message: MessageId,
    #[serde(default)]
    user: UserId,
    #[serde(default)]
    text: String,
    #[serde(default)]
    emoji: String,
}

#[derive(Deserialize)]
struct WantedFault {
    method: String,
    kind: String,
    status: Option<u16>,
    #[serde(default)]
    description: String,
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct Raw {
    bot: UserId,
    update: Value,
}

/// Serves one request below `/_control/`.
pub(crate) async fn serve(inner: &Inner, request: Request<Body>, path: String) -> Response {
    let method = request.method().as_str().to_owned();
    let outcome = match to_bytes(request.into_body(), BODY_BYTES_MAX).await {
        Ok(body) => inner.change(|state| act(state, &format!("{method} {path}"), &body)),
        Err(error) => Err(error.to_string()),
    };
    match outcome {
        Ok(body) => answer::response(200, &body),
        Err(problem) => answer::response(400, &json!({"error": problem})),
    }
}

fn act(state: &mut State, request: &str, body: &[u8]) -> Result<Value, String> {
    match request {
        "POST say" => say(state, parse(body)?),
        "POST edit" => {
            let one: One = parse(body)?;
            let change = render::fields(json!({"text": one.text, "entities": null}));
            done(post::edit(state, place(state, &one)?, change))
        }
        "POST delete" => {
            let (chat, message) = place(state, &parse(body)?)?;
            done(post::delete(state, chat, message))
        }
        "POST react" => {
            let one: One = parse(body)?;
            let reactions = if one.emoji.is_empty() { Vec::new() } else { vec![react::kind(&one.emoji)] };
            done(react::put(state, place(state, &one)?, one.user, reactions))
        }
        "POST fault" => fault(state, parse(body)?),
        "POST update" => {
            let raw: Raw = parse(body)?;
            if !state.records.bots.contains_key(&raw.bot) {
                return Err("there is no such bot".to_owned());
            }
            updates::push(state, raw.bot, render::fields(raw.update));
            Ok(json!({}))
        }
        "GET effects" => Ok(json!(state.effects.all())),
        "GET findings" => Ok(state.findings.iter().map(ToString::to_string).collect()),
        _ => match request.strip_prefix("GET messages/") {
            Some(chat) => messages(state, chat),
            None => Err("there is no such control".to_owned()),
        },
    }
}

fn say(state: &mut State, say: Say) -> Result<Value, String> {
    let chat = chat(state, say.chat)?;
    if !state.records.users.contains_key(&say.user) {
        return Err("there is no such user".to_owned());
    }
    let place = Where { chat, topic: say.topic, reply_to: say.reply_to };
    Ok(json!({"id": people::say(state, &place, say.user, people::text_body(&say.text, &json!([])))}))
}

fn messages(state: &State, number: &str) -> Result<Value, String> {
    let number = number.parse().map_err(|_| "this is no chat")?;
    let chat = state.chat(chat(state, number)?);
    let bot = first_bot(state);
    Ok(chat.messages.values().map(|message| render::message(&state.records, message, bot)).collect())
}

fn fault(state: &mut State, wanted: WantedFault) -> Result<Value, String> {
    let status = wanted.status.unwrap_or(500);
    let fault = match wanted.kind.as_str() {
        "cut_before" => Fault::CutBefore,
        "cut_after" => Fault::CutAfter,
        "answer" => Fault::Answer { status, description: wanted.description },
        "answer_after" => Fault::AnswerAfter { status },
        "too_many" => Fault::TooMany { retry_after: wanted.retry_after.unwrap_or(1) },
        other => return Err(format!("there is no fault '{other}'")),
    };
    state.faults.add(&wanted.method, None, fault);
    Ok(json!({}))
}

fn chat(state: &State, number: i64) -> Result<ChatId, String> {
    let id = if number > 0 { ChatId::private(number, first_bot(state)) } else { ChatId::group(number) };
    state.records.chats.contains_key(&id).then_some(id).ok_or_else(|| "there is no such chat".to_owned())
}

fn first_bot(state: &State) -> UserId {
    state.records.bots.keys().next().copied().unwrap_or_default()
}

fn place(state: &State, one: &One) -> Result<(ChatId, MessageId), String> {
    Ok((chat(state, one.chat)?, one.message))
}

fn done(is_done: bool) -> Result<Value, String> {
    is_done.then(|| json!({})).ok_or_else(|| "there is no such message".to_owned())
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
