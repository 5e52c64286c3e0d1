//! Threads: begun from a message or on their own, by people and by the bot.

use serde_json::json;

use super::{
    DiscordSim, Snowflake,
    gateway::dispatch::{self, Event},
    model::{Author, Channel, ChannelKind, Records, Thread},
    post::{self, Draft},
    render,
    state::State,
};

/// A message that bears a thread.
const HAS_THREAD: u64 = 1 << 5;

/// Discord's number for "somebody began a thread".
const BEGUN: u8 = 18;

/// Discord's number for the first message of a thread, which stands for the one that it was begun from.
const STARTER: u8 = 21;

/// A thread in the making.
pub(crate) struct Begin<'a> {
    pub parent: Snowflake,
    /// The message that it is begun from.
    pub message: Option<Snowflake>,
    pub by: Snowflake,
    pub name: &'a str,
}

/// Begins a thread; its id is that of the message that it is begun from. None when that bears one already, or is not there.
pub(crate) fn begin(state: &mut State, Begin { parent, message, by, name }: Begin<'_>) -> Option<Snowflake> {
    let id = match message {
        Some(message) if state.records.channels.contains_key(&message) => return None,
        Some(message) => message,
        None => state.next_id(),
    };
    let channel = state.records.channels.get(&parent)?;
    let (guild, position) = (channel.guild, channel.position);
    let thread = Channel {
        id,
        guild,
        kind: ChannelKind::Thread,
        name: name.to_owned(),
        topic: None,
        recipient: None,
        thread: Some(Thread { owner: by, archived: false, locked: false }),
        parent: Some(parent),
        position,
        overwrites: Vec::new(),
        last_message: None,
        messages: std::collections::BTreeMap::new(),
    };
    state.records.channels.insert(id, thread);
    if let Some(message) = message {
        let found = state.records.channels.get_mut(&parent)?.messages.get_mut(&message)?;
        found.flags |= HAS_THREAD;
        let found = found.clone();
        dispatch::message(state, "MESSAGE_UPDATE", &found);
    }
    let mut data = render::channel(&state.records.channels[&id]);
    data["newly_created"] = json!(true);
    dispatch::event(state, Event { kind: "THREAD_CREATE", guild, channel: Some(parent), data });
    let told = match message {
        Some(_) => Draft { kind: Some(STARTER), ..Draft::text(id, Author::User(by), "") },
        None => Draft { kind: Some(BEGUN), thread: Some(id), ..Draft::text(parent, Author::User(by), name) },
    };
    post::create(state, told);
    Some(id)
}

/// The channel whose permissions and webhooks count for this one: the parent of a thread.
pub(crate) fn governing<'a>(records: &'a Records, channel: &'a Channel) -> &'a Channel {
    let parent = channel.thread.as_ref().and(channel.parent).and_then(|parent| records.channels.get(&parent));
    parent.unwrap_or(channel)
}

/// Whoever writes in an archived thread opens it again.
pub(crate) fn open_again(state: &mut State, channel: Snowflake) {
    let Some(found) = state.records.channels.get_mut(&channel) else { return };
    let guild = found.guild;
    let Some(thread) = found.thread.as_mut().filter(|thread| thread.archived) else { return };
    thread.archived = false;
    let data = render::channel(&state.records.channels[&channel]);
    dispatch::event(state, Event { kind: "THREAD_UPDATE", guild, channel: Some(channel), data });
}

impl DiscordSim {
    /// Somebody begins a thread from a message. None when it bears one already.
    pub fn person_begins_thread(
        &self,
        (parent, message): (Snowflake, Snowflake),
        by: Snowflake,
        name: &str,
    ) -> Option<Snowflake> {
        self.inner.change(|state| begin(state, Begin { parent, message: Some(message), by, name }))
    }

    /// Somebody begins a thread without a message.
    pub fn person_begins_bare_thread(
        &self,
        parent: Snowflake,
        by: Snowflake,
        name: &str,
    ) -> Option<Snowflake> {
        self.inner.change(|state| begin(state, Begin { parent, message: None, by, name }))
    }

    /// A moderator closes a thread, for good or until somebody writes there.
    pub fn moderator_archives(&self, thread: Snowflake, locked: bool) {
        self.inner.change(|state| {
            let Some(found) = state.records.channels.get_mut(&thread) else { return };
            let guild = found.guild;
            if let Some(thread) = &mut found.thread {
                (thread.archived, thread.locked) = (true, locked);
            }
            let data = render::channel(found);
            dispatch::event(state, Event { kind: "THREAD_UPDATE", guild, channel: Some(thread), data });
        });
    }
}
