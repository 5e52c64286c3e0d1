//! What the caller has looked up before a conversion: rooms, messages, accounts, and who was pinged.
//!
//! Plain data, so that conversion stays pure. Next: [`super::read_content`] and [`super::write_content`].

use std::collections::{BTreeSet, HashMap};

use ruma::{
    EventId, OwnedEventId, OwnedRoomId, OwnedRoomOrAliasId, OwnedServerName, OwnedUserId, RoomOrAliasId,
    UserId, matrix_uri::MatrixToUri,
};

use super::CONTENT_BYTES_MAX;
use crate::{
    ids::{GhostNames, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::Person,
};

/// Facts about the rooms, messages and accounts that a text may name. What is missing is shown as words or as a plain link.
#[derive(Clone, Debug, Default)]
pub struct Known {
    chats: HashMap<OwnedRoomOrAliasId, RemoteChatId>,
    rooms: HashMap<RemoteChatId, (OwnedRoomId, Vec<OwnedServerName>)>,
    messages: HashMap<OwnedEventId, (RemoteChatId, RemoteMessageId)>,
    events: HashMap<(RemoteChatId, RemoteMessageId), OwnedEventId>,
    accounts: HashMap<RemoteUserId, OwnedUserId>,
    users: HashMap<OwnedUserId, RemoteUserId>,
}

/// What reading needs to know.
#[derive(Clone, Copy, Debug)]
pub struct FromMatrix<'a> {
    /// How ghosts are spelled.
    pub ghosts: &'a GhostNames,
    /// What was looked up.
    pub known: &'a Known,
    /// Whether the sender has the power to ping the whole room.
    pub may_mention_everyone: bool,
}

/// What writing needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ToMatrix<'a> {
    /// How ghosts are spelled.
    pub ghosts: &'a GhostNames,
    /// What was looked up.
    pub known: &'a Known,
    /// The largest content in bytes: [`CONTENT_BYTES_MAX`], or [`super::CONTENT_BYTES_ENCRYPTED_MAX`] in an encrypted room.
    pub content_bytes_max: usize,
}

/// Who is pinged by a message: the form of `m.mentions`, made from ids only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    /// People.
    pub user_ids: BTreeSet<OwnedUserId>,
    /// Everybody in the room.
    pub room: bool,
}

impl Known {
    /// Adds a portal: its chat, its room, and servers through which the room can be found.
    pub fn add_room(&mut self, chat: RemoteChatId, room_id: OwnedRoomId, via: Vec<OwnedServerName>) {
        self.chats.insert(room_id.clone().into(), chat.clone());
        self.rooms.insert(chat, (room_id, via));
    }

    /// Adds another address of a portal, such as its alias.
    pub fn add_address(&mut self, address: OwnedRoomOrAliasId, chat: RemoteChatId) {
        self.chats.insert(address, chat);
    }

    /// Adds a message that was bridged.
    pub fn add_message(&mut self, chat: RemoteChatId, message: RemoteMessageId, event_id: OwnedEventId) {
        self.messages.insert(event_id.clone(), (chat.clone(), message.clone()));
        self.events.insert((chat, message), event_id);
    }

    /// Adds somebody's two accounts: a mention of either one reaches the other instead of a ghost.
    pub fn add_account(&mut self, remote: RemoteUserId, user_id: OwnedUserId) {
        self.users.insert(user_id.clone(), remote.clone());
        self.accounts.insert(remote, user_id);
    }

    /// The chat of a portal.
    pub(super) fn chat(&self, room: &RoomOrAliasId) -> Option<&RemoteChatId> {
        self.chats.get(room)
    }

    /// The message behind an event, provided that it was said in `room`.
    pub(super) fn message(
        &self,
        room: &RoomOrAliasId,
        event_id: &EventId,
    ) -> Option<&(RemoteChatId, RemoteMessageId)> {
        self.messages.get(event_id).filter(|(chat, _)| self.chat(room) == Some(chat))
    }

    /// A link to a portal.
    pub(super) fn room_link(&self, chat: &RemoteChatId) -> Option<MatrixToUri> {
        let (room_id, via) = self.rooms.get(chat)?;
        Some(room_id.matrix_to_uri_via(via.iter().cloned()))
    }

    /// A link to a bridged message.
    pub(super) fn event_link(&self, chat: &RemoteChatId, message: &RemoteMessageId) -> Option<MatrixToUri> {
        let (room_id, via) = self.rooms.get(chat)?;
        let event_id = self.events.get(&(chat.clone(), message.clone()))?;
        Some(room_id.matrix_to_event_uri_via(event_id.clone(), via.iter().cloned()))
    }
}

impl<'a> FromMatrix<'a> {
    /// Reading for somebody without the power to ping the whole room.
    pub fn new(ghosts: &'a GhostNames, known: &'a Known) -> Self {
        Self { ghosts, known, may_mention_everyone: false }
    }

    /// The person behind a Matrix account.
    pub(super) fn person(&self, user_id: &UserId) -> Person {
        let remote = self.ghosts.remote(user_id).or_else(|| self.known.users.get(user_id).cloned());
        remote.map_or_else(|| Person::Matrix(user_id.to_owned()), Person::Remote)
    }
}

impl<'a> ToMatrix<'a> {
    /// Writing for an unencrypted room.
    pub fn new(ghosts: &'a GhostNames, known: &'a Known) -> Self {
        Self { ghosts, known, content_bytes_max: CONTENT_BYTES_MAX }
    }

    /// The Matrix account of a person: their own where it is known, otherwise their ghost.
    pub(super) fn user_id(&self, person: &Person) -> Option<OwnedUserId> {
        match person {
            Person::Matrix(user_id) => Some(user_id.clone()),
            Person::Remote(remote) => {
                self.known.accounts.get(remote).cloned().or_else(|| self.ghosts.ghost(remote))
            }
        }
    }
}
