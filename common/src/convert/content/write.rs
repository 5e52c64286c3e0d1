//! A [`Message`] from the network as the contents of Matrix events.
//!
//! One event for the words and one for each file; a single file takes the words as its caption. Parts are numbered in that order, so
//! that a repeat gives the same numbers. Files are in the homeserver's media store by now. Next: `shorten.rs`.

use ruma::{EventId, OwnedEventId, OwnedUserId};
use serde_json::{Map, Value, json};

use super::{
    AUDIO_KEY, BLURHASH_KEY, HTML_FORMAT, NAME_BYTES_MAX, ORIGIN_KEY, Origin, Piece, SPOILER_KEY, Shortened,
    VOICE_KEY,
    shorten::{shorten, size},
};
use crate::{
    convert::{
        Pings, ToMatrix,
        to_html::write_html,
        words::{cut, one_line},
    },
    message::{Attachment, AttachmentKind, FileSource, Message, RichText, Thumbnail, Tone},
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
    /// What it shows of the message.
    pub piece: Piece,
}

/// What a message answers and continues, as the portal found it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The event that it answers.
    pub reply_to: Option<OwnedEventId>,
    /// Who wrote that, if the answer pings them.
    pub pinged: Option<OwnedUserId>,
    /// The first event of its thread.
    pub thread_root: Option<OwnedEventId>,
    /// The last event of its thread, for clients that do not know threads.
    pub thread_latest: Option<OwnedEventId>,
}

/// The event that an edit changes.
#[derive(Clone, Copy, Debug)]
pub struct Edited<'a> {
    /// The event that shows the piece.
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

/// Where the words of a message with a single file go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Into the file's event, as its caption.
    #[default]
    Caption,
    /// Into an event of their own, as they were before the message was edited.
    Apart,
}

/// Writes a message as one event for each piece; `origin` names the first part, the others are numbered from there.
///
/// # Errors
/// When a file was not uploaded yet, or there is nothing to send.
pub fn write_content(
    message: &Message,
    answers: &Answers,
    origin: &Origin,
    layout: Layout,
    context: &ToMatrix<'_>,
) -> Result<Vec<Part>, WriteError> {
    let mut drafts = drafts(message, layout, context)?;
    if let Some((first, pinged)) = drafts.first_mut().zip(answers.pinged.as_ref()) {
        first.pings.user_ids.insert(pinged.clone());
        first.content.insert("m.mentions".to_owned(), mentions(&first.pings));
    }
    let mut parts = Vec::with_capacity(drafts.len());
    for (part, mut draft) in (origin.part..).zip(drafts) {
        if let Some(relation) = relation(answers, part == origin.part) {
            draft.content.insert("m.relates_to".to_owned(), relation);
        }
        let origin = Origin { part, piece: Some(draft.piece.clone()), ..origin.clone() };
        draft.content.insert(ORIGIN_KEY.to_owned(), json!(origin));
        let shortened = shorten(&mut draft.content, context.content_bytes_max);
        parts.push(draft.finish(shortened));
    }
    Ok(parts)
}

/// Writes a part as the new form of an event that shows the same piece.
pub fn write_edit(part: &Part, edited: &Edited<'_>, context: &ToMatrix<'_>) -> Part {
    const FRAME_BYTES: usize = 64;
    let mut new = part.content.as_object().cloned().unwrap_or_default();
    let mut frame = Map::new();
    if let Some(origin) = new.remove(ORIGIN_KEY) {
        frame.insert(ORIGIN_KEY.to_owned(), origin);
    }
    // What the message answers cannot change.
    new.remove("m.relates_to");
    frame.insert("m.relates_to".to_owned(), json!({ "rel_type": "m.replace", "event_id": edited.event_id }));
    let room = context.content_bytes_max.saturating_sub(size(&frame) + FRAME_BYTES) / 2;
    let shortened = shorten(&mut new, room).max(part.shortened);
    let pings = without_lost(part.pings.clone(), shortened);

    let mut content = new.clone();
    content.remove("format");
    content.remove("formatted_body");
    let body = new.get("body").and_then(Value::as_str).unwrap_or_default();
    content.insert("body".to_owned(), json!(format!("* {body}")));
    content.insert("m.mentions".to_owned(), mentions(&newly_pinged(&pings, edited.pinged)));
    content.append(&mut frame);
    content.insert("m.new_content".to_owned(), Value::Object(new));
    Part { content: Value::Object(content), shortened, pings, ..part.clone() }
}

