//! Rooms, members and profiles: the rules that a bridge can run into, as Synapse has them.

use std::sync::Arc;

use http::StatusCode;
use ruma::{OwnedEventId, OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json, value::RawValue};

use super::{
    event::FakeEvent,
    power::{is_above, usual_levels},
    world::{Draft, Membership, Refusal, World},
};

impl World {
    /// Makes a room with all that the request asks for.
    pub(super) fn create_room(&mut self, creator: &UserId, request: &Value) -> Result<OwnedRoomId, Refusal> {
        let version = request["room_version"].as_str().unwrap_or(&self.default_room_version).to_owned();
        let levels = &request["power_level_content_override"];
        let privileged = is_above(&version);
        if privileged && levels["users"].get(creator.as_str()).is_some() {
            let words = "the creator must not be in the power levels of a room of this version";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", words));
        }
        let alias = request["room_alias_name"].as_str().map(|alias| format!("#{alias}:{}", self.server_name));
        if alias.as_ref().is_some_and(|alias| self.aliases.contains_key(alias)) {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_ROOM_IN_USE", "Room alias already taken"));
        }
        let name = self.random_name();
        let id =
            if privileged { format!("!{name}") } else { format!("!{}:{}", &name[..18], self.server_name) };
        let room = RoomId::parse(id).map_err(|error| Refusal::bad(error.to_string()))?;
        self.add_room(&room);
        let mut furniture = furniture(creator, request, &version);
        if let Some(alias) = alias {
            let content = json!({ "alias": alias });
            furniture.push(("m.room.canonical_alias".to_owned(), String::new(), content));
            self.aliases.insert(alias, room.clone());
        }
        for (event_type, state_key, content) in furniture {
            let content = raw(&content)?;
            let (event_type, state_key) = (event_type.as_str(), Some(state_key.as_str()));
            let (room_id, sender) = (room.as_ref(), creator);
            self.append(Draft {
                room_id,
                sender,
                event_type,
                state_key,
                content,
                sent_ms: None,
                redacts: None,
            })?;
        }
        for invited in request["invite"].as_array().into_iter().flatten() {
            let invited = UserId::parse(invited.as_str().unwrap_or_default())
                .map_err(|error| Refusal::bad(error.to_string()))?;
            self.set_direct_invite(&room, creator, &invited, request["is_direct"] == true)?;
        }
        Ok(room)
    }

    pub(super) fn join(&mut self, room: &RoomId, user: &UserId) -> Result<(), Refusal> {
        let found = self.room(room)?;
        let public = found
            .state_event("m.room.join_rules", "")
            .is_some_and(|rules| rules.content()["join_rule"] == "public");
        match found.members.get(user) {
            Some(Membership::Joined) => Ok(()),
            Some(Membership::Invited) => self.set_membership(room, user, user, member("join")),
            Some(Membership::Banned) => Err(Refusal::forbidden("You are banned from this room")),
            Some(Membership::Left) | None if public => self.set_membership(room, user, user, member("join")),
            Some(Membership::Left) | None => Err(Refusal::forbidden("You are not invited to this room.")),
        }
    }

    pub(super) fn invite(&mut self, room: &RoomId, inviter: &UserId, user: &UserId) -> Result<(), Refusal> {
        self.set_direct_invite(room, inviter, user, false)
    }

    pub(super) fn leave(&mut self, room: &RoomId, user: &UserId) -> Result<(), Refusal> {
        self.leave_saying(room, user, None)
    }

    pub(super) fn leave_saying(
        &mut self,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        match self.room(room)?.members.get(user) {
            Some(Membership::Joined | Membership::Invited) => {
                let mut content = member("leave");
                if let Some(reason) = reason {
                    content["reason"] = reason.into();
                }
                self.set_membership(room, user, user, content)
            }
            _ => Err(Refusal::forbidden("User is not in the room")),
        }
    }

    pub(super) fn kick(&mut self, room: &RoomId, by: &UserId, user: &UserId) -> Result<(), Refusal> {
        let found = self.joined_room(room, by)?;
        found.may_kick(by, user)?;
        match found.members.get(user) {
            Some(Membership::Joined | Membership::Invited) => {
                self.set_membership(room, by, user, member("leave"))
            }
            _ => Err(Refusal::forbidden("The target user is not in the room")),
        }
    }

    /// Changes a profile; as in Synapse, every joined room gets a member event.
    pub(super) fn set_profile(&mut self, user: &UserId, key: &str, value: &str) -> Result<(), Refusal> {
        let known = self.users.entry(user.to_owned()).or_default();
        let value = (!value.is_empty()).then(|| value.to_owned());
        let changed = match key {
            "displayname" if known.profile.display_name != value => {
                known.profile.display_name = value;
                true
            }
            "avatar_url" if known.profile.avatar_url.as_ref().map(|url| url.as_str()) != value.as_deref() => {
                known.profile.avatar_url = value.map(Into::into);
                true
            }
            _ => false,
        };
        let rooms: Vec<_> = if changed { known.rooms.iter().cloned().collect() } else { Vec::new() };
        for room in rooms {
            self.set_membership(&room, user, user, member("join"))?;
        }
        Ok(())
    }

