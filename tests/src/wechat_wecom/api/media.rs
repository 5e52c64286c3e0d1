//! Files: kept for three days.
//!
//! <https://developer.work.weixin.qq.com/document/path/90253>

use serde_json::json;

use super::{Answer, Call, Outcome};
use crate::wechat_wecom::{errors::Code, state::State};

const MEGABYTE: usize = 1024 * 1024;

/// A file has more bytes than these.
const BYTES_MIN: usize = 5;

/// Kind, the types that go as it, most bytes.
const KINDS: [(&str, &[&str], usize); 4] = [
    ("image", &["image/jpeg", "image/png"], 10 * MEGABYTE),
    ("voice", &["audio/amr"], 2 * MEGABYTE),
    ("video", &["video/mp4"], 10 * MEGABYTE),
    ("file", &[], 20 * MEGABYTE),
];

/// `POST /cgi-bin/media/upload`
pub(super) fn upload(state: &mut State, call: &Call) -> Outcome {
    let kind = call.query("type");
    let upload = call.upload.as_ref().filter(|upload| !upload.name.is_empty()).ok_or(Code(44_001))?;
    let (_, mimes, bytes_max) = KINDS.iter().find(|(known, ..)| *known == kind).ok_or(Code(40_004))?;
    if !mimes.is_empty() && !mimes.contains(&upload.mime.as_str()) {
        return Err(Code(40_004));
    }
    if upload.bytes.len() <= BYTES_MIN || upload.bytes.len() > *bytes_max {
        return Err(Code(40_006));
    }
    let (mime, bytes) = (upload.mime.clone(), upload.bytes.clone());
    let id = state.keep(kind, &mime, bytes);
    let at = (state.now_ms() / 1000).to_string();
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "", "type": kind, "media_id": id, "created_at": at})))
}

/// `GET /cgi-bin/media/get`
pub(super) fn get(state: &State, call: &Call) -> Outcome {
    let media = state.media.get(call.query("media_id")).ok_or(Code(40_007))?;
    if media.until_ms <= state.now_ms() {
        return Err(Code(40_007));
    }
    Ok(Answer::File { mime: media.mime.clone(), bytes: media.bytes.clone() })
}
