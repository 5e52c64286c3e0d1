//! A stored Matrix event, read for the decision.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::Value;

use crate::message::{Action, MemberChange};

/// What the portal needs of an event; its content stays as it is until the decision asks for it.
#[derive(Debug, Deserialize)]
pub(in crate::portal) struct Event {
    pub(super) event_id: OwnedEventId,
    pub(super) room_id: OwnedRoomId,
    pub(super) sender: OwnedUserId,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    #[serde(rename = "origin_server_ts", default)]
    pub(super) sent_ms: i64,
    #[serde(default)]
    pub(super) state_key: Option<String>,
    #[serde(default)]
    pub(super) content: Value,
    /// Where rooms before version 11 say which event a redaction takes away.
    #[serde(default)]
    redacts: Value,
    #[serde(default)]
    unsigned: Unsigned,
}

/// What the homeserver adds to an event.
#[derive(Debug, Default, Deserialize)]
struct Unsigned {
    /// What stood in the place of a piece of state before.
    #[serde(default)]
    prev_content: Value,
}

/// How the list of a room's pinned messages changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pinning {
    /// Not at all, but for its order.
    Nothing,
    Pinned(OwnedEventId),
    Unpinned(OwnedEventId),
    /// In more than one place.
    Several,
}

impl Event {
    /// Reads the journal's body.
    ///
    /// # Errors
    /// When a part is missing or of the wrong type.
    pub(in crate::portal) fn read(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }

    /// Whether it, or the file that it brings, is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        let has_file = |content: &Value| content.get("file").is_some_and(Value::is_object);
        self.event_type == "m.room.encrypted"
            || has_file(&self.content)
            || self.content.get("m.new_content").is_some_and(has_file)
    }

    /// The text of a plain message.
    pub(super) fn body(&self) -> Option<&str> {
        (self.event_type == "m.room.message").then(|| self.content.get("body")?.as_str()).flatten()
    }

    /// The event that a redaction takes away. Homeservers write it beside the content, inside it, or both.
    pub(super) fn redacts(&self) -> Option<OwnedEventId> {
        if self.event_type != "m.room.redaction" {
            return None;
        }
        let written = self.content.get("redacts").and_then(Value::as_str);
        OwnedEventId::try_from(written.or_else(|| self.redacts.as_str())?).ok()
    }

    /// Whether it closes its room, and which room it names as the successor, if it names one.
    pub(super) fn closes(&self) -> Option<Option<OwnedRoomId>> {
        if self.event_type != "m.room.tombstone" || self.state_key.as_deref() != Some("") {
            return None;
        }
        let named = self.content.get("replacement_room").and_then(Value::as_str);
        Some(named.and_then(|named| OwnedRoomId::try_from(named).ok()))
    }

    /// Which sort of decoration of its room it changes, if it does.
    pub(super) fn decorates(&self) -> Option<Action> {
        match (&*self.event_type, self.state_key.as_deref()) {
            ("m.room.pinned_events", Some("")) => Some(Action::Pin),
            ("m.room.name" | "m.room.topic", Some("")) => Some(Action::ChatInfo),
            _ => None,
        }
    }

    /// How it changes what is pinned in the room, if that is what it is about.
    pub(super) fn pinning(&self) -> Option<Pinning> {
        if self.event_type != "m.room.pinned_events" || self.state_key.as_deref() != Some("") {
            return None;
        }
        let list = |content: &Value| -> Vec<OwnedEventId> {
            let pinned = content.get("pinned").and_then(Value::as_array).into_iter().flatten();
            pinned.filter_map(|id| OwnedEventId::try_from(id.as_str()?).ok()).collect()
        };
        let (before, now) = (list(&self.unsigned.prev_content), list(&self.content));
        let mut added = now.iter().filter(|id| !before.contains(id));
        let mut removed = before.iter().filter(|id| !now.contains(id));
        Some(match (added.next(), removed.next(), added.next().or(removed.next())) {
            (None, None, _) => Pinning::Nothing,
            (Some(id), None, None) => Pinning::Pinned(id.clone()),
            (None, Some(id), None) => Pinning::Unpinned(id.clone()),
            (Some(_), Some(_), _) | (_, _, Some(_)) => Pinning::Several,
        })
    }

    /// The reason that was given.
    pub(super) fn reason(&self) -> Option<&str> {
        self.content.get("reason")?.as_str()
    }

    /// Whether the event says whom it pings, so that nobody else is meant to be.
    pub(super) fn pings_only(&self) -> Option<Vec<&str>> {
        let mentions = self.content.get("m.mentions")?;
        let named = mentions.get("user_ids").and_then(Value::as_array);
        Some(named.into_iter().flatten().filter_map(Value::as_str).collect())
    }

    /// The membership that a member event states, and of whom.
    pub(super) fn membership(&self) -> Option<(&str, &str)> {
        if self.event_type != "m.room.member" {
            return None;
        }
        Some((self.state_key.as_deref()?, self.content.get("membership")?.as_str()?))
    }

    /// Whom somebody else asks in or sends out. What stood before tells a removal from an invitation that is taken back.
    pub(super) fn moves(&self) -> Option<(&str, MemberChange)> {
        let (member, membership) = self.membership()?;
        let before = self.unsigned.prev_content.get("membership").and_then(Value::as_str);
        let change = match membership {
            "invite" => MemberChange::Joined,
            "leave" if before == Some("join") => MemberChange::Left,
            "ban" if before == Some("join") => MemberChange::Banned,
            _ => return None,
        };
        (member != self.sender.as_str()).then_some((member, change))
    }

    /// Whether an invitation is to a direct chat.
    pub(super) fn is_direct(&self) -> bool {
        self.content.get("is_direct") == Some(&Value::Bool(true))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_and_files_that_are_encrypted_are_told_apart() {
        let file = json!({ "url": "mxc://example.org/a", "key": {} });
        for (name, event_type, content, expected) in [
            ("an encrypted event", "m.room.encrypted", json!({}), true),
            ("an encrypted file", "m.room.message", json!({ "msgtype": "m.file", "file": file }), true),
            ("one in an edit", "m.room.message", json!({ "m.new_content": { "file": file } }), true),
            ("words", "m.room.message", json!({ "msgtype": "m.text", "body": "file" }), false),
            ("a file", "m.room.message", json!({ "msgtype": "m.file", "url": "mxc://a/b" }), false),
            ("a file that is none", "m.room.message", json!({ "file": "a.txt" }), false),
        ] {
            let event = json!({
                "event_id": "$1", "room_id": "!a:example.org", "sender": "@a:example.org", "type": event_type,
                "content": content,
            });
            let event = Event::read(&event.to_string()).unwrap();
            assert_eq!(event.is_encrypted(), expected, "{name}");
        }
    }
}
