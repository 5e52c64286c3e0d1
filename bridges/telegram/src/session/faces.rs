//! Pictures of people and chats that speak: no update tells them, so each is looked for once while a bot is connected, aside from the
//! stream of updates.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use magpie_common::{
    ids::AliasSet,
    message::{RemoteEvent, UserInfo},
    platform::EventSink,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    api::{Api, ApiError},
    world::{chat_title, picture},
};
use crate::{
    file::user_picture,
    json::user_name,
    place::{channel_ghost, user},
};

/// So many are remembered as looked for.
const LOOKED_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

pub(super) struct Faces {
    pub(super) api: Arc<Api>,
    pub(super) sink: EventSink,
}

impl Faces {
    /// Runs as long as somebody speaks.
    pub(super) async fn run(self, mut speakers: mpsc::Receiver<i64>) {
        let mut looked = LruCache::new(LOOKED_MAX);
        while let Some(number) = speakers.recv().await {
            if looked.put(number, ()).is_some() {
                continue;
            }
            let found = if number > 0 { self.person(number).await } else { self.chat(number).await };
            if let Ok(Some(info)) = found {
                let ticket = self.sink.push(RemoteEvent::UserChanged(info)).await;
                // A picture that is not stored is found again by the next session.
                let _ = ticket.stored().await;
            }
        }
    }

    /// `getUserProfilePhotos` and, for the name, `getChat`.
    async fn person(&self, number: i64) -> Result<Option<UserInfo>, ApiError> {
        let photos = self.api.call("getUserProfilePhotos", &json!({"user_id": number, "limit": 1})).await?;
        let Some(unique) = newest(&photos).and_then(|size| size["file_unique_id"].as_str()) else {
            return Ok(None);
        };
        let avatar = Some(user_picture(number, unique));
        let name = self
            .api
            .call("getChat", &json!({"chat_id": number}))
            .await
            .ok()
            .and_then(|chat| user_name(&chat));
        Ok(Some(UserInfo { ids: AliasSet::single(user(number)), name, avatar, bot: false }))
    }

    async fn chat(&self, number: i64) -> Result<Option<UserInfo>, ApiError> {
        let chat = self.api.call("getChat", &json!({"chat_id": number})).await?;
        Ok(Some(chat_info(&chat, number)).filter(|info| info.avatar.is_some()))
    }
}

/// A chat that speaks for itself.
pub(super) fn chat_info(chat: &Value, number: i64) -> UserInfo {
    let ids = AliasSet::single(channel_ghost(number));
    UserInfo { ids, name: chat_title(chat), avatar: picture(chat), bot: false }
}

/// The largest size of the newest photo.
pub(super) fn newest(photos: &Value) -> Option<&Value> {
    let width = |size: &&Value| size["width"].as_u64().unwrap_or_default();
    photos["photos"][0].as_array()?.iter().max_by_key(width)
}
