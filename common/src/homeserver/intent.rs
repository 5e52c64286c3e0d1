//! Acting as one user: accounts, profiles and memberships.
//!
//! The acting user travels as `?user_id=` beside our one token (application service API, "Identity assertion").

use std::{collections::BTreeMap, fmt, sync::Arc};

use http::{HeaderValue, Method};
use ruma::{EventId, MxcUri, OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{
    Homeserver, HomeserverError,
    path::Path,
    transport::{Body, Caller, Transport},
};

/// The homeserver as seen by one acting user.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    homeserver: &'a Homeserver,
    masquerade: Option<&'a UserId>,
    double: Option<&'a Double>,
}

/// A double puppet: somebody in Matrix for whom we may act. Its `Debug` shows no token.
#[derive(Clone)]
pub struct Double {
    pub(super) user_id: OwnedUserId,
    pub(super) authorization: HeaderValue,
    /// Whether the token is an application service's, so that the user must be named.
    pub(super) masquerades: bool,
    /// Their homeserver, where it is not ours.
    pub(super) elsewhere: Option<Arc<Transport>>,
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Double({})", self.user_id)
    }
}

impl Double {
    /// Who it is.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Whether their homeserver is another than ours, whose trouble is none of our people's.
    pub fn is_elsewhere(&self) -> bool {
        self.elsewhere.is_some()
    }
}

/// How a user shows themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// Their name.
    // Profiles and lists of members spell it differently (client-server API, 9.5 and 8.5).
    #[serde(rename = "displayname", alias = "display_name")]
    pub display_name: Option<String>,
    /// Their picture.
    pub avatar_url: Option<OwnedMxcUri>,
}

impl<'a> Intent<'a> {
    pub(super) fn new(homeserver: &'a Homeserver, masquerade: Option<&'a UserId>) -> Self {
        Self { homeserver, masquerade, double: None }
    }

    pub(super) fn of_double(homeserver: &'a Homeserver, double: &'a Double) -> Self {
        let masquerade = double.masquerades.then_some(&*double.user_id);
        Self { homeserver, masquerade, double: Some(double) }
    }

