//! Methods that send files, one or several.

use serde_json::{Value, json};

use super::{
    messages::details,
    target::{Target, caption},
};
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    files::{self, MediaKind},
    model::Fields,
    render,
    state::State,
};

/// `sendPhoto`
pub(crate) fn photo(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Photo)
}

/// `sendAudio`
pub(crate) fn audio(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Audio)
}

/// `sendDocument`
pub(crate) fn document(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Document)
}

/// `sendVideo`
pub(crate) fn video(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Video)
}

/// `sendAnimation`
pub(crate) fn animation(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Animation)
}

/// `sendVoice`
pub(crate) fn voice(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Voice)
}

/// `sendVideoNote`
pub(crate) fn video_note(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::VideoNote)
}

/// `sendSticker`
pub(crate) fn sticker(state: &mut State, call: &Call) -> Outcome {
    one(state, call, MediaKind::Sticker)
}

/// `sendMediaGroup`
pub(crate) fn group(state: &mut State, call: &Call) -> Outcome {
    let items = call.list("media");
    if !(2..=10).contains(&items.len()) {
        return Err(ApiError::bad(if items.is_empty() {
            "there are no messages to send"
        } else {
            "wrong number of media in the album"
        }));
    }
    let kinds: Vec<_> = items.iter().filter_map(|it| MediaKind::of(it["type"].as_str()?)).collect();
    let is_visual = |kind: &MediaKind| matches!(kind, MediaKind::Photo | MediaKind::Video);
    let is_alone = |kind: &MediaKind| matches!(kind, MediaKind::Audio | MediaKind::Document);
    let is_uniform =
        kinds.iter().all(is_visual) || (is_alone(&kinds[0]) && kinds.iter().all(|it| *it == kinds[0]));
    if kinds.len() != items.len() || !is_uniform {
        return Err(ApiError::bad("Can't use the media of the specified type in the album"));
    }
    let target = Target::read(state, call, kinds[0].right())?;
    let mut bodies = Vec::new();
    for item in &items {
        bodies.push(item_body(state, call, item)?);
    }
    let album = state.next_id().to_string();
    let mut sent = Vec::new();
    for mut body in bodies {
        body.insert("media_group_id".to_owned(), json!(album));
        sent.push(target.post(state, call, body, None));
    }
    Ok(sent.into_iter().map(|id| target.written(state, call, id)).collect())
}

/// What an `InputMedia` makes of a message.
pub(crate) fn item_body(state: &mut State, call: &Call, item: &Value) -> Result<Fields, ApiError> {
    let kind = item["type"].as_str().and_then(MediaKind::of);
    let kind = kind.ok_or_else(|| ApiError::bad("can't parse InputMedia: type must be non-empty"))?;
    let words = caption(item)?;
    let mut body = media_body(state, call, (kind, &item["media"]), item)?;
    body.extend(words);
    Ok(body)
}

fn one(state: &mut State, call: &Call, kind: MediaKind) -> Outcome {
    let target = Target::read(state, call, kind.right())?;
    let params = Value::Object(call.params.clone());
    let words = match kind {
        MediaKind::VideoNote | MediaKind::Sticker => Fields::new(),
        _ => caption(&params)?,
    };
    let source = call.params.get(kind.field()).cloned().unwrap_or(Value::Null);
    let mut body = media_body(state, call, (kind, &source), &params)?;
    body.extend(words);
    target.send(state, call, body)
}

fn media_body(
    state: &mut State,
    call: &Call,
    (kind, source): (MediaKind, &Value),
    params: &Value,
) -> Result<Fields, ApiError> {
    let unique = take(state, call, (kind, source))?;
    let mut details = details(params);
    let thumbnail = params["thumbnail"].as_str().and_then(|text| text.strip_prefix("attach://"));
    if let Some(upload) = call.uploads.get(thumbnail.unwrap_or("thumbnail")).cloned() {
        let (width, height) = files::dimensions(&upload.bytes);
        let size = upload.bytes.size();
        let unique = files::keep(state, upload.bytes, (None, Some("image/jpeg")));
        details.insert(
            "thumbnail".to_owned(),
            json!({"file_unique_id": unique, "width": width.min(320), "height": height.min(320), "file_size": size}),
        );
    }
    let file = &state.records.files[&unique];
    let kind = match kind {
        // Telegram takes any file here and shows what it is.
        MediaKind::Voice if !files::is_voice(&file.bytes) => MediaKind::Document,
        kind => kind,
    };
    Ok(files::body(state, kind, (&unique, &details)))
}

/// The file that a parameter means: an uploaded part, or one that Telegram knows.
pub(crate) fn take(
    state: &mut State,
    call: &Call,
    (kind, source): (MediaKind, &Value),
) -> Result<String, ApiError> {
    let text = source.as_str();
    let part = match text {
        Some(text) => text.strip_prefix("attach://"),
        None => Some(kind.field()),
    };
    let Some(part) = part else { return known(state, call, text.unwrap_or_default()) };
    let upload = call.uploads.get(part).cloned();
    let upload = upload.ok_or_else(|| {
        ApiError::bad(format!("there is no {} in the request", kind.field().replace('_', " ")))
    })?;
    let (size, settings) = (upload.bytes.size(), &state.settings);
    if size == 0 {
        return Err(ApiError::bad("file must be non-empty"));
    }
    if size > settings.upload_bytes_max {
        return Err(ApiError::new(413, "Request Entity Too Large"));
    }
    if kind == MediaKind::Photo {
        let most = settings.photo_bytes_max;
        if size > most {
            return Err(ApiError::bad(format!(
                "file of size {size} bytes is too big for a photo; the maximum size is {most} bytes"
            )));
        }
        if !files::is_picture(&upload.bytes) {
            return Err(ApiError::bad("IMAGE_PROCESS_FAILED"));
        }
        let (width, height) = files::dimensions(&upload.bytes);
        if width + height > 10_000 || width.max(height) > 20 * width.min(height) {
            return Err(ApiError::bad("PHOTO_INVALID_DIMENSIONS"));
        }
    }
    Ok(files::keep(state, upload.bytes, (Some(&upload.name), upload.mime.as_deref())))
}

/// A file by the id that this bot knows it by.
pub(crate) fn known(state: &State, call: &Call, file_id: &str) -> Result<String, ApiError> {
    if file_id.starts_with("http://") || file_id.starts_with("https://") {
        return Err(ApiError::bad("failed to get HTTP URL content"));
    }
    let unique = file_id.rsplit_once('.').map(|(unique, _)| unique).unwrap_or_default();
    let file = state.records.files.get(unique).filter(|file| !file.is_gone);
    match file.filter(|_| file_id == render::file_id(unique, call.bot)) {
        Some(file) => Ok(file.unique_id.clone()),
        None => Err(ApiError::bad("wrong file identifier/HTTP URL specified")),
    }
}
