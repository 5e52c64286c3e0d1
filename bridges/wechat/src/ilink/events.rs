//! From a message of iLink's to what it means. Pure: one message at a time.
//!
//! A field that is missing or new must not lose the words beside it; what cannot be mapped stays with its raw form. Next: `events/quote`, what
//! a message answers.

use magpie_common::{
    clock::TimestampMs,
    ids::RemoteMessageId,
    message::{Attachment, AttachmentKind, FileSource, Message, Node, RichText, clean_line},
};
use serde_json::Value;

use self::quote::Quote;
use super::file::CdnFile;
use crate::{
    faces,
    json::{number, text},
};

pub(super) mod quote;

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// More items of one message are not looked at.
const ITEMS_MAX: usize = 64;

/// A longer name of a file is cut.
const NAME_CHARS_MAX: usize = 200;

/// What a message means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// The person said something.
    Told(Box<Told>),
    /// The person took a message back.
    Recalled(RemoteMessageId),
    /// It is for nobody in a chat.
    Nothing,
    /// Nobody can read this (yet).
    Unknown {
        /// What it is about.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// What a person said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// Its id.
    pub id: RemoteMessageId,
    /// When it was said.
    pub sent_ms: TimestampMs,
    /// What.
    pub message: Message,
    /// Its words as WeChat has them, in which a part is counted that is quoted later.
    pub words: String,
    /// What it answers.
    pub quote: Option<Quote>,
}

/// Whether a message is one that the bot's person sent into their chat with it. Nothing else opens a way to answer.
pub(super) fn is_from_person(told: &Value) -> bool {
    number(&told["message_type"]) != Some(BOT) && text(&told["group_id"]).is_empty()
}

/// Who sends: a bot.
const BOT: i64 = 2;

/// How far a message is: it is still being written, and comes again when it is finished.
const GENERATING: i64 = 1;

/// Reads a message. It was said at `now_ms` where it does not tell when.
pub(super) fn read(told: &Value, now_ms: TimestampMs) -> Read {
    if number(&told["message_type"]) == Some(BOT) || number(&told["message_state"]) == Some(GENERATING) {
        return Read::Nothing;
    }
    if !is_from_person(told) {
        return unknown("message of a group", told);
    }
    let items = told["item_list"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(id) = id(&told["message_id"]).or_else(|| items.iter().find_map(|item| id(&item["msg_id"])))
    else {
        return unknown("message without an id", told);
    };
    if number(&told["delete_time_ms"]).is_some_and(|deleted_ms| deleted_ms > 0) {
        return Read::Recalled(id);
    }
    let sent_ms = number(&told["create_time_ms"]).filter(|sent_ms| *sent_ms > 0).unwrap_or(now_ms);
    let mut said = Said::default();
    items.iter().take(ITEMS_MAX).for_each(|item| said.take(item));
    said.strange = said.strange.or(items.get(ITEMS_MAX).map(kind));
    let Said { mut message, words, quote, strange } = said;
    match strange {
        Some(kind) if message.is_empty() => return unknown(&format!("message of type {kind}"), told),
        Some(_) => {
            let words = "(There is more in this message, which the bridge cannot show. Look at your phone.)";
            append(&mut message.text, vec![Node::Emphasis(vec![Node::Text(words.to_owned())])]);
        }
        None if message.is_empty() => return Read::Nothing,
        None => {}
    }
    Read::Told(Box::new(Told { id, sent_ms, message, words, quote }))
}

/// An id of 64 bits, written as a number or as a text.
pub(super) fn id(value: &Value) -> Option<RemoteMessageId> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number > 0).then(|| RemoteMessageId::new(number.to_string()))
}

/// What the items of a message say together.
#[derive(Default)]
struct Said {
    message: Message,
    words: String,
    quote: Option<Quote>,
    /// The type of an item that cannot be shown.
    strange: Option<i64>,
}

