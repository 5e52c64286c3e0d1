//! An event as the homeserver holds it, and as it is written for clients and transactions.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde_json::{Value, value::RawValue};

/// An event.
#[derive(Clone)]
pub struct FakeEvent {
    /// Its id.
    pub event_id: OwnedEventId,
    /// Its room.
    pub room_id: OwnedRoomId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// Its type.
    pub event_type: String,
    /// Its state key, for state.
    pub state_key: Option<String>,
    /// When it was sent, in milliseconds since 1970.
    pub origin_server_ts: i64,
    /// Its content as it came in.
    pub raw_content: Box<RawValue>,
    /// What it takes away, for redactions.
    pub redacts: Option<OwnedEventId>,
    /// For state, the content that stood in its place before.
    pub prev_content: Option<Box<RawValue>>,
}

impl FakeEvent {
    /// The content.
    pub fn content(&self) -> Value {
        serde_json::from_str(self.raw_content.get()).unwrap_or_default()
    }

    /// The content's `body`, empty when there is none.
    pub fn body(&self) -> String {
        self.content()["body"].as_str().unwrap_or_default().to_owned()
    }

    /// Writes it as Synapse does for application services, old spellings included.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":");
        write_string(out, &self.event_type);
        out.extend_from_slice(b",\"room_id\":");
        write_string(out, self.room_id.as_str());
        for key in [&b",\"sender\":"[..], b",\"user_id\":"] {
            out.extend_from_slice(key);
            write_string(out, self.sender.as_str());
        }
        out.extend_from_slice(b",\"content\":");
        out.extend_from_slice(self.raw_content.get().as_bytes());
        if let Some(state_key) = &self.state_key {
            out.extend_from_slice(b",\"state_key\":");
            write_string(out, state_key);
        }
        if let Some(redacts) = &self.redacts {
            out.extend_from_slice(b",\"redacts\":");
            write_string(out, redacts.as_str());
        }
        out.extend_from_slice(b",\"origin_server_ts\":");
        out.extend_from_slice(self.origin_server_ts.to_string().as_bytes());
        out.extend_from_slice(b",\"unsigned\":{\"age\":1");
        if let Some(prev_content) = &self.prev_content {
            out.extend_from_slice(b",\"prev_content\":");
            out.extend_from_slice(prev_content.get().as_bytes());
        }
        out.extend_from_slice(b"},\"event_id\":");
        write_string(out, self.event_id.as_str());
        out.extend_from_slice(b",\"age\":1}");
    }
}

impl std::fmt::Debug for FakeEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state_key = self.state_key.as_deref().map(|key| format!("[{key}]")).unwrap_or_default();
        write!(f, "{} {}{state_key} {}", self.sender, self.event_type, self.raw_content.get())
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is JSON and a vector takes all");
}
