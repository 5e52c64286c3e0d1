//! From Telegram's updates to [`RemoteEvent`]s.
//!
//! Works on plain JSON and leniently: a field that is missing or new must not lose the words beside it. What is ours comes back as nothing;
//! what cannot be mapped becomes [`RemoteEvent::Unknown`] with its raw form. Pure, but for what [`Known`] remembers of edits. Next:
//! `message`, which reads a message, and `service`, which reads what Telegram itself tells.

use magpie_common::{
    ids::RemoteChatId,
    message::{ChatChange, MemberChange, RemoteEvent},
};
use serde_json::Value;

use crate::{
    json::text,
    place::{self, Spot},
    session::world::Known,
};

pub(crate) use self::service::migration;

pub(crate) mod command;
mod extra;
mod media;
mod message;
mod poll;
mod reaction;
mod sender;
mod service;

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// The updates that are asked for. All are named, because without the list Telegram leaves the middle three out
/// (<https://core.telegram.org/bots/api#getupdates>).
pub(crate) const WANTED: [&str; 11] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "message_reaction",
    "message_reaction_count",
    "chat_member",
    "my_chat_member",
    "poll",
    "poll_answer",
    "chat_join_request",
];

/// What files may weigh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// The largest file that can be fetched, in bytes.
    pub download_bytes_max: u64,
}

/// Maps an update. Nothing when it is ours, or nothing that a room shows.
pub(crate) fn map(update: &Value, known: &mut Known, reach: Reach) -> Vec<RemoteEvent> {
    let Some((kind, told)) = kind_of(update) else { return vec![unknown("update", None, update)] };
    let events = match kind {
        "message" | "channel_post" => message::created(told, known, reach),
        "edited_message" | "edited_channel_post" => message::edited(told, known, reach),
        "message_reaction" => reaction::changed(told, known),
        // Channels tell only how many there are, and nobody in Matrix stands for a number.
        "message_reaction_count" => Some(Vec::new()),
        "my_chat_member" => own_membership(told, known),
        "chat_member" => membership(told, known),
        "poll_answer" => Some(poll::answered(told, known)),
        // The state of a poll: its votes come one by one.
        "poll" => Some(Vec::new()),
        _ => None,
    };
    events.unwrap_or_else(|| vec![unknown(kind, chat_of(told, known), update)])
}

/// What an update is, and what it tells.
pub(crate) fn kind_of(update: &Value) -> Option<(&str, &Value)> {
    let entries = update.as_object()?.iter();
    let mut told = entries.filter(|(key, value)| *key != "update_id" && value.is_object());
    told.next().map(|(kind, told)| (kind.as_str(), told))
}

/// The chat in which something happened, as far as it can be read.
fn chat_of(told: &Value, known: &Known) -> Option<RemoteChatId> {
    Spot::of_message(told, known.me).map(|spot| spot.id())
}

/// Whatever could not be read, with its raw form.
fn unknown(name: &str, chat: Option<RemoteChatId>, data: &Value) -> RemoteEvent {
    let mut raw = data.to_string();
    let end = (0..=RAW_BYTES_MAX.min(raw.len())).rev().find(|at| raw.is_char_boundary(*at)).unwrap_or(0);
    raw.truncate(end);
    RemoteEvent::Unknown { chat, name: name.to_owned(), raw }
}

/// A chat as it looks now; nothing while too little is known of it.
pub(crate) fn chat_changed(
    id: &RemoteChatId,
    known: &Known,
    made: fn(Box<magpie_common::message::ChatInfo>) -> ChatChange,
) -> Option<RemoteEvent> {
    let info = known.chat_info(id)?;
    Some(RemoteEvent::ChatChanged { chat: id.clone(), change: made(Box::new(info)) })
}

/// The bot came to a chat, left it, or may do more or less there.
fn own_membership(told: &Value, known: &Known) -> Option<Vec<RemoteEvent>> {
    let spot = Spot::of_chat(&told["chat"], known.me)?;
    // Somebody who blocks the bot still has what was said.
    if spot.chat > 0 {
        return Some(Vec::new());
    }
    let is_there = |member: &Value| match text(&member["status"]) {
        "creator" | "administrator" | "member" => true,
        "restricted" => member["is_member"] == true,
        _ => false,
    };
    let chat = spot.id();
    let event = match (is_there(&told["old_chat_member"]), is_there(&told["new_chat_member"])) {
        (_, false) => Some(RemoteEvent::ChatChanged { chat, change: ChatChange::Gone }),
        (false, true) => chat_changed(&chat, known, ChatChange::Present),
        (true, true) => None,
    };
    Some(event.into_iter().collect())
}

/// Somebody came to a chat or left it. Told only to admins; messages tell it, too.
fn membership(told: &Value, known: &Known) -> Option<Vec<RemoteEvent>> {
    let chat = Spot::of_chat(&told["chat"], known.me)?.id();
    let member = &told["new_chat_member"];
    let user = place::user(member["user"]["id"].as_i64()?);
    let change = match text(&member["status"]) {
        "left" => MemberChange::Left,
        "kicked" => MemberChange::Banned,
        "restricted" if member["is_member"] == false => MemberChange::Left,
        _ => MemberChange::Joined,
    };
    Some(vec![RemoteEvent::MembersChanged { chat, changes: vec![(user, change)] }])
}
