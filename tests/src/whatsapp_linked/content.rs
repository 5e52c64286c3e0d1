//! The content of messages, as protobuf's `Message` in JSON form; what is not here can be written down by hand.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Plain words.
pub fn text(words: &str) -> Value {
    json!({"conversation": words})
}

/// Words about an earlier message of `author` (an address), which is shown as `quoted`.
pub fn reply(words: &str, id: &str, author: &str, quoted: &Value) -> Value {
    let context = json!({"stanzaId": id, "participant": author, "quotedMessage": quoted});
    json!({"extendedTextMessage": {"text": words, "contextInfo": context}})
}

/// Words that mention people by their addresses; the words hold `@` and the digits of each.
pub fn mention(words: &str, people: &[&str]) -> Value {
    json!({"extendedTextMessage": {"text": words, "contextInfo": {"mentionedJid": people}}})
}

/// Which message is meant by an edit, a reaction or the like.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The chat's address, as the one who acts sees it.
    pub chat: &'a str,
    /// The message's id.
    pub id: &'a str,
    /// Its author's address in a group, `None` for our own and in direct chats.
    pub author: Option<&'a str>,
    /// Whether the one who acts wrote it.
    pub is_own: bool,
}

impl About<'_> {
    fn key(self) -> Value {
        json!({"remoteJid": self.chat, "fromMe": self.is_own, "id": self.id, "participant": self.author})
    }
}

/// An emoji for a message; an empty one takes it back.
pub fn reaction(about: About<'_>, emoji: &str) -> Value {
    json!({"reactionMessage": {"key": about.key(), "text": emoji, "senderTimestampMs": 1_700_000_000_000_u64}})
}

/// A message's new content. Sent with `edit: "1"`.
pub fn edit(about: About<'_>, content: &Value) -> Value {
    let fields = json!({"key": about.key(), "type": "MESSAGE_EDIT", "editedMessage": content, "timestampMs": 1_700_000_000_000_u64});
    json!({"protocolMessage": fields})
}

/// Deletes a message for everyone. Sent with `edit: "7"`, or `"8"` by an admin for somebody else's.
pub fn revoke(about: About<'_>) -> Value {
    json!({"protocolMessage": {"key": about.key(), "type": "REVOKE"}})
}

/// The disappearing timer of a direct chat, in seconds; 0 ends it.
pub fn timer(seconds: u32) -> Value {
    json!({"protocolMessage": {"type": "EPHEMERAL_SETTING", "ephemeralExpiration": seconds}})
}

/// Words under a disappearing timer of that many seconds.
pub fn vanishing(words: &str, seconds: u32) -> Value {
    json!({"extendedTextMessage": {"text": words, "contextInfo": {"expiration": seconds}}})
}

/// A place.
pub fn location(latitude: f64, longitude: f64, name: &str) -> Value {
    json!({"locationMessage": {"degreesLatitude": latitude, "degreesLongitude": longitude, "name": name}})
}

/// A contact card.
pub fn contact(name: &str, vcard: &str) -> Value {
    json!({"contactMessage": {"displayName": name, "vcard": vcard}})
}

/// A poll under a secret of 32 bytes; at most `choices` options may be chosen, or any number for 0.
pub fn poll(question: &str, options: &[&str], choices: u32, secret: [u8; 32]) -> Value {
    let options: Vec<_> = options.iter().map(|option| json!({"optionName": option})).collect();
    let fields = json!({"name": question, "options": options, "selectableOptionsCount": choices});
    let name = if choices == 1 { "pollCreationMessageV3" } else { "pollCreationMessage" };
    json!({name: fields, "messageContextInfo": {"messageSecret": STANDARD.encode(secret)}})
}

/// A kind of file, by the name of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture.
    Image,
    /// A video, with or without sound.
    Video,
    /// Sound: music or a voice message.
    Audio,
    /// Any file.
    Document,
    /// A sticker.
    Sticker,
}

impl FileKind {
    /// The word that the server knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    /// The part of a message that holds it.
    pub fn part(self) -> &'static str {
        match self {
            Self::Image => "imageMessage",
            Self::Video => "videoMessage",
            Self::Audio => "audioMessage",
            Self::Document => "documentMessage",
            Self::Sticker => "stickerMessage",
        }
    }
}
