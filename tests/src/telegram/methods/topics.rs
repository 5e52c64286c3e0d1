//! Methods about topics of forums.

use serde_json::{Value, json};

use super::ruled_chat;
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    group,
    model::{ChatId, MessageId, Topic},
    state::State,
    text,
};

const NAME_MAX: usize = 128;
const MANAGE: (&str, &str) = ("can_manage_topics", "not enough rights to create a topic");
const COLORS: [i64; 6] = [7_322_096, 16_766_590, 13_338_331, 9_367_192, 16_749_490, 16_478_047];

/// `createForumTopic`
pub(crate) fn create(state: &mut State, call: &Call) -> Outcome {
    let chat = forum(state, call)?;
    let name = name(call)?.ok_or_else(|| ApiError::bad("TOPIC_TITLE_EMPTY"))?;
    let color = call.number("icon_color").unwrap_or(COLORS[0]);
    if !COLORS.contains(&color) {
        return Err(ApiError::bad("wrong icon_color specified"));
    }
    let icon = call.text("icon_custom_emoji_id").map(str::to_owned);
    let mut told = json!({"name": name, "icon_color": color});
    if let Some(icon) = &icon {
        told["icon_custom_emoji_id"] = json!(icon);
    }
    let topic = Topic { name, color, icon, is_closed: false, is_hidden: false };
    told["message_thread_id"] = json!(group::create_topic(state, chat, call.bot, topic));
    Ok(told)
}

/// `editForumTopic`
pub(crate) fn edit(state: &mut State, call: &Call) -> Outcome {
    let (chat, id) = topic(state, call)?;
    let (name, icon) = (name(call)?, call.text("icon_custom_emoji_id").map(str::to_owned));
    let known = state.chat_mut(chat).topics.get_mut(&id).expect("it was just found");
    let mut told = json!({});
    if let Some(name) = name.filter(|name| *name != known.name) {
        told["name"] = json!(name);
        known.name = name;
    }
    if let Some(icon) = icon.filter(|icon| known.icon.as_ref() != Some(icon)) {
        told["icon_custom_emoji_id"] = json!(icon);
        known.icon = Some(icon).filter(|icon| !icon.is_empty());
    }
    if told == json!({}) {
        return Err(ApiError::bad("TOPIC_NOT_MODIFIED"));
    }
    group::in_topic(state, (chat, id), call.bot, json!({"forum_topic_edited": told}));
    Ok(json!(true))
}

/// `closeForumTopic`
pub(crate) fn close(state: &mut State, call: &Call) -> Outcome {
    set_closed(state, call, (true, "forum_topic_closed"))
}

/// `reopenForumTopic`
pub(crate) fn reopen(state: &mut State, call: &Call) -> Outcome {
    set_closed(state, call, (false, "forum_topic_reopened"))
}

fn set_closed(state: &mut State, call: &Call, (is_closed, service): (bool, &str)) -> Outcome {
    let (chat, id) = topic(state, call)?;
    let known = state.chat_mut(chat).topics.get_mut(&id).expect("it was just found");
    if known.is_closed == is_closed {
        return Err(ApiError::bad("TOPIC_NOT_MODIFIED"));
    }
    known.is_closed = is_closed;
    group::in_topic(state, (chat, id), call.bot, json!({service: {}}));
    Ok(Value::Bool(true))
}

fn forum(state: &State, call: &Call) -> Result<ChatId, ApiError> {
    let chat = ruled_chat(state, call, MANAGE)?;
    match state.chat(chat).is_forum {
        true => Ok(chat),
        false => Err(ApiError::bad("the chat is not a forum")),
    }
}

fn topic(state: &State, call: &Call) -> Result<(ChatId, MessageId), ApiError> {
    let chat = forum(state, call)?;
    let id = call.number("message_thread_id").unwrap_or_default();
    match state.chat(chat).topics.contains_key(&id) {
        true => Ok((chat, id)),
        false => Err(ApiError::bad("TOPIC_ID_INVALID")),
    }
}

fn name(call: &Call) -> Result<Option<String>, ApiError> {
    let name = call.text("name").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    match name {
        Some(name) if text::length(&name) > NAME_MAX => Err(ApiError::bad("TOPIC_TITLE_TOO_LONG")),
        other => Ok(other),
    }
}
