//! The content of a Matrix event as a [`Message`].
//!
//! Everything in a content may be missing or of another type: then it is read as absent. Reply fallbacks are stripped; an edit is read
//! by its `m.new_content`. Next: [`crate::convert::read_html`].

use ruma::{EventId, OwnedEventId, OwnedMxcUri, UserId, matrix_uri::MatrixId};
use serde_json::Value;

use super::{AUDIO_KEY, BLURHASH_KEY, HTML_FORMAT, NAME_BYTES_MAX, Origin, SPOILER_KEY, VOICE_KEY};
use crate::{
    convert::{
        FromMatrix, Pings,
        from_html::{html_references, read_html, read_plain},
        words::{clean_words, cut, one_line},
    },
    message::{Attachment, AttachmentKind, FileSource, MediaInfo, Message, RichText, Tone},
};

/// The loudest point of a waveform (MSC3246).
const WAVEFORM_MAX: u64 = 1024;
const WAVEFORM_POINTS_MAX: usize = 512;
const BLURHASH_BYTES_MAX: usize = 128;

/// What an event says, and the events that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What is said. `reply_to` and `thread` inside are for the portal to fill in.
    pub said: Said,
    /// The event that it answers.
    pub reply_to: Option<OwnedEventId>,
    /// The first event of its thread.
    pub thread_root: Option<OwnedEventId>,
    /// The event that it changes.
    pub edits: Option<OwnedEventId>,
    /// Who is pinged.
    pub pings: Pings,
    /// The remote message that it says it came from.
    pub origin: Option<Origin>,
    /// The `file` of an encrypted attachment, with the keys to its bytes.
    pub encrypted_file: Option<Value>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Words and files.
    Message(Message),
    /// A place on the map.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// The words beside it.
        description: String,
    },
}

/// Why an event cannot be read as a message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// Another type of event.
    #[error("an event of the type `{0}` is not a message")]
    NotAMessage(String),
    /// Nothing in it to read, as in a deleted message.
    #[error("the message has no body")]
    NoBody,
    /// An edit without its new content, or of an event that cannot be.
    #[error("the edit does not say what it changes, or into what")]
    BadEdit,
    /// A file without a usable address.
    #[error("the file has no `mxc:` address")]
    BadFile,
    /// A location without usable coordinates.
    #[error("the location has no `geo:` address with coordinates")]
    BadLocation,
}

/// Reads the content of an `m.room.message` or `m.sticker` event.
///
/// # Errors
/// When the event is no message, or lacks what its type needs.
pub fn read_content(event_type: &str, content: &Value, context: &FromMatrix<'_>) -> Result<Read, ReadError> {
    let is_sticker = event_type == "m.sticker";
    if !is_sticker && event_type != "m.room.message" {
        return Err(ReadError::NotAMessage(one_line(event_type)));
    }
    let relation = Relations::read(content)?;
    let effective = effective_content(content).ok_or(ReadError::BadEdit)?;
    let source = Source { content: effective, is_reply: relation.is_reply, pings: pings(effective), context };
    let msgtype = if is_sticker { "m.sticker" } else { text(effective, "msgtype").unwrap_or_default() };
    let said = match msgtype {
        "m.location" => source.location()?,
        "m.image" => source.file(AttachmentKind::Image)?,
        "m.video" => source.file(AttachmentKind::Video)?,
        "m.audio" if is_voice(effective) => source.file(AttachmentKind::Voice)?,
        "m.audio" => source.file(AttachmentKind::Audio)?,
        "m.file" => source.file(AttachmentKind::File)?,
        "m.sticker" => source.file(AttachmentKind::Sticker)?,
        "m.notice" => source.words(Tone::Notice)?,
        "m.emote" => source.words(Tone::Emote)?,
        // The body is the fallback for every type that a client does not know.
        _ => source.words(Tone::Said)?,
    };
    Ok(Read {
        said,
        reply_to: relation.reply_to,
        thread_root: relation.thread_root,
        edits: relation.edits,
        origin: Origin::read(content),
        encrypted_file: effective.get("file").filter(|file| file.is_object()).cloned(),
        pings: source.pings,
    })
}

/// Whom a content pings.
pub fn read_pings(content: &Value) -> Pings {
    pings(content)
}

/// Everything that a content links to, for the caller to look up and fill in [`Known`](crate::convert::Known).
pub fn content_references(content: &Value) -> Vec<MatrixId> {
    let html = effective_content(content).and_then(|content| text(content, "formatted_body"));
    html.map(html_references).unwrap_or_default()
}

/// The events that a content refers to by its relation, for the caller to look up.
///
/// # Errors
/// When it is an edit that does not say of what.
pub fn content_relations(content: &Value) -> Result<Relations, ReadError> {
    Relations::read(content)
}

/// The events that a content refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    is_reply: bool,
    /// The event that it answers.
    pub reply_to: Option<OwnedEventId>,
    /// The first event of its thread.
    pub thread_root: Option<OwnedEventId>,
    /// The event that it changes.
    pub edits: Option<OwnedEventId>,
}

impl Relations {
    fn read(content: &Value) -> Result<Self, ReadError> {
        let Some(relation) = content.get("m.relates_to") else { return Ok(Self::default()) };
        let target = event_id(relation.get("event_id"));
        let rel_type = text(relation, "rel_type");
        if rel_type == Some("m.replace") {
            let edits = Some(target.ok_or(ReadError::BadEdit)?);
            return Ok(Self { edits, ..Self::default() });
        }
        let shown_reply = event_id(relation.get("m.in_reply_to").and_then(|reply| reply.get("event_id")));
        let thread_root = target.filter(|_| rel_type == Some("m.thread"));
        let falls_back = thread_root.is_some() && relation.get("is_falling_back") == Some(&Value::Bool(true));
        Ok(Self {
            is_reply: shown_reply.is_some(),
            reply_to: shown_reply.filter(|_| !falls_back),
            thread_root,
            edits: None,
        })
    }
}

