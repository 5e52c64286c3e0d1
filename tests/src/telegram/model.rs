//! What the simulated Telegram consists of: accounts, chats, messages, files.
//!
//! A message keeps its content as the Bot API writes it ([`Message::body`]): text, entities, a photo. Only what depends on the
//! reader (numbers, file ids) or changes afterwards (polls, the message replied to) is kept apart, and put in by `render`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::files::MediaKind;
pub use crate::discord::FileBytes;

/// A person's or a bot's id.
pub type UserId = i64;

/// A message's number in its chat, as the chat's first bot counts.
pub type MessageId = i64;

/// A JSON object.
pub type Fields = Map<String, Value>;

/// Service messages of Telegram itself, and the sender of automatic forwards.
pub const TELEGRAM: UserId = 777_000;
/// Stands in `from` for anonymous administrators.
pub const GROUP_ANONYMOUS_BOT: UserId = 1_087_968_824;
/// Stands in `from` for channels that write in groups.
pub const CHANNEL_BOT: UserId = 136_817_688;

/// A chat. Every bot has private chats of its own, so these have two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatId {
    /// What the Bot API calls `chat_id`.
    pub number: i64,
    /// The bot, for a private chat; else 0.
    pub bot: UserId,
}

impl ChatId {
    /// A group, supergroup or channel.
    pub fn group(number: i64) -> Self {
        Self { number, bot: 0 }
    }

    /// The private chat between a person and a bot.
    pub fn private(person: UserId, bot: UserId) -> Self {
        Self { number: person, bot }
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)
    }
}

impl Serialize for ChatId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.number)
    }
}

/// A person or a bot.
#[derive(Clone, Debug)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Whether it is a bot.
    pub is_bot: bool,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: Option<String>,
    /// The name after the `@`.
    pub username: Option<String>,
    /// The unique ids of profile photos, newest first.
    pub photos: Vec<String>,
    /// The bots that this person blocks.
    pub blocks: BTreeSet<UserId>,
    /// Whether the account was deleted.
    pub is_deactivated: bool,
}

/// A bot: what belongs to its account.
#[derive(Clone, Debug)]
pub struct Bot {
    /// The account's id.
    pub id: UserId,
    /// The token in addresses; none after it was revoked.
    pub token: Option<String>,
    /// Whether privacy mode is off.
    pub reads_all: bool,
    /// Updates that wait, each with its number and the time it came about in milliseconds.
    pub updates: VecDeque<(i64, i64, Value)>,
    /// The number of the next update.
    pub next_update: i64,
    /// The kinds of updates asked for; none for the default.
    pub allowed: Option<Vec<String>>,
    /// Counts the calls of `getUpdates`, of which only the newest may wait.
    pub polls: u64,
    /// Where updates are sent.
    pub webhook: Option<Webhook>,
    /// The number of the next message in private chats and basic groups.
    pub next_message: MessageId,
    /// What `setMyCommands` said, by scope and language.
    pub commands: BTreeMap<String, Value>,
}

/// Where a bot's updates are sent.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What the secret header says.
    pub secret: Option<String>,
    /// How many requests may be open at once.
    pub connections_max: usize,
    /// When a delivery failed last, in seconds, and why.
    pub last_error: Option<(i64, String)>,
    /// Tells this setting from earlier ones.
    pub generation: u64,
}

/// The four kinds of chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatKind {
    /// Between a person and a bot.
    Private,
    /// A basic group.
    Group,
    /// A group with numbers of its own.
    Supergroup,
    /// A channel.
    Channel,
}

impl ChatKind {
    /// The name in the Bot API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::Supergroup => "supergroup",
            Self::Channel => "channel",
        }
    }

    /// Whether messages are counted for all accounts together.
    pub fn numbers_itself(self) -> bool {
        matches!(self, Self::Supergroup | Self::Channel)
    }
}

/// A chat with all that was said in it.
#[derive(Clone, Debug)]
pub struct Chat {
    /// The id.
    pub id: ChatId,
    /// What it is.
    pub kind: ChatKind,
    /// The title; empty for private chats.
    pub title: String,
    /// The public name after the `@`.
    pub username: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The photo's unique id.
    pub photo: Option<String>,
    /// Whether it has topics.
    pub is_forum: bool,
    /// Whether channel posts bear their author's name.
    pub signs: bool,
    /// The channel's group, or the group's channel.
    pub linked: Option<ChatId>,
    /// The supergroup that this group has become.
    pub migrated_to: Option<ChatId>,
    /// What every member may do, by the names of `ChatPermissions`.
    pub permissions: BTreeMap<String, bool>,
    /// The emoji that may be used as reactions; none for all.
    pub reactions: Option<Vec<String>>,
    /// Everybody who is or was in it.
    pub members: BTreeMap<UserId, Member>,
    /// Those who ask to be let in.
    pub join_requests: BTreeSet<UserId>,
    /// By number.
    pub messages: BTreeMap<MessageId, Message>,
    /// The number of the next message, where the chat counts.
    pub next_message: MessageId,
    /// Pinned messages, newest last.
    pub pinned: Vec<MessageId>,
    /// By the number of the creating message; General is 1.
    pub topics: BTreeMap<MessageId, Topic>,
}

