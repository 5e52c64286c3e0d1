//! Files of a message. A message of Telegram bears one; an album is several messages.

use magpie_common::{
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, LOTTIE_TYPE, MediaInfo, Node},
};
use serde_json::Value;

use super::Reach;
use crate::{file, json::text};

/// What a message bears besides its words.
pub(super) enum Borne {
    /// A file.
    File(Box<Attachment>),
    /// Words in the place of a file that no bot can fetch.
    Words(Node),
}

/// The file of a message.
pub(super) fn read(message: &Value, reach: Reach) -> Option<Borne> {
    let (kind, file) = find(message)?;
    let mut attachment = attachment(kind, file)?;
    attachment.spoiler = message["has_media_spoiler"] == true;
    if attachment.size_bytes.is_some_and(|size| size > reach.download_bytes_max) {
        let words = format!("📎 {} is too large for a bot to fetch. Open it in Telegram.", attachment.name);
        return Some(Borne::Words(Node::Emphasis(vec![Node::Text(words)])));
    }
    Some(Borne::File(Box::new(attachment)))
}

/// What tells the file from others, for comparing two versions of a message.
pub(super) fn unique(message: &Value) -> &str {
    find(message).map(|(_, file)| text(&file["file_unique_id"])).unwrap_or_default()
}

/// The file and its sort. An animation also stands there as a document, so it comes first.
fn find(message: &Value) -> Option<(&'static str, &Value)> {
    const SORTS: [&str; 7] = ["animation", "video", "video_note", "voice", "audio", "sticker", "document"];
    let sort = SORTS.into_iter().find(|sort| message[*sort].is_object());
    if let Some(sort) = sort {
        return Some((sort, &message[sort]));
    }
    // A photo that moves is shown as the photo.
    let sizes = message["photo"].as_array().or_else(|| message["live_photo"]["photo"].as_array())?;
    let pixels = |size: &&Value| size["width"].as_u64().unwrap_or(0) * size["height"].as_u64().unwrap_or(0);
    Some(("photo", sizes.iter().max_by_key(pixels)?))
}

fn attachment(sort: &str, data: &Value) -> Option<Attachment> {
    let file_id = data["file_id"].as_str()?;
    let mime = data["mime_type"].as_str();
    let named = || text(&data["file_name"]).to_owned();
    let mut source = file::file(file_id);
    let (kind, name, mime) = match sort {
        "photo" => (AttachmentKind::Image, "photo.jpg".to_owned(), Some("image/jpeg")),
        "animation" => (AttachmentKind::Video, or(named(), "animation.mp4"), mime.or(Some("video/mp4"))),
        "video" => (AttachmentKind::Video, or(named(), "video.mp4"), mime.or(Some("video/mp4"))),
        "video_note" => (AttachmentKind::Video, "video message.mp4".to_owned(), Some("video/mp4")),
        "voice" => (AttachmentKind::Voice, "voice message.ogg".to_owned(), mime.or(Some("audio/ogg"))),
        "audio" => {
            (AttachmentKind::Audio, or(named(), &or(text(&data["title"]).to_owned(), "audio.mp3")), mime)
        }
        "sticker" => {
            if data["is_animated"] == true {
                source = file::tgs(file_id);
            }
            sticker(data)
        }
        _ => {
            let is_image = mime.is_some_and(|mime| mime.starts_with("image/"));
            let kind = if is_image { AttachmentKind::Image } else { AttachmentKind::File };
            (kind, or(named(), "file"), mime)
        }
    };
    let bare = Attachment::new(kind, FileSource::Remote(source), name);
    Some(Attachment {
        id: Some(RemoteFileId::new(text(&data["file_unique_id"]))).filter(|id| !id.as_str().is_empty()),
        mime: mime.map(str::to_owned),
        size_bytes: data["file_size"].as_u64(),
        info: info(data),
        ..bare
    })
}

fn sticker(data: &Value) -> (AttachmentKind, String, Option<&'static str>) {
    // Clients show no moving pictures of that type as stickers, but play them as videos.
    let (kind, mime) = match (data["is_animated"] == true, data["is_video"] == true) {
        (true, _) => (AttachmentKind::Sticker, LOTTIE_TYPE),
        (_, true) => (AttachmentKind::Video, "video/webm"),
        _ => (AttachmentKind::Sticker, "image/webp"),
    };
    (kind, or(text(&data["emoji"]).to_owned(), "sticker"), Some(mime))
}

fn info(data: &Value) -> MediaInfo {
    // A round video says how wide it is by one number.
    let pixels = |key: &str| {
        let pixels = data[key].as_u64().or_else(|| data["length"].as_u64());
        pixels.and_then(|pixels| u32::try_from(pixels).ok())
    };
    let duration_ms = data["duration"].as_u64().and_then(|seconds| seconds.checked_mul(1000));
    MediaInfo { width: pixels("width"), height: pixels("height"), duration_ms, ..MediaInfo::default() }
}

fn or(name: String, otherwise: &str) -> String {
    if name.is_empty() { otherwise.to_owned() } else { name }
}
