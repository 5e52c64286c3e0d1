//! Events out and back: the hot path of every message, and what recovery reads.
//!
//! Transaction ids are shared by all ghosts of one registration: the same id from another ghost gets the first one's
//! event id and its message is lost. So an id names the remote message, its part and the sender.

use http::Method;
use ruma::{EventId, OwnedEventId, RoomId, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    HomeserverError,
    intent::{Intent, Raw, json_body, optional},
    path::Path,
    transport::Body,
};

/// So many related events are asked for: Synapse gives five where nobody says how many.
const RELATED_MAX: i64 = 100;

/// A message or other event without state.
#[derive(Debug)]
pub struct SendEvent<'a, C: ?Sized> {
    /// The room.
    pub room_id: &'a RoomId,
    /// The event's type.
    pub event_type: &'a str,
    /// What makes a repeat harmless; unique over all ghosts.
    pub txn_id: &'a str,
    /// The content: a `RawValue` that is ready, or anything that serializes to an object.
    pub content: &'a C,
    /// The time to show, in milliseconds since 1970; now when absent.
    pub sent_ms: Option<i64>,
}

/// A state event.
#[derive(Debug)]
pub struct SendState<'a, C: ?Sized> {
    /// The room.
    pub room_id: &'a RoomId,
    /// The event's type.
    pub event_type: &'a str,
    /// The state key, often empty.
    pub state_key: &'a str,
    /// The content.
    pub content: &'a C,
}

// Not derived: a copy holds the same reference, whether or not the content itself can be copied.
impl<C: ?Sized> Copy for SendEvent<'_, C> {}
impl<C: ?Sized> Clone for SendEvent<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C: ?Sized> Copy for SendState<'_, C> {}
impl<C: ?Sized> Clone for SendState<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

#[derive(Deserialize)]
struct EventIdAnswer {
    event_id: OwnedEventId,
}

impl Intent<'_> {
    /// Sends an event. `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn send<C>(&self, event: SendEvent<'_, C>) -> Result<OwnedEventId, HomeserverError>
    where
        C: Serialize + ?Sized,
    {
        let path = self
            .path("/_matrix/client/v3/rooms/")
            .segment(event.room_id.as_str())
            .raw("/send/")
            .segment(event.event_type)
            .raw("/")
            .segment(event.txn_id);
        let path = with_time(self.masquerade(path), event.sent_ms);
        let body = json_body(event.content)?;
        let answer: EventIdAnswer = self.transport().call(Method::PUT, path, body).await?;
        Ok(answer.event_id)
    }

    /// Sets a piece of state; setting it again to the same changes nothing.
    /// `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
    ///
    /// # Errors
    /// As every call.
    pub async fn send_state<C>(&self, state: SendState<'_, C>) -> Result<OwnedEventId, HomeserverError>
    where
        C: Serialize + ?Sized,
    {
        let path = self.state_path(state.room_id, state.event_type, state.state_key);
        let body = json_body(state.content)?;
        let answer: EventIdAnswer = self.transport().call(Method::PUT, path, body).await?;
        Ok(answer.event_id)
    }

    /// Takes an event's content away.
    /// `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn redact(
        &self,
        room: &RoomId,
        event: &EventId,
        txn_id: &str,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, HomeserverError> {
        let path = self
            .path("/_matrix/client/v3/rooms/")
            .segment(room.as_str())
            .raw("/redact/")
            .segment(event.as_str())
            .raw("/")
            .segment(txn_id);
        let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
        let path = self.masquerade(path);
        let answer: EventIdAnswer = self.transport().call(Method::PUT, path, json_body(&body)?).await?;
        Ok(answer.event_id)
    }

    /// The content of one piece of state; `None` when it is not set.
    /// `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
    ///
    /// # Errors
    /// As every call.
    pub async fn state_event(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<Raw>, HomeserverError> {
        let path = self.state_path(room, event_type, state_key);
        optional(self.transport().call(Method::GET, path, Body::None).await)
    }

    /// The youngest events of one sender in a room, youngest first: where a send in doubt is looked for. What others said meanwhile
    /// does not push it out of sight.
    /// `GET /_matrix/client/v3/rooms/{roomId}/messages`
    ///
    /// # Errors
    /// As every call.
    pub async fn recent_messages(
        &self,
        room: &RoomId,
        sender: &UserId,
        limit: u32,
    ) -> Result<Vec<Raw>, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            chunk: Vec<Raw>,
        }
        let filter = json!({ "senders": [sender] }).to_string();
        let path = self.room_path(room, "/messages").query("dir", "b").query_number("limit", limit.into());
        let path = path.query("filter", &filter);
        let answer: Answer = self.transport().call(Method::GET, path, Body::None).await?;
        Ok(answer.chunk)
    }

    /// One event; `None` when there is none, or none that we may see.
    /// `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`
    ///
    /// # Errors
    /// As every call.
    pub async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<Raw>, HomeserverError> {
        let path = self.path("/_matrix/client/v3/rooms/").segment(room.as_str()).raw("/event/");
        let path = self.masquerade(path.segment(event.as_str()));
        optional(self.transport().call(Method::GET, path, Body::None).await)
    }

    /// The newest reactions on an event, the newest one first.
    /// `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/m.annotation/m.reaction`
    ///
    /// # Errors
    /// As every call.
    pub async fn reactions(&self, room: &RoomId, event: &EventId) -> Result<Vec<Raw>, HomeserverError> {
        self.related(room, event, "/m.annotation/m.reaction").await
    }

    /// The newest changes of a message, the newest one first.
    /// `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/m.replace/m.room.message`
    ///
    /// # Errors
    /// As every call.
    pub async fn edits(&self, room: &RoomId, event: &EventId) -> Result<Vec<OwnedEventId>, HomeserverError> {
        #[derive(Deserialize)]
        struct Edit {
            event_id: OwnedEventId,
        }
        let edits: Vec<Edit> = self.related(room, event, "/m.replace/m.room.message").await?;
        Ok(edits.into_iter().map(|edit| edit.event_id).collect())
    }

    /// The newest events that are related to one in some way.
    async fn related<T>(
        &self,
        room: &RoomId,
        event: &EventId,
        way: &'static str,
    ) -> Result<Vec<T>, HomeserverError>
    where
        T: DeserializeOwned,
    {
        #[derive(Deserialize)]
        struct Answer<E> {
            chunk: Vec<E>,
        }
        let path = self.path("/_matrix/client/v1/rooms/").segment(room.as_str()).raw("/relations/");
        let path = path.segment(event.as_str()).raw(way).query_number("limit", RELATED_MAX);
        let answer: Answer<T> = self.transport().call(Method::GET, self.masquerade(path), Body::None).await?;
        Ok(answer.chunk)
    }

    pub(super) fn state_path(&self, room: &RoomId, event_type: &str, state_key: &str) -> Path {
        let path = self
            .path("/_matrix/client/v3/rooms/")
            .segment(room.as_str())
            .raw("/state/")
            .segment(event_type)
            .raw("/")
            .segment(state_key);
        self.masquerade(path)
    }
}

/// Synapse shows that time, but the place in the room stays where it was sent.
fn with_time(path: Path, sent_ms: Option<i64>) -> Path {
    match sent_ms {
        Some(sent_ms) => path.query_number("ts", sent_ms),
        None => path,
    }
}
