//! A [`Message`] from the network as the contents of Matrix events.
//!
//! One event for the words and one for each file; a single file takes the words as its caption. Parts are numbered in that order, so
//! that a repeat gives the same numbers. Files are in the homeserver's media store by now. Next: `shorten.rs`.

use ruma::{EventId, OwnedEventId};
use serde_json::{Map, Value, json};

use super::{
    HTML_FORMAT, NAME_BYTES_MAX, ORIGIN_KEY, Origin, SPOILER_KEY, Shortened, VOICE_KEY,
    shorten::{shorten, size},
};
use crate::{
    convert::{
        Pings, ToMatrix,
        to_html::write_html,
        words::{cut, one_line},
    },
    message::{Attachment, AttachmentKind, FileSource, Message, RichText, Tone},
};

/// One event to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// `m.room.message` or `m.sticker`.
    pub event_type: &'static str,
    /// The content.
    pub content: Value,
    /// What had to be left out, for the caller to say.
    pub shortened: Shortened,
    /// Who is pinged, to be kept for a later edit.
    pub pings: Pings,
}

/// What a message answers and continues, as the portal found it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The event that it answers.
    pub reply_to: Option<OwnedEventId>,
    /// The first event of its thread.
    pub thread_root: Option<OwnedEventId>,
    /// The last event of its thread, for clients that do not know threads.
    pub thread_latest: Option<OwnedEventId>,
}

/// The event that an edit changes.
#[derive(Clone, Copy, Debug)]
pub struct Edited<'a> {
    /// The first event of the message.
    pub event_id: &'a EventId,
    /// Who was pinged by it before; an edit pings only people who were not.
    pub pinged: &'a Pings,
}

/// Why a message has no Matrix form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WriteError {
    /// A file is still on the network only.
    #[error("the file `{0}` is not in the media store yet: upload it before the message is written")]
    NotUploaded(String),
    /// There is nothing to see.
    #[error("the message has neither words nor files")]
    Empty,
}

/// Writes a message as one event for each part; `origin` names the first part, the others are numbered from there.
///
/// # Errors
/// When a file was not uploaded yet, or there is nothing to send.
pub fn write_content(
    message: &Message,
    answers: &Answers,
    origin: &Origin,
    context: &ToMatrix<'_>,
) -> Result<Vec<Part>, WriteError> {
    let drafts = drafts(message, context)?;
    let mut parts = Vec::with_capacity(drafts.len());
    for (part, mut draft) in (origin.part..).zip(drafts) {
        if let Some(relation) = relation(answers, part == origin.part) {
            draft.content.insert("m.relates_to".to_owned(), relation);
        }
        draft.content.insert(ORIGIN_KEY.to_owned(), json!(Origin { part, ..origin.clone() }));
        let shortened = draft.shorten(context.content_bytes_max);
        parts.push(draft.finish(shortened));
    }
    Ok(parts)
}

/// Writes the new form of the first part of a message.
///
/// # Errors
/// When its file was not uploaded yet, or there is nothing to send.
pub fn write_edit(
    message: &Message,
    edited: &Edited<'_>,
    origin: &Origin,
    context: &ToMatrix<'_>,
) -> Result<Part, WriteError> {
    const FRAME_BYTES: usize = 64;
    let mut draft = drafts(message, context)?.into_iter().next().ok_or(WriteError::Empty)?;
    let mut frame = Map::new();
    frame.insert(ORIGIN_KEY.to_owned(), json!(origin));
    frame.insert("m.relates_to".to_owned(), json!({ "rel_type": "m.replace", "event_id": edited.event_id }));
    let room = context.content_bytes_max.saturating_sub(size(&frame) + FRAME_BYTES) / 2;
    let shortened = draft.shorten(room);

    let mut content = draft.content.clone();
    content.remove("format");
    content.remove("formatted_body");
    let body = draft.content.get("body").and_then(Value::as_str).unwrap_or_default();
    content.insert("body".to_owned(), json!(format!("* {body}")));
    content.insert("m.mentions".to_owned(), mentions(&newly_pinged(&draft.pings, edited.pinged)));
    content.append(&mut frame);
    content.insert("m.new_content".to_owned(), Value::Object(std::mem::take(&mut draft.content)));
    draft.content = content;
    Ok(draft.finish(shortened))
}

struct Draft {
    event_type: &'static str,
    content: Map<String, Value>,
    pings: Pings,
}

impl Draft {
    fn shorten(&mut self, bytes_max: usize) -> Shortened {
        let shortened = shorten(&mut self.content, bytes_max);
        if matches!(shortened, Shortened::TextCut { pings_lost: true, .. }) {
            self.pings = Pings::default();
        }
        shortened
    }

    fn finish(self, shortened: Shortened) -> Part {
        let Self { event_type, content, pings } = self;
        Part { event_type, content: Value::Object(content), shortened, pings }
    }
}