struct Draft {
    event_type: &'static str,
    piece: Piece,
    content: Map<String, Value>,
    pings: Pings,
}

impl Draft {
    fn finish(self, shortened: Shortened) -> Part {
        let Self { event_type, piece, content, pings } = self;
        let pings = without_lost(pings, shortened);
        Part { event_type, piece, content: Value::Object(content), shortened, pings }
    }
}

fn without_lost(pings: Pings, shortened: Shortened) -> Pings {
    match shortened {
        Shortened::TextCut { pings_lost: true, .. } => Pings::default(),
        _ => pings,
    }
}

fn drafts(message: &Message, layout: Layout, context: &ToMatrix<'_>) -> Result<Vec<Draft>, WriteError> {
    if message.is_empty() {
        return Err(WriteError::Empty);
    }
    let has_words = !message.text.is_blank();
    let takes_caption = match message.attachments.as_slice() {
        [only] => only.kind != AttachmentKind::Sticker && layout == Layout::Caption,
        _ => false,
    };
    let mut drafts = Vec::new();
    if has_words && !takes_caption {
        drafts.push(words(message, context));
    }
    let caption = Some(&message.text).filter(|_| has_words && takes_caption);
    for (nth, attachment) in message.attachments.iter().enumerate() {
        let id = attachment.id.as_ref().map_or_else(|| nth.to_string(), ToString::to_string);
        drafts.push(Draft { piece: Piece::File(id), ..file(attachment, caption, context)? });
    }
    if !message.preview.is_blank() {
        let preview = Message { tone: Tone::Notice, text: message.preview.clone(), ..Message::default() };
        drafts.push(Draft { piece: Piece::Preview, ..words(&preview, context) });
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
    Draft { event_type: "m.room.message", piece: Piece::Words, content, pings }
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
    if msgtype == Some("m.audio") {
        // The older form, from which clients draw the waveform.
        let audio = json!({ "duration": attachment.info.duration_ms, "waveform": attachment.info.waveform });
        content.insert(AUDIO_KEY.to_owned(), audio);
    }
    if attachment.spoiler {
        content.insert(SPOILER_KEY.to_owned(), json!(true));
    }
    let pings = caption.map(|text| write_text(&mut content, text, context)).unwrap_or_default();
    let event_type = if msgtype.is_some() { "m.room.message" } else { "m.sticker" };
    let piece = Piece::File(String::new());
    Ok(Draft { event_type, piece, content, pings })
}

fn file_name(name: &str) -> String {
    let name = one_line(name);
    if name.is_empty() { "file".to_owned() } else { cut(&name, NAME_BYTES_MAX).to_owned() }
}

fn info(attachment: &Attachment) -> Value {
    let Attachment { mime, size_bytes, info: known, .. } = attachment;
    let mut info = Map::new();
    let mut put = |key: &str, value: Option<Value>| value.map(|value| info.insert(key.to_owned(), value));
    put("mimetype", mime.as_deref().map(|mime| json!(cut(&one_line(mime), NAME_BYTES_MAX))));
    put("size", size_bytes.map(|size| json!(size)));
    put("w", known.width.map(|width| json!(width)));
    put("h", known.height.map(|height| json!(height)));
    put("duration", known.duration_ms.map(|duration| json!(duration)));
    put(BLURHASH_KEY, known.blurhash.as_deref().map(|hash| json!(hash)));
    if let Some(small) = &known.thumbnail {
        put("thumbnail_url", Some(json!(small.mxc)));
        let Thumbnail { mime, size_bytes, width, height, .. } = small;
        put("thumbnail_info", Some(json!({ "mimetype": mime, "size": size_bytes, "w": width, "h": height })));
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
