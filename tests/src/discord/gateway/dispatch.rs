//! Decides which sessions are told of an event, and how much of it.
//!
//! By shard, by intent, by whether the bot sees the channel. Without the message content intent the text and all that
//! carries text is taken out, except from the bot's own messages and those that mention it.

use serde_json::{Value, json};

use super::payloads;
use crate::discord::{
    intents,
    model::{Message, Records},
    permissions,
    snowflake::Snowflake,
    state::State,
    threads,
};

/// Something that happened in a guild.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub kind: &'a str,
    pub guild: Snowflake,
    /// The channel that one must see to be told.
    pub channel: Option<Snowflake>,
    pub data: Value,
}

/// Tells of an event.
pub(crate) fn event(state: &mut State, mut event: Event<'_>) {
    let is_direct = state.records.guilds.get(&event.guild).is_some_and(|guild| guild.is_direct);
    if is_direct && let Some(fields) = event.data.as_object_mut() {
        fields.retain(|name, _| name != "guild_id" && name != "member");
    }
    if !is_visible(&state.records, &event) {
        return;
    }
    let fault = state.sessions.faults.iter().position(|(kind, _)| kind == event.kind);
    let fault = fault.map(|at| state.sessions.faults.remove(at).1);
    let bare = without_content(&state.records, &event.data);
    let needed = match is_direct {
        true => intents::needed_in_direct(event.kind),
        false => intents::needed(event.kind),
    };
    let replay_max = state.sessions.replay_max;
    for session in state.sessions.by_id.values_mut() {
        let (shard, shards) = session.shard;
        // Conversations of two are told to the first connection.
        let of = if is_direct { 0 } else { (event.guild.0 >> 22) % shards };
        if session.intents & needed != needed || of != shard {
            continue;
        }
        let withheld = event.kind.starts_with("MESSAGE_") && session.intents & intents::MESSAGE_CONTENT == 0;
        session.tell(event.kind, if withheld { &bare } else { &event.data }, fault, replay_max);
    }
}

/// Tells of a message that appeared or changed.
pub(crate) fn message(state: &mut State, kind: &str, message: &Message) {
    let guild = state.records.channels[&message.channel].guild;
    let data = payloads::message(&state.records, message);
    event(state, Event { kind, guild, channel: Some(message.channel), data });
}

/// Tells every session of something this simulator knows nothing about.
pub(crate) fn raw(state: &mut State, kind: &str, data: &Value) {
    let replay_max = state.sessions.replay_max;
    for session in state.sessions.by_id.values_mut() {
        session.tell(kind, data, None, replay_max);
    }
}

/// A message without its text and all that carries text, as those see it who may not read.
pub(crate) fn without_content(records: &Records, message: &Value) -> Value {
    let bot = json!(records.application.id);
    let own = message["author"]["id"] == bot || message["application_id"] == bot;
    let mentioned = message["mentions"].as_array().into_iter().flatten().any(|user| user["id"] == bot);
    let mut bare = message.clone();
    if own || mentioned {
        return bare;
    }
    if let Some(fields) = bare.as_object_mut() {
        fields.remove("poll");
        for (name, empty) in [("content", json!("")), ("embeds", json!([])), ("attachments", json!([]))] {
            fields.entry(name).and_modify(|value| *value = empty);
        }
        fields.entry("components").and_modify(|value| *value = json!([]));
        if let Some(inner) = fields.get("referenced_message").filter(|inner| inner.is_object()) {
            let inner = without_content(records, inner);
            fields.insert("referenced_message".to_owned(), inner);
        }
    }
    bare
}

fn is_visible(records: &Records, event: &Event<'_>) -> bool {
    let Some(guild) = records.guilds.get(&event.guild) else { return true };
    let Some(channel) = event.channel.and_then(|id| records.channels.get(&id)) else { return true };
    let channel = threads::governing(records, channel);
    permissions::in_channel(guild, channel, records.application.id) & permissions::VIEW_CHANNEL != 0
}
