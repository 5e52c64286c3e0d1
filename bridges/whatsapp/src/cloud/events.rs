//! From what webhooks tell to what it means. Pure: one message at a time, with what is known of who sent it.
//!
//! Works on plain JSON and leniently: a field that is missing or new must not lose the words beside it. What cannot be mapped stays with its
//! raw form. Reference: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages>. Next: `words`
//! for what people say, `media` for files; `session/intake` pushes what comes out of here.

use magpie_common::{
    clock::TimestampMs,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Emoji, Message, Node, RemoteMessage, Sender},
};
use serde_json::Value;

use super::json::{at_ms, text};
use crate::ids;

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
        /// The same in words, for a poll that nobody knows.
        said: Option<Box<RemoteMessage>>,
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
    /// Nobody can read this (yet).
    Unknown {
        /// What WhatsApp calls it.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// Somebody is known by other ids from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The user id until now, where it is told.
    pub previous: Option<RemoteUserId>,
    /// The user id from now on, where it is told.
    pub user_id: Option<RemoteUserId>,
    /// The phone number from now on, where it is told.
    pub phone: Option<RemoteUserId>,
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
        "system" => notice(data, origin, text(&data["system"]["body"])).map(Read::Said),
        _ => chose(data, origin).or_else(|| said(data, origin).map(Read::Said)),
    };
    read.unwrap_or_else(|| unknown(if kind.is_empty() { "message" } else { kind }, data))
}

/// Whatever could not be read, with its raw form.
pub(super) fn unknown(name: &str, data: &Value) -> Read {
    let mut raw = data.to_string();
    raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
    Read::Unknown { name: name.to_owned(), raw }
}

/// What is shown of a message that its author took back before it was shown.
pub(super) fn taken_back(message: &mut RemoteMessage) {
    if let Some(notice) = words::notice("This message was taken back.") {
        message.message = notice;
    }
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

fn chose(data: &Value, origin: &Origin) -> Option<Read> {
    let interactive = &data["interactive"];
    let chosen =
        ["button_reply", "list_reply"].into_iter().find_map(|kind| interactive[kind]["id"].as_str())?;
    let answer = chosen.strip_prefix(ANSWER)?.parse().ok()?;
    let said = said(data, origin).map(Box::new);
    Some(Read::Chose { target: id(&data["context"]["id"])?, answer, said })
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

/// A number was changed, or the user id
/// (<https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system>): it stands inside, because
/// who sends such a message may not be named at all.
pub(super) fn moved(data: &Value) -> Option<Moved> {
    let system = &data["system"];
    let is_move = matches!(
        text(&system["type"]),
        "user_changed_number" | "customer_changed_number" | "user_changed_user_id"
    );
    let phone = system["wa_id"].as_str().or_else(|| system["new_wa_id"].as_str());
    (text(&data["type"]) == "system" && is_move).then(|| Moved {
        previous: ids::business_scoped(text(&system["previous_user_id"])),
        user_id: ids::business_scoped(text(&system["user_id"])),
        phone: phone.and_then(ids::phone),
    })
}

/// What WhatsApp says of a move.
pub(super) fn notice_of_move(data: &Value, origin: &Origin) -> Option<RemoteMessage> {
    let body = text(&data["system"]["body"]);
    notice(data, origin, if body.is_empty() { "Has another number or user id now." } else { body })
}

fn notice(data: &Value, origin: &Origin, words: &str) -> Option<RemoteMessage> {
    remote(data, origin, (id(&data["id"])?, words::notice(words)?))
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
