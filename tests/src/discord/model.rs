//! The nouns of the simulated Discord, as plain data.
//!
//! No behavior and no JSON: [`super::render`] writes them down, [`super::post`] changes them.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::snowflake::Snowflake;

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
    /// Discord has an outage for this guild.
    pub unavailable: bool,
}

/// What a channel is for. The numbers are Discord's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// People write here.
    Text = 0,
    /// A folder of channels.
    Category = 4,
    /// A text channel that others can follow.
    Announcement = 5,
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
    /// The category it lies in.
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

/// Who a message is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A person or a bot.
    User(Snowflake),
    /// A webhook, under the name and picture of that one message.
    Webhook {
        /// The webhook.
        id: Snowflake,
        /// The shown name.
        name: String,
        /// Hash of the shown picture.
        avatar: Option<String>,
        /// The picture's URL as it was given; Discord would fetch it, the simulator only keeps it.
        avatar_url: Option<String>,
        /// The application that owns the webhook.
        application: Option<Snowflake>,
    },
}

impl Author {
    /// The id that stands in the message's author: a user's or a webhook's.
    pub fn id(&self) -> Snowflake {
        match self {
            Self::User(id) | Self::Webhook { id, .. } => *id,
        }
    }
}

/// Who a message pings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Users, the author of the replied message included where it is pinged.
    pub users: Vec<Snowflake>,
    /// Roles.
    pub roles: Vec<Snowflake>,
    /// `@everyone` or `@here`.
    pub everyone: bool,
}

/// A message as it stands in its channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// The id.
    pub id: Snowflake,
    /// The channel.
    pub channel: Snowflake,
    /// Who it is from.
    pub author: Author,
    /// The text.
    pub content: String,
    /// Who it pings.
    pub mentions: Mentions,
    /// Rich boxes below the text, in Discord's JSON.
    pub embeds: Vec<Value>,
    /// Discord's flag bits.
    pub flags: u64,
    /// The message it answers, even when that is deleted.
    pub reply_to: Option<Snowflake>,
    /// When it was last edited.
    pub edited_ms: Option<i64>,
    /// The sender's own mark; Discord never shows it in history.
    pub nonce: Option<Value>,
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
