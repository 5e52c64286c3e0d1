//! The content of `m.room.message` and `m.sticker` events, read and written.
//!
//! Relations stay event ids here: which message of the network they mean is in the store, and the portal asks there. Must never let a
//! content grow beyond what an event can hold, nor shorten one silently. Next: `content/read.rs`, `content/write.rs`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    read::{
        Read, ReadError, Relations, Said, content_references, content_relations, read_content, read_pings,
    },
    shorten::Shortened,
    write::{Answers, Edited, Layout, Part, WriteError, write_content, write_edit},
};
use crate::ids::{RemoteChatId, RemoteMessageId};

mod read;
mod shorten;
#[cfg(test)]
mod tests;
mod write;

/// The largest content that we send: an event has at most 65,536 bytes, and the homeserver adds its own (specification, "Size limits").
pub const CONTENT_BYTES_MAX: usize = 60_000;

/// The same in an encrypted room, where base64 makes three bytes into four.
pub const CONTENT_BYTES_ENCRYPTED_MAX: usize = 44_000;

/// Where a content says which remote message it came from.
pub const ORIGIN_KEY: &str = "app.magpie.remote";

const HTML_FORMAT: &str = "org.matrix.custom.html";
const VOICE_KEY: &str = "org.matrix.msc3245.voice";
const AUDIO_KEY: &str = "org.matrix.msc1767.audio";
const BLURHASH_KEY: &str = "xyz.amorgan.blurhash";
const SPOILER_KEY: &str = "page.codeberg.everypizza.msc4193.spoiler";
const NAME_BYTES_MAX: usize = 255;

/// The remote message that an event stands for, kept inside the event so that a lost answer can be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The chat.
    pub chat: RemoteChatId,
    /// The message.
    pub id: RemoteMessageId,
    /// Which of the events that the message became, from 0.
    pub part: u32,
    /// What the event shows of the message, for edits to find it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<Piece>,
}

/// What one event shows of a remote message. It stays the same while the message changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Its words.
    Words,
    /// A file, by its id on the network or its number, with the words as its caption if they stand nowhere else.
    File(String),
    /// What the network adds below.
    Preview,
}

impl Origin {
    /// What a content says of its origin. Anybody can write that, so the caller also looks at who sent it.
    pub fn read(content: &Value) -> Option<Self> {
        Self::deserialize(content.get(ORIGIN_KEY)?).ok()
    }
}
