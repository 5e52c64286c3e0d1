//! What the bot says of its own accord: words and pictures in a room, and which room that is.

use bytes::Bytes;
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json};

use super::Desk;
use crate::{
    homeserver::{CreateRoom, HomeserverError, SendEvent},
    portal::notice_content,
    store::StoreError,
};

/// What is said where a secret could not be taken away.
pub(super) const STILL_THERE: &str =
    "I may not delete what you wrote here, so please delete it yourself: it is a secret.";

impl Desk {
    /// Says something in a room. Under the same key it is said once.
    pub(super) async fn tell(&self, room_id: &RoomId, key: &str, words: &str) {
        let content = notice_content(words, &self.names);
        if let Err(error) = self.send(room_id, key, &content).await {
            tracing::warn!(%error, room = %room_id, "The bot could not say something.");
        }
    }

    /// Shows a picture in a room.
    pub(super) async fn show_picture(
        &self,
        room_id: &RoomId,
        key: &str,
        picture: Picture,
    ) -> Result<OwnedEventId, HomeserverError> {
        let size_bytes = picture.png.len();
        let mxc = self.homeserver.bot().upload("image/png", Some(picture.name), picture.png).await?;
        let info =
            json!({ "mimetype": "image/png", "size": size_bytes, "w": picture.side, "h": picture.side });
        let content =
            json!({ "msgtype": "m.image", "body": picture.name, "url": mxc, "info": info, "m.mentions": {} });
        self.send(room_id, key, &content).await
    }

    /// Takes away what somebody said. Whether that worked.
    pub(super) async fn take_away(&self, room_id: &RoomId, event_id: &EventId, why: &str) -> bool {
        let txn_id = format!("taken-{}", event_id.as_str().trim_start_matches('$'));
        match self.homeserver.bot().redact(room_id, event_id, &txn_id, Some(why)).await {
            Ok(_) => true,
            Err(error) => {
                tracing::info!(%error, room = %room_id, "The bot may not delete there.");
                false
            }
        }
    }

    /// Whether nobody is in a room but somebody and the bot.
    pub(super) async fn is_private(&self, room_id: &RoomId, user_id: &UserId) -> bool {
        match self.homeserver.bot().joined_members(room_id).await {
            Ok(members) => members.iter().all(|member| member == user_id || member == self.names.bot()),
            Err(error) => {
                tracing::warn!(%error, room = %room_id, "Who is in a room is not known.");
                false
            }
        }
    }

    /// The room in which somebody is told news; made if there is none.
    ///
    /// # Errors
    /// When it could not be made or saved.
    pub(super) async fn management_room(&self, user_id: &UserId) -> Result<OwnedRoomId, TellError> {
        if let Some(room_id) = self.store.person(user_id).await?.management_room {
            return Ok(room_id);
        }
        let request = CreateRoom {
            name: Some(format!("{} bridge", self.about.name)),
            invite: vec![user_id.to_owned()],
            is_direct: true,
            ..CreateRoom::default()
        };
        let room_id = self.homeserver.create_room(&request).await?;
        self.store.set_management_room(user_id, &room_id).await?;
        Ok(room_id)
    }

    async fn send(
        &self,
        room_id: &RoomId,
        key: &str,
        content: &Value,
    ) -> Result<OwnedEventId, HomeserverError> {
        let event = SendEvent { room_id, event_type: "m.room.message", txn_id: key, content, sent_ms: None };
        self.homeserver.bot().send(event).await
    }
}

/// A square picture.
pub(super) struct Picture {
    pub(super) name: &'static str,
    pub(super) png: Bytes,
    /// The length of its sides, in pixels.
    pub(super) side: u32,
}

/// Why somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum TellError {
    /// The homeserver did not do it.
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
