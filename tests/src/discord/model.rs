//! The nouns of the simulated Discord, as plain data.
//!
//! No behavior and no JSON: [`super::render`] writes them down, [`super::post`] changes them.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

pub use self::message::{
    Author, File, FileBytes, Forward, Mentions, Message, Reaction, ReactionEmoji, Sticker,
};
use super::snowflake::Snowflake;

mod message;

/// Somebody with an account: a person or a bot.
#[derive(Clone, Debug)]
pub struct User {
    /// The id.
    pub id: Snowflake,
    /// The unique handle.
    pub username: String,
    /// The name people see.
    pub global_name: Option<String>,
    /// Hash of the picture; the CDN serves one for every hash.
    pub avatar: Option<String>,
    /// Whether a program sits behind it.
    pub is_bot: bool,
}

/// A user in a guild.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// The name in this guild.
    pub nick: Option<String>,
    /// The picture in this guild.
    pub avatar: Option<String>,
    /// Roles without `@everyone`.
    pub roles: Vec<Snowflake>,
    /// When they joined.
    pub joined_ms: i64,
}

/// A role; the one with the guild's own id is `@everyone`.
#[derive(Clone, Debug)]
pub struct Role {
    /// The id.
    pub id: Snowflake,
    /// The name.
    pub name: String,
    /// See [`super::permissions`].
    pub permissions: u64,
    /// The place in the list.
    pub position: i32,
    /// Whether everyone may mention it.
    pub mentionable: bool,
    /// The bot that this role belongs to.
    pub bot: Option<Snowflake>,
}

/// A guild ("server" in the app).
#[derive(Clone, Debug)]
pub struct Guild {
    /// The id.
    pub id: Snowflake,
    /// The name.
    pub name: String,
    /// Hash of the picture.
    pub icon: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The user who may do everything.
    pub owner: Snowflake,
    /// Roles, `@everyone` included.
    pub roles: BTreeMap<Snowflake, Role>,
    /// Members by user.
    pub members: BTreeMap<Snowflake, Member>,
    /// Emoji of its own.
    pub emojis: BTreeMap<Snowflake, GuildEmoji>,
    /// How many boosts it has: 0 to 3, which decides how large files may be.
    pub premium_tier: u8,
    /// It is none, but stands for a conversation of two: members and permissions are at the same place then.
    pub is_direct: bool,
    /// Discord has an outage for this guild.
    pub unavailable: bool,
}

/// An emoji that a guild has made.
#[derive(Clone, Debug)]
pub struct GuildEmoji {
    /// The id.
    pub id: Snowflake,
    /// The name, without colons.
    pub name: String,
    /// Whether it moves.
    pub animated: bool,
}

/// What a channel is for. The numbers are Discord's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// People write here.
    Text = 0,
    /// Two people write here.
    Direct = 1,
    /// A folder of channels.
    Category = 4,
    /// A text channel that others can follow.
    Announcement = 5,
    /// A side conversation of a text channel, its parent.
    Thread = 11,
}

/// What only a thread has.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Who began it.
    pub owner: Snowflake,
    /// Nobody writes there any more, until somebody does.
    pub archived: bool,
    /// Only moderators may open it again.
    pub locked: bool,
}

/// An exception to the guild's permissions.
#[derive(Clone, Debug)]
pub struct Overwrite {
    /// Role or user.
    pub id: Snowflake,
    /// Whether `id` is a user.
    pub is_member: bool,
    /// Bits taken away.
    pub deny: u64,
    /// Bits given.
    pub allow: u64,
}

/// A channel of a guild.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The id.
    pub id: Snowflake,
    /// The guild.
    pub guild: Snowflake,
    /// What it is for.
    pub kind: ChannelKind,
    /// The name.
    pub name: String,
    /// What it is about.
    pub topic: Option<String>,
    /// What only a thread has.
    pub thread: Option<Thread>,
    /// The other one in a conversation of two.
    pub recipient: Option<User>,
    /// The category it lies in; the channel, for a thread.
    pub parent: Option<Snowflake>,
    /// The place in the list.
    pub position: i32,
    /// Exceptions to the guild's permissions.
    pub overwrites: Vec<Overwrite>,
    /// The newest message ever, even when it was deleted.
    pub last_message: Option<Snowflake>,
    /// What is in it, oldest first.
    pub messages: BTreeMap<Snowflake, Message>,
}

/// A webhook of a channel.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The id.
    pub id: Snowflake,
    /// The secret in its URL.
    pub token: String,
    /// Where it posts.
    pub channel: Snowflake,
    /// The guild of that channel.
    pub guild: Snowflake,
    /// Its default name.
    pub name: String,
    /// Hash of its default picture.
    pub avatar: Option<String>,
    /// Who made it.
    pub creator: Snowflake,
    /// The application that made it, if one did.
    pub application: Option<Snowflake>,
}

/// The bot's application.
#[derive(Clone, Debug)]
pub struct Application {
    /// The id, which is also the bot user's.
    pub id: Snowflake,
    /// Its name.
    pub name: String,
    /// The bot's token.
    pub token: String,
    /// The person who owns it.
    pub owner: Snowflake,
    /// Privileged intents that are switched on in the developer portal.
    pub privileged_intents: u64,
}

/// Everything the simulated Discord remembers about the world.
#[derive(Debug)]
pub struct Records {
    /// The bot.
    pub application: Application,
    /// Everyone.
    pub users: BTreeMap<Snowflake, User>,
    /// Guilds.
    pub guilds: BTreeMap<Snowflake, Guild>,
    /// Channels of all guilds, with their messages.
    pub channels: BTreeMap<Snowflake, Channel>,
    /// Webhooks of all channels.
    pub webhooks: BTreeMap<Snowflake, Webhook>,
    /// Marks of recent messages, oldest first.
    pub nonces: VecDeque<UsedNonce>,
    /// Base of the CDN, once it is known.
    pub cdn: String,
    /// Grows when addresses of files expire.
    pub addresses_age: u32,
    /// The largest file, where a test says so; otherwise each guild's boosts decide.
    pub file_bytes_max: Option<u64>,
}

/// A mark that may not be used again for some minutes.
#[derive(Clone, Debug)]
pub struct UsedNonce {
    /// Who used it.
    pub author: Snowflake,
    /// The mark.
    pub nonce: Value,
    /// The message it made, as it was then.
    pub message: Message,
    /// When.
    pub at_ms: i64,
}
