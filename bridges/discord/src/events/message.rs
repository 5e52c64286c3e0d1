//! Reading a message: words, reply, files, and the sorts that are no words.

use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteMessageId},
    message::{
        Attachment, AttachmentKind, FileSource, Message, Node, RemoteEvent, RemoteMessage, RichText, Tone,
    },
};
use serde_json::Value;

use super::{author, snowflake_ms, unknown};
use crate::{
    format::{self, Names, Reading},
    session::world::{Known, text},
};

/// A normal message, a reply, and what commands of apps answer.
const SPOKEN: [u64; 4] = [0, 19, 20, 23];

/// A message that was forwarded from elsewhere.
const FORWARD: u64 = 1;

/// A voice message.
const VOICE_FLAG: u64 = 1 << 13;

/// A new message; `None` when it is ours.
pub(super) fn create(data: &Value, known: &Known) -> Option<RemoteEvent> {
    if author::is_ours(data, known) {
        return None;
    }
    Some(read(data, known).map_or_else(|| unknown("MESSAGE_CREATE", data), RemoteEvent::Message))
}

/// A changed message; `None` when it is ours, or only its preview changed.
pub(super) fn edit(data: &Value, known: &Known) -> Option<RemoteEvent> {
    if author::is_ours(data, known) || data["content"].is_null() {
        return None;
    }
    let edited_ms = data["edited_timestamp"].as_str().and_then(timestamp_ms)?;
    let new = read(data, known)?;
    Some(RemoteEvent::Edit { new, edited_ms })
}

fn read(data: &Value, known: &Known) -> Option<RemoteMessage> {
    let (chat, id) = (text(&data["channel_id"]), text(&data["id"]));
    let sent_ms = snowflake_ms(&id)?;
    let sender = author::sender(data)?;
    let kind = data["type"].as_u64().unwrap_or_default();
    let message = if SPOKEN.contains(&kind) { spoken(data, known)? } else { happened(kind) };
    Some(RemoteMessage {
        chat: RemoteChatId::new(chat),
        id: RemoteMessageId::new(id),
        sender,
        sent_ms,
        message,
    })
}

/// What somebody said; `None` when there is nothing in it that can be shown.
fn spoken(data: &Value, known: &Known) -> Option<Message> {
    let mut words = words(data, known);
    let reference = &data["message_reference"];
    let is_forward = reference["type"].as_u64() == Some(FORWARD);
    let mut attachments = attachments(data);
    if is_forward {
        let snapshot = &data["message_snapshots"][0]["message"];
        let quoted = self::words(snapshot, known);
        words.0.insert(0, Node::Quote(quoted.0));
        words.0.insert(0, Node::Emphasis(vec![Node::Text("Forwarded".to_owned())]));
        attachments.extend(self::attachments(snapshot));
    }
    if words.is_blank() && attachments.is_empty() {
        return None;
    }
    let reply_to = Some(text(&reference["message_id"])).filter(|id| !id.is_empty() && !is_forward);
    Some(Message {
        text: words,
        attachments,
        reply_to: reply_to.map(RemoteMessageId::new),
        ..Message::default()
    })
}

fn words(data: &Value, known: &Known) -> RichText {
    let names = MessageNames { known, mentions: &data["mentions"] };
    let everyone = data["mention_everyone"] == true;
    format::read(data["content"].as_str().unwrap_or_default(), &Reading { names: &names, everyone })
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
        21 => "began this thread",
        24 => "wrote something that the server's filter blocked",
        46 => "asked a poll that has ended",
        _ => "did something that only Discord can show",
    };
    Message { tone: Tone::Notice, ..Message::text(RichText::plain(words)) }
}

fn attachments(data: &Value) -> Vec<Attachment> {
    let voice = data["flags"].as_u64().unwrap_or_default() & VOICE_FLAG != 0;
    data["attachments"].as_array().into_iter().flatten().filter_map(|file| attachment(file, voice)).collect()
}

fn attachment(file: &Value, voice: bool) -> Option<Attachment> {
    let mime = file["content_type"].as_str();
    let name = file["filename"].as_str().unwrap_or("file");
    let kind = match mime.and_then(|mime| mime.split('/').next()) {
        _ if voice => AttachmentKind::Voice,
        Some("image") => AttachmentKind::Image,
        Some("video") => AttachmentKind::Video,
        Some("audio") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    let source = FileSource::Remote(RemoteFileId::new(file["url"].as_str()?));
    Some(Attachment {
        mime: mime.map(str::to_owned),
        size_bytes: file["size"].as_u64(),
        spoiler: name.starts_with("SPOILER_"),
        ..Attachment::new(kind, source, name)
    })
}

/// Names from the message itself first: they are fresh, and people are not remembered otherwise.
struct MessageNames<'a> {
    known: &'a Known,
    mentions: &'a Value,
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
        self.channels.get(channel).map(|channel| channel.guild.clone())
    }
}

/// Milliseconds of a time as Discord writes it: `2026-11-22T17:33:43.123000+00:00`, always in UTC.
fn timestamp_ms(written: &str) -> Option<i64> {
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
