//! The three deeds that change messages: create, edit, delete. Whoever does them, they end up here.
//!
//! Each changes the channel, notes the effect and tells the gateway. Permissions are the caller's business.

use serde_json::{Value, json};

use super::{
    effects::EffectKind,
    gateway::{self, dispatch::Event},
    mentions::{AllowedMentions, Facts, mentions},
    model::{Author, File, Forward, Mentions, Message, Sticker, UsedNonce},
    permissions,
    snowflake::Snowflake,
    state::State,
    threads,
};

/// How long a nonce counts. Discord says "a few minutes".
pub const NONCE_WINDOW_MS: i64 = 5 * 60 * 1000;

/// A message in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where it goes.
    pub channel: Snowflake,
    /// Who sends it.
    pub author: Author,
    /// The text.
    pub content: String,
    /// Who it may ping.
    pub allowed: AllowedMentions,
    /// Rich boxes.
    pub embeds: Vec<Value>,
    /// Flag bits.
    pub flags: u64,
    /// The message it answers.
    pub reply_to: Option<Snowflake>,
    /// The sender's mark.
    pub nonce: Option<Value>,
    /// Files.
    pub files: Vec<File>,
    /// Stickers.
    pub stickers: Vec<Sticker>,
    /// The message that it passes on.
    pub forward: Option<Forward>,
    /// Discord's number for its sort where it is neither said nor a reply.
    pub kind: Option<u8>,
    /// The thread that it tells of.
    pub thread: Option<Snowflake>,
}

impl Draft {
    /// A plain text that may ping everybody it mentions.
    pub fn text(channel: Snowflake, author: Author, content: &str) -> Self {
        let (content, allowed) = (content.to_owned(), AllowedMentions::default());
        Self {
            channel,
            author,
            content,
            allowed,
            embeds: Vec::new(),
            flags: 0,
            reply_to: None,
            nonce: None,
            files: Vec::new(),
            stickers: Vec::new(),
            forward: None,
            kind: None,
            thread: None,
        }
    }
}

/// What an edit changes; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The new text.
    pub content: Option<String>,
    /// The new boxes.
    pub embeds: Option<Vec<Value>>,
    /// The new flag bits.
    pub flags: Option<u64>,
    /// Who the new text may ping.
    pub allowed: AllowedMentions,
    /// The files that stay; all when none is named.
    pub kept: Option<Vec<Snowflake>>,
    /// Files that come.
    pub files: Vec<File>,
}

/// Puts a message into its channel.
pub(crate) fn create(state: &mut State, draft: Draft) -> Message {
    threads::open_again(state, draft.channel);
    let id = state.next_id();
    let replied_to = draft.reply_to.and_then(|target| {
        let target = state.records.channels.get(&draft.channel)?.messages.get(&target)?;
        matches!(target.author, Author::User(_)).then(|| target.author.id())
    });
    let pinged = pings(state, &draft, replied_to);
    let message = Message {
        id,
        channel: draft.channel,
        author: draft.author,
        content: draft.content,
        mentions: pinged,
        embeds: draft.embeds,
        flags: draft.flags,
        reply_to: draft.reply_to,
        edited_ms: None,
        nonce: draft.nonce,
        files: draft.files,
        stickers: draft.stickers,
        forward: draft.forward,
        reactions: Vec::new(),
        kind: draft.kind,
        thread: draft.thread,
    };
    let channel = state.records.channels.get_mut(&message.channel).expect("callers check the channel");
    channel.last_message = Some(id);
    channel.messages.insert(id, message.clone());
    if let Some(nonce) = message.nonce.clone() {
        let at_ms = state.clock.now_ms();
        let author = message.author.id();
        state.records.nonces.push_back(UsedNonce { author, nonce, message: message.clone(), at_ms });
    }
    state.effects.record(EffectKind::Created, &message);
    gateway::dispatch::message(state, "MESSAGE_CREATE", &message);
    message
}

