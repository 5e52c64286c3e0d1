//! From what webhooks tell to what it means. Pure: one message at a time, with what is known of who sent it.
//!
//! Works on plain JSON and leniently: a field that is missing or new must not lose the words beside it. What cannot be mapped stays with its
//! raw form. Reference: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages>. Next: `words`
//! for what people say, `media` for files; `session/intake` pushes what comes out of here.

use magpie_common::{
    clock::TimestampMs,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Emoji, Message, Node, RemoteMessage, Sender},
};
use serde_json::Value;

use super::json::{at_ms, text};

mod media;
mod words;

#[cfg(test)]
mod tests;

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// What the ids of buttons and rows begin with that stand for the answers of a poll in Matrix.
const ANSWER: &str = "magpie-";

/// Who sent a message, and where.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The chat.
    pub chat: RemoteChatId,
    /// The sender.
    pub sender: Sender,
}

/// What a message means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// Somebody said something.
    Said(RemoteMessage),
    /// Somebody reacts to a message, or takes the reaction back.
    Reacted {
        /// The message.
        target: RemoteMessageId,
        /// With what; none when it is taken back.
        emoji: Option<Emoji>,
    },
    /// Somebody chose an answer of a poll of ours.
    Chose {
        /// The poll.
        target: RemoteMessageId,
        /// The place of the answer.
        answer: u32,
    },
    /// Somebody changed a message of theirs.
    Edited {
        /// The message, as it is now.
        new: RemoteMessage,
    },
    /// Somebody took a message of theirs back.
    Revoked {
        /// The message.
        target: RemoteMessageId,
    },
    /// Somebody is known by other ids from now on.
    Moved {
        /// The phone number, where it is told.
        phone: Option<String>,
        /// The business-scoped user id, where it is told.
        user_id: Option<String>,
        /// What WhatsApp says of it.
        notice: RemoteMessage,
    },
    /// Nobody can read this (yet).
    Unknown {
        /// What WhatsApp calls it.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// Reads a message.
pub(super) fn read(data: &Value, origin: &Origin) -> Read {
    let kind = text(&data["type"]);
    // A group's message would end up in the chat with its author.
    if data["group_id"].is_string() {
        return unknown("group message", data);
    }
    let read = match kind {
        "reaction" => reacted(data),
        "edit" => edited(data, origin),
        "revoke" => revoked(data),
        "system" => moved(data, origin),
        _ => chose(data).or_else(|| said(data, origin).map(Read::Said)),
    };
    read.unwrap_or_else(|| unknown(if kind.is_empty() { "message" } else { kind }, data))
}

/// Whatever could not be read, with its raw form.
pub(super) fn unknown(name: &str, data: &Value) -> Read {
    let mut raw = data.to_string();
    raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
    Read::Unknown { name: name.to_owned(), raw }
}

/// The id of the button or row that stands for an answer.
pub(super) fn answer_id(place: usize) -> String {
    format!("{ANSWER}{place}")
}

fn reacted(data: &Value) -> Option<Read> {
    let reaction = &data["reaction"];
    let emoji = Some(text(&reaction["emoji"])).filter(|emoji| !emoji.is_empty()).map(Emoji::unicode);
    Some(Read::Reacted { target: id(&reaction["message_id"])?, emoji })
}

fn chose(data: &Value) -> Option<Read> {
    let interactive = &data["interactive"];
    let chosen =
        ["button_reply", "list_reply"].into_iter().find_map(|kind| interactive[kind]["id"].as_str())?;
    let answer = chosen.strip_prefix(ANSWER)?.parse().ok()?;
    Some(Read::Chose { target: id(&data["context"]["id"])?, answer })
}

/// The new words stand in a message of their own inside of the edit; older examples have them beside it.
fn edited(data: &Value, origin: &Origin) -> Option<Read> {
    let edit = &data["edit"];
    let target = id(&edit["original_message_id"])?;
    let inner = if edit["message"].is_object() { &edit["message"] } else { edit };
    let message = words::message(inner)?;
    Some(Read::Edited { new: remote(data, origin, (target, message))? })
}

fn revoked(data: &Value) -> Option<Read> {
    Some(Read::Revoked { target: id(&data["revoke"]["original_message_id"])? })
}

/// A number was changed, and with it the user id.
fn moved(data: &Value, origin: &Origin) -> Option<Read> {
    let system = &data["system"];
    let message = words::notice(text(&system["body"]))?;
    let notice = remote(data, origin, (id(&data["id"])?, message))?;
    let told = |value: &Value| value.as_str().map(str::to_owned);
    match text(&system["type"]) {
        "user_changed_number" | "customer_changed_number" | "user_changed_user_id" => {
            let phone = told(&system["wa_id"]).or_else(|| told(&system["new_wa_id"]));
            Some(Read::Moved { phone, user_id: told(&system["user_id"]), notice })
        }
        _ => Some(Read::Said(notice)),
    }
}

fn said(data: &Value, origin: &Origin) -> Option<RemoteMessage> {
    let mut message = words::message(data)?;
    let context = &data["context"];
    message.reply_to = id(&context["id"]);
    words::surround(&mut message, data);
    remote(data, origin, (id(&data["id"])?, message))
}

fn remote(data: &Value, origin: &Origin, (id, message): (RemoteMessageId, Message)) -> Option<RemoteMessage> {
    let sent_ms = sent_ms(data)?;
    Some(RemoteMessage { chat: origin.chat.clone(), id, sender: origin.sender.clone(), sent_ms, message })
}

/// When something was sent.
pub(super) fn sent_ms(data: &Value) -> Option<TimestampMs> {
    at_ms(&data["timestamp"])
}

/// The id of a message; longer ones are none.
pub(super) fn id(value: &Value) -> Option<RemoteMessageId> {
    const ID_BYTES_MAX: usize = 512;
    value.as_str().filter(|id| (1..=ID_BYTES_MAX).contains(&id.len())).map(RemoteMessageId::new)
}

/// Words of WhatsApp's, not of the sender's.
fn line(words: &str) -> Node {
    Node::Emphasis(vec![Node::Text(words.to_owned())])
}