impl Said {
    fn take(&mut self, item: &Value) {
        if self.quote.is_none() {
            self.quote = Quote::read(&item["ref_msg"]);
        }
        let kind = kind(item);
        let file = match kind {
            1 => {
                self.say(text(&item["text_item"]["text"]));
                return;
            }
            2 => picture(&item["image_item"]),
            3 => {
                // What WeChat understood of it.
                self.say(text(&item["voice_item"]["text"]));
                voice(&item["voice_item"])
            }
            4 => any_file(&item["file_item"]),
            5 => video(&item["video_item"]),
            // Notes of a program about its own work.
            11 | 12 => return,
            0 if is_hollow(item) => return,
            _ => None,
        };
        match file {
            Some(file) => self.message.attachments.push(file),
            None => self.strange = Some(kind),
        }
    }

    fn say(&mut self, words: &str) {
        if words.is_empty() {
            return;
        }
        append(&mut self.message.text, faces::read(words).0);
        if !self.words.is_empty() {
            self.words.push('\n');
        }
        self.words.push_str(words);
    }
}

/// The type of an item; 0 for none.
fn kind(item: &Value) -> i64 {
    number(&item["type"]).unwrap_or_default()
}

/// Whether an item without a type has no content, either. It may bear what is answered.
fn is_hollow(item: &Value) -> bool {
    match item {
        Value::Null => true,
        Value::Object(fields) => !fields.keys().any(|field| field.ends_with("_item")),
        _ => false,
    }
}

fn append(text: &mut RichText, more: Vec<Node>) {
    if more.is_empty() {
        return;
    }
    if !text.is_blank() {
        text.0.push(Node::LineBreak);
    }
    text.0.extend(more);
}

fn attachment(kind: AttachmentKind, item: &Value, name: &str) -> Option<Attachment> {
    let file = CdnFile::told(&item["media"], &item["aeskey"])?;
    Some(Attachment::new(kind, FileSource::Remote(file.id()), name))
}

fn picture(item: &Value) -> Option<Attachment> {
    attachment(AttachmentKind::Image, item, "image.jpg")
}

fn voice(item: &Value) -> Option<Attachment> {
    let (name, mime) = match number(&item["encode_type"]) {
        Some(5) => ("voice message.amr", Some("audio/amr")),
        Some(6) => ("voice message.silk", Some("audio/silk")),
        Some(7) => ("voice message.mp3", Some("audio/mpeg")),
        Some(8) => ("voice message.ogg", Some("audio/ogg")),
        _ => ("voice message", None),
    };
    let mut file = attachment(AttachmentKind::Voice, item, name)?;
    file.mime = mime.map(str::to_owned);
    file.info.duration_ms = positive(&item["playtime"]);
    Some(file)
}

fn any_file(item: &Value) -> Option<Attachment> {
    let name: String = clean_line(text(&item["file_name"])).chars().take(NAME_CHARS_MAX).collect();
    let name = if name.is_empty() { "file".to_owned() } else { name };
    let mut file = attachment(AttachmentKind::File, item, &name)?;
    file.size_bytes = positive(&item["len"]);
    Some(file)
}

fn video(item: &Value) -> Option<Attachment> {
    let mut file = attachment(AttachmentKind::Video, item, "video.mp4")?;
    file.mime = Some("video/mp4".to_owned());
    // WeChat tells it in seconds.
    file.info.duration_ms = positive(&item["play_length"]).map(|seconds| seconds.saturating_mul(1_000));
    Some(file)
}

fn positive(value: &Value) -> Option<u64> {
    number(value).and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0)
}

fn unknown(name: &str, told: &Value) -> Read {
    Read::Unknown { name: name.to_owned(), raw: raw(told) }
}

/// The raw form of what nobody can read, as much of it as is kept.
pub(super) fn raw(told: &Value) -> String {
    let mut raw = told.to_string();
    raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
    raw
}

#[cfg(test)]
mod tests;