/// The message that this author made with this mark within the window.
pub(crate) fn made_with(state: &mut State, author: Snowflake, nonce: &Value) -> Option<Message> {
    let oldest_ms = state.clock.now_ms() - NONCE_WINDOW_MS;
    while state.records.nonces.front().is_some_and(|used| used.at_ms < oldest_ms) {
        state.records.nonces.pop_front();
    }
    let found = state.records.nonces.iter().find(|used| used.author == author && used.nonce == *nonce);
    found.map(|used| used.message.clone())
}

/// Changes a message. None when there is no such message.
pub(crate) fn edit(
    state: &mut State,
    (channel, id): (Snowflake, Snowflake),
    change: Change,
) -> Option<Message> {
    let mut message = state.records.channels.get(&channel)?.messages.get(&id)?.clone();
    message.embeds = change.embeds.unwrap_or(message.embeds);
    message.flags = change.flags.unwrap_or(message.flags);
    if let Some(kept) = &change.kept {
        message.files.retain(|file| kept.contains(&file.id));
    }
    message.files.extend(change.files);
    if let Some(content) = change.content {
        let mut draft = Draft::text(channel, message.author.clone(), &content);
        draft.allowed = change.allowed;
        message.mentions = pings(state, &draft, None);
        message.content = content;
    }
    message.edited_ms = Some(state.clock.now_ms());
    state.records.channels.get_mut(&channel)?.messages.insert(id, message.clone());
    state.effects.record(EffectKind::Edited, &message);
    gateway::dispatch::message(state, "MESSAGE_UPDATE", &message);
    Some(message)
}

/// Discord itself adds boxes below a message: no edit, so no time of one.
pub(crate) fn preview(state: &mut State, (channel, id): (Snowflake, Snowflake), embeds: Vec<Value>) {
    let message = state.records.channels.get_mut(&channel).and_then(|it| it.messages.get_mut(&id));
    if let Some(message) = message {
        message.embeds = embeds;
        let message = message.clone();
        gateway::dispatch::message(state, "MESSAGE_UPDATE", &message);
    }
}

/// Takes a message away. None when there is no such message.
pub(crate) fn delete(state: &mut State, channel: Snowflake, id: Snowflake) -> Option<Message> {
    let message = remove(state, channel, id)?;
    let guild = state.records.channels[&channel].guild;
    let data = json!({"id": id, "channel_id": channel, "guild_id": guild});
    gateway::dispatch::event(state, Event { kind: "MESSAGE_DELETE", guild, channel: Some(channel), data });
    Some(message)
}

/// Takes many messages away with one event. Those that are gone already do not matter.
pub(crate) fn delete_many(state: &mut State, channel: Snowflake, ids: &[Snowflake]) {
    let gone: Vec<Snowflake> =
        ids.iter().copied().filter(|id| remove(state, channel, *id).is_some()).collect();
    if gone.is_empty() {
        return;
    }
    let guild = state.records.channels[&channel].guild;
    let data = json!({"ids": gone, "channel_id": channel, "guild_id": guild});
    gateway::dispatch::event(
        state,
        Event { kind: "MESSAGE_DELETE_BULK", guild, channel: Some(channel), data },
    );
}

fn remove(state: &mut State, channel: Snowflake, id: Snowflake) -> Option<Message> {
    let message = state.records.channels.get_mut(&channel)?.messages.remove(&id)?;
    state.effects.record(EffectKind::Deleted, &message);
    Some(message)
}

fn pings(state: &State, draft: &Draft, replied_to: Option<Snowflake>) -> Mentions {
    let channel = &state.records.channels[&draft.channel];
    let guild = &state.records.guilds[&channel.guild];
    let may_ping_everyone = match &draft.author {
        Author::User(id) => {
            let governing = threads::governing(&state.records, channel);
            permissions::in_channel(guild, governing, *id) & permissions::MENTION_EVERYONE != 0
        }
        Author::Webhook { .. } => true,
    };
    let facts = Facts { content: &draft.content, allowed: &draft.allowed, may_ping_everyone, replied_to };
    mentions(&state.records, guild, &facts)
}