fn drafts(message: &Message, context: &ToMatrix<'_>) -> Result<Vec<Draft>, WriteError> {
    let has_words = !message.text.is_blank();
    let mut drafts = Vec::new();
    match message.attachments.as_slice() {
        [] if !has_words => return Err(WriteError::Empty),
        [only] if only.kind != AttachmentKind::Sticker && has_words => {
            drafts.push(file(only, Some(&message.text), context)?);
        }
        files => {
            if has_words {
                drafts.push(words(message, context));
            }
            for attachment in files {
                drafts.push(file(attachment, None, context)?);
            }
        }
    }
    Ok(drafts)
}

fn words(message: &Message, context: &ToMatrix<'_>) -> Draft {
    let msgtype = match message.tone {
        Tone::Said => "m.text",
        Tone::Notice => "m.notice",
        Tone::Emote => "m.emote",
    };
    let mut content = Map::new();
    content.insert("msgtype".to_owned(), json!(msgtype));
    let pings = write_text(&mut content, &message.text, context);
    Draft { event_type: "m.room.message", content, pings }
}

fn file(
    attachment: &Attachment,
    caption: Option<&RichText>,
    context: &ToMatrix<'_>,
) -> Result<Draft, WriteError> {
    let name = file_name(&attachment.name);
    let FileSource::Matrix(uri) = &attachment.source else { return Err(WriteError::NotUploaded(name)) };
    let msgtype = match attachment.kind {
        AttachmentKind::Image => Some("m.image"),
        AttachmentKind::Video => Some("m.video"),
        AttachmentKind::Audio | AttachmentKind::Voice => Some("m.audio"),
        AttachmentKind::File => Some("m.file"),
        AttachmentKind::Sticker => None,
    };
    let mut content = Map::new();
    content.insert("url".to_owned(), json!(uri));
    content.insert("info".to_owned(), info(attachment));
    content.insert("body".to_owned(), json!(name));
    content.insert("m.mentions".to_owned(), json!({}));
    if let Some(msgtype) = msgtype {
        content.insert("msgtype".to_owned(), json!(msgtype));
        content.insert("filename".to_owned(), json!(name));
    }
    if attachment.kind == AttachmentKind::Voice {
        content.insert(VOICE_KEY.to_owned(), json!({}));
    }
    if attachment.spoiler {
        content.insert(SPOILER_KEY.to_owned(), json!(true));
    }
    let pings = caption.map(|text| write_text(&mut content, text, context)).unwrap_or_default();
    let event_type = if msgtype.is_some() { "m.room.message" } else { "m.sticker" };
    Ok(Draft { event_type, content, pings })
}

fn file_name(name: &str) -> String {
    let name = one_line(name);
    if name.is_empty() { "file".to_owned() } else { cut(&name, NAME_BYTES_MAX).to_owned() }
}

fn info(attachment: &Attachment) -> Value {
    let mut info = Map::new();
    if let Some(mime) = &attachment.mime {
        info.insert("mimetype".to_owned(), json!(cut(&one_line(mime), NAME_BYTES_MAX)));
    }
    if let Some(size_bytes) = attachment.size_bytes {
        info.insert("size".to_owned(), json!(size_bytes));
    }
    Value::Object(info)
}

fn write_text(content: &mut Map<String, Value>, text: &RichText, context: &ToMatrix<'_>) -> Pings {
    let formatted = write_html(text, context);
    content.insert("body".to_owned(), json!(formatted.body));
    if let Some(html) = formatted.html {
        content.insert("format".to_owned(), json!(HTML_FORMAT));
        content.insert("formatted_body".to_owned(), json!(html));
    }
    content.insert("m.mentions".to_owned(), mentions(&formatted.pings));
    formatted.pings
}

/// Always written, even when empty: without it a client looks for names in the words (specification, "User and room mentions").
fn mentions(pings: &Pings) -> Value {
    let mut mentions = Map::new();
    if !pings.user_ids.is_empty() {
        mentions.insert("user_ids".to_owned(), json!(pings.user_ids));
    }
    if pings.room {
        mentions.insert("room".to_owned(), json!(true));
    }
    Value::Object(mentions)
}

fn newly_pinged(now: &Pings, before: &Pings) -> Pings {
    Pings {
        user_ids: now.user_ids.difference(&before.user_ids).cloned().collect(),
        room: now.room && !before.room,
    }
}

fn relation(answers: &Answers, is_first: bool) -> Option<Value> {
    let reply_to = answers.reply_to.as_ref().filter(|_| is_first);
    let Some(root) = &answers.thread_root else {
        return reply_to.map(|event_id| json!({ "m.in_reply_to": { "event_id": event_id } }));
    };
    let shown = reply_to.or(answers.thread_latest.as_ref()).unwrap_or(root);
    Some(json!({
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": reply_to.is_none(),
        "m.in_reply_to": { "event_id": shown },
    }))
}
