//! Routes that read guilds, their channels, roles and members.

use serde_json::{Value, json};

use super::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
};
use crate::discord::{
    intents,
    model::{Channel, Guild, Member},
    permissions, render,
    snowflake::Snowflake,
    state::State,
    threads,
};

const MEMBERS_DEFAULT: usize = 1;
const GUILDS_DEFAULT: usize = 200;

/// `GET /users/@me/guilds`
pub(crate) fn mine(state: &State, call: &Call) -> Outcome {
    let bot = state.records.application.id;
    let limit = call.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(GUILDS_DEFAULT);
    let (after, before) = (call.query_id("after"), call.query_id("before"));
    let guilds = state.records.guilds.values();
    let guilds = guilds.filter(|guild| !guild.is_direct && guild.members.contains_key(&bot));
    let guilds =
        guilds.filter(|guild| after.is_none_or(|id| guild.id > id) && before.is_none_or(|id| guild.id < id));
    let written = guilds.take(limit).map(|guild| {
        json!({
            "id": guild.id,
            "name": guild.name,
            "icon": guild.icon,
            "banner": null,
            "owner": guild.owner == bot,
            "permissions": permissions::in_guild(guild, bot).unwrap_or(0).to_string(),
            "features": [],
        })
    });
    Ok(Answer::ok(written.collect()))
}

/// `GET /guilds/{id}` and what lies below it.
pub(crate) fn get(state: &State, call: &Call, (id, rest): (&str, &[&str])) -> Outcome {
    let guild = find_guild(state, id)?;
    match rest {
        [] => one(guild, call),
        ["channels"] => {
            let channels =
                state.records.channels.values().filter(|it| it.guild == guild.id && it.thread.is_none());
            Ok(Answer::ok(channels.map(render::channel).collect()))
        }
        ["roles"] => Ok(Answer::ok(guild.roles.values().map(render::role).collect())),
        ["roles", role] => {
            let role = role.parse().ok().and_then(|id: Snowflake| guild.roles.get(&id));
            Ok(Answer::ok(render::role(role.ok_or_else(ApiError::unknown_role)?)))
        }
        ["members"] => members(state, call, guild),
        ["members", "search"] => search(state, call, guild),
        ["members", user] => {
            let user: Snowflake = user.parse().map_err(|_| ApiError::unknown_user())?;
            let member = guild.members.get(&user).ok_or_else(ApiError::unknown_member)?;
            Ok(Answer::ok(render::member(&state.records, user, member)))
        }
        ["threads", "active"] => super::threads::active(state, id),
        ["webhooks"] => super::webhooks::of_guild(state, guild),
        _ => Err(ApiError::not_found()),
    }
}

/// `GET /channels/{id}`
pub(crate) fn channel(state: &State, id: &str) -> Outcome {
    let (_, channel) = find_channel(state, id, 0)?;
    Ok(Answer::ok(render::channel(channel)))
}

/// The guild that the bot is in.
pub(crate) fn find_guild<'a>(state: &'a State, id: &str) -> Result<&'a Guild, ApiError> {
    let guild = id.parse().ok().and_then(|id: Snowflake| state.records.guilds.get(&id));
    let is_inside =
        |guild: &&Guild| !guild.is_direct && guild.members.contains_key(&state.records.application.id);
    guild.filter(is_inside).ok_or_else(ApiError::unknown_guild)
}

/// The channel, if the bot sees it and holds these permissions in it.
pub(crate) fn find_channel<'a>(
    state: &'a State,
    id: &str,
    needed: u64,
) -> Result<(&'a Guild, &'a Channel), ApiError> {
    let channel = id.parse().ok().and_then(|id: Snowflake| state.records.channels.get(&id));
    let channel = channel.ok_or_else(ApiError::unknown_channel)?;
    let guild = &state.records.guilds[&channel.guild];
    let governing = threads::governing(&state.records, channel);
    let held = permissions::in_channel(guild, governing, state.records.application.id);
    let needed = match (&channel.thread, needed & permissions::SEND_MESSAGES != 0) {
        (Some(_), true) => needed & !permissions::SEND_MESSAGES | permissions::SEND_MESSAGES_IN_THREADS,
        _ => needed,
    };
    if held & permissions::VIEW_CHANNEL == 0 {
        return Err(ApiError::missing_access());
    }
    if held & needed != needed {
        return Err(ApiError::missing_permissions());
    }
    Ok((guild, channel))
}

fn one(guild: &Guild, call: &Call) -> Outcome {
    let mut it = render::guild(guild);
    if call.query("with_counts") == Some("true") {
        it["approximate_member_count"] = json!(guild.members.len());
        it["approximate_presence_count"] = json!(0);
    }
    Ok(Answer::ok(it))
}

/// `GET /guilds/{id}/members`, for those who may watch members.
fn members(state: &State, call: &Call, guild: &Guild) -> Outcome {
    if state.records.application.privileged_intents & intents::GUILD_MEMBERS == 0 {
        return Err(ApiError::missing_access());
    }
    let limit = call.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(MEMBERS_DEFAULT);
    let after = call.query_id("after").unwrap_or(Snowflake(0));
    let page = guild.members.iter().filter(|(id, _)| **id > after).take(limit);
    let written: Vec<Value> = page.map(|(id, member)| render::member(&state.records, *id, member)).collect();
    Ok(Answer::ok(written.into()))
}

/// `GET /guilds/{id}/members/search`: by the beginning of a name, in upper or lower case.
fn search(state: &State, call: &Call, guild: &Guild) -> Outcome {
    let Some(query) = call.query("query").filter(|query| !query.is_empty()) else {
        return Err(ApiError::form("query", "BASE_TYPE_REQUIRED", "This field is required"));
    };
    let query = query.to_lowercase();
    let limit = call.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(MEMBERS_DEFAULT);
    let matches = |(id, member): &(&Snowflake, &Member)| {
        let user = &state.records.users[id];
        let names = [member.nick.as_ref(), user.global_name.as_ref(), Some(&user.username)];
        names.into_iter().flatten().any(|name| name.to_lowercase().starts_with(&query))
    };
    let found = guild.members.iter().filter(matches).take(limit);
    let written: Vec<Value> = found.map(|(id, member)| render::member(&state.records, *id, member)).collect();
    Ok(Answer::ok(written.into()))
}
