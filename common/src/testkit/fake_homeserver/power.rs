//! Who may do what, and how a room is replaced by another: as Synapse does it, written anew from the specification.

use std::collections::HashMap;

use ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json};

use super::{
    event::FakeEvent,
    rooms::raw,
    world::{Draft, Refusal, Room, World},
};

/// What an upgrade takes over (Synapse, `clone_existing_room`).
const COPIED: [&str; 9] = [
    "m.room.join_rules",
    "m.room.name",
    "m.room.topic",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.avatar",
    "m.room.encryption",
    "m.room.server_acl",
    "m.room.power_levels",
];

/// The powers of a room, read once for each change, since every send asks for them.
#[derive(Default)]
pub(super) struct Levels {
    creators: Vec<String>,
    /// Whether the creators stand above the levels.
    above: bool,
    are_set: bool,
    users: HashMap<String, i64>,
    events: HashMap<String, i64>,
    others: HashMap<String, i64>,
}

impl Levels {
    /// Takes note of state that says who may do what.
    pub(super) fn note(&mut self, event: &FakeEvent) {
        let content = match &*event.event_type {
            "m.room.create" | "m.room.power_levels" if event.state_key.as_deref() == Some("") => {
                event.content()
            }
            _ => return,
        };
        if event.event_type == "m.room.create" {
            self.above = is_above(content["room_version"].as_str().unwrap_or("1"));
            self.creators = vec![event.sender.to_string()];
            let more = content["additional_creators"].as_array().into_iter().flatten();
            self.creators.extend(more.filter_map(Value::as_str).map(str::to_owned));
            return;
        }
        let numbers = |value: &Value| -> HashMap<String, i64> {
            let all = value.as_object().into_iter().flatten();
            all.filter_map(|(key, level)| Some((key.clone(), level.as_i64()?))).collect()
        };
        self.are_set = true;
        (self.users, self.events) = (numbers(&content["users"]), numbers(&content["events"]));
        self.others = numbers(&content);
    }

    fn of(&self, user: &str) -> i64 {
        let creator = self.creators.iter().position(|creator| creator == user);
        match creator {
            Some(_) if self.above => i64::MAX,
            Some(0) if !self.are_set => 100,
            _ => self.users.get(user).copied().unwrap_or_else(|| self.other("users_default", 0)),
        }
    }

    fn other(&self, key: &str, usual: i64) -> i64 {
        self.others.get(key).copied().unwrap_or(usual)
    }

    fn for_event(&self, event_type: &str, is_state: bool) -> i64 {
        self.events.get(event_type).copied().unwrap_or_else(|| match is_state {
            true => self.other("state_default", if self.are_set { 50 } else { 0 }),
            false => self.other("events_default", 0),
        })
    }
}

impl Room {
    /// Whether somebody may send such an event.
    pub(super) fn may_send(&self, user: &UserId, event_type: &str, is_state: bool) -> Result<(), Refusal> {
        let (has, needs) = (self.levels.of(user.as_str()), self.levels.for_event(event_type, is_state));
        if has >= needs {
            return Ok(());
        }
        Err(Refusal::forbidden(format!(
            "You don't have permission to post that to the room. user_level ({has}) < send_level ({needs})"
        )))
    }

    pub(super) fn may_invite(&self, user: &UserId) -> Result<(), Refusal> {
        match self.levels.of(user.as_str()) >= self.levels.other("invite", 0) {
            true => Ok(()),
            false => Err(Refusal::forbidden("You don't have permission to invite users")),
        }
    }

    pub(super) fn may_kick(&self, user: &UserId, target: &UserId) -> Result<(), Refusal> {
        let has = self.levels.of(user.as_str());
        match has >= self.levels.other("kick", 50) && has > self.levels.of(target.as_str()) {
            true => Ok(()),
            false => Err(Refusal::forbidden(format!("You cannot kick user {target}."))),
        }
    }
}

impl World {
    /// `POST /rooms/{roomId}/upgrade`: a new room of the same looks, a tombstone in the old one, and its aliases moved.
    pub(super) fn upgrade(
        &mut self,
        old: &RoomId,
        by: &UserId,
        version: &str,
    ) -> Result<OwnedRoomId, Refusal> {
        let room = self.joined_room(old, by)?;
        room.may_send(by, "m.room.tombstone", true)?;
        let mut predecessor = json!({ "room_id": old });
        if !is_above(version)
            && let Some(last) = room.events.last()
        {
            predecessor["event_id"] = last.event_id.as_str().into();
        }
        let content = |event_type: &str| room.state_event(event_type, "").map(|event| event.content());
        let mut creation = content("m.room.create").unwrap_or_default();
        creation["predecessor"] = predecessor;
        let copies = COPIED.iter().filter_map(|event_type| {
            let mut content = content(event_type)?;
            let users = content.get_mut("users").and_then(Value::as_object_mut);
            if let (true, Some(users)) = (is_above(version), users) {
                users.remove(by.as_str());
            }
            Some(json!({ "type": event_type, "state_key": "", "content": content }))
        });
        let request = json!({ "room_version": version, "creation_content": creation, "initial_state": copies.collect::<Vec<_>>() });
        let mut restricted = content("m.room.power_levels").unwrap_or_default();
        let new = self.create_room(by, &request)?;
        let tombstone = json!({ "body": "This room has been replaced", "replacement_room": new });
        self.set(old, by, "m.room.tombstone", &tombstone)?;
        self.aliases.values_mut().filter(|room| *room == old).for_each(|room| room.clone_from(&new));
        if let Some(alias) =
            self.room(old)?.state_event("m.room.canonical_alias", "").map(|event| event.content())
        {
            self.set(old, by, "m.room.canonical_alias", &json!({}))?;
            self.set(&new, by, "m.room.canonical_alias", &alias)?;
        }
        for key in ["invite", "events_default"] {
            restricted[key] = restricted[key].as_i64().unwrap_or(0).max(50).into();
        }
        // Who may not is only logged.
        let _ = self.set(old, by, "m.room.power_levels", &restricted);
        Ok(new)
    }

    fn set(
        &mut self,
        room_id: &RoomId,
        sender: &UserId,
        event_type: &str,
        content: &Value,
    ) -> Result<(), Refusal> {
        let (content, state_key) = (raw(content)?, Some(""));
        self.send(Draft { room_id, sender, event_type, state_key, content, sent_ms: None, redacts: None })?;
        Ok(())
    }
}

/// Whether the creators of rooms of that version stand above the levels.
pub(super) fn is_above(version: &str) -> bool {
    version.parse::<u32>().is_ok_and(|version| version >= 12)
}

/// The levels that a new room has by itself (Synapse, `_send_events_for_new_room`).
pub(super) fn usual_levels(creator: &UserId, version: &str, preset: &Value) -> Value {
    let above = is_above(version);
    let mut levels = json!({
        "users": {}, "users_default": 0, "events_default": 0, "state_default": 50, "ban": 50, "kick": 50,
        "redact": 50, "invite": if preset == "public_chat" { 50 } else { 0 }, "historical": 100,
        "events": {
            "m.room.name": 50, "m.room.power_levels": 100, "m.room.history_visibility": 100,
            "m.room.canonical_alias": 50, "m.room.avatar": 50, "m.room.tombstone": if above { 150 } else { 100 },
            "m.room.server_acl": 100, "m.room.encryption": 100,
        },
    });
    if !above {
        levels["users"][creator.as_str()] = 100.into();
    }
    levels
}
