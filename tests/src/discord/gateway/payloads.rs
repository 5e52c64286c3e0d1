//! Payloads that only the gateway sends.
//!
//! Complete on purpose: a client drops a whole event when one field is missing that Discord always sends.

use serde_json::{Value, json};

use crate::discord::{
    intents,
    model::{Author, Guild, Message, Records},
    render,
    snowflake::{Snowflake, timestamp},
};

/// READY, the first event of a session.
pub(crate) fn ready(records: &Records, session: &str, shard: (u64, u64), resume_url: &str) -> Value {
    let guilds = of_shard(records, shard).map(|guild| json!({"id": guild.id, "unavailable": true}));
    json!({
        "v": 10,
        "user": render::current_user(records),
        "guilds": guilds.collect::<Vec<_>>(),
        "session_id": session,
        "session_type": "normal",
        "resume_gateway_url": resume_url,
        "shard": [shard.0, shard.1],
        "application": {"id": records.application.id, "flags": render::application_flags(records)},
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "guild_join_requests": [],
        "geo_ordered_rtc_regions": [],
        "user_settings": {},
        "auth": {},
        "_trace": ["simulator"],
    })
}

/// The guilds that a shard serves.
pub(crate) fn of_shard(records: &Records, (shard, shards): (u64, u64)) -> impl Iterator<Item = &Guild> {
    let guilds = records.guilds.values().filter(|guild| !guild.is_direct);
    guilds.filter(move |guild| (guild.id.0 >> 22) % shards == shard)
}

/// GUILD_CREATE.
pub(crate) fn guild(records: &Records, guild: &Guild, intents: u64) -> Value {
    if guild.unavailable {
        return json!({"id": guild.id, "unavailable": true});
    }
    // Discord lists everyone only for those who also watch presences.
    let lists_everyone = intents & intents::GUILD_PRESENCES != 0 && intents & intents::GUILD_MEMBERS != 0;
    let bot = records.application.id;
    let members = guild.members.iter().filter(|(id, _)| lists_everyone || **id == bot);
    let of_guild = || records.channels.values().filter(|channel| channel.guild == guild.id);
    let channels = of_guild().filter(|channel| channel.thread.is_none());
    let threads = of_guild().filter(|it| it.thread.as_ref().is_some_and(|thread| !thread.archived));
    let mut it = render::guild(guild);
    let more = json!({
        "joined_at": timestamp(guild.members.get(&bot).map_or(0, |member| member.joined_ms)),
        "large": false,
        "lazy": true,
        "unavailable": false,
        "geo_restricted": false,
        "member_count": guild.members.len(),
        "members": members.map(|(id, member)| render::member(records, *id, member)).collect::<Vec<_>>(),
        "channels": channels.map(render::channel).collect::<Vec<_>>(),
        "threads": threads.map(render::channel).collect::<Vec<_>>(),
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "embedded_activities": [],
        "application_command_counts": {},
        "icon_hash": null,
        "hub_type": null,
        "latest_onboarding_question_id": null,
        "premium_progress_bar_enabled": false,
        "version": timestamp(0),
    });
    render::merge(&mut it, more);
    it
}

/// MESSAGE_CREATE and MESSAGE_UPDATE.
pub(crate) fn message(records: &Records, message: &Message) -> Value {
    let mut it = render::message(records, message);
    let channel = &records.channels[&message.channel];
    let guild = &records.guilds[&channel.guild];
    it["guild_id"] = json!(guild.id);
    it["channel_type"] = json!(channel.kind as u8);
    if let Some(nonce) = &message.nonce {
        it["nonce"] = nonce.clone();
    }
    if let Author::User(id) = &message.author
        && let Some(member) = guild.members.get(id)
    {
        it["member"] = render::partial_member(member);
    }
    for mentioned in it["mentions"].as_array_mut().into_iter().flatten() {
        let id = mentioned["id"].as_str().and_then(|id| id.parse::<Snowflake>().ok());
        if let Some(member) = id.and_then(|id| guild.members.get(&id)) {
            mentioned["member"] = render::partial_member(member);
        }
    }
    it
}

/// TYPING_START.
pub(crate) fn typing(records: &Records, channel: Snowflake, user: Snowflake, now_ms: i64) -> Value {
    let guild = &records.guilds[&records.channels[&channel].guild];
    let mut it =
        json!({"channel_id": channel, "guild_id": guild.id, "user_id": user, "timestamp": now_ms / 1000});
    if let Some(member) = guild.members.get(&user) {
        it["member"] = render::member(records, user, member);
    }
    it
}

/// GUILD_MEMBERS_CHUNK, the answer to a request for members.
pub(crate) fn members_chunk(records: &Records, guild: &Guild, request: &Value) -> Value {
    let query = request["query"].as_str().unwrap_or_default().to_lowercase();
    let wanted: Vec<Snowflake> = match &request["user_ids"] {
        Value::Array(_) => serde_json::from_value(request["user_ids"].clone()).unwrap_or_default(),
        Value::Null => Vec::new(),
        one => serde_json::from_value(one.clone()).into_iter().collect(),
    };
    let by_id = !request["user_ids"].is_null();
    let fits = |id: &Snowflake| match by_id {
        true => wanted.contains(id),
        false => records.users[id].username.starts_with(&query),
    };
    let members = guild.members.iter().filter(|(id, _)| fits(id));
    let mut it = json!({
        "guild_id": guild.id,
        "members": members.map(|(id, member)| render::member(records, *id, member)).collect::<Vec<_>>(),
        "chunk_index": 0,
        "chunk_count": 1,
        "not_found": wanted.iter().filter(|id| !guild.members.contains_key(id)).collect::<Vec<_>>(),
    });
    if !request["nonce"].is_null() {
        it["nonce"] = request["nonce"].clone();
    }
    it
}
