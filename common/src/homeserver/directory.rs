//! Finding rooms: aliases.

use http::Method;
use ruma::OwnedRoomId;
use serde::Deserialize;

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
}
