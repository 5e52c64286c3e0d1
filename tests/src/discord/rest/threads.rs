//! Routes that begin and list threads.

use serde_json::{Value, json};

use super::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
    guilds::{find_channel, find_guild},
    messages,
};
use crate::discord::{
    model::ChannelKind,
    permissions, render,
    state::State,
    threads::{self, Begin},
};

const NAME_CHARACTERS_MAX: usize = 100;

/// `POST /channels/{id}/messages/{message}/threads` and `POST /channels/{id}/threads`
pub(crate) fn begin(state: &mut State, call: &Call, (channel, message): (&str, Option<&str>)) -> Outcome {
    let (_, found) = find_channel(state, channel, permissions::CREATE_PUBLIC_THREADS)?;
    if !matches!(found.kind, ChannelKind::Text | ChannelKind::Announcement) {
        return Err(ApiError::wrong_channel_type());
    }
    let name = call.text("name").unwrap_or_default().trim().to_owned();
    if !(1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) {
        return Err(ApiError::form("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."));
    }
    let message = message.map(|id| messages::find(found, id).map(|message| message.id)).transpose()?;
    let (parent, by) = (found.id, state.records.application.id);
    let exists = || ApiError::new(400, 160_004, "A thread has already been created for this message");
    let id = threads::begin(state, Begin { parent, message, by, name: &name }).ok_or_else(exists)?;
    Ok(Answer::json(201, render::channel(&state.records.channels[&id])))
}

/// `GET /guilds/{id}/threads/active`
pub(crate) fn active(state: &State, guild: &str) -> Outcome {
    let guild = find_guild(state, guild)?.id;
    let channels = state.records.channels.values();
    let active =
        channels.filter(|it| it.guild == guild && it.thread.as_ref().is_some_and(|thread| !thread.archived));
    Ok(Answer::ok(json!({
        "threads": active.map(render::channel).collect::<Vec<Value>>(),
        "members": [],
        "has_more": false,
    })))
}