    /// Who acts.
    pub fn user_id(&self) -> &'a UserId {
        if let Some(double) = self.double {
            return &double.user_id;
        }
        self.masquerade.unwrap_or_else(|| self.homeserver.bot_id())
    }

    /// Makes the account if there is none. `POST /_matrix/client/v3/register`
    ///
    /// # Errors
    /// As every call.
    pub async fn register(&self) -> Result<(), HomeserverError> {
        // Without `inhibit_login` Synapse refuses registrations that use MSC4190 devices.
        let body = json!({
            "type": "m.login.application_service",
            "username": self.user_id().localpart(),
            "inhibit_login": true,
        });
        let path = self.transport().path("/_matrix/client/v3/register");
        match self.transport().call_raw(Method::POST, path, json_body(&body)?).await {
            Ok(_) => Ok(()),
            Err(error) if error.errcode() == Some("M_USER_IN_USE") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sets the name. It writes one event into every joined room, so compare first.
    /// `PUT /_matrix/client/v3/profile/{userId}/displayname`
    ///
    /// # Errors
    /// As every call.
    pub async fn set_display_name(&self, name: &str) -> Result<(), HomeserverError> {
        let path = self.profile_path("/displayname");
        self.put(path, &json!({ "displayname": name })).await
    }

    /// Sets or removes the picture; as costly as the name. `PUT /_matrix/client/v3/profile/{userId}/avatar_url`
    ///
    /// # Errors
    /// As every call.
    pub async fn set_avatar_url(&self, avatar: Option<&MxcUri>) -> Result<(), HomeserverError> {
        let path = self.profile_path("/avatar_url");
        self.put(path, &json!({ "avatar_url": avatar.map_or("", MxcUri::as_str) })).await
    }

    /// How a user shows themselves; `None` when there is no such user. `GET /_matrix/client/v3/profile/{userId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn profile(&self, user: &UserId) -> Result<Option<Profile>, HomeserverError> {
        let path = self.path("/_matrix/client/v3/profile/").segment(user.as_str());
        optional(self.transport().call(Method::GET, self.masquerade(path), Body::None).await)
    }

    /// Joins; joining twice is fine. `POST /_matrix/client/v3/rooms/{roomId}/join`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::Forbidden`] without an invitation.
    pub async fn join(&self, room: &RoomId) -> Result<(), HomeserverError> {
        self.post(self.room_path(room, "/join"), &json!({})).await
    }

    /// Invites. `POST /_matrix/client/v3/rooms/{roomId}/invite`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::Forbidden`] also when they are in the room already.
    pub async fn invite(&self, room: &RoomId, user: &UserId) -> Result<(), HomeserverError> {
        self.post(self.room_path(room, "/invite"), &json!({ "user_id": user })).await
    }

    /// Leaves, or turns an invitation down. `POST /_matrix/client/v3/rooms/{roomId}/leave`
    ///
    /// # Errors
    /// As every call.
    pub async fn leave(&self, room: &RoomId) -> Result<(), HomeserverError> {
        self.post(self.room_path(room, "/leave"), &json!({})).await
    }

    /// The same with a reason that the room sees.
    ///
    /// # Errors
    /// As every call.
    pub async fn leave_saying(&self, room: &RoomId, reason: &str) -> Result<(), HomeserverError> {
        self.post(self.room_path(room, "/leave"), &json!({ "reason": reason })).await
    }

    /// Takes somebody out of the room. `POST /_matrix/client/v3/rooms/{roomId}/kick`
    ///
    /// # Errors
    /// As every call.
    pub async fn kick(&self, room: &RoomId, user: &UserId, reason: &str) -> Result<(), HomeserverError> {
        self.post(self.room_path(room, "/kick"), &json!({ "user_id": user, "reason": reason })).await
    }

    /// The rooms that the acting user is in. `GET /_matrix/client/v3/joined_rooms`
    ///
    /// # Errors
    /// As every call.
    pub async fn joined_rooms(&self) -> Result<Vec<OwnedRoomId>, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            joined_rooms: Vec<OwnedRoomId>,
        }
        let path = self.masquerade(self.path("/_matrix/client/v3/joined_rooms"));
        let answer: Answer = self.transport().call(Method::GET, path, Body::None).await?;
        Ok(answer.joined_rooms)
    }

    /// The people in a room. `GET /_matrix/client/v3/rooms/{roomId}/joined_members`
    ///
    /// # Errors
    /// As every call.
    pub async fn joined_members(&self, room: &RoomId) -> Result<Vec<OwnedUserId>, HomeserverError> {
        Ok(self.member_profiles(room).await?.into_keys().collect())
    }

    /// The people in a room, as they show themselves there. The same call as [`Intent::joined_members`].
    ///
    /// # Errors
    /// As every call.
    pub async fn member_profiles(
        &self,
        room: &RoomId,
    ) -> Result<BTreeMap<OwnedUserId, Profile>, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            joined: BTreeMap<OwnedUserId, Profile>,
        }
        let path = self.room_path(room, "/joined_members");
        let answer: Answer = self.transport().call(Method::GET, path, Body::None).await?;
        Ok(answer.joined)
    }

    /// Shows the user as typing for `timeout_ms`, or no longer with `None`.
    /// `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn typing(&self, room: &RoomId, timeout_ms: Option<u32>) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/rooms/").segment(room.as_str()).raw("/typing/");
        let path = self.masquerade(path.segment(self.user_id().as_str()));
        let body = match timeout_ms {
            Some(timeout) => json!({ "typing": true, "timeout": timeout }),
            None => json!({ "typing": false }),
        };
        self.put(path, &body).await
    }

    /// Marks everything up to `event` as read. `POST /_matrix/client/v3/rooms/{roomId}/receipt/m.read/{eventId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn mark_read(&self, room: &RoomId, event: &EventId) -> Result<(), HomeserverError> {
        let path = self.path("/_matrix/client/v3/rooms/").segment(room.as_str()).raw("/receipt/m.read/");
        self.post(self.masquerade(path.segment(event.as_str())), &json!({})).await
    }

    /// Who the homeserver takes us for. `GET /_matrix/client/v3/account/whoami`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::TokenRefused`] when the registration is not loaded.
    pub async fn whoami(&self) -> Result<OwnedUserId, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            user_id: OwnedUserId,
        }
        let path = self.masquerade(self.path("/_matrix/client/v3/account/whoami"));
        let answer: Answer = self.transport().call(Method::GET, path, Body::None).await?;
        Ok(answer.user_id)
    }

    pub(super) fn transport(&self) -> Caller<'a> {
        match self.double {
            Some(Double { elsewhere: Some(other), authorization, .. }) => other.with(authorization),
            Some(double) => self.homeserver.0.transport.with(&double.authorization),
            None => self.homeserver.transport(),
        }
    }

    pub(super) fn path(&self, route: &'static str) -> Path {
        self.transport().path(route)
    }

    pub(super) fn room_path(&self, room: &RoomId, rest: &'static str) -> Path {
        self.masquerade(self.path("/_matrix/client/v3/rooms/").segment(room.as_str()).raw(rest))
    }

    pub(super) fn masquerade(&self, path: Path) -> Path {
        match self.masquerade {
            Some(user) => path.query("user_id", user.as_str()),
            None => path,
        }
    }

    pub(super) async fn put(&self, path: Path, body: &impl Serialize) -> Result<(), HomeserverError> {
        self.transport().call_raw(Method::PUT, path, json_body(body)?).await.map(drop)
    }

    pub(super) async fn post(&self, path: Path, body: &impl Serialize) -> Result<(), HomeserverError> {
        self.transport().call_raw(Method::POST, path, json_body(body)?).await.map(drop)
    }

    fn profile_path(&self, rest: &'static str) -> Path {
        let path = self.path("/_matrix/client/v3/profile/").segment(self.user_id().as_str());
        self.masquerade(path.raw(rest))
    }
}

/// Writes a request's body.
pub(super) fn json_body<T>(body: &T) -> Result<Body, HomeserverError>
where
    T: Serialize + ?Sized,
{
    serde_json::to_vec(body).map(Body::Json).map_err(|error| HomeserverError::BadRequest(error.to_string()))
}

/// Not found is an answer.
pub(super) fn optional<T>(result: Result<T, HomeserverError>) -> Result<Option<T>, HomeserverError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(HomeserverError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// JSON as the homeserver wrote it.
pub(super) type Raw = Box<RawValue>;
