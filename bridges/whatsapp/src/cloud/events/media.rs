//! Files of a message: WhatsApp sends one at a time.

use magpie_common::{
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, clean_line},
};
use serde_json::Value;

use crate::cloud::{file, json::text};

/// The file of a message of that kind.
pub(super) fn read(kind: &str, data: &Value) -> Option<Attachment> {
    let id = text(&data["id"]);
    let mime = data["mime_type"].as_str().map(essence);
    let (sort, name) = match kind {
        "image" => (AttachmentKind::Image, "image.jpg"),
        "video" => (AttachmentKind::Video, "video.mp4"),
        "audio" if data["voice"] == true => (AttachmentKind::Voice, "voice message.ogg"),
        "audio" => (AttachmentKind::Audio, "audio.mp3"),
        "sticker" => (AttachmentKind::Sticker, "sticker"),
        _ => (AttachmentKind::File, "document"),
    };
    let given = clean_line(text(&data["filename"]));
    let name = if given.is_empty() { name.to_owned() } else { given };
    let source = FileSource::Remote(file::media(id)?);
    // The sum stays the same when the message comes again under another file id.
    let unique = Some(text(&data["sha256"])).filter(|sum| !sum.is_empty()).map(RemoteFileId::new);
    Some(Attachment { id: unique, mime, ..Attachment::new(sort, source, name) })
}

/// The caption beside a file.
pub(super) fn caption(data: &Value) -> &str {
    text(&data["caption"])
}

/// A media type without its parameters.
fn essence(mime: &str) -> String {
    mime.split(';').next().unwrap_or(mime).trim().to_ascii_lowercase()
}
