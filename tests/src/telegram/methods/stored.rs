//! Methods about what Telegram keeps: files, profile photos, sticker sets.

use serde_json::{Value, json};

use super::media::known;
use crate::telegram::{
    answer::{ApiError, Outcome},
    call::Call,
    files::{self, MediaKind},
    model::Fields,
    render,
    state::State,
};

const CUSTOM_EMOJI_MAX: usize = 200;

/// `getFile`
pub(crate) fn get_file(state: &mut State, call: &Call) -> Outcome {
    let file_id = call.text("file_id").ok_or_else(|| ApiError::bad("file_id not specified"))?;
    let invalid = |_| ApiError::bad("wrong file_id or the file is temporarily unavailable");
    let unique = known(state, call, file_id).map_err(invalid)?;
    let size = state.records.files[&unique].bytes.size();
    if size > state.settings.download_bytes_max {
        return Err(ApiError::bad("file is too big"));
    }
    let path = files::path(state, &unique);
    Ok(json!({"file_id": file_id, "file_unique_id": unique, "file_size": size, "file_path": path}))
}

/// `getUserProfilePhotos`
pub(crate) fn profile_photos(state: &mut State, call: &Call) -> Outcome {
    let id = call.user()?;
    let user = state.records.users.get(&id).ok_or_else(|| ApiError::bad("user not found"))?;
    let photos = user.photos.clone();
    let skipped = usize::try_from(call.number("offset").unwrap_or(0)).unwrap_or(0);
    let limit = usize::try_from(call.number("limit").unwrap_or(100).clamp(1, 100)).unwrap_or(1);
    let mut sizes = Vec::new();
    for unique in photos.iter().skip(skipped).take(limit) {
        let body = files::body(state, MediaKind::Photo, (unique, &Fields::new()));
        sizes.push(body["photo"].clone());
    }
    let mut it = json!({"total_count": photos.len(), "photos": sizes});
    render::with_file_ids(&mut it, call.bot);
    Ok(it)
}

/// `getStickerSet`
pub(crate) fn sticker_set(state: &mut State, call: &Call) -> Outcome {
    let name = call.text("name").unwrap_or_default();
    let set = state.records.sets.get(name).ok_or_else(|| ApiError::bad("STICKERSET_INVALID"))?;
    let mut it =
        json!({"name": set.name, "title": set.title, "sticker_type": set.kind, "stickers": set.stickers});
    render::with_file_ids(&mut it, call.bot);
    Ok(it)
}

/// `getCustomEmojiStickers`
pub(crate) fn custom_emoji(state: &mut State, call: &Call) -> Outcome {
    let wanted = call.list("custom_emoji_ids");
    if wanted.len() > CUSTOM_EMOJI_MAX {
        return Err(ApiError::bad("too many custom emoji identifiers specified"));
    }
    let stickers = state.records.sets.values().flat_map(|set| &set.stickers);
    let found = stickers.filter(|it| wanted.iter().any(|id| it["custom_emoji_id"] == *id));
    let mut it: Value = found.cloned().collect();
    render::with_file_ids(&mut it, call.bot);
    Ok(it)
}
