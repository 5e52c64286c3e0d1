//! Files that Telegram keeps, and how each kind looks in a message.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    model::{Fields, File, FileBytes},
    state::State,
};

/// What a file is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture, made smaller by Telegram.
    Photo,
    /// Music.
    Audio,
    /// Any file as it is.
    Document,
    /// A video.
    Video,
    /// A short silent video.
    Animation,
    /// A voice message.
    Voice,
    /// A round video.
    VideoNote,
    /// A sticker.
    Sticker,
}

impl MediaKind {
    /// The field of a message, and the parameter of the method that sends it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Video => "video",
            Self::Animation => "animation",
            Self::Voice => "voice",
            Self::VideoNote => "video_note",
            Self::Sticker => "sticker",
        }
    }

    /// The kind of this field.
    pub fn of(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.field() == field)
    }

    const ALL: [Self; 8] = [
        Self::Photo,
        Self::Audio,
        Self::Document,
        Self::Video,
        Self::Animation,
        Self::Voice,
        Self::VideoNote,
        Self::Sticker,
    ];

    /// The right to send it, and what it is in error messages.
    pub(crate) fn right(self) -> (&'static str, &'static str) {
        match self {
            Self::Photo => ("can_send_photos", "photos"),
            Self::Audio => ("can_send_audios", "music"),
            Self::Document => ("can_send_documents", "documents"),
            Self::Video => ("can_send_videos", "videos"),
            Self::Animation => ("can_send_other_messages", "animations"),
            Self::Voice => ("can_send_voice_notes", "voice notes"),
            Self::VideoNote => ("can_send_video_notes", "video notes"),
            Self::Sticker => ("can_send_other_messages", "stickers"),
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Photo => "photos",
            Self::Audio => "music",
            Self::Document => "documents",
            Self::Video => "videos",
            Self::Animation => "animations",
            Self::Voice => "voice",
            Self::VideoNote => "video_notes",
            Self::Sticker => "stickers",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Photo => "jpg",
            Self::Audio => "mp3",
            Self::Document => "bin",
            Self::Video | Self::Animation | Self::VideoNote => "mp4",
            Self::Voice => "oga",
            Self::Sticker => "webp",
        }
    }
}

/// Keeps a file; the unique id is told.
pub(crate) fn keep(
    state: &mut State,
    bytes: FileBytes,
    (name, mime): (Option<&str>, Option<&str>),
) -> String {
    let number = state.next_id();
    let unique_id = format!("AQAD{number:x}");
    let file = File {
        unique_id: unique_id.clone(),
        path: String::new(),
        bytes,
        name: name.map(str::to_owned),
        mime: mime.map(str::to_owned),
        kind: MediaKind::Document,
        details: Fields::new(),
        is_gone: false,
    };
    state.records.files.insert(unique_id.clone(), file);
    unique_id
}

/// The fields of a message that bears a file. `details` holds what only the sender knows: `duration`, `width`, `emoji`.
pub(crate) fn body(state: &mut State, kind: MediaKind, (unique, details): (&str, &Fields)) -> Fields {
    let file = state.records.files.get_mut(unique).expect("it was just found");
    file.kind = kind;
    // Whoever sends it again by its id need not say it again.
    file.details.extend(details.clone());
    let file = file.clone();
    let details = &file.details;
    let size = file.bytes.size();
    let mut it = json!({"file_unique_id": unique, "file_size": size});
    let names: &[&str] = match kind {
        MediaKind::Photo => return photo(state, &file),
        MediaKind::Audio => &["duration", "performer", "title"],
        MediaKind::Document => &[],
        MediaKind::Video | MediaKind::Animation => &["width", "height", "duration"],
        MediaKind::Voice => &["duration"],
        MediaKind::VideoNote => &["length", "duration"],
        MediaKind::Sticker => {
            &["type", "width", "height", "is_animated", "is_video", "emoji", "set_name", "custom_emoji_id"]
        }
    };
    for name in names {
        if let Some(value) = details.get(*name).cloned().or_else(|| unknown(name)) {
            it[*name] = value;
        }
    }
    if kind == MediaKind::Sticker {
        let bytes = match &file.bytes {
            FileBytes::Kept(bytes) => bytes.clone(),
            FileBytes::Made { .. } | FileBytes::Counted { .. } => Bytes::new(),
        };
        (it["is_animated"], it["is_video"]) =
            (json!(bytes.starts_with(GZIP)), json!(bytes.starts_with(WEBM)));
    } else if kind != MediaKind::VideoNote {
        let mime = file.mime.or_else(|| guess(file.name.as_deref()?).map(str::to_owned));
        it["mime_type"] = json!(mime.unwrap_or_else(|| default_mime(kind).to_owned()));
    }
    if let (Some(name), false) =
        (&file.name, matches!(kind, MediaKind::Voice | MediaKind::VideoNote | MediaKind::Sticker))
    {
        it["file_name"] = json!(name);
    }
    match details.get("thumbnail") {
        None => {}
        // People name the file only.
        Some(Value::String(file)) => {
            let size = state.records.files.get(file).map_or(0, |file| file.bytes.size());
            it["thumbnail"] = json!({"file_unique_id": file, "width": 320, "height": 240, "file_size": size});
        }
        Some(thumbnail) => it["thumbnail"] = thumbnail.clone(),
    }
    let mut body = Fields::new();
    if kind == MediaKind::Animation {
        let mut document = it.clone();
        for name in names {
            document.as_object_mut().map(|fields| fields.remove(*name));
        }
        body.insert("document".to_owned(), document);
    }
    body.insert(kind.field().to_owned(), it);
    body
}

