//! Routes on webhooks themselves: make, find, change, delete. What they post is in [`super::webhook_messages`].

use serde_json::{Value, json};

use super::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
    guilds::find_channel,
    webhook_messages,
};
use crate::discord::{
    gateway::dispatch::{self, Event},
    model::{ChannelKind, Guild, Webhook},
    permissions::{self, MANAGE_WEBHOOKS},
    render,
    snowflake::Snowflake,
    state::State,
};

const PER_CHANNEL_MAX: usize = 15;
const NAME_CHARACTERS_MAX: usize = 80;

/// `GET /channels/{id}/webhooks`
pub(crate) fn of_channel(state: &State, channel: &str) -> Outcome {
    let (_, channel) = find_channel(state, channel, MANAGE_WEBHOOKS)?;
    let hooks = state.records.webhooks.values().filter(|hook| hook.channel == channel.id);
    Ok(Answer::ok(hooks.map(|hook| write(state, hook, true)).collect()))
}

/// `GET /guilds/{id}/webhooks`
pub(crate) fn of_guild(state: &State, guild: &Guild) -> Outcome {
    let held = permissions::in_guild(guild, state.records.application.id).unwrap_or(0);
    if held & MANAGE_WEBHOOKS == 0 {
        return Err(ApiError::missing_permissions());
    }
    let hooks = state.records.webhooks.values().filter(|hook| hook.guild == guild.id);
    Ok(Answer::ok(hooks.map(|hook| write(state, hook, true)).collect()))
}

/// `POST /channels/{id}/webhooks`
pub(crate) fn create(state: &mut State, call: &Call, channel: &str) -> Outcome {
    let (guild, channel) = find_channel(state, channel, MANAGE_WEBHOOKS)?;
    if channel.kind == ChannelKind::Category {
        return Err(ApiError::wrong_channel_type());
    }
    let name = checked_name("name", call.text("name").unwrap_or_default())?;
    let used = state.records.webhooks.values().filter(|hook| hook.channel == channel.id).count();
    if used >= PER_CHANNEL_MAX {
        return Err(ApiError::too_many_webhooks(PER_CHANNEL_MAX));
    }
    let (guild, channel, bot) = (guild.id, channel.id, state.records.application.id);
    let avatar = call.text("avatar").map(webhook_messages::picture_hash);
    let hook = Webhook {
        id: state.next_id(),
        token: state.secret(),
        channel,
        guild,
        name,
        avatar,
        creator: bot,
        application: Some(bot),
    };
    insert(state, hook.clone());
    Ok(Answer::ok(write(state, &hook, true)))
}

/// `GET`, `PATCH` and `DELETE /webhooks/{id}`, for those who manage webhooks.
pub(crate) fn by_id(state: &mut State, call: &Call, (method, id): (&str, &str)) -> Outcome {
    let hook = find(state, id)?;
    find_channel(state, &hook.channel.to_string(), MANAGE_WEBHOOKS)?;
    match method {
        "GET" => Ok(Answer::ok(write(state, &hook, true))),
        "PATCH" => {
            let moved = call.field("channel_id");
            let channel = if moved.is_null() { None } else { moved.as_str() };
            let channel = channel
                .map(|id| find_channel(state, id, MANAGE_WEBHOOKS).map(|(_, it)| it.id))
                .transpose()?;
            change(state, call, Webhook { channel: channel.unwrap_or(hook.channel), ..hook }, true)
        }
        "DELETE" => Ok(delete(state, &hook)),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// `GET`, `PATCH`, `DELETE` and `POST /webhooks/{id}/{token}`, for whoever knows the token.
pub(crate) fn by_token(state: &mut State, call: &Call, (method, id, token): (&str, &str, &str)) -> Outcome {
    let hook = find_by_token(state, id, token)?;
    match method {
        "GET" => Ok(Answer::ok(write(state, &hook, false))),
        "PATCH" => change(state, call, hook, false),
        "DELETE" => Ok(delete(state, &hook)),
        "POST" => webhook_messages::execute(state, call, &hook),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// The webhook with this id and token.
pub(crate) fn find_by_token(state: &State, id: &str, token: &str) -> Result<Webhook, ApiError> {
    let hook = find(state, id)?;
    if hook.token == token { Ok(hook) } else { Err(ApiError::wrong_webhook_token()) }
}

/// Adds a webhook, whoever made it.
pub(crate) fn insert(state: &mut State, hook: Webhook) {
    let place = (hook.guild, hook.channel);
    state.records.webhooks.insert(hook.id, hook);
    tell(state, place);
}

/// Takes a webhook away, whoever does it.
pub(crate) fn delete(state: &mut State, hook: &Webhook) -> Answer {
    state.records.webhooks.remove(&hook.id);
    tell(state, (hook.guild, hook.channel));
    Answer::no_content()
}

/// A name as Discord accepts it for webhooks.
pub(crate) fn checked_name(field: &str, name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if !(1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) {
        return Err(ApiError::form(field, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length."));
    }
    let lower = name.to_lowercase();
    match ["clyde", "discord"].into_iter().find(|word| lower.contains(word)) {
        None => Ok(name.to_owned()),
        Some(word) => {
            let problem = format!("Username cannot contain \"{word}\"");
            Err(ApiError::form(field, "USERNAME_INVALID_CONTAINS", &problem))
        }
    }
}

fn change(state: &mut State, call: &Call, mut hook: Webhook, with_creator: bool) -> Outcome {
    if let Some(name) = call.text("name") {
        hook.name = checked_name("name", name)?;
    }
    match call.body.as_ref().and_then(|body| body.get("avatar")) {
        None => {}
        Some(picture) => hook.avatar = picture.as_str().map(webhook_messages::picture_hash),
    }
    insert(state, hook.clone());
    Ok(Answer::ok(write(state, &hook, with_creator)))
}

fn find(state: &State, id: &str) -> Result<Webhook, ApiError> {
    let hook = id.parse().ok().and_then(|id: Snowflake| state.records.webhooks.get(&id));
    hook.cloned().ok_or_else(ApiError::unknown_webhook)
}

fn write(state: &State, hook: &Webhook, with_creator: bool) -> Value {
    render::webhook(&state.records, hook, &state.rest_base(), with_creator)
}

fn tell(state: &mut State, (guild, channel): (Snowflake, Snowflake)) {
    let data = json!({"guild_id": guild, "channel_id": channel});
    dispatch::event(state, Event { kind: "WEBHOOKS_UPDATE", guild, channel: Some(channel), data });
}
