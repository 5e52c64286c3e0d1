//! Messages, and what hangs on them.

use bytes::Bytes;
use serde_json::Value;

use crate::discord::snowflake::Snowflake;

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
    /// Files.
    pub files: Vec<File>,
    /// Stickers.
    pub stickers: Vec<Sticker>,
    /// The message that it passes on.
    pub forward: Option<Forward>,
    /// Reactions, in the order in which each emoji came first.
    pub reactions: Vec<Reaction>,
    /// Discord's number for its sort where it is neither said nor a reply.
    pub kind: Option<u8>,
    /// The thread that it tells of.
    pub thread: Option<Snowflake>,
}

/// Everybody's reactions with one emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Which.
    pub emoji: ReactionEmoji,
    /// Whose.
    pub users: Vec<Snowflake>,
}

/// An emoji as reactions have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionEmoji {
    /// The id of a guild's own emoji.
    pub id: Option<Snowflake>,
    /// The emoji itself, or the name of a guild's own.
    pub name: String,
}

impl ReactionEmoji {
    /// Reads `👍` or `name:id`.
    pub fn read(spelled: &str) -> Self {
        let own = spelled.rsplit_once(':').and_then(|(name, id)| Some((name, id.parse().ok()?)));
        match own {
            Some((name, id)) => Self { id: Some(id), name: name.to_owned() },
            None => Self { id: None, name: spelled.to_owned() },
        }
    }
}

/// A file of a message.
#[derive(Clone, Debug)]
pub struct File {
    /// The id.
    pub id: Snowflake,
    /// The name; `SPOILER_` at its start hides it.
    pub filename: String,
    /// What the sender calls its type.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: FileBytes,
    /// Width and height of a picture.
    pub dimensions: Option<(u32, u32)>,
    /// Length in seconds and loudness of a voice message.
    pub voice: Option<(f64, String)>,
}

/// The bytes of a file, of which large ones are not kept.
#[derive(Clone, Debug)]
pub enum FileBytes {
    /// Here they are.
    Kept(Bytes),
    /// So many, each the same, made when somebody asks.
    Made {
        /// How many.
        size: u64,
        /// Which.
        byte: u8,
    },
    /// There were so many, with this SHA-256.
    Counted {
        /// How many.
        size: u64,
        /// In hexadecimal.
        sha256: String,
    },
}

impl FileBytes {
    /// How many there are.
    pub fn size(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::Made { size, .. } | Self::Counted { size, .. } => *size,
        }
    }
}

/// A sticker of a message.
#[derive(Clone, Debug)]
pub struct Sticker {
    /// The id.
    pub id: Snowflake,
    /// The name.
    pub name: String,
    /// Discord's number: 1 PNG, 2 moving PNG, 3 Lottie, 4 GIF.
    pub format: u8,
}

/// A message that was passed on: what it said then.
#[derive(Clone, Debug)]
pub struct Forward {
    /// Where it was said.
    pub channel: Snowflake,
    /// Which it was.
    pub message: Snowflake,
    /// Its words.
    pub content: String,
}