/// The path by which a file can be loaded for a while.
pub(crate) fn path(state: &mut State, unique: &str) -> String {
    let number = state.next_id() % 1_000_000;
    let file = state.records.files.get_mut(unique).expect("it was just found");
    if file.path.is_empty() {
        let ending =
            file.name.as_deref().and_then(|name| name.rsplit_once('.')).map_or(file.kind.ending(), |it| it.1);
        file.path = format!("{}/file_{number}.{ending}", file.kind.folder());
    }
    file.path.clone()
}

/// SHA-256 of a file in hexadecimal.
pub fn sha256(bytes: &FileBytes) -> String {
    let sum = match bytes {
        FileBytes::Counted { sha256, .. } => return sha256.clone(),
        FileBytes::Kept(bytes) => Sha256::digest(bytes),
        FileBytes::Made { size, byte } => {
            let mut sum = Sha256::new();
            let piece = [*byte; 4096];
            let mut left = *size;
            while left > 0 {
                let now = usize::try_from(left.min(4096)).unwrap_or_default();
                sum.update(&piece[..now]);
                left -= now as u64;
            }
            sum.finalize()
        }
    };
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gzip, as animated stickers are packed.
pub(crate) const GZIP: &[u8] = b"\x1f\x8b";
/// WebM, as video stickers are.
pub(crate) const WEBM: &[u8] = b"\x1a\x45\xdf\xa3";

/// Width and height of a PNG, or what Telegram is taken to find in other pictures.
pub(crate) fn dimensions(bytes: &FileBytes) -> (u32, u32) {
    const OTHERS: (u32, u32) = (640, 480);
    let FileBytes::Kept(bytes) = bytes else { return OTHERS };
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    match bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        true => number(16).zip(number(20)).unwrap_or(OTHERS),
        false => OTHERS,
    }
}

/// Whether Telegram could show it as a picture.
pub(crate) fn is_picture(bytes: &FileBytes) -> bool {
    let FileBytes::Kept(bytes) = bytes else { return true };
    let starts: [&[u8]; 4] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"];
    starts.iter().any(|start| bytes.starts_with(start))
        || (bytes.starts_with(b"RIFF") && bytes[4..].get(4..8) == Some(b"WEBP"))
}

/// Whether it is Ogg, MP3 or M4A: the only voice messages there are.
pub(crate) fn is_voice(bytes: &FileBytes) -> bool {
    let FileBytes::Kept(bytes) = bytes else { return true };
    bytes.starts_with(b"OggS")
        || bytes.starts_with(b"ID3")
        || bytes.starts_with(b"\xff\xfb")
        || bytes.get(4..8) == Some(b"ftyp")
}

fn photo(state: &mut State, file: &File) -> Fields {
    let (width, height) = dimensions(&file.bytes);
    let small = keep(state, file.bytes.clone(), (None, Some("image/jpeg")));
    let scale = |side: u32| (side / 4).max(1);
    let sizes = json!([
        {"file_unique_id": small, "file_size": file.bytes.size(), "width": scale(width), "height": scale(height)},
        {"file_unique_id": file.unique_id, "file_size": file.bytes.size(), "width": width, "height": height},
    ]);
    Fields::from_iter([("photo".to_owned(), sizes)])
}

/// What the Bot API says where nobody knows; none for what may be absent.
fn unknown(name: &str) -> Option<Value> {
    match name {
        "duration" => Some(json!(0)),
        "width" | "height" => Some(json!(512)),
        "length" => Some(json!(240)),
        "type" => Some(json!("regular")),
        _ => None,
    }
}

fn default_mime(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Photo => "image/jpeg",
        MediaKind::Audio => "audio/mpeg",
        MediaKind::Document => "application/octet-stream",
        MediaKind::Video | MediaKind::Animation | MediaKind::VideoNote => "video/mp4",
        MediaKind::Voice => "audio/ogg",
        MediaKind::Sticker => "image/webp",
    }
}

fn guess(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "txt" => Some("text/plain"),
        "pdf" => Some("application/pdf"),
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "gif" => Some("image/gif"),
        "webp" => Some("image/webp"),
        "mp4" => Some("video/mp4"),
        "mp3" => Some("audio/mpeg"),
        "ogg" | "oga" => Some("audio/ogg"),
        "m4a" => Some("audio/mp4"),
        "zip" => Some("application/zip"),
        _ => None,
    }
}