    /// Sends an event without checking transaction ids.
    pub(super) fn send(&mut self, draft: Draft<'_>) -> Result<OwnedEventId, Refusal> {
        let room = self.joined_room(draft.room_id, draft.sender)?;
        // How somebody shows themselves is their own business.
        let is_own = draft.event_type == "m.room.member" && draft.state_key == Some(draft.sender.as_str());
        if !is_own {
            room.may_send(draft.sender, draft.event_type, draft.state_key.is_some())?;
        }
        if draft.event_type == "m.reaction" && is_there(&room.events, &draft) {
            let words = "Can't send same reaction twice";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_DUPLICATE_ANNOTATION", words));
        }
        self.append(draft)
    }

    fn set_direct_invite(
        &mut self,
        room: &RoomId,
        inviter: &UserId,
        user: &UserId,
        is_direct: bool,
    ) -> Result<(), Refusal> {
        let found = self.joined_room(room, inviter)?;
        found.may_invite(inviter)?;
        if found.members.get(user) == Some(&Membership::Joined) {
            return Err(Refusal::forbidden(format!("{user} is already in the room.")));
        }
        let mut content = member("invite");
        if is_direct {
            content["is_direct"] = true.into();
        }
        self.set_membership(room, inviter, user, content)?;
        if self.users.get(user).is_some_and(|user| user.accepts_invitations) {
            self.join(room, user)?;
        }
        Ok(())
    }

    fn set_membership(
        &mut self,
        room_id: &RoomId,
        sender: &UserId,
        user: &UserId,
        mut content: Value,
    ) -> Result<(), Refusal> {
        if let Some(known) = self.users.get(user).filter(|_| content["membership"] != "leave") {
            content["displayname"] = known.profile.display_name.clone().into();
            if let Some(avatar) = &known.profile.avatar_url {
                content["avatar_url"] = avatar.as_str().into();
            }
        }
        let content = raw(&content)?;
        let (event_type, state_key) = ("m.room.member", Some(user.as_str()));
        self.append(Draft { room_id, sender, event_type, state_key, content, sent_ms: None, redacts: None })?;
        Ok(())
    }
}

/// Whether the sender has reacted to the same event with the same key, and has not taken it back.
fn is_there(events: &[Arc<FakeEvent>], draft: &Draft<'_>) -> bool {
    let relation =
        |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap_or_default()["m.relates_to"].take();
    let wanted = relation(&draft.content);
    let same = |event: &&Arc<FakeEvent>| {
        event.event_type == "m.reaction"
            && event.sender == draft.sender
            && relation(&event.raw_content) == wanted
    };
    let is_standing =
        |event: &Arc<FakeEvent>| !events.iter().any(|other| other.redacts.as_ref() == Some(&event.event_id));
    events.iter().filter(same).any(is_standing)
}

/// A value as the raw JSON that events hold.
pub(super) fn raw(value: &Value) -> Result<Box<RawValue>, Refusal> {
    RawValue::from_string(value.to_string()).map_err(|error| Refusal::bad(error.to_string()))
}

fn member(membership: &str) -> Value {
    json!({ "membership": membership })
}

/// The state that a new room starts with, in the order of the specification.
fn furniture(creator: &UserId, request: &Value, version: &str) -> Vec<(String, String, Value)> {
    let mut create = request["creation_content"].as_object().cloned().unwrap_or_default();
    create.insert("room_version".to_owned(), version.into());
    // Whoever is invited to a trusted chat has the power of its creator.
    let is_trusted = request["preset"] == "trusted_private_chat";
    let trusted: Vec<Value> =
        request["invite"].as_array().filter(|_| is_trusted).cloned().unwrap_or_default();
    if is_above(version) && !trusted.is_empty() {
        create.insert("additional_creators".to_owned(), json!(trusted));
    }
    let mut levels = usual_levels(creator, version, &request["preset"]);
    if !is_above(version) {
        for user in trusted.iter().filter_map(Value::as_str) {
            levels["users"][user] = 100.into();
        }
    }
    for (key, value) in request["power_level_content_override"].as_object().into_iter().flatten() {
        levels[key] = value.clone();
    }
    let join_rule = if request["preset"] == "public_chat" { "public" } else { "invite" };
    let mut all = vec![
        ("m.room.create", "", Value::Object(create)),
        ("m.room.member", creator.as_str(), member("join")),
        ("m.room.power_levels", "", levels),
        ("m.room.join_rules", "", json!({ "join_rule": join_rule })),
        ("m.room.history_visibility", "", json!({ "history_visibility": "shared" })),
    ];
    for state in request["initial_state"].as_array().into_iter().flatten() {
        let event_type = state["type"].as_str().unwrap_or_default();
        all.push((event_type, state["state_key"].as_str().unwrap_or_default(), state["content"].clone()));
    }
    for key in ["name", "topic"] {
        if let Some(text) = request[key].as_str() {
            all.push((if key == "name" { "m.room.name" } else { "m.room.topic" }, "", json!({ key: text })));
        }
    }
    all.into_iter()
        .map(|(event_type, key, content)| (event_type.to_owned(), key.to_owned(), content))
        .collect()
}
