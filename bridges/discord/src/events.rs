//! From Discord's events to [`RemoteEvent`]s.
//!
//! Works on plain JSON, the same for the gateway and for fetched history, and leniently: a field that is missing or new must
//! not lose the words beside it. What is ours comes back as nothing; what cannot be mapped becomes [`RemoteEvent::Unknown`] with
//! its raw form. Pure. Next: `message`, which reads a message.

use magpie_common::{
    clock::TimestampMs,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{ChatChange, Emoji, RemoteEvent, RemoteMessage, Stands},
    platform::Cursor,
};
use serde_json::Value;

use crate::{
    emoji,
    format::is_id,
    json::{text, texts},
    place::Spot,
    session::world::Known,
};

pub(crate) use self::{
    attachment::addresses as attachment_addresses,
    author::{avatar, is_ours, shown_name},
    message::{MessageNames, timestamp_ms},
};

mod attachment;
mod author;
mod embed;
mod message;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The first millisecond that Discord's ids count from.
const EPOCH_MS: i64 = 1_420_070_400_000;

/// How long Discord shows that somebody types.
const TYPING_MS: u32 = 10_000;

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// An event for the sink, and how far the channel has come with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mapped {
    pub event: RemoteEvent,
    pub cursor: Option<Cursor>,
}

/// When the thing with this id was made.
pub(crate) fn snowflake_ms(id: &str) -> Option<TimestampMs> {
    let id: u64 = id.parse().ok()?;
    Some(i64::try_from(id >> 22).ok()? + EPOCH_MS)
}

/// The smallest id that something made at this time can have.
pub(crate) fn first_snowflake(at_ms: TimestampMs) -> u64 {
    u64::try_from(at_ms - EPOCH_MS).unwrap_or(0) << 22
}

/// The channel that an event of a chat belongs to.
pub(crate) fn channel_of(kind: &str, data: &Value) -> Option<String> {
    let of_chat = kind.starts_with("MESSAGE_") || kind == "TYPING_START";
    of_chat.then(|| text(&data["channel_id"])).filter(|id| is_id(id))
}

/// Maps an event of a chat: messages, reactions, typing. Nothing when it is ours, or nothing that a room shows.
pub(crate) fn map(kind: &str, data: &Value, known: &Known) -> Vec<Mapped> {
    let spot = known.spot(&text(&data["channel_id"]));
    let raw = || Some(unknown(kind, data));
    let event = match kind {
        "MESSAGE_CREATE" => return created(data, known).into_iter().collect(),
        "MESSAGE_UPDATE" => {
            let changed = message::changed(data, known).into_iter();
            return changed.map(|event| Mapped { event, cursor: None }).collect();
        }
        "MESSAGE_DELETE" => redact(&spot, &[text(&data["id"])]).or_else(raw),
        "MESSAGE_DELETE_BULK" => redact(&spot, &texts(&data["ids"])).or_else(raw),
        "TYPING_START" => typing(&spot, data, known),
        _ if !kind.starts_with("MESSAGE_REACTION_") || text(&data["user_id"]) == known.me => None,
        _ => reaction(kind, &spot, data).or_else(raw),
    };
    event.map(|event| Mapped { event, cursor: None }).into_iter().collect()
}

/// A message that was said before; `None` when it is ours, or cannot be read.
pub(crate) fn said(data: &Value, known: &Known) -> Option<RemoteMessage> {
    match message::create(data, known)? {
        RemoteEvent::Message(message) => Some(message),
        _ => None,
    }
}

/// A message that stands, with who reacts to it.
pub(crate) fn stands(data: &Value, reactions: Option<Vec<(RemoteUserId, Emoji)>>, known: &Known) -> Stands {
    let spot = known.spot(&text(&data["channel_id"]));
    Stands { id: message::id(data, &spot), reactions }
}

/// Messages are missing behind this one.
pub(crate) fn gap(spot: &Spot, after: &str, fetched_max: Option<usize>) -> RemoteEvent {
    RemoteEvent::Gap { chat: spot.chat(), after: spot.message(after), fetched_max }
}

/// A chat that is there, as it looks.
pub(crate) fn chat_changed(
    chat: &RemoteChatId,
    known: &Known,
    made: fn(Box<magpie_common::message::ChatInfo>) -> ChatChange,
) -> Option<RemoteEvent> {
    let info = known.chat_info(chat.as_str())?;
    Some(RemoteEvent::ChatChanged { chat: chat.clone(), change: made(Box::new(info)) })
}

/// A chat that is gone.
pub(crate) fn chat_gone(chat: RemoteChatId) -> RemoteEvent {
    RemoteEvent::ChatChanged { chat, change: ChatChange::Gone }
}

/// Whatever could not be read, with its raw form.
pub(crate) fn unknown(kind: &str, data: &Value) -> RemoteEvent {
    let mut raw = data.to_string();
    let end = (0..=RAW_BYTES_MAX.min(raw.len())).rev().find(|at| raw.is_char_boundary(*at)).unwrap_or(0);
    raw.truncate(end);
    let chat = Some(text(&data["channel_id"])).filter(|id| is_id(id)).map(RemoteChatId::new);
    RemoteEvent::Unknown { chat, name: kind.to_owned(), raw }
}

fn created(data: &Value, known: &Known) -> Option<Mapped> {
    let (channel, id) = (text(&data["channel_id"]), text(&data["id"]));
    if !is_id(&channel) || !is_id(&id) {
        return Some(Mapped { event: unknown("MESSAGE_CREATE", data), cursor: None });
    }
    let event = message::create(data, known)?;
    Some(Mapped { event, cursor: Some(Cursor { key: channel, value: id }) })
}

fn redact(spot: &Spot, ids: &[String]) -> Option<RemoteEvent> {
    let ids: Vec<RemoteMessageId> = ids.iter().filter(|id| is_id(id)).map(|id| spot.message(id)).collect();
    let chat = spot.chat();
    (!ids.is_empty()).then_some(RemoteEvent::Redact { chat, ids, by: None })
}

fn typing(spot: &Spot, data: &Value, known: &Known) -> Option<RemoteEvent> {
    let user = text(&data["user_id"]);
    let chat = spot.chat();
    (is_id(&user) && user != known.me).then(|| RemoteEvent::Typing {
        chat,
        sender: RemoteUserId::new(user),
        timeout_ms: TYPING_MS,
    })
}

/// Somebody's reaction; `None` when it cannot be read.
fn reaction(kind: &str, spot: &Spot, data: &Value) -> Option<RemoteEvent> {
    let target = Some(text(&data["message_id"])).filter(|id| is_id(id))?;
    let (chat, target) = (spot.chat(), spot.message(&target));
    let user = || Some(text(&data["user_id"])).filter(|id| is_id(id)).map(RemoteUserId::new);
    match kind {
        "MESSAGE_REACTION_ADD" => Some(RemoteEvent::React {
            chat,
            target,
            sender: user()?,
            emoji: emoji::read(&data["emoji"])?,
            sent_ms: None,
        }),
        "MESSAGE_REACTION_REMOVE" => Some(RemoteEvent::Unreact {
            chat,
            target,
            sender: Some(user()?),
            emoji: Some(emoji::read(&data["emoji"])?),
        }),
        "MESSAGE_REACTION_REMOVE_ALL" => {
            Some(RemoteEvent::Unreact { chat, target, sender: None, emoji: None })
        }
        "MESSAGE_REACTION_REMOVE_EMOJI" => Some(RemoteEvent::Unreact {
            chat,
            target,
            sender: None,
            emoji: Some(emoji::read(&data["emoji"])?),
        }),
        _ => None,
    }
}
