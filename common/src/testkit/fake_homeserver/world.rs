//! What the homeserver knows, and the one way in which an event takes its place. No I/O and no waiting.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::StatusCode;
use rand::{RngCore, SeedableRng, rngs::StdRng};
use ruma::{EventId, OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId};
use serde_json::{Value, value::RawValue};

use super::{FakeEvent, FakeRegistration, FakeSettings, Observer, power::Levels, transactions::Transactions};
use crate::{clock::Clock, homeserver::Profile};

/// Where somebody stands in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Asked in.
    Invited,
    /// In the room.
    Joined,
    /// Gone, or taken out.
    Left,
    /// Kept out.
    Banned,
}

/// A stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its media type.
    pub mime: String,
    /// Its name.
    pub filename: Option<String>,
    /// Its content.
    pub bytes: Bytes,
}

/// A refusal as the client-server API spells it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) errcode: &'static str,
    pub(super) error: String,
}

pub(super) struct World {
    pub(super) users: HashMap<OwnedUserId, User>,
    /// The access tokens of people.
    pub(super) tokens: HashMap<String, OwnedUserId>,
    /// What people keep for themselves, by the path below their name.
    pub(super) kept: HashMap<(OwnedUserId, String), Value>,
    pub(super) rooms: HashMap<OwnedRoomId, Room>,
    pub(super) room_order: Vec<OwnedRoomId>,
    /// Rooms by full alias.
    pub(super) aliases: HashMap<String, OwnedRoomId>,
    pub(super) transactions: Transactions,
    pub(super) openid_tokens: HashMap<String, OwnedUserId>,
    pub(super) media: HashMap<String, Media>,
    pub(super) upload_bytes_max: Option<u64>,
    pub(super) typing: HashSet<(OwnedRoomId, OwnedUserId)>,
    pub(super) receipts: HashMap<(OwnedRoomId, OwnedUserId), String>,
    pub(super) event_count: u64,
    pub(super) outboxes: Vec<Outbox>,
    pub(super) server_name: OwnedServerName,
    pub(super) default_room_version: String,
    registrations: Vec<FakeRegistration>,
    bots: Vec<OwnedUserId>,
    keep_events: bool,
    observer: Option<Observer>,
    clock: Clock,
    random: StdRng,
}

#[derive(Default)]
pub(super) struct User {
    pub(super) profile: Profile,
    pub(super) rooms: HashSet<OwnedRoomId>,
    /// People accept invitations by themselves; ghosts and bots do not.
    pub(super) accepts_invitations: bool,
}

pub(super) struct Room {
    pub(super) members: BTreeMap<OwnedUserId, Membership>,
    pub(super) events: Vec<Arc<FakeEvent>>,
    state: HashMap<String, HashMap<String, Arc<FakeEvent>>>,
    pub(super) levels: Levels,
    /// One bit for each registration that has somebody here.
    interest: u64,
}

/// What waits to be pushed to one application service.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) events: VecDeque<Pushed>,
    pub(super) ephemeral: VecDeque<Value>,
}

pub(super) enum Pushed {
    Event(Arc<FakeEvent>),
    /// Sent as it is, whatever it is.
    Raw(Box<RawValue>),
}

/// An event before it has taken its place.
pub(super) struct Draft<'a> {
    pub(super) room_id: &'a RoomId,
    pub(super) sender: &'a UserId,
    pub(super) event_type: &'a str,
    pub(super) state_key: Option<&'a str>,
    pub(super) content: Box<RawValue>,
    pub(super) sent_ms: Option<i64>,
    pub(super) redacts: Option<&'a EventId>,
}

impl World {
    pub(super) fn new(settings: FakeSettings, bots: Vec<OwnedUserId>) -> Self {
        let users = bots.iter().map(|bot| (bot.clone(), User::default())).collect();
        Self {
            users,
            tokens: HashMap::new(),
            kept: HashMap::new(),
            rooms: HashMap::new(),
            room_order: Vec::new(),
            aliases: HashMap::new(),
            transactions: Transactions::default(),
            openid_tokens: HashMap::new(),
            media: HashMap::new(),
            upload_bytes_max: None,
            typing: HashSet::new(),
            receipts: HashMap::new(),
            event_count: 0,
            outboxes: bots.iter().map(|_| Outbox::default()).collect(),
            server_name: settings.server_name,
            default_room_version: settings.default_room_version,
            registrations: settings.registrations,
            bots,
            keep_events: settings.keep_events,
            observer: settings.observer,
            random: StdRng::from_seed(settings.clock.random_bytes()),
            clock: settings.clock,
        }
    }

