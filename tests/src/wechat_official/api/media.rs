//! Files: kept for three days, films given as an address.
//!
//! <https://developers.weixin.qq.com/doc/offiaccount/Asset_Management/New_temporary_materials.html>

use serde_json::json;

use super::{Answer, Call, Outcome};
use crate::wechat_official::{
    errors::Code,
    people::{keep, kept_until_ms},
    state::{Media, State},
};

const MEGABYTE: usize = 1024 * 1024;

/// Kind, the types that go as it, most bytes.
const KINDS: [(&str, &[&str], usize); 4] = [
    ("image", &["image/jpeg", "image/png", "image/gif", "image/bmp"], 10 * MEGABYTE),
    ("voice", &["audio/amr", "audio/mpeg", "audio/mp3"], 2 * MEGABYTE),
    ("video", &["video/mp4"], 10 * MEGABYTE),
    ("thumb", &["image/jpeg"], 64 * 1024),
];

/// `POST /cgi-bin/media/upload`
pub(super) fn upload(state: &mut State, app_id: &str, call: &Call) -> Outcome {
    let kind = call.query("type");
    let upload = call.upload.as_ref().filter(|upload| !upload.bytes.is_empty()).ok_or(Code(41_005))?;
    let (_, mimes, bytes_max) = KINDS.iter().find(|(known, ..)| *known == kind).ok_or(Code(40_004))?;
    if !mimes.contains(&upload.mime.as_str()) {
        return Err(Code(40_004));
    }
    if upload.bytes.len() > *bytes_max {
        return Err(Code(40_006));
    }
    let media = Media {
        app_id: app_id.to_owned(),
        kind: kind.to_owned(),
        mime: upload.mime.clone(),
        bytes: upload.bytes.clone(),
        until_ms: kept_until_ms(state),
    };
    let id = keep(state, media);
    let name = if kind == "thumb" { "thumb_media_id" } else { "media_id" };
    Ok(Answer::Told(json!({"type": kind, name: id, "created_at": state.now_ms() / 1000})))
}

/// `GET /cgi-bin/media/get`
pub(super) fn get(state: &State, app_id: &str, call: &Call) -> Outcome {
    let id = call.query("media_id");
    let media = find(state, id).filter(|media| media.app_id == app_id).ok_or(Code(40_007))?;
    if media.kind == "video" {
        return Ok(Answer::Told(json!({"video_url": format!("{}/film/{id}", state.origin)})));
    }
    Ok(Answer::File { mime: media.mime.clone(), bytes: media.bytes.clone() })
}

/// Where a film is.
pub(super) fn film(state: &State, id: &str) -> Outcome {
    match find(state, id) {
        Some(media) => Ok(Answer::File { mime: media.mime.clone(), bytes: media.bytes.clone() }),
        None => Err(Code(40_007)),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Option<&'a Media> {
    state.media.get(id).filter(|media| media.until_ms > state.now_ms())
}
