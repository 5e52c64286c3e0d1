//! What Telegram itself tells in a chat: state where rooms have it, a notice where people should read it, nothing where it is only noise.

use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::{ChatChange, MemberChange, Message, RemoteEvent, RemoteMessage, RichText, Tone},
};
use serde_json::Value;

use super::{chat_changed, sender};
use crate::{
    json::{at_ms, name, user_name},
    place::{self, Scope, Spot},
    session::world::Known,
};

/// Service messages that become a notice as if their sender said it.
const NOTICES: [(&str, &str); 24] = [
    ("group_chat_created", "created the group"),
    ("supergroup_chat_created", "created the group"),
    ("channel_chat_created", "created the channel"),
    ("forum_topic_created", "began the topic"),
    ("forum_topic_closed", "closed the topic"),
    ("forum_topic_reopened", "opened the topic again"),
    ("general_forum_topic_hidden", "hid the General topic"),
    ("general_forum_topic_unhidden", "showed the General topic again"),
    ("message_auto_delete_timer_changed", "changed when messages delete themselves"),
    ("video_chat_scheduled", "planned a video chat"),
    ("video_chat_started", "began a video chat"),
    ("video_chat_ended", "ended the video chat"),
    ("video_chat_participants_invited", "invited people to the video chat"),
    ("boost_added", "boosted the chat"),
    ("chat_background_set", "changed the background"),
    ("giveaway_created", "began a giveaway"),
    ("giveaway", "began a giveaway"),
    ("giveaway_winners", "drew the winners of a giveaway"),
    ("giveaway_completed", "ended a giveaway"),
    ("gift", "gave a gift"),
    ("unique_gift", "gave a gift"),
    ("invoice", "sent an invoice. Pay it in Telegram"),
    ("successful_payment", "paid"),
    ("proximity_alert_triggered", "came close to somebody"),
];

/// Service messages that nobody in Matrix needs to hear of.
const NOISE: [&str; 10] = [
    "connected_website",
    "write_access_allowed",
    "passport_data",
    "users_shared",
    "chat_shared",
    "web_app_data",
    "refunded_payment",
    "direct_message_price_changed",
    "paid_message_price_changed",
    "gift_upgrade_sent",
];

/// What a service message means; `None` for a message that somebody said.
pub(super) fn read(data: &Value, spot: &Spot, known: &mut Known) -> Option<Vec<RemoteEvent>> {
    if let Some(events) = migrated(data, known.me) {
        return Some(events);
    }
    let chat = spot.id();
    if let Some(joined) = data["new_chat_members"].as_array() {
        let ids = joined.iter().filter_map(|user| user["id"].as_i64()).filter(|id| *id != known.me);
        let changes: Vec<_> = ids.map(|id| (place::user(id), MemberChange::Joined)).collect();
        return Some(members(chat, changes));
    }
    if let Some(left) = data["left_chat_member"]["id"].as_i64() {
        let changes =
            if left == known.me { Vec::new() } else { vec![(place::user(left), MemberChange::Left)] };
        return Some(members(chat, changes));
    }
    if let Some(pinned) = data["pinned_message"]["message_id"].as_i64() {
        return Some(vec![RemoteEvent::Pin { chat, target: spot.message(pinned), pinned: true }]);
    }
    if data["new_chat_photo"].is_array() || data["delete_chat_photo"] == true {
        known.is_stale(spot.chat);
        return Some(changed(spot, known));
    }
    if data["new_chat_title"].is_string() || data["forum_topic_edited"].is_object() {
        return Some(changed(spot, known));
    }
    if NOISE.iter().any(|key| !data[*key].is_null()) {
        return Some(Vec::new());
    }
    let (key, words) = NOTICES.iter().find(|(key, _)| !data[*key].is_null())?;
    let mut events = if *key == "forum_topic_created" { changed(spot, known) } else { Vec::new() };
    events.extend(notice(data, spot, &words_of(key, words, data)));
    Some(events)
}

/// The two messages of a group that became a supergroup. Either may come first, or twice.
fn migrated(data: &Value, me: i64) -> Option<Vec<RemoteEvent>> {
    let here = data["chat"]["id"].as_i64()?;
    let (old, new) = match (data["migrate_to_chat_id"].as_i64(), data["migrate_from_chat_id"].as_i64()) {
        (Some(new), _) => (here, new),
        (None, Some(old)) => (old, here),
        (None, None) => return None,
    };
    Some(vec![migration(old, new, me)])
}

/// A basic group goes on as a supergroup.
pub(crate) fn migration(old: i64, new: i64, me: i64) -> RemoteEvent {
    let from = Spot { chat: old, topic: None, scope: Scope::Bot(me) };
    RemoteEvent::Migrated { from: from.id(), to: Spot::of_supergroup(new).id() }
}

fn members(chat: RemoteChatId, changes: Vec<(RemoteUserId, MemberChange)>) -> Vec<RemoteEvent> {
    if changes.is_empty() { Vec::new() } else { vec![RemoteEvent::MembersChanged { chat, changes }] }
}

/// The chat looks different now; of a forum the space, too.
fn changed(spot: &Spot, known: &Known) -> Vec<RemoteEvent> {
    let ids = [Some(spot.id()), spot.topic.is_none().then(|| spot.space())];
    ids.into_iter().flatten().filter_map(|id| chat_changed(&id, known, ChatChange::Info)).collect()
}

fn words_of(key: &str, words: &str, data: &Value) -> String {
    let detail = match key {
        "forum_topic_created" => name(&data[key]["name"]),
        "video_chat_participants_invited" => {
            let users = data[key]["users"].as_array().into_iter().flatten();
            Some(users.filter_map(user_name).collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
        }
        "invoice" => name(&data[key]["title"]),
        "message_auto_delete_timer_changed" => {
            let seconds = data[key]["message_auto_delete_time"].as_u64().unwrap_or_default();
            Some(if seconds == 0 { "off".to_owned() } else { format!("after {} hours", seconds / 3600) })
        }
        _ => None,
    };
    match detail {
        Some(detail) => format!("{words}: {detail}"),
        None => words.to_owned(),
    }
}

fn notice(data: &Value, spot: &Spot, words: &str) -> Option<RemoteEvent> {
    let message = Message { tone: Tone::Notice, ..Message::text(RichText::plain(words)) };
    Some(RemoteEvent::Message(RemoteMessage {
        chat: spot.id(),
        id: spot.message(data["message_id"].as_i64()?),
        sender: sender::of(data)?,
        sent_ms: at_ms(&data["date"])?,
        message,
    }))
}
