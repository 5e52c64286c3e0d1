//! What a person sees: an event, the room it was in, and where the homeserver showed it.

use serde_json::Value;

/// In which part of the homeserver's answer an event was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The room's history.
    Timeline,
    /// The room's state when it was first seen.
    State,
    /// The stripped state of a room one is invited to.
    Invite,
    /// Typing and receipts.
    Ephemeral,
    /// The history of a room one has left.
    Left,
}

/// One event as it was received.
#[derive(Debug, Clone)]
pub struct Event {
    /// The room's id.
    pub room: String,
    /// Where it was shown.
    pub place: Place,
    /// The event itself.
    pub json: Value,
}

impl Event {
    /// An event seen in `room`.
    pub fn new(room: &str, place: Place, json: Value) -> Self {
        Self { room: room.to_owned(), place, json }
    }

    /// Whether `inviter` invites `user` with it.
    pub fn is_invite_of(&self, user: &str, inviter: &str) -> bool {
        self.place == Place::Invite
            && self.sender() == inviter
            && self.json["state_key"] == user
            && self.content()["membership"] == "invite"
    }

    /// The event id; empty where there is none.
    pub fn id(&self) -> &str {
        self.text("event_id")
    }

    /// The full user id of the sender; empty where there is none.
    pub fn sender(&self) -> &str {
        self.text("sender")
    }

    /// The event's type.
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// The content.
    pub fn content(&self) -> &Value {
        &self.json["content"]
    }

    /// A message's plain text; empty where there is none.
    pub fn body(&self) -> &str {
        self.content()["body"].as_str().unwrap_or_default()
    }

    /// A message's HTML; empty where there is none.
    pub fn html(&self) -> &str {
        self.content()["formatted_body"].as_str().unwrap_or_default()
    }

    /// One line for error messages.
    pub fn summary(&self) -> String {
        let place = format!("{:?}", self.place).to_lowercase();
        format!("  {} {place} {} by {}: {}", self.room, self.kind(), self.sender(), self.content())
    }

    fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_default()
    }
}
