//! Somebody with an account on the homeserver and a client of their own: the Matrix end of every story.

use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};

use super::{
    FakeHomeserver,
    rooms::raw,
    world::{Draft, Refusal, World},
};

/// A person. What they do succeeds or fails the test with words.
#[derive(Clone, Debug)]
pub struct FakePerson {
    homeserver: FakeHomeserver,
    user_id: OwnedUserId,
}

impl FakePerson {
    pub(super) fn new(homeserver: FakeHomeserver, localpart: &str) -> Self {
        let user_id = UserId::parse(format!("@{localpart}:{}", homeserver.server_name()))
            .expect("the people of a test have valid names");
        let mut world = homeserver.0.world();
        let account = world.users.entry(user_id.clone()).or_default();
        account.accepts_invitations = true;
        account.profile.display_name.get_or_insert_with(|| localpart.to_owned());
        drop(world);
        Self { homeserver, user_id }
    }

    /// Their id.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// An access token of theirs.
    pub fn access_token(&self) -> String {
        let token = format!("token-of-{}", self.user_id);
        self.homeserver.0.world().tokens.insert(token.clone(), self.user_id.clone());
        token
    }

    /// Signs out the device with that token.
    pub fn ends_token(&self, token: &str) {
        self.homeserver.0.world().tokens.remove(token);
    }

    /// What they keep for themselves, by the path below their name, or below `pushrules`.
    pub fn kept(&self, path: &str) -> Option<Value> {
        self.homeserver.0.world().kept.get(&(self.user_id.clone(), path.to_owned())).cloned()
    }

    /// Gets a token that proves who they are.
    pub fn openid_token(&self) -> String {
        let token = format!("openid-token-of-{}", self.user_id.localpart());
        self.homeserver.0.world().openid_tokens.insert(token.clone(), self.user_id.clone());
        token
    }

    /// Makes a room and invites people.
    pub fn creates_room(&self, request: &Value) -> OwnedRoomId {
        self.act("create a room", |world| world.create_room(&self.user_id, request))
    }

    /// Makes a direct chat, with the bridge bot usually.
    pub fn creates_direct_chat(&self, with: &UserId) -> OwnedRoomId {
        self.creates_room(&json!({ "is_direct": true, "invite": [with] }))
    }

    /// Says something.
    pub fn sends(&self, room: &RoomId, body: &str) -> OwnedEventId {
        self.sends_content(room, "m.room.message", &json!({ "msgtype": "m.text", "body": body }))
    }

    /// Sends any event.
    pub fn sends_content(&self, room: &RoomId, event_type: &str, content: &Value) -> OwnedEventId {
        self.append(room, event_type, None, content)
    }

    /// Sets any state.
    pub fn sets_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> OwnedEventId {
        self.append(room, event_type, Some(state_key), content)
    }

    /// Replaces a room by a new one of that version.
    pub fn upgrades(&self, room: &RoomId, version: &str) -> OwnedRoomId {
        self.act("upgrade the room", |world| world.upgrade(room, &self.user_id, version))
    }

    /// Changes an earlier message.
    pub fn edits(&self, room: &RoomId, event: &EventId, body: &str) -> OwnedEventId {
        let content = json!({
            "msgtype": "m.text",
            "body": format!("* {body}"),
            "m.new_content": { "msgtype": "m.text", "body": body },
            "m.relates_to": { "rel_type": "m.replace", "event_id": event },
        });
        self.sends_content(room, "m.room.message", &content)
    }

    /// Answers a message.
    pub fn replies(&self, room: &RoomId, event: &EventId, body: &str) -> OwnedEventId {
        let relation = json!({ "m.in_reply_to": { "event_id": event } });
        let content = json!({ "msgtype": "m.text", "body": body, "m.relates_to": relation });
        self.sends_content(room, "m.room.message", &content)
    }

    /// Reacts to a message.
    pub fn reacts(&self, room: &RoomId, event: &EventId, key: &str) -> OwnedEventId {
        let relation = json!({ "rel_type": "m.annotation", "event_id": event, "key": key });
        self.sends_content(room, "m.reaction", &json!({ "m.relates_to": relation }))
    }

    /// Takes an event away.
    pub fn redacts(&self, room: &RoomId, event: &EventId) -> OwnedEventId {
        self.act("redact", |world| {
            world.send(Draft {
                room_id: room,
                sender: &self.user_id,
                event_type: "m.room.redaction",
                state_key: None,
                content: raw(&json!({ "redacts": event }))?,
                sent_ms: None,
                redacts: Some(event),
            })
        })
    }

    /// Invites somebody; the application service is asked first whether an unknown ghost exists.
    pub async fn invites(&self, room: &RoomId, user: &UserId) {
        self.homeserver.query_user(user).await;
        self.act("invite", |world| world.invite(room, &self.user_id, user));
    }

    /// Joins.
    pub fn joins(&self, room: &RoomId) {
        self.act("join", |world| world.join(room, &self.user_id));
    }

    /// Comes in at the invitation of somebody inside.
    pub fn joins_as_invited_by(&self, room: &RoomId, inviter: &Self) {
        self.act("come in", |world| world.invite(room, &inviter.user_id, &self.user_id));
    }

    /// Leaves.
    pub fn leaves(&self, room: &RoomId) {
        self.act("leave", |world| world.leave(room, &self.user_id));
    }

    /// Changes their name.
    pub fn sets_display_name(&self, name: &str) {
        self.act("change the name", |world| world.set_profile(&self.user_id, "displayname", name));
    }

    /// Changes their picture.
    pub fn sets_avatar(&self, mxc: &str) {
        self.act("change the picture", |world| world.set_profile(&self.user_id, "avatar_url", mxc));
    }

    /// Types, alone in the room, or stops.
    pub fn types(&self, room: &RoomId, typing: bool) {
        let users = if typing { vec![&self.user_id] } else { Vec::new() };
        let event = json!({ "type": "m.typing", "room_id": room, "content": { "user_ids": users } });
        self.act("type", |world| {
            world.push_ephemeral(room, &event);
            Ok(())
        });
    }

    /// Reads up to an event.
    pub fn reads(&self, room: &RoomId, event: &EventId) {
        let receipt = json!({ event.as_str(): { "m.read": { self.user_id.as_str(): { "ts": 1 } } } });
        let event = json!({ "type": "m.receipt", "room_id": room, "content": receipt });
        self.act("read", |world| {
            world.push_ephemeral(room, &event);
            Ok(())
        });
    }

    fn append(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: Option<&str>,
        content: &Value,
    ) -> OwnedEventId {
        self.act(event_type, |world| {
            let (sender, content) = (self.user_id.as_ref(), raw(content)?);
            world.send(Draft {
                room_id: room,
                sender,
                event_type,
                state_key,
                content,
                sent_ms: None,
                redacts: None,
            })
        })
    }

    fn act<T>(&self, what: &str, deed: impl FnOnce(&mut World) -> Result<T, Refusal>) -> T {
        let result = deed(&mut self.homeserver.0.world());
        self.homeserver.0.announce();
        match result {
            Ok(done) => done,
            Err(refusal) => panic!("{} cannot {what}: {}", self.user_id, refusal.error),
        }
    }
}
