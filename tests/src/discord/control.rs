//! The control surface: what the library offers to tests, over HTTP, for a simulator in a process of its own.
//!
//! Only the essential: people's deeds, the channels as they stand, effects, findings, faults, gateway trouble. It exists on
//! loopback only and needs no token.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /_control/say` | `{channel, user, text, reply_to?}` | `{id}` |
//! | `POST /_control/edit`, `POST /_control/delete` | `{channel, message, text?}` | `{}` |
//! | `GET /_control/messages/{channel}` | | messages, oldest first |
//! | `GET /_control/effects`, `GET /_control/findings` | | lists |
//! | `POST /_control/fault` | `{route, kind, status?, body?, retry_after_ms?}` | `{}` |
//! | `POST /_control/gateway` | `{do: close, cut, reconnect, invalidate, or an event with a fault; code?, resumable?}` | `{}` |

use axum::{
    body::{Body, to_bytes},
    http::Request,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Snowflake,
    faults::{Fault, RateLimitScope},
    gateway::{GatewayFault, session::Frame},
    model::Author,
    post::{self, Change, Draft},
    render,
    rest::answer::Answer,
    state::{Inner, State},
    trouble::{self, Resumable},
};

const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
struct Say {
    channel: Snowflake,
    user: Snowflake,
    text: String,
    reply_to: Option<Snowflake>,
}

#[derive(Deserialize)]
struct One {
    channel: Snowflake,
    message: Snowflake,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct WantedFault {
    route: String,
    kind: String,
    status: Option<u16>,
    #[serde(default)]
    body: Value,
    retry_after_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Trouble {
    #[serde(rename = "do")]
    deed: String,
    code: Option<u16>,
    #[serde(default)]
    resumable: bool,
    event: Option<String>,
}

/// Serves one request below `/_control/`.
pub(crate) async fn serve(inner: &Inner, request: Request<Body>, path: String) -> Response {
    let method = request.method().as_str().to_owned();
    let outcome = match to_bytes(request.into_body(), BODY_BYTES_MAX).await {
        Ok(body) => inner.change(|state| act(state, &format!("{method} {path}"), &body)),
        Err(error) => Err(error.to_string()),
    };
    let answer = match outcome {
        Ok(body) => Answer::ok(body),
        Err(problem) => Answer::json(400, json!({"error": problem})),
    };
    answer.into_response()
}

fn act(state: &mut State, request: &str, body: &[u8]) -> Result<Value, String> {
    match request {
        "POST say" => say(state, parse(body)?),
        "POST edit" => {
            let one: One = parse(body)?;
            let change = Change { content: Some(one.text), ..Change::default() };
            post::edit(state, (one.channel, one.message), change).ok_or("there is no such message")?;
            Ok(json!({}))
        }
        "POST delete" => {
            let one: One = parse(body)?;
            post::delete(state, one.channel, one.message).ok_or("there is no such message")?;
            Ok(json!({}))
        }
        "POST fault" => fault(state, parse(body)?),
        "POST gateway" => gateway(state, parse(body)?),
        "GET effects" => Ok(json!(state.effects.all())),
        "GET findings" => Ok(state.findings.iter().map(ToString::to_string).collect()),
        _ => match request.strip_prefix("GET messages/") {
            Some(channel) => messages(state, channel),
            None => Err("there is no such control".to_owned()),
        },
    }
}

fn say(state: &mut State, say: Say) -> Result<Value, String> {
    let is_known =
        state.records.channels.contains_key(&say.channel) && state.records.users.contains_key(&say.user);
    if !is_known {
        return Err("there is no such channel or user".to_owned());
    }
    let draft =
        Draft { reply_to: say.reply_to, ..Draft::text(say.channel, Author::User(say.user), &say.text) };
    Ok(json!({"id": post::create(state, draft).id}))
}

fn messages(state: &State, channel: &str) -> Result<Value, String> {
    let channel = channel.parse().ok().and_then(|id: Snowflake| state.records.channels.get(&id));
    let channel = channel.ok_or("there is no such channel")?;
    Ok(channel.messages.values().map(|message| render::message(&state.records, message)).collect())
}

fn fault(state: &mut State, wanted: WantedFault) -> Result<Value, String> {
    let status = wanted.status.unwrap_or(500);
    let retry_after_ms = wanted.retry_after_ms.unwrap_or(1000);
    let limited = |scope| Fault::RateLimited { scope, retry_after_ms };
    let fault = match wanted.kind.as_str() {
        "cut_before" => Fault::CutBefore,
        "cut_after" => Fault::CutAfter,
        "answer" => Fault::Answer { status, body: wanted.body },
        "answer_after" => Fault::AnswerAfter { status },
        "limited_user" => limited(RateLimitScope::User),
        "limited_global" => limited(RateLimitScope::Global),
        "limited_shared" => limited(RateLimitScope::Shared),
        other => return Err(format!("there is no fault '{other}'")),
    };
    state.faults.add(&wanted.route, fault);
    Ok(json!({}))
}

fn gateway(state: &mut State, wanted: Trouble) -> Result<Value, String> {
    let stays = if wanted.resumable { Resumable::Yes } else { Resumable::No };
    let event_fault = match wanted.deed.as_str() {
        "close" => {
            trouble::close(state, wanted.code.unwrap_or(4000));
            return Ok(json!({}));
        }
        "cut" => {
            trouble::to_all(state, &Frame::Cut);
            return Ok(json!({}));
        }
        "reconnect" => {
            trouble::reconnect(state);
            return Ok(json!({}));
        }
        "invalidate" => {
            trouble::invalidate(state, stays);
            return Ok(json!({}));
        }
        "duplicate" => GatewayFault::Duplicate,
        "drop" => GatewayFault::Drop,
        "swap" => GatewayFault::SwapWithNext,
        "malformed" => GatewayFault::Malformed,
        "garbage" => GatewayFault::Garbage,
        other => return Err(format!("the gateway cannot '{other}'")),
    };
    let event = wanted.event.unwrap_or_else(|| "MESSAGE_CREATE".to_owned());
    state.sessions.faults.push((event, event_fault));
    Ok(json!({}))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