/// What somebody is in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The owner.
    Creator,
    /// An administrator.
    Administrator,
    /// A member.
    Member,
    /// With less rights than the others.
    Restricted,
    /// Gone.
    Left,
    /// Banned.
    Kicked,
}

impl Standing {
    /// The name in the Bot API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Administrator => "administrator",
            Self::Member => "member",
            Self::Restricted => "restricted",
            Self::Left => "left",
            Self::Kicked => "kicked",
        }
    }

    /// Whether somebody of this standing is in the chat.
    pub fn is_in(self) -> bool {
        !matches!(self, Self::Left | Self::Kicked)
    }

    /// Whether it is the owner or an administrator.
    pub fn is_admin(self) -> bool {
        matches!(self, Self::Creator | Self::Administrator)
    }
}

/// Somebody in a chat.
#[derive(Clone, Debug)]
pub struct Member {
    /// What they are.
    pub standing: Standing,
    /// Rights of administrators, or what is left to the restricted.
    pub rights: BTreeMap<String, bool>,
    /// The title of an administrator.
    pub title: Option<String>,
    /// Whether an administrator writes as the group.
    pub is_anonymous: bool,
    /// Until when a restriction or a ban holds, in seconds; 0 for ever.
    pub until: i64,
    /// Whether privacy mode was off when this bot came.
    pub reads_all: bool,
}

impl Member {
    /// Somebody of this standing.
    pub fn new(standing: Standing) -> Self {
        let rights = BTreeMap::new();
        Self { standing, rights, title: None, is_anonymous: false, until: 0, reads_all: false }
    }
}

/// A topic of a forum.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The name.
    pub name: String,
    /// The icon's colour.
    pub color: i64,
    /// The icon, a custom emoji.
    pub icon: Option<String>,
    /// Whether only administrators may write.
    pub is_closed: bool,
    /// Whether it is hidden (only General can be).
    pub is_hidden: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where.
    pub chat: ChatId,
    /// The number for the chat's first bot.
    pub id: MessageId,
    /// The numbers for the bots that are there, where each account counts for itself.
    pub ids: BTreeMap<UserId, MessageId>,
    /// Who really wrote it.
    pub author: UserId,
    /// Who is shown to have, or the account that stands there for a chat; none for channel posts.
    pub from: Option<UserId>,
    /// The chat that wrote it.
    pub sender_chat: Option<ChatId>,
    /// When, in seconds.
    pub date: i64,
    /// When it was edited last.
    pub edit_date: Option<i64>,
    /// The topic.
    pub topic: Option<MessageId>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The message that a service message pins.
    pub pins: Option<MessageId>,
    /// The poll in it.
    pub poll: Option<String>,
    /// Everything else, as the Bot API writes it.
    pub body: Fields,
    /// Reactions by who set them.
    pub reactions: BTreeMap<UserId, Vec<Value>>,
}

impl Message {
    /// The text or the caption.
    pub fn text(&self) -> &str {
        let field = |name: &str| self.body.get(name).and_then(Value::as_str);
        field("text").or_else(|| field("caption")).unwrap_or_default()
    }

    /// The number for a bot.
    pub fn id_for(&self, bot: UserId) -> MessageId {
        self.ids.get(&bot).copied().unwrap_or(self.id)
    }

    /// A field of the content, null when absent.
    pub fn field(&self, name: &str) -> &Value {
        self.body.get(name).unwrap_or(&Value::Null)
    }
}

/// A file that Telegram keeps.
#[derive(Clone, Debug)]
pub struct File {
    /// `file_unique_id`.
    pub unique_id: String,
    /// Where it can be downloaded; empty until somebody asks, and when that has expired.
    pub path: String,
    /// Its content.
    pub bytes: FileBytes,
    /// As the sender calls it.
    pub name: Option<String>,
    /// As the sender says.
    pub mime: Option<String>,
    /// What it was sent as last.
    pub kind: MediaKind,
    /// What was said of it when it was sent: `duration`, `emoji` and so on.
    pub details: Fields,
    /// Whether its id is of no use any more.
    pub is_gone: bool,
}

/// A poll.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The id.
    pub id: String,
    /// The bot that asks, if one does.
    pub bot: Option<UserId>,
    /// `question`, `is_anonymous` and all else that votes do not change, without the options.
    pub fields: Fields,
    /// The options' texts.
    pub options: Vec<String>,
    /// Who chose what.
    pub votes: BTreeMap<UserId, Vec<usize>>,
    /// Whether it is over.
    pub is_closed: bool,
}

/// A sticker set.
#[derive(Clone, Debug)]
pub struct StickerSet {
    /// The name in addresses.
    pub name: String,
    /// The title.
    pub title: String,
    /// `regular`, `mask` or `custom_emoji`.
    pub kind: String,
    /// `Sticker` objects.
    pub stickers: Vec<Value>,
}

/// Everything that is there.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// By id.
    pub users: BTreeMap<UserId, User>,
    /// By id.
    pub bots: BTreeMap<UserId, Bot>,
    /// By id.
    pub chats: BTreeMap<ChatId, Chat>,
    /// By unique id.
    pub files: BTreeMap<String, File>,
    /// By id.
    pub polls: BTreeMap<String, Poll>,
    /// By name.
    pub sets: BTreeMap<String, StickerSet>,
    /// Callback queries that may be answered, by id.
    pub callbacks: BTreeMap<String, UserId>,
}