    /// Gives the event its place: in the room, in its state, and in every outbox that it concerns.
    pub(super) fn append(&mut self, draft: Draft<'_>) -> Result<OwnedEventId, Refusal> {
        let event_id =
            EventId::parse(format!("${}", self.random_name())).expect("43 letters are an event id");
        let origin_server_ts = draft.sent_ms.unwrap_or_else(|| self.clock.now_ms());
        let before = draft.state_key.and_then(|key| {
            self.rooms
                .get(draft.room_id)?
                .state_event(draft.event_type, key)
                .map(|event| event.raw_content.clone())
        });
        let event = Arc::new(FakeEvent {
            prev_content: before,
            event_id: event_id.clone(),
            room_id: draft.room_id.to_owned(),
            sender: draft.sender.to_owned(),
            event_type: draft.event_type.to_owned(),
            state_key: draft.state_key.map(str::to_owned),
            origin_server_ts,
            raw_content: draft.content,
            redacts: draft.redacts.map(ToOwned::to_owned),
        });
        if event.state_key.is_some() && event.event_type == "m.room.member" {
            self.note_member(&event)?;
        }
        let concerned = self.concerned(&event);
        let room = self.rooms.get_mut(draft.room_id).ok_or_else(Refusal::no_such_room)?;
        if let Some(state_key) = &event.state_key {
            room.levels.note(&event);
            let of_type = room.state.entry(event.event_type.clone()).or_default();
            of_type.insert(state_key.clone(), Arc::clone(&event));
        }
        if self.keep_events {
            room.events.push(Arc::clone(&event));
        }
        let concerned = concerned | room.interest;
        self.event_count += 1;
        if let Some(observer) = &self.observer {
            observer(&event);
        }
        for (index, outbox) in self.outboxes.iter_mut().enumerate() {
            // Without an address nobody ever empties the box; the first registration may be told its address later.
            let receives = index == 0 || self.registrations[index].url.is_some();
            if receives && concerned & (1 << index) != 0 {
                outbox.events.push_back(Pushed::Event(Arc::clone(&event)));
            }
        }
        Ok(event_id)
    }

    pub(super) fn room(&self, room: &RoomId) -> Result<&Room, Refusal> {
        self.rooms.get(room).ok_or_else(Refusal::no_such_room)
    }

    pub(super) fn joined_room(&self, room: &RoomId, user: &UserId) -> Result<&Room, Refusal> {
        let found = self.room(room)?;
        if found.members.get(user) == Some(&Membership::Joined) {
            return Ok(found);
        }
        Err(Refusal::forbidden(format!("User {user} not in room {room}")))
    }

    pub(super) fn add_room(&mut self, id: &RoomId) {
        let room = Room {
            members: BTreeMap::new(),
            events: Vec::new(),
            state: HashMap::new(),
            levels: Levels::default(),
            interest: 0,
        };
        self.rooms.insert(id.to_owned(), room);
        self.room_order.push(id.to_owned());
    }

    pub(super) fn put_media(&mut self, media: Media) -> OwnedMxcUri {
        let id = self.random_name();
        let mxc = OwnedMxcUri::from(format!("mxc://{}/{id}", self.server_name));
        self.media.insert(id, media);
        mxc
    }

    /// Adds an ephemeral event for all application services that have somebody in the room.
    pub(super) fn push_ephemeral(&mut self, room: &RoomId, event: &Value) {
        let interest = self.rooms.get(room).map_or(0, |room| room.interest);
        for (index, outbox) in self.outboxes.iter_mut().enumerate() {
            if interest & (1 << index) != 0 {
                outbox.ephemeral.push_back(event.clone());
            }
        }
    }

    /// 43 random letters, as real event ids have.
    pub(super) fn random_name(&mut self) -> String {
        let mut bytes = [0; 32];
        self.random.fill_bytes(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn note_member(&mut self, event: &FakeEvent) -> Result<(), Refusal> {
        let target = event.state_key.as_deref().unwrap_or_default();
        let user = UserId::parse(target).map_err(|e| Refusal::bad(format!("{target}: {e}")))?;
        let content = event.content();
        let membership = match content["membership"].as_str() {
            Some("invite") => Membership::Invited,
            Some("join") => Membership::Joined,
            Some("leave") => Membership::Left,
            Some("ban") => Membership::Banned,
            _ => return Err(Refusal::bad("no such membership")),
        };
        let interest = self.owners(&user);
        let room = self.rooms.get_mut(&event.room_id).ok_or_else(Refusal::no_such_room)?;
        room.members.insert(user.clone(), membership);
        if matches!(membership, Membership::Invited | Membership::Joined) {
            room.interest |= interest;
        }
        let known = self.users.entry(user).or_default();
        if membership == Membership::Joined {
            known.rooms.insert(event.room_id.clone());
        } else {
            known.rooms.remove(&event.room_id);
        }
        Ok(())
    }

    fn concerned(&self, event: &FakeEvent) -> u64 {
        let target = event.state_key.as_deref().filter(|_| event.event_type == "m.room.member");
        let target = target.and_then(|user| <&UserId>::try_from(user).ok());
        self.owners(&event.sender) | target.map_or(0, |user| self.owners(user))
    }

    /// One bit for each registration whose user this is.
    fn owners(&self, user: &UserId) -> u64 {
        let owns = |index: usize| {
            *user == *self.bots[index] || user.as_str().starts_with(&self.registrations[index].user_prefix)
        };
        (0..self.bots.len()).filter(|index| owns(*index)).map(|index| 1 << index).sum()
    }
}

impl Room {
    pub(super) fn state_event(&self, event_type: &str, state_key: &str) -> Option<&Arc<FakeEvent>> {
        self.state.get(event_type)?.get(state_key)
    }
}

impl Refusal {
    pub(super) fn new(status: StatusCode, errcode: &'static str, error: impl Into<String>) -> Self {
        Self { status, errcode, error: error.into() }
    }

    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error)
    }

    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", error)
    }

    pub(super) fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", error)
    }

    fn no_such_room() -> Self {
        Self::forbidden("there is no such room")
    }
}
