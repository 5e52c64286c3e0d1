//! Finding rooms and people: aliases, rooms of other servers, who is where.

use http::Method;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, ServerName, UserId};
use serde::Deserialize;
use serde_json::json;

use super::{
    HomeserverError,
    intent::{Intent, optional},
    transport::Body,
};

impl Intent<'_> {
    /// The alias's room; `None` when there is none. `GET /_matrix/client/v3/directory/room/{roomAlias}`
    ///
    /// # Errors
    /// As every call.
    pub async fn resolve_alias(&self, alias: &str) -> Result<Option<OwnedRoomId>, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            room_id: OwnedRoomId,
        }
        let path = self.masquerade(self.path("/_matrix/client/v3/directory/room/").segment(alias));
        let answer: Result<Answer, _> = self.transport().call(Method::GET, path, Body::None).await;
        Ok(optional(answer)?.map(|answer| answer.room_id))
    }

    /// Lets an alias lead to a room. `PUT /_matrix/client/v3/directory/room/{roomAlias}`
    ///
    /// # Errors
    /// As every call; a refusal when the alias leads somewhere already.
    pub async fn set_alias(&self, alias: &str, room: &RoomId) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/directory/room/").segment(alias);
        self.put(self.masquerade(path), &json!({ "room_id": room })).await
    }

    /// Takes an alias away; nothing when there is none. `DELETE /_matrix/client/v3/directory/room/{roomAlias}`
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_alias(&self, alias: &str) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/directory/room/").segment(alias);
        optional(self.delete(self.masquerade(path)).await).map(drop)
    }

    /// Joins a room that perhaps only these servers know. `POST /_matrix/client/v3/join/{roomIdOrAlias}`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::Forbidden`] without an invitation.
    pub async fn join_via(&self, room: &RoomId, via: &[&ServerName]) -> Result<(), HomeserverError> {
        let mut path = self.masquerade(self.path("/_matrix/client/v3/join/").segment(room.as_str()));
        for server in via {
            // The second is what servers before version 1.12 of the specification read.
            path = path.query("via", server.as_str()).query("server_name", server.as_str());
        }
        self.post(path, &json!({})).await
    }

    /// Whoever stands so in a room: `join`, `invite`, `leave` or `ban`.
    /// `GET /_matrix/client/v3/rooms/{roomId}/members`
    ///
    /// # Errors
    /// As every call.
    pub async fn members(
        &self,
        room: &RoomId,
        membership: &'static str,
    ) -> Result<Vec<OwnedUserId>, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            chunk: Vec<Member>,
        }
        #[derive(Deserialize)]
        struct Member {
            state_key: String,
        }
        let path = self.room_path(room, "/members").query("membership", membership);
        let answer: Answer = self.transport().call(Method::GET, path, Body::None).await?;
        Ok(answer.chunk.into_iter().filter_map(|member| UserId::parse(member.state_key).ok()).collect())
    }
}
