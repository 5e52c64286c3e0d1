//! The words of a conversation, the same for every network.
//!
//! [`Message`] is what a person said: a rich-text tree and attachments. [`Outgoing`] is all that can cross from Matrix to a
//! network, [`RemoteEvent`] all that can come back; both are closed and are matched without a wildcard, so that a new variant asks
//! every bridge a question. [`Limits`] says what a chat can carry. Both enums live in the journal across upgrades, so they
//! serialize with a version tag ([`WIRE_VERSION`]).
//!
//! This room knows no HTML, no platform's markup and no database. Next: [`crate::convert`] and [`crate::platform`].

use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

pub use self::{
    info::{ChatInfo, ChatKind, UserInfo, VISIBLE_NAME_CHARS_MAX, clean_name},
    limits::{Action, Limits, Support},
    outgoing::{Author, Outgoing, OutgoingMessage},
    remote_event::{ChatChange, MemberChange, RemoteEvent, RemoteMessage, Sender, SessionState},
    text::{Mention, MentionTarget, Node, RichText, TEXT_DEPTH_MAX, TEXT_NODES_MAX},
    wire::{WIRE_VERSION, Wire, WireError},
};
use crate::ids::{RemoteFileId, RemoteMessageId, RemoteUserId};

mod info;
mod limits;
mod outgoing;
mod remote_event;
mod text;
mod wire;

/// What a person said, without who said it and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// How the words are meant.
    #[serde(default)]
    pub tone: Tone,
    /// The words; the caption when there are attachments.
    #[serde(default)]
    pub text: RichText,
    /// Files, in the order in which they were attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message that this one answers, on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<RemoteMessageId>,
    /// The root of the thread that this message belongs to, on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<RemoteMessageId>,
}

impl Message {
    /// A message of words alone.
    pub fn text(text: RichText) -> Self {
        Self { text, ..Self::default() }
    }
}

/// How words are meant: the difference between `m.text`, `m.notice` and `m.emote`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Somebody says something.
    #[default]
    Said,
    /// A machine says something; other machines must not answer.
    Notice,
    /// Somebody does something (`/me waves`).
    Emote,
}

/// A file that belongs to a message. Its bytes are streamed later and never held here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// What the file is shown as.
    pub kind: AttachmentKind,
    /// Where its bytes are.
    pub source: FileSource,
    /// The file's name as a person gave it: shown, never used as a path.
    pub name: String,
    /// Media type as claimed by the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Size as claimed by the sender, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Hidden until somebody looks.
    #[serde(default)]
    pub spoiler: bool,
}

/// What a file is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A moving picture.
    Video,
    /// Sound.
    Audio,
    /// Sound that was spoken into the chat.
    Voice,
    /// A sticker.
    Sticker,
    /// Anything else.
    File,
}

/// Where a file's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSource {
    /// On the network, for [`crate::platform::Session::download`].
    Remote(RemoteFileId),
    /// In the homeserver's media store.
    Matrix(ruma::OwnedMxcUri),
}

/// A person as one side knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// Somebody on the network; their ghost stands for them in Matrix.
    Remote(RemoteUserId),
    /// Somebody in Matrix.
    Matrix(OwnedUserId),
}
