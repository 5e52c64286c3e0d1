//! Files: upload, the look-up that gives an address for a few minutes, the download with the token, deletion.
//!
//! Numbers: <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media>. An id outlives many
//! addresses; who waited too long looks it up again, and once WhatsApp forgot the file nobody gets it any more.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    answer::Answer,
    call::{Call, Upload},
    number,
};
use crate::whatsapp_cloud::{
    WhatsAppCloudSim,
    errors::{GraphError, Outcome},
    ids::NumberId,
    model::Media,
    state::State,
};

/// Where downloads are, below the origin.
pub(crate) const DOWNLOADS: &str = "/whatsapp_business/attachments/";

/// How long an address works.
pub const ADDRESS_LIFE_MS: i64 = 5 * 60 * 1000;
/// How long an uploaded file is kept.
pub const UPLOAD_LIFE_MS: i64 = 30 * DAY_MS;
/// How long a file of a person is kept.
pub const RECEIVED_LIFE_MS: i64 = 7 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Type, kind of message, most bytes.
const TYPES: [(&str, &str, usize); 20] = [
    ("image/jpeg", "image", 5 * MEGABYTE),
    ("image/png", "image", 5 * MEGABYTE),
    ("image/webp", "sticker", 500 * 1024),
    ("audio/aac", "audio", 16 * MEGABYTE),
    ("audio/amr", "audio", 16 * MEGABYTE),
    ("audio/mpeg", "audio", 16 * MEGABYTE),
    ("audio/mp4", "audio", 16 * MEGABYTE),
    ("audio/ogg", "audio", 16 * MEGABYTE),
    ("video/mp4", "video", 16 * MEGABYTE),
    ("video/3gpp", "video", 16 * MEGABYTE),
    ("text/plain", "document", 100 * MEGABYTE),
    ("application/pdf", "document", 100 * MEGABYTE),
    ("application/msword", "document", 100 * MEGABYTE),
    ("application/vnd.ms-excel", "document", 100 * MEGABYTE),
    ("application/vnd.ms-powerpoint", "document", 100 * MEGABYTE),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", 100 * MEGABYTE),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "document", 100 * MEGABYTE),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "document", 100 * MEGABYTE),
    ("application/zip", "document", 100 * MEGABYTE),
    ("application/octet-stream", "document", 100 * MEGABYTE),
];
const MEGABYTE: usize = 1024 * 1024;

/// A type without its parameters.
fn essence(mime: &str) -> &str {
    mime.split(';').next().unwrap_or(mime).trim()
}

/// Whether a file of this type may be sent as this kind of message. As documents, all may.
pub(super) fn fits(mime: &str, kind: &str) -> bool {
    TYPES
        .iter()
        .any(|(known, of_kind, _)| *known == essence(mime) && (*of_kind == kind || kind == "document"))
}

/// `POST /{Phone-Number-ID}/media`
pub(super) fn upload(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    number::product(call)?;
    let Some(Upload { filename, mime, bytes }) = call.upload.clone() else {
        return Err(GraphError::missing("file"));
    };
    let mime = call.text("type").map(str::to_owned).or(mime).ok_or_else(|| GraphError::missing("type"))?;
    let Some((_, _, bytes_max)) = TYPES.iter().find(|(known, ..)| *known == essence(&mime)) else {
        let known: Vec<&str> = TYPES.iter().map(|(known, ..)| *known).collect();
        let known = known.join(", ");
        let words = format!(
            "Param file must be a file with one of the following types: {known}. Received file of type '{mime}'."
        );
        return Err(GraphError::parameter(words));
    };
    if bytes.is_empty() || bytes.len() > *bytes_max {
        return Err(
            GraphError::new(131_053).details(format!("A file of {mime} may have 1 to {bytes_max} bytes."))
        );
    }
    let expires_ms = state.now_ms() + UPLOAD_LIFE_MS;
    let id = keep(state, Media { id: String::new(), number, mime, filename, bytes, expires_ms });
    Ok(Answer::ok(json!({"id": id})))
}

/// Stores a file under a fresh id.
pub(crate) fn keep(state: &mut State, media: Media) -> String {
    let id = state.ids.digits().to_string();
    state.records.media.insert(id.clone(), Media { id: id.clone(), ..media });
    id
}

/// A file that WhatsApp still has, for a number that may use it.
pub(super) fn find<'a>(state: &'a State, id: &str, number: Option<NumberId>) -> Option<&'a Media> {
    let media = state.records.media.get(id)?;
    let is_there = media.expires_ms > state.now_ms();
    (is_there && number.is_none_or(|number| number == media.number)).then_some(media)
}

fn of_call<'a>(state: &'a State, call: &Call, id: &str) -> Result<&'a Media, GraphError> {
    let none = || GraphError::no_such_object(&call.method, id);
    let number = match call.query("phone_number_id") {
        Some(number) => Some(NumberId(number.parse().map_err(|_| none())?)),
        None => None,
    };
    find(state, id, number).ok_or_else(none)
}

/// `GET /{Media-ID}`
pub(super) fn look_up(state: &State, call: &Call, id: &str) -> Outcome {
    let media = of_call(state, call, id)?;
    let until_ms = state.now_ms() + ADDRESS_LIFE_MS;
    let hash = signature(state, id, until_ms);
    let url = format!("{}{DOWNLOADS}?mid={id}&ext={until_ms}&hash={hash}", state.origin);
    // Servers write the sum in hex here and in base64 in webhooks.
    Ok(Answer::ok(json!({
        "url": url, "mime_type": essence(&media.mime), "sha256": hex(&Sha256::digest(&media.bytes)), "file_size": media.bytes.len(),
        "id": id, "messaging_product": "whatsapp",
    })))
}

/// `DELETE /{Media-ID}`
pub(super) fn delete(state: &mut State, call: &Call, id: &str) -> Outcome {
    of_call(state, call, id)?;
    state.records.media.remove(id);
    Ok(Answer::success())
}

/// The address that a look-up gave. 404 means: look it up again.
pub(super) fn download(state: &State, call: &Call) -> Answer {
    if !state.records.is_token_valid || call.token.as_deref() != Some(&state.records.token) {
        return GraphError::bad_token(call.token.is_some()).into_answer(&state.trace());
    }
    let id = call.query("mid").unwrap_or_default();
    let until_ms: i64 = call.query("ext").and_then(|text| text.parse().ok()).unwrap_or_default();
    let is_signed = call.query("hash") == Some(&signature(state, id, until_ms));
    if call.method != "GET" || !is_signed || until_ms <= state.now_ms() {
        return Answer::empty(404);
    }
    find(state, id, None)
        .map_or_else(|| Answer::empty(404), |media| Answer::file(&media.mime, media.bytes.clone()))
}

fn signature(state: &State, id: &str, until_ms: i64) -> String {
    hex(&Sha256::digest(format!("{} {id} {until_ms}", state.records.app_secret)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl WhatsAppCloudSim {
    /// A stored file.
    pub fn media(&self, id: &str) -> Option<Media> {
        self.inner.lock().records.media.get(id).cloned()
    }

    /// WhatsApp forgets a file before its time.
    pub fn media_expires(&self, id: &str) {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            if let Some(media) = state.records.media.get_mut(id) {
                media.expires_ms = now_ms;
            }
        });
    }
}
