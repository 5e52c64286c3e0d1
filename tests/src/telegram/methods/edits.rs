//! Methods that change or delete messages.

use serde_json::{Value, json};

use super::{
    media::item_body,
    message_of, open_chat,
    target::{CAPTION_MAX, TEXT_MAX, formatted},
};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    model::{ChatId, ChatKind, Fields, Message},
    post, render, rights,
    state::State,
};

const NOT_MODIFIED: &str = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

/// How long others' messages can be deleted, in seconds.
const DELETABLE_SECONDS: i64 = 48 * 60 * 60;

const DELETED_MAX: usize = 100;

/// Everything in a message that is a file or belongs to one.
const MEDIA: [&str; 10] = [
    "photo",
    "audio",
    "document",
    "video",
    "animation",
    "voice",
    "video_note",
    "sticker",
    "has_media_spoiler",
    "show_caption_above_media",
];

/// `editMessageText`
pub(crate) fn text(state: &mut State, call: &Call) -> Outcome {
    let message = editable(state, call)?;
    if !message.body.contains_key("text") {
        return Err(ApiError::bad("there is no text in the message to edit"));
    }
    let params = Value::Object(call.params.clone());
    let text = formatted(&params, ("text", "entities"), TEXT_MAX)?.filter(|(text, _)| !text.is_empty());
    let (text, entities) = text.ok_or_else(|| ApiError::bad("message text is empty"))?;
    let mut change = render::fields(json!({"text": text, "entities": list(entities)}));
    let options = call.value("link_preview_options");
    change.insert("link_preview_options".to_owned(), options);
    apply(state, call, &message, change)
}

/// `editMessageCaption`
pub(crate) fn caption(state: &mut State, call: &Call) -> Outcome {
    let message = editable(state, call)?;
    if message.body.contains_key("text") || !MEDIA.iter().any(|name| message.body.contains_key(*name)) {
        return Err(ApiError::bad("there is no caption in the message to edit"));
    }
    let params = Value::Object(call.params.clone());
    let words = formatted(&params, ("caption", "caption_entities"), CAPTION_MAX)?.unwrap_or_default();
    let caption = if words.0.is_empty() { Value::Null } else { json!(words.0) };
    let change = render::fields(json!({"caption": caption, "caption_entities": list(words.1)}));
    apply(state, call, &message, change)
}

/// `editMessageMedia`
pub(crate) fn media(state: &mut State, call: &Call) -> Outcome {
    let message = editable(state, call)?;
    let mut change: Fields = MEDIA.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    for gone in ["text", "entities", "caption", "caption_entities"] {
        change.insert(gone.to_owned(), Value::Null);
    }
    change.extend(item_body(state, call, &call.value("media"))?);
    apply(state, call, &message, change)
}

/// `editMessageReplyMarkup`
pub(crate) fn markup(state: &mut State, call: &Call) -> Outcome {
    let message = editable(state, call)?;
    apply(state, call, &message, Fields::new())
}

/// `deleteMessage`
pub(crate) fn delete(state: &mut State, call: &Call) -> Outcome {
    let chat = open_chat(state, call)?;
    let message = message_of(state, call, chat, "message to delete not found")?;
    check_deletable(state, call, &message)?;
    post::delete(state, chat, message.id);
    Ok(json!(true))
}

/// `deleteMessages`
pub(crate) fn delete_many(state: &mut State, call: &Call) -> Outcome {
    let chat = open_chat(state, call)?;
    let numbers: Vec<i64> = call.list("message_ids").iter().filter_map(Value::as_i64).collect();
    if numbers.is_empty() || numbers.len() > DELETED_MAX {
        return Err(ApiError::bad("wrong number of message identifiers"));
    }
    let there = state.chat(chat);
    let found = numbers.iter().filter_map(|number| render::find(there, call.bot, *number));
    let found: Vec<_> = found.filter_map(|id| there.messages.get(&id)).cloned().collect();
    for message in &found {
        check_deletable(state, call, message)?;
    }
    for message in found {
        post::delete(state, chat, message.id);
    }
    Ok(json!(true))
}

fn editable(state: &State, call: &Call) -> Result<Message, ApiError> {
    let chat: ChatId = open_chat(state, call)?;
    let message = message_of(state, call, chat, "message to edit not found")?;
    let is_post = state.chat(chat).kind == ChatKind::Channel;
    let may_edit = is_post && rights::may(state.chat(chat), call.bot, "can_edit_messages");
    let is_editable = message.author == call.bot && !message.body.contains_key("forward_origin");
    match is_editable || may_edit {
        true => Ok(message),
        false => Err(ApiError::bad("message can't be edited")),
    }
}

fn apply(state: &mut State, call: &Call, message: &Message, mut change: Fields) -> Outcome {
    let keyboard = call.value("reply_markup");
    change.insert(
        "reply_markup".to_owned(),
        if keyboard["inline_keyboard"].as_array().is_some_and(|rows| !rows.is_empty()) {
            json!({"inline_keyboard": keyboard["inline_keyboard"]})
        } else {
            Value::Null
        },
    );
    if change.iter().all(|(name, value)| message.field(name) == value) {
        return Err(ApiError::bad(NOT_MODIFIED));
    }
    post::edit(state, (message.chat, message.id), change);
    Ok(render::message(&state.records, &state.chat(message.chat).messages[&message.id], call.bot))
}

fn list(entities: Vec<Value>) -> Value {
    if entities.is_empty() { Value::Null } else { json!(entities) }
}

fn check_deletable(state: &State, call: &Call, message: &Message) -> Result<(), ApiError> {
    let chat = state.chat(message.chat);
    let is_own = message.author == call.bot && chat.kind != ChatKind::Channel;
    let right = if message.author == call.bot { "can_post_messages" } else { "can_delete_messages" };
    let is_admin = chat.kind != ChatKind::Private
        && (rights::may(chat, call.bot, "can_delete_messages") || rights::may(chat, call.bot, right));
    if !is_own && !is_admin && chat.kind != ChatKind::Private {
        return Err(ApiError::bad("message can't be deleted"));
    }
    if !is_admin && state.now() - message.date > DELETABLE_SECONDS {
        return Err(ApiError::bad("message can't be deleted for everyone"));
    }
    Ok(())
}
