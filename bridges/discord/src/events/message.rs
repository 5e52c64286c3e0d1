//! Reading a message: words, reply, files, and the sorts that are no words.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Mention, MentionTarget, Message, Node, RemoteEvent, RemoteMessage, RichText, Tone},
};
use serde_json::Value;

use super::{attachment, author, embed, snowflake_ms, unknown};
use crate::{
    format::{self, Names, Reading, is_id},
    json::text,
    place::Spot,
    session::world::Known,
};

/// A normal message, a reply, and what commands of apps answer.
const SPOKEN: [u64; 4] = [0, 19, 20, 23];

/// A message that was forwarded from elsewhere.
const FORWARD: u64 = 1;

/// Somebody began a thread.
const THREAD_BEGUN: u64 = 18;

/// The message in a thread that stands for the one that it was begun from.
const THREAD_STARTER: u64 = 21;

/// Words in a message that is made of components.
const TEXT_DISPLAY: u64 = 10;

/// Components stand in each other no deeper than this.
const COMPONENTS_DEPTH_MAX: usize = 5;

/// A new message; `None` when it is ours.
pub(super) fn create(data: &Value, known: &Known) -> Option<RemoteEvent> {
    // The first message of a thread repeats the one that it was begun from.
    if author::is_ours(data, known) || data["type"].as_u64() == Some(THREAD_STARTER) {
        return None;
    }
    Some(read(data, known).map_or_else(|| unknown("MESSAGE_CREATE", data), RemoteEvent::Message))
}

/// What a change of a message means: an edit if somebody made one, and what Discord itself has added below.
///
/// Since 2024 Discord sends the whole message (<https://github.com/discord/discord-api-docs/pull/7017>). Of a part of one, or what nobody can read,
/// an edit is kept raw, and anything else changes nothing that is shown.
pub(super) fn changed(data: &Value, known: &Known) -> Vec<RemoteEvent> {
    if author::is_ours(data, known) {
        return Vec::new();
    }
    let edited_ms = data["edited_timestamp"].as_str().and_then(timestamp_ms);
    let Some(new) = read(data, known).filter(|_| !data["content"].is_null()) else {
        return edited_ms.map(|_| unknown("MESSAGE_UPDATE", data)).into_iter().collect();
    };
    let preview = RemoteEvent::Preview(new.clone());
    match edited_ms {
        // The preview may have come after the edit, which is known by then.
        Some(edited_ms) if new.message.preview.is_blank() => vec![RemoteEvent::Edit { new, edited_ms }],
        Some(edited_ms) => vec![RemoteEvent::Edit { new, edited_ms }, preview],
        None => vec![preview],
    }
}

fn read(data: &Value, known: &Known) -> Option<RemoteMessage> {
    let spot = known.spot(&text(&data["channel_id"]));
    let sent_ms = snowflake_ms(&text(&data["id"]))?;
    let sender = author::sender(data)?;
    let kind = data["type"].as_u64().unwrap_or_default();
    let mut message = if SPOKEN.contains(&kind) { spoken(data, known)? } else { happened(kind) };
    message.thread = spot.root();
    message.reply_to = message.reply_to.map(|answered| spot.message(answered.as_str()));
    Some(RemoteMessage { chat: spot.chat(), id: id(data, &spot), sender, sent_ms, message })
}

/// What the room calls a message. What tells of a thread without a first message is its first message.
pub(super) fn id(data: &Value, spot: &Spot) -> RemoteMessageId {
    let begun = text(&data["message_reference"]["channel_id"]);
    match data["type"].as_u64() {
        Some(THREAD_BEGUN) if is_id(&begun) => RemoteMessageId::new(begun),
        _ => spot.message(&text(&data["id"])),
    }
}

/// What somebody said; `None` when there is nothing in it that can be shown.
fn spoken(data: &Value, known: &Known) -> Option<Message> {
    let place = (text(&data["channel_id"]), text(&data["id"]));
    let place = (place.0.as_str(), place.1.as_str());
    let mut words = words(data, known);
    let mut attachments = attachment::read(data, place);
    attachments.extend(attachment::stickers(data));
    let mut preview = embed::read(data, &MessageNames::of(data, known));
    let reference = &data["message_reference"];
    let is_forward = reference["type"].as_u64() == Some(FORWARD);
    if is_forward {
        let snapshot = attachment::snapshot(data);
        words.0.splice(0..0, forwarded(reference, snapshot, known));
        attachments.extend(attachment::read(snapshot, place));
        attachments.extend(attachment::stickers(snapshot));
        preview.0.extend(embed::read(snapshot, &MessageNames::of(snapshot, known)).0);
    }
    let message = Message {
        text: words,
        attachments,
        reply_to: Some(text(&reference["message_id"]))
            .filter(|id| is_id(id) && !is_forward)
            .map(RemoteMessageId::new),
        silent_reply: is_silent(data),
        preview,
        ..Message::default()
    };
    (!message.is_empty()).then_some(message)
}

