//! What all sending methods share: where to, in which topic, in answer to what, with which text.

use serde_json::{Value, json};

use super::open_chat;
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    model::{Chat, ChatId, ChatKind, Fields, MessageId},
    post::{self, Draft},
    render, rights,
    state::State,
    text,
};

/// The longest text and the longest caption, in UTF-16 units.
pub(crate) const TEXT_MAX: usize = 4096;
pub(crate) const CAPTION_MAX: usize = 1024;

/// Where a new message goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    chat: ChatId,
    topic: Option<MessageId>,
    reply_to: Option<MessageId>,
    extra: Fields,
}

impl Target {
    /// Reads and checks it. `right` is what a bot needs to send `what`.
    pub fn read(state: &State, call: &Call, (right, what): (&str, &str)) -> Result<Self, ApiError> {
        let id = open_chat(state, call)?;
        let chat = state.chat(id);
        if chat.kind == ChatKind::Channel && !rights::may(chat, call.bot, "can_post_messages") {
            return Err(ApiError::bad("need administrator rights in the channel chat"));
        }
        if chat.kind != ChatKind::Channel && !rights::may(chat, call.bot, right) {
            return Err(ApiError::bad(format!("not enough rights to send {what} to the chat")));
        }
        let mut extra = Fields::new();
        let reply_to = reply(chat, call, &mut extra)?;
        let mut topic = topic(chat, call)?;
        if chat.is_forum && topic.is_none() {
            topic = reply_to.and_then(|id| chat.messages.get(&id)).and_then(|message| message.topic);
        }
        let markup = call.value("reply_markup");
        if let Some(rows) = markup.get("inline_keyboard") {
            extra.insert("reply_markup".to_owned(), json!({"inline_keyboard": rows}));
        }
        if call.flag("protect_content") {
            extra.insert("has_protected_content".to_owned(), json!(true));
        }
        Ok(Self { chat: id, topic, reply_to, extra })
    }

    /// Sends content there and tells its number.
    pub fn post(&self, state: &mut State, call: &Call, body: Fields, poll: Option<String>) -> MessageId {
        let mut draft = Draft::new(self.chat, call.bot, Value::Null);
        (draft.topic, draft.reply_to, draft.poll) = (self.topic, self.reply_to, poll);
        draft.body = body;
        draft.body.extend(self.extra.clone());
        post::create(state, draft)
    }

    /// The same; the answer is the message.
    pub fn send(&self, state: &mut State, call: &Call, body: Fields) -> Outcome {
        let id = self.post(state, call, body, None);
        Ok(self.written(state, call, id))
    }

    /// A message there as the bot sees it.
    pub fn written(&self, state: &State, call: &Call, id: MessageId) -> Value {
        render::message(&state.records, &state.chat(self.chat).messages[&id], call.bot)
    }
}

/// A text with its entities as they will be stored; none when the parameter is absent.
pub(crate) fn formatted(
    source: &Value,
    (name, entities): (&str, &str),
    most: usize,
) -> Result<Option<(String, Vec<Value>)>, ApiError> {
    if source.get("parse_mode").is_some_and(|mode| mode.as_str() != Some("")) {
        return Err(ApiError::bad("this simulator parses no markup: send entities"));
    }
    let Some(given) = source.get(name).map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
    else {
        return Ok(None);
    };
    let list = match source.get(entities) {
        Some(Value::String(list)) => serde_json::from_str(list).unwrap_or_default(),
        other => other.and_then(Value::as_array).cloned().unwrap_or_default(),
    };
    if let Some(problem) = text::entities_problem(&given, &list) {
        return Err(ApiError::bad(problem));
    }
    let (cleaned, list) = text::cleaned(&given, &list);
    if text::length(&cleaned) > most {
        return Err(ApiError::bad(if most == TEXT_MAX {
            "message is too long"
        } else {
            "message caption is too long"
        }));
    }
    let list = text::with_found(&cleaned, list);
    Ok(Some((cleaned, list)))
}

/// The caption of a call or of one part of an album, as fields of a message.
pub(crate) fn caption(source: &Value) -> Result<Fields, ApiError> {
    let mut fields = Fields::new();
    if let Some((caption, entities)) = formatted(source, ("caption", "caption_entities"), CAPTION_MAX)? {
        if !caption.is_empty() {
            fields.insert("caption".to_owned(), json!(caption));
        }
        if !entities.is_empty() {
            fields.insert("caption_entities".to_owned(), json!(entities));
        }
    }
    let is_true = |name: &str| matches!(source.get(name), Some(Value::Bool(true))) || source[name] == "true";
    for (parameter, field) in
        [("has_spoiler", "has_media_spoiler"), ("show_caption_above_media", "show_caption_above_media")]
    {
        if is_true(parameter) {
            fields.insert(field.to_owned(), json!(true));
        }
    }
    Ok(fields)
}

fn topic(chat: &Chat, call: &Call) -> Result<Option<MessageId>, ApiError> {
    let Some(id) = call.number("message_thread_id").filter(|id| *id != 0) else { return Ok(None) };
    let not_found = ApiError::bad("message thread not found");
    if !chat.is_forum {
        // In other supergroups a thread is the message that began it.
        let is_thread = chat.kind == ChatKind::Supergroup && chat.messages.contains_key(&id);
        return if is_thread { Ok(None) } else { Err(not_found) };
    }
    let topic = chat.topics.get(&id).ok_or(not_found)?;
    if topic.is_closed && !rights::may(chat, call.bot, "can_manage_topics") {
        return Err(ApiError::bad("TOPIC_CLOSED"));
    }
    Ok(Some(id))
}

fn reply(chat: &Chat, call: &Call, extra: &mut Fields) -> Result<Option<MessageId>, ApiError> {
    let mut wanted = call.value("reply_parameters");
    if wanted.is_null() {
        let Some(id) = call.number("reply_to_message_id") else { return Ok(None) };
        wanted = json!({"message_id": id, "allow_sending_without_reply": call.flag("allow_sending_without_reply")});
    }
    let number = wanted["message_id"].as_i64().unwrap_or_default();
    let found = render::find(chat, call.bot, number).and_then(|id| chat.messages.get(&id));
    let Some(message) = found else {
        return match wanted["allow_sending_without_reply"] == true {
            true => Ok(None),
            false => Err(ApiError::bad("message to be replied not found")),
        };
    };
    if let Some(quote) = wanted["quote"].as_str() {
        let (quote, entities) =
            text::cleaned(quote, wanted["quote_entities"].as_array().map_or(&[], Vec::as_slice));
        let Some(at) = message.text().find(&quote) else { return Err(ApiError::bad("QUOTE_TEXT_INVALID")) };
        let position = text::length(&message.text()[..at]);
        let mut it = json!({"text": quote, "position": position, "is_manual": true});
        if !entities.is_empty() {
            it["entities"] = json!(entities);
        }
        extra.insert("quote".to_owned(), it);
    }
    Ok(Some(message.id))
}
