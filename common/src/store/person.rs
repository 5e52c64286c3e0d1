//! People in Matrix who use the bridge: where the bot tells them news, and how the bridge may act for them.

use ruma::{OwnedRoomId, RoomId, UserId};

use super::{Store, StoreError, operation::Step};
use crate::config::Secret;

const PERSON: &str = "SELECT management_room, puppet FROM person WHERE user_id = $1";
const BY_ROOM: &str = "SELECT user_id FROM person WHERE management_room = $1";
const SET_ROOM: &str = "INSERT INTO person (user_id, management_room) VALUES ($1, $2) \
     ON CONFLICT (user_id) DO UPDATE SET management_room = excluded.management_room";
const SET_PUPPET: &str = "INSERT INTO person (user_id, puppet) VALUES ($1, $2) \
     ON CONFLICT (user_id) DO UPDATE SET puppet = excluded.puppet";

/// What is kept about somebody.
#[derive(Clone, Debug, Default)]
pub struct PersonRow {
    /// The room in which the bot tells them news.
    pub management_room: Option<OwnedRoomId>,
    /// The access token with which the bridge acts for them, where they gave one; none when it was sealed with another key.
    pub puppet: Option<Secret>,
}

impl Store {
    /// What is kept about somebody; nothing about most people.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn person(&self, user_id: &UserId) -> Result<PersonRow, StoreError> {
        let row = self.0.reader.fetch_one(PERSON, vec![user_id.as_str().into()]).await?;
        let Some(mut row) = row else { return Ok(PersonRow::default()) };
        let room = row.text_or_null()?.map(OwnedRoomId::try_from).transpose();
        let management_room =
            room.map_err(|_| StoreError::Corrupt("a management room is no room id".to_owned()))?;
        let puppet = row.text_or_null()?.and_then(|sealed| self.0.seal.open(&place(user_id), &sealed));
        Ok(PersonRow { management_room, puppet })
    }

    /// Whether a room is somebody's management room.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_management_room(&self, room_id: &RoomId) -> Result<bool, StoreError> {
        Ok(self.0.reader.fetch_one(BY_ROOM, vec![room_id.as_str().into()]).await?.is_some())
    }

    /// Lets the bot tell somebody news in a room.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_management_room(&self, user_id: &UserId, room_id: &RoomId) -> Result<(), StoreError> {
        let params = vec![user_id.as_str().into(), room_id.as_str().into()];
        self.write(vec![Step { sql: SET_ROOM, params }]).await.map(drop)
    }

    /// Keeps the access token of somebody, sealed, or forgets it.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_puppet(&self, user_id: &UserId, token: Option<&Secret>) -> Result<(), StoreError> {
        let sealed =
            token.map(|token| self.0.seal.seal(&place(user_id), token, &self.0.clock)).transpose()?;
        let params = vec![user_id.as_str().into(), sealed.as_deref().into()];
        self.write(vec![Step { sql: SET_PUPPET, params }]).await.map(drop)
    }
}

fn place(user_id: &UserId) -> String {
    format!("puppet/{user_id}")
}
