//! Files and stickers of a message.
//!
//! A file is named by its message, not by its address: that one is signed and expires, and is asked for anew when it has.

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_common::{
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, LOTTIE_TYPE, MediaInfo},
};
use serde_json::Value;

use crate::json::text;

mod name;

/// A voice message.
const VOICE_FLAG: u64 = 1 << 13;

/// A file that is hidden until somebody looks.
const SPOILER_FLAG: u64 = 1 << 3;

/// The loudest point of a waveform, here and in Matrix.
const LOUDEST: (u16, u16) = (255, 1024);

/// Discord's waveforms have at most this many points.
const WAVEFORM_POINTS_MAX: usize = 256;

/// Lottie, a drawing rather than a picture.
const LOTTIE: u64 = 3;

/// GIF, which is on another host.
const GIF: u64 = 4;

/// The id of a file.
pub(crate) fn file_id(channel: &str, message: &str, attachment: &str) -> String {
    format!("attachment/{channel}/{message}/{attachment}")
}

/// Every file of a message with the address that the message itself gives, those of a forwarded one among them.
pub(crate) fn addresses(data: &Value) -> Vec<(String, String)> {
    let (channel, message) = (text(&data["channel_id"]), text(&data["id"]));
    let own = data["attachments"].as_array().into_iter().flatten();
    let forwarded = snapshot(data)["attachments"].as_array().into_iter().flatten();
    let address = |file: &Value| {
        Some((file_id(&channel, &message, &text(&file["id"])), file["url"].as_str()?.to_owned()))
    };
    own.chain(forwarded).filter_map(address).collect()
}

/// What a forwarded message said. Discord wraps it once more than the gateway's library writes it down.
pub(super) fn snapshot(data: &Value) -> &Value {
    let snapshot = &data["message_snapshots"][0];
    if snapshot["message"].is_object() { &snapshot["message"] } else { snapshot }
}

/// The files of a message or a forwarded one, for the message that bears them.
pub(super) fn read(data: &Value, (channel, message): (&str, &str)) -> Vec<Attachment> {
    let is_voice = data["flags"].as_u64().unwrap_or_default() & VOICE_FLAG != 0;
    let files = data["attachments"].as_array().into_iter().flatten();
    files.filter_map(|file| one(file, (channel, message), is_voice)).collect()
}

/// The stickers of a message.
pub(super) fn stickers(data: &Value) -> Vec<Attachment> {
    let stickers = data["sticker_items"].as_array().into_iter().flatten();
    stickers.filter_map(sticker).collect()
}

fn sticker(sticker: &Value) -> Option<Attachment> {
    let id = Some(text(&sticker["id"])).filter(|id| crate::format::is_id(id))?;
    let name = sticker["name"].as_str().unwrap_or("sticker");
    let (file, mime) = match sticker["format_type"].as_u64() {
        Some(LOTTIE) => (format!("stickers/{id}.json"), Some(LOTTIE_TYPE.to_owned())),
        Some(GIF) => (format!("https://media.discordapp.net/stickers/{id}.gif"), None),
        _ => (format!("stickers/{id}.png"), None),
    };
    let source = FileSource::Remote(RemoteFileId::new(file));
    let bare = Attachment::new(AttachmentKind::Sticker, source, name);
    Some(Attachment { id: Some(RemoteFileId::new(id)), mime, ..bare })
}

fn one(file: &Value, (channel, message): (&str, &str), is_voice: bool) -> Option<Attachment> {
    let id = Some(text(&file["id"])).filter(|id| crate::format::is_id(id))?;
    let mime = file["content_type"].as_str();
    let (name, is_named_hidden) = name::read(file);
    let kind = match mime.and_then(|mime| mime.split('/').next()) {
        _ if is_voice => AttachmentKind::Voice,
        Some("image") => AttachmentKind::Image,
        Some("video") => AttachmentKind::Video,
        Some("audio") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    let pixels = |key: &str| file[key].as_u64().and_then(|pixels| u32::try_from(pixels).ok());
    let is_hidden = file["flags"].as_u64().unwrap_or_default() & SPOILER_FLAG != 0;
    let source = FileSource::Remote(RemoteFileId::new(file_id(channel, message, &id)));
    Some(Attachment {
        id: Some(RemoteFileId::new(id)),
        mime: mime.map(str::to_owned),
        size_bytes: file["size"].as_u64(),
        spoiler: is_hidden || is_named_hidden,
        info: MediaInfo {
            width: pixels("width"),
            height: pixels("height"),
            duration_ms: duration_ms(&file["duration_secs"]),
            waveform: waveform(&file["waveform"]),
            ..MediaInfo::default()
        },
        ..Attachment::new(kind, source, name)
    })
}

fn duration_ms(seconds: &Value) -> Option<u64> {
    let seconds =
        seconds.as_f64().and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())?;
    u64::try_from(seconds.as_millis()).ok()
}

/// One byte a point, as base64.
fn waveform(written: &Value) -> Vec<u16> {
    let bytes = written.as_str().and_then(|written| STANDARD.decode(written).ok()).unwrap_or_default();
    let scaled = |byte: u8| u16::try_from(u32::from(byte) * u32::from(LOUDEST.1) / u32::from(LOUDEST.0));
    bytes.into_iter().take(WAVEFORM_POINTS_MAX).filter_map(|byte| scaled(byte).ok()).collect()
}
