//! Methods about chats as a whole.

use serde_json::{Value, json};

use super::{chat_of, media, message_of, open_chat, ruled_chat};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    files::MediaKind,
    group,
    model::{ChatId, ChatKind, Standing},
    render, rights,
    state::State,
    text,
};

const TITLE_MAX: usize = 128;
const DESCRIPTION_MAX: usize = 255;

/// `getChat`
pub(crate) fn get(state: &mut State, call: &Call) -> Outcome {
    let id = seen_chat(state, call)?;
    Ok(render::chat_full(&state.records, state.chat(id), call.bot))
}

/// `getChatAdministrators`
pub(crate) fn administrators(state: &mut State, call: &Call) -> Outcome {
    let id = seen_chat(state, call)?;
    let chat = state.chat(id);
    if chat.kind == ChatKind::Private {
        return Err(ApiError::bad("there are no administrators in the private chat"));
    }
    let admins = chat.members.iter().filter(|(id, member)| {
        // Other bots are left out.
        member.standing.is_admin() && (**id == call.bot || !state.user(**id).is_bot)
    });
    Ok(admins.map(|(id, _)| render::member(&state.records, chat, *id)).collect())
}

/// `getChatMemberCount`
pub(crate) fn member_count(state: &mut State, call: &Call) -> Outcome {
    let id = seen_chat(state, call)?;
    let chat = state.chat(id);
    let count = chat.members.values().filter(|member| member.standing.is_in()).count();
    Ok(json!(if chat.kind == ChatKind::Private { 2 } else { count }))
}

/// `setChatTitle`
pub(crate) fn set_title(state: &mut State, call: &Call) -> Outcome {
    let id = changeable(state, call, "not enough rights to change chat title")?;
    let title = call.text("title").unwrap_or_default().trim().to_owned();
    if title.is_empty() || text::length(&title) > TITLE_MAX {
        return Err(ApiError::bad("title must be non-empty"));
    }
    group::rename(state, id, (call.bot, &title));
    Ok(json!(true))
}

/// `setChatDescription`
pub(crate) fn set_description(state: &mut State, call: &Call) -> Outcome {
    let id = changeable(state, call, "not enough rights to set chat description")?;
    let description = call.text("description").unwrap_or_default().trim().to_owned();
    if text::length(&description) > DESCRIPTION_MAX {
        return Err(ApiError::bad("chat description is too long"));
    }
    let new = Some(description).filter(|it| !it.is_empty());
    if state.chat(id).description == new {
        return Err(ApiError::bad("chat description is not modified"));
    }
    state.chat_mut(id).description = new;
    Ok(json!(true))
}

/// `setChatPhoto`
pub(crate) fn set_photo(state: &mut State, call: &Call) -> Outcome {
    let id = changeable(state, call, "not enough rights to change chat photo")?;
    let source = call.params.get("photo").cloned().unwrap_or(Value::Null);
    if source.as_str().is_some_and(|text| !text.starts_with("attach://")) {
        return Err(ApiError::bad("photo must be uploaded as an InputFile"));
    }
    let unique = media::take(state, call, (MediaKind::Photo, &source))?;
    group::set_photo(state, id, (call.bot, Some(&unique)));
    Ok(json!(true))
}

/// `deleteChatPhoto`
pub(crate) fn delete_photo(state: &mut State, call: &Call) -> Outcome {
    let id = changeable(state, call, "not enough rights to change chat photo")?;
    group::set_photo(state, id, (call.bot, None));
    Ok(json!(true))
}

/// `leaveChat`
pub(crate) fn leave(state: &mut State, call: &Call) -> Outcome {
    let id = open_chat(state, call)?;
    if state.chat(id).kind == ChatKind::Private {
        return Err(ApiError::bad("chat member status can't be changed in private chats"));
    }
    group::change_standing(state, id, (call.bot, call.bot), Standing::Left);
    Ok(json!(true))
}

/// `pinChatMessage`
pub(crate) fn pin(state: &mut State, call: &Call) -> Outcome {
    let id = pinnable(state, call)?;
    let message = message_of(state, call, id, "message to pin not found")?;
    group::pin(state, (id, message.id), call.bot);
    Ok(json!(true))
}

/// `unpinChatMessage`, without a number the newest.
pub(crate) fn unpin(state: &mut State, call: &Call) -> Outcome {
    let id = pinnable(state, call)?;
    let message = match call.number("message_id") {
        Some(_) => Some(message_of(state, call, id, "message to unpin not found")?.id),
        None => state.chat(id).pinned.last().copied(),
    };
    let Some(message) = message else { return Err(ApiError::bad("message to unpin not found")) };
    group::unpin(state, (id, message), call.bot);
    Ok(json!(true))
}

/// `unpinAllChatMessages`
pub(crate) fn unpin_all(state: &mut State, call: &Call) -> Outcome {
    let id = pinnable(state, call)?;
    for message in state.chat(id).pinned.clone() {
        group::unpin(state, (id, message), call.bot);
    }
    Ok(json!(true))
}

/// A chat that the bot may look at: a private one even when blocked.
fn seen_chat(state: &State, call: &Call) -> Result<ChatId, ApiError> {
    let id = chat_of(state, call, "chat_id")?;
    if state.chat(id).kind == ChatKind::Private { Ok(id) } else { open_chat(state, call) }
}

fn changeable(state: &State, call: &Call, refusal: &str) -> Result<ChatId, ApiError> {
    let id = ruled_chat(state, call, ("can_change_info", refusal))?;
    match state.chat(id).kind {
        ChatKind::Private => Err(ApiError::bad("can't change private chats")),
        ChatKind::Group | ChatKind::Supergroup | ChatKind::Channel => Ok(id),
    }
}

fn pinnable(state: &State, call: &Call) -> Result<ChatId, ApiError> {
    let id = open_chat(state, call)?;
    let chat = state.chat(id);
    let right = if chat.kind == ChatKind::Channel { "can_edit_messages" } else { "can_pin_messages" };
    match rights::may(chat, call.bot, right) {
        true => Ok(id),
        false => Err(ApiError::bad("not enough rights to manage pinned messages in the chat")),
    }
}
