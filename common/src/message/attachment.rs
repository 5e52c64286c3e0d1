//! Files of messages: what they are shown as, where their bytes are, and what is known of them.
//!
//! Bytes are streamed elsewhere and never held here. Whatever somebody claims of a file (its type, its size) is only shown or used as
//! a first guess. Next: [`crate::media`], which moves them.

use ruma::OwnedMxcUri;
use serde::{Deserialize, Serialize};

use super::Node;
use crate::ids::RemoteFileId;

/// The media type of a Lottie drawing (<https://www.iana.org/assignments/media-types/video/lottie+json>). A sticker of this type is brought into
/// Matrix as the picture that it draws.
pub const LOTTIE_TYPE: &str = "video/lottie+json";

/// A file that belongs to a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// What the file is shown as.
    pub kind: AttachmentKind,
    /// Where its bytes are.
    pub source: FileSource,
    /// What tells it from the other files of its message on the network, where there is such a thing. It stays when the bytes move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RemoteFileId>,
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
    /// How it looks and sounds.
    #[serde(default)]
    pub info: MediaInfo,
    /// A public address under which anybody can fetch a file of Matrix for a while, where one can be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// How a file looks and sounds. All of it is for showing a place for the file before it is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// Width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Length in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Loudness over time, each point from 0 to 1024; empty when unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waveform: Vec<u16>,
    /// A blurred impression (<https://blurha.sh>).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blurhash: Option<String>,
    /// A small picture of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
}

/// A small picture of a file, in the homeserver's media store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Where it is.
    pub mxc: OwnedMxcUri,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
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
    /// In the homeserver's media store, for [`crate::platform::EventSink::open`].
    Matrix(OwnedMxcUri),
}

impl Attachment {
    /// A file of which no more is known.
    pub fn new(kind: AttachmentKind, source: FileSource, name: impl Into<String>) -> Self {
        Self {
            kind,
            source,
            id: None,
            name: name.into(),
            mime: None,
            size_bytes: None,
            spoiler: false,
            info: MediaInfo::default(),
            link: None,
        }
    }

    /// The file as words: a link where there is one. Hidden if the file was.
    pub fn into_link(self) -> Node {
        let words = format!("📎 {}", self.name);
        let node = match self.link {
            Some(url) => Node::Link { url, children: vec![Node::Text(words)] },
            None => Node::Emphasis(vec![Node::Text(format!("{words} (the file could not be brought here)"))]),
        };
        if self.spoiler { Node::Spoiler { reason: None, children: vec![node] } } else { node }
    }
}