struct Source<'a> {
    content: &'a Value,
    is_reply: bool,
    pings: Pings,
    context: &'a FromMatrix<'a>,
}

impl Source<'_> {
    fn words(&self, tone: Tone) -> Result<Said, ReadError> {
        Ok(Said::Message(Message { tone, text: self.text()?, ..Message::default() }))
    }

    /// The formatted body where it shows anything, otherwise the body.
    fn text(&self) -> Result<RichText, ReadError> {
        let html = text(self.content, "formatted_body")
            .filter(|_| text(self.content, "format") == Some(HTML_FORMAT));
        let rich =
            html.and_then(|html| read_html(html, &self.pings, self.context)).filter(|rich| !rich.is_blank());
        if let Some(rich) = rich {
            return Ok(rich);
        }
        let body = text(self.content, "body").ok_or(ReadError::NoBody)?;
        let body = if self.is_reply { without_reply_fallback(body) } else { body };
        Ok(read_plain(body, &self.pings, self.context))
    }

    fn file(&self, kind: AttachmentKind) -> Result<Said, ReadError> {
        let content = self.content;
        let address = text(content, "url").or_else(|| text(content.get("file")?, "url"));
        let uri = address.map(OwnedMxcUri::from).filter(|uri| uri.is_valid()).ok_or(ReadError::BadFile)?;
        let body = text(content, "body").unwrap_or_default();
        let filename = text(content, "filename").filter(|_| kind != AttachmentKind::Sticker);
        let has_caption = filename.is_some_and(|name| name != body);
        let name = one_line(filename.unwrap_or(body));
        let info = content.get("info").unwrap_or(&Value::Null);
        let attachment = Attachment {
            kind,
            source: FileSource::Matrix(uri),
            name: if name.is_empty() { "file".to_owned() } else { cut(&name, NAME_BYTES_MAX).to_owned() },
            mime: text(info, "mimetype").map(one_line).filter(|mime| !mime.is_empty()),
            size_bytes: info.get("size").and_then(Value::as_u64),
            spoiler: content.get(SPOILER_KEY) == Some(&Value::Bool(true)),
            info: media_info(content, info),
            id: None,
            link: None,
        };
        let text = if has_caption { self.text()? } else { RichText::default() };
        Ok(Said::Message(Message { text, attachments: vec![attachment], ..Message::default() }))
    }

    fn location(&self) -> Result<Said, ReadError> {
        let geo = text(self.content, "geo_uri").and_then(|uri| uri.strip_prefix("geo:")).unwrap_or_default();
        let coordinates = geo.split(';').next().unwrap_or_default();
        let mut numbers = coordinates.split(',').map(|number| number.trim().parse::<f64>());
        let (Some(Ok(latitude)), Some(Ok(longitude))) = (numbers.next(), numbers.next()) else {
            return Err(ReadError::BadLocation);
        };
        if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
            return Err(ReadError::BadLocation);
        }
        let description = clean_words(text(self.content, "body").unwrap_or_default()).into_owned();
        Ok(Said::Location { latitude, longitude, description })
    }
}

fn media_info(content: &Value, info: &Value) -> MediaInfo {
    let pixels = |key: &str| info.get(key).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
    let audio = content.get(AUDIO_KEY).unwrap_or(&Value::Null);
    let points = audio.get("waveform").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let loudness = |point: &Value| u16::try_from(point.as_u64()?.min(WAVEFORM_MAX)).ok();
    let duration = info.get("duration").or_else(|| audio.get("duration"));
    MediaInfo {
        width: pixels("w"),
        height: pixels("h"),
        duration_ms: duration.and_then(Value::as_u64),
        waveform: points.iter().take(WAVEFORM_POINTS_MAX).filter_map(loudness).collect(),
        blurhash: text(info, BLURHASH_KEY).map(|hash| cut(hash, BLURHASH_BYTES_MAX).to_owned()),
        thumbnail: None,
    }
}

/// The content that counts: for an edit the new one.
fn effective_content(content: &Value) -> Option<&Value> {
    let is_edit =
        content.get("m.relates_to").and_then(|relation| text(relation, "rel_type")) == Some("m.replace");
    if is_edit { content.get("m.new_content").filter(|new| new.is_object()) } else { Some(content) }
}

fn pings(content: &Value) -> Pings {
    let Some(mentions) = content.get("m.mentions") else { return Pings::default() };
    let user_ids = mentions.get("user_ids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Pings {
        user_ids: user_ids.iter().filter_map(|id| UserId::parse(id.as_str()?).ok()).collect(),
        room: mentions.get("room") == Some(&Value::Bool(true)),
    }
}

fn is_voice(content: &Value) -> bool {
    [VOICE_KEY, "m.voice"].iter().any(|key| content.get(key).is_some_and(Value::is_object))
}

/// Older clients quote the message they answer at the top of the body.
fn without_reply_fallback(body: &str) -> &str {
    if !body.starts_with("> <@") && !body.starts_with("> * <@") {
        return body;
    }
    let mut rest = body;
    while rest.starts_with('>') {
        let Some((_, next)) = rest.split_once('\n') else { return body };
        rest = next;
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

fn event_id(value: Option<&Value>) -> Option<OwnedEventId> {
    EventId::parse(value?.as_str()?).ok()
}

fn text<'a>(content: &'a Value, key: &str) -> Option<&'a str> {
    content.get(key)?.as_str()
}
