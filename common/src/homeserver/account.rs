//! What a person keeps about their rooms: direct chats, tags, muting and marks. Asked for double puppets only.

use http::Method;
use ruma::{RoomId, UserId};
use serde_json::{Map, Value, json};

use super::{
    HomeserverError,
    intent::{Intent, optional},
    path::Path,
    transport::Body,
};

impl Intent<'_> {
    /// Remembers a room as the direct chat with somebody, beside those that are there. Nothing is written when it is known.
    /// `GET` and `PUT /_matrix/client/v3/user/{userId}/account_data/m.direct`
    ///
    /// # Errors
    /// As every call.
    pub async fn add_direct_chat(&self, with: &UserId, room: &RoomId) -> Result<(), HomeserverError> {
        let path = || self.account_path("/account_data/m.direct");
        let known: Option<Map<String, Value>> =
            optional(self.transport().call(Method::GET, path(), Body::None).await)?;
        let mut all = known.unwrap_or_default();
        let entry = all.entry(with.as_str()).or_insert_with(|| json!([]));
        // What another client has written there in another form is not ours to mend.
        let Some(rooms) = entry.as_array_mut() else { return Ok(()) };
        if rooms.iter().any(|known| known == room.as_str()) {
            return Ok(());
        }
        rooms.push(room.as_str().into());
        self.put(path(), &all).await
    }

    /// Remembers a room that was the direct chat with somebody as one with somebody else. Nothing is written when it was none.
    /// `GET` and `PUT /_matrix/client/v3/user/{userId}/account_data/m.direct`
    ///
    /// # Errors
    /// As every call.
    pub async fn move_direct_chat(
        &self,
        (from, to): (&UserId, &UserId),
        room: &RoomId,
    ) -> Result<(), HomeserverError> {
        let path = || self.account_path("/account_data/m.direct");
        let known: Option<Map<String, Value>> =
            optional(self.transport().call(Method::GET, path(), Body::None).await)?;
        let mut all = known.unwrap_or_default();
        let Some(rooms) = all.get_mut(from.as_str()).and_then(Value::as_array_mut) else { return Ok(()) };
        let before = rooms.len();
        rooms.retain(|known| known != room.as_str());
        if rooms.len() == before {
            return Ok(());
        }
        if rooms.is_empty() {
            all.remove(from.as_str());
        }
        let entry = all.entry(to.as_str()).or_insert_with(|| json!([]));
        // What another client has written there in another form is not ours to mend.
        let Some(rooms) = entry.as_array_mut() else { return Ok(()) };
        if rooms.iter().all(|known| known != room.as_str()) {
            rooms.push(room.as_str().into());
        }
        self.put(path(), &all).await
    }

    /// Mutes a room, or lets it be heard again.
    /// `PUT` or `DELETE /_matrix/client/v3/pushrules/global/room/{roomId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn set_muted(&self, room: &RoomId, muted: bool) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/pushrules/global/room/").segment(room.as_str());
        let path = self.masquerade(path);
        match muted {
            true => self.put(path, &json!({ "actions": [] })).await,
            false => self.delete(path).await,
        }
    }

    /// Puts a tag on a room, or takes it off.
    /// `PUT` or `DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}`
    ///
    /// # Errors
    /// As every call.
    pub async fn set_tag(&self, room: &RoomId, tag: &str, is_on: bool) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/user/").segment(self.user_id().as_str()).raw("/rooms/");
        let path = self.masquerade(path.segment(room.as_str()).raw("/tags/").segment(tag));
        match is_on {
            true => self.put(path, &json!({})).await,
            false => self.delete(path).await,
        }
    }

    /// Marks a room as unread, or takes the mark away.
    /// `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/m.marked_unread`
    ///
    /// # Errors
    /// As every call.
    pub async fn mark_unread(&self, room: &RoomId, unread: bool) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/user/").segment(self.user_id().as_str()).raw("/rooms/");
        let path = path.segment(room.as_str()).raw("/account_data/m.marked_unread");
        self.put(self.masquerade(path), &json!({ "unread": unread })).await
    }

    fn account_path(&self, rest: &'static str) -> Path {
        let path = self.path("/_matrix/client/v3/user/").segment(self.user_id().as_str());
        self.masquerade(path.raw(rest))
    }

    /// What is not there need not be deleted.
    pub(super) async fn delete(&self, path: Path) -> Result<(), HomeserverError> {
        match self.transport().call_raw(Method::DELETE, path, Body::None).await {
            Ok(_) | Err(HomeserverError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