/// A forwarded message as a quote below the place that it comes from.
fn forwarded(reference: &Value, snapshot: &Value, known: &Known) -> Vec<Node> {
    let (chat, id) = (text(&reference["channel_id"]), text(&reference["message_id"]));
    let label = match known.channel(&chat) {
        Some(name) => format!("Forwarded from #{name}"),
        None => "Forwarded".to_owned(),
    };
    let origin = match known.channel(&chat) {
        Some(_) => {
            let (chat, id) = known.message(&chat, &id);
            let target = MentionTarget::Message(chat, id);
            Node::Mention(Mention { target, label })
        }
        None => Node::Text(label),
    };
    let quoted = words(snapshot, known);
    match quoted.is_blank() {
        true => vec![Node::Emphasis(vec![origin])],
        false => vec![Node::Emphasis(vec![origin]), Node::Quote(quoted.0)],
    }
}

/// Whether the author of the message answered was not pinged. Those behind a webhook never are, so that says nothing of them.
fn is_silent(data: &Value) -> bool {
    let answered = &data["referenced_message"];
    let author = text(&answered["author"]["id"]);
    let pinged = data["mentions"].as_array().into_iter().flatten().any(|user| text(&user["id"]) == author);
    !author.is_empty() && answered["webhook_id"].is_null() && !pinged
}

fn words(data: &Value, known: &Known) -> RichText {
    let content = data["content"].as_str().unwrap_or_default();
    let displayed = components(&data["components"], 0);
    let content = if content.is_empty() { &displayed } else { content };
    format::read(
        content,
        &Reading { names: &MessageNames::of(data, known), everyone: data["mention_everyone"] == true },
    )
}

/// The words of a message that has no content but components.
fn components(list: &Value, depth: usize) -> String {
    if depth > COMPONENTS_DEPTH_MAX {
        return String::new();
    }
    let mut lines = Vec::new();
    for component in list.as_array().into_iter().flatten() {
        if component["type"].as_u64() == Some(TEXT_DISPLAY) {
            lines.extend(component["content"].as_str().map(str::to_owned));
        }
        lines.push(components(&component["components"], depth + 1));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What Discord itself tells in a channel.
fn happened(kind: u64) -> Message {
    let words = match kind {
        1 | 2 => "changed who is in the conversation",
        3 => "called",
        4 => "changed the name",
        5 => "changed the picture",
        6 => "pinned a message",
        7 => "joined the server",
        8..=11 => "boosted the server",
        12 => "let this channel follow another one",
        18 => "started a thread",
        24 => "wrote something that the server's filter blocked",
        46 => "asked a poll that has ended",
        _ => "did something that only Discord can show",
    };
    Message { tone: Tone::Notice, ..Message::text(RichText::plain(words)) }
}

/// Names from the message itself first: they are fresh, and people are not remembered otherwise.
pub(crate) struct MessageNames<'a> {
    known: &'a Known,
    mentions: &'a Value,
}

impl<'a> MessageNames<'a> {
    /// The names that a message tells.
    pub fn of(message: &'a Value, known: &'a Known) -> Self {
        Self { known, mentions: &message["mentions"] }
    }
}

impl Names for MessageNames<'_> {
    fn user(&self, id: &str) -> Option<String> {
        let user = self.mentions.as_array()?.iter().find(|user| text(&user["id"]) == id)?;
        Some(author::shown_name(user, &user["member"])).filter(|name| !name.is_empty())
    }

    fn role(&self, id: &str) -> Option<String> {
        self.known.role(id)
    }

    fn channel(&self, id: &str) -> Option<String> {
        self.known.channel(id)
    }

    fn guild_of(&self, channel: &str) -> Option<String> {
        self.known.guild_of(channel)
    }

    fn message(&self, channel: &str, message: &str) -> (RemoteChatId, RemoteMessageId) {
        self.known.message(channel, message)
    }
}

impl Names for Known {
    fn user(&self, _id: &str) -> Option<String> {
        None
    }

    fn role(&self, id: &str) -> Option<String> {
        self.guilds.values().find_map(|guild| guild.roles.get(id)).map(|role| role.name.clone())
    }

    fn channel(&self, id: &str) -> Option<String> {
        self.channels.get(id).map(|channel| channel.name.clone())
    }

    fn guild_of(&self, channel: &str) -> Option<String> {
        let channel = self.channels.get(channel)?;
        Some(if channel.is_direct() { "@me".to_owned() } else { channel.guild.clone() })
    }

    fn message(&self, channel: &str, message: &str) -> (RemoteChatId, RemoteMessageId) {
        let spot = self.spot(channel);
        (spot.chat(), spot.message(message))
    }
}

/// Milliseconds of a time as Discord writes it: `2026-11-22T17:33:43.123000+00:00`, always in UTC.
pub(crate) fn timestamp_ms(written: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| written.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let fraction: String =
        written.get(19..)?.strip_prefix('.').unwrap_or("").chars().take_while(char::is_ascii_digit).collect();
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    // Days are counted from 1 March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1;
    Some((((days - 719_468) * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis)
}

#[cfg(test)]
mod times {
    use super::timestamp_ms;

    #[test]
    fn discord_writes_times_in_utc() {
        assert_eq!(timestamp_ms("1970-01-01T00:00:00+00:00"), Some(0));
        assert_eq!(timestamp_ms("2023-11-14T22:13:20.123000+00:00"), Some(1_700_000_000_123));
        assert_eq!(timestamp_ms("2024-02-29T00:00:00.5Z"), Some(1_709_164_800_500));
        assert_eq!(timestamp_ms("yesterday"), None);
    }
}
