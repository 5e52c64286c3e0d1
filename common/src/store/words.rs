//! The plain data that callers hand to the store and get back.
//!
//! Nothing here touches a database. The operations are in [`super`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ruma::{OwnedEventId, OwnedRoomId};

use crate::{
    clock::TimestampMs,
    ids::{LoginId, RemoteChatId, RemoteMessageId, RemoteUserId},
};

/// The number of a piece of accepted work; also the number of its message row. Later work has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(pub(super) i64);

impl JournalId {
    /// Reads the number back from what a person typed after a command such as `retry`.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The bare number, for showing.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// Where a piece of work came from. Each direction has its own lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The homeserver sent it; the lane is a room.
    FromMatrix,
    /// The remote network sent it; the lane is a chat.
    FromRemote,
}

impl Direction {
    pub(super) fn code(self) -> i64 {
        match self {
            Self::FromMatrix => 0,
            Self::FromRemote => 1,
        }
    }

    pub(super) fn from_code(code: i64) -> Self {
        if code == 0 { Self::FromMatrix } else { Self::FromRemote }
    }
}

/// What became of a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Accepted; the work is not finished.
    Open,
    /// It reached the other side.
    Delivered,
    /// There was nothing to do.
    Ignored,
    /// It did not reach the other side; parked until a person decides.
    Failed,
    /// Nobody knows whether it reached the other side; parked until a person decides.
    Uncertain,
    /// A person gave it up.
    Dropped,
    /// It reached the other side and was taken back on both.
    Gone,
}

impl MessageState {
    const ALL: [Self; 7] = [
        Self::Open,
        Self::Delivered,
        Self::Ignored,
        Self::Failed,
        Self::Uncertain,
        Self::Dropped,
        Self::Gone,
    ];

    pub(super) const fn code(self) -> i64 {
        self as i64
    }

    pub(super) fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|index| Self::ALL.get(index).copied())
    }
}

/// Open work, as the feed and the start-up queries hand it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRow {
    /// Its number.
    pub id: JournalId,
    /// Where it came from.
    pub direction: Direction,
    /// The room or chat whose order it keeps.
    pub lane: Arc<str>,
    /// What to do, in the words of whoever submitted it.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was stored.
    pub accepted_ms: TimestampMs,
    /// When it was written, by the clock of its own side. A row that is read again has forgotten that, and says when it was stored.
    pub sent_ms: TimestampMs,
}

/// An event that the homeserver sent, to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixEvent {
    /// The event's id: the duplicate guard.
    pub event_id: String,
    /// The event's room.
    pub room_id: String,
    /// Who sent it.
    pub sender: String,
    /// When, by the homeserver's clock.
    pub sent_ms: TimestampMs,
    /// The lane whose order it keeps, usually the room.
    pub lane: Arc<str>,
    /// What the lane's worker gets.
    pub body: String,
    /// Set for content that cannot be read: the row is parked with this reason at once and never fed.
    pub parked: Option<String>,
}

/// What [`super::Store::accept`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Events stored now.
    pub new: usize,
    /// Events that were known already.
    pub known: usize,
}

/// An event that the remote network sent, to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRow {
    /// The lane whose order it keeps, usually the chat.
    pub lane: Arc<str>,
    /// The duplicate guard; `None` for events that may repeat, such as typing or a member list.
    pub guard: Option<(RemoteChatId, RemoteMessageId)>,
    /// Who caused it.
    pub sender: Option<RemoteUserId>,
    /// When, by the network's clock.
    pub sent_ms: TimestampMs,
    /// What the lane's worker gets.
    pub body: String,
    /// Where the network's own stream stands once this event is stored.
    pub cursor: Option<Cursor>,
    /// Whoever pushes it does the work, too: the row is open until it is finished, but no lane is fed.
    pub held: bool,
}

/// Pushes that hang together: once one of them is refused all later ones are, so that no cursor moves past an event that was not stored.
/// Whoever pushes begins a new order when it has gone back to the last cursor.
#[derive(Clone, Debug, Default)]
pub struct PushOrder(Arc<AtomicBool>);

impl PushOrder {
    pub(super) fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A place in a network's stream, saved in the same transaction as the event. The caller pushes in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Whose stream.
    pub login: LoginId,
    /// Which value among the login's.
    pub key: String,
    /// The place.
    pub value: String,
}

/// What became of a pushed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is stored and fed to its lane.
    New,
    /// The guard knew it; nothing was fed.
    Known,
}

/// The record of finished work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which work.
    pub id: JournalId,
    /// How it ended.
    pub outcome: Outcome,
    /// What it became on the other side.
    pub links: Links,
}

/// How a piece of work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It reached the other side.
    Delivered,
    /// There was nothing to do, and why.
    Ignored(String),
    /// It did not get through, in words for a person. The row is parked.
    Failed(String),
    /// Nobody knows whether it got through, in words for a person. The row is parked.
    Uncertain(String),
}

impl Outcome {
    pub(super) fn state(&self) -> MessageState {
        match self {
            Self::Delivered => MessageState::Delivered,
            Self::Ignored(_) => MessageState::Ignored,
            Self::Failed(_) => MessageState::Failed,
            Self::Uncertain(_) => MessageState::Uncertain,
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Ignored(why) | Self::Failed(why) | Self::Uncertain(why) => Some(why),
        }
    }

    pub(super) fn parks(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Uncertain(_))
    }
}

/// What finished work became on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// Nothing that has an id.
    None,
    /// A Matrix event became these messages, in order.
    Remote {
        /// The chat they are in.
        chat: RemoteChatId,
        /// Their ids; the first belongs to the work's own row, each further one gets a row of its own.
        ids: Vec<RemoteMessageId>,
    },
    /// A remote message became these events, in order.
    Matrix {
        /// The room they are in.
        room_id: OwnedRoomId,
        /// Their ids; the first belongs to the work's own row, each further one gets a row of its own.
        event_ids: Vec<OwnedEventId>,
    },
}

/// One of our own events that came back from the homeserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The chat of the remote message that the event shows.
    pub chat: RemoteChatId,
    /// The remote message that the event shows.
    pub remote_id: RemoteMessageId,
    /// Which of the message's events, counted from 0.
    pub part: u32,
    /// How much of the message has arrived with it.
    pub reach: Reach,
    /// The event's room.
    pub room_id: OwnedRoomId,
    /// The event.
    pub event_id: OwnedEventId,
}

/// How much of a remote message has arrived in Matrix with one of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// More events follow: the work stays open.
    Part,
    /// It was the last event: the work is finished.
    Whole,
}

/// The open work of one lane, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Where its work came from.
    pub direction: Direction,
    /// The room or chat.
    pub lane: Arc<str>,
    /// The oldest rows.
    pub rows: Vec<OpenRow>,
    /// Whether more rows wait behind these.
    pub more: bool,
}

/// Work that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedRow {
    /// Its number, for `retry` and `drop`.
    pub id: JournalId,
    /// Where it came from.
    pub direction: Direction,
    /// The room or chat whose order it kept.
    pub lane: Arc<str>,
    /// The Matrix event, where there is one.
    pub event_id: Option<String>,
    /// The Matrix room, where it is known.
    pub room_id: Option<String>,
    /// The remote chat, where it is known.
    pub chat: Option<RemoteChatId>,
    /// The remote message, where there is one.
    pub remote_id: Option<RemoteMessageId>,
    /// Failed or uncertain.
    pub state: MessageState,
    /// Why, in words for a person.
    pub reason: Option<String>,
    /// When it was stored.
    pub accepted_ms: TimestampMs,
}

/// One row of the map between events and remote messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The row's number.
    pub id: JournalId,
    /// The side where the message was written.
    pub origin: Direction,
    /// Its Matrix room.
    pub room_id: Option<OwnedRoomId>,
    /// Its Matrix event.
    pub event_id: Option<OwnedEventId>,
    /// Its remote chat.
    pub chat: Option<RemoteChatId>,
    /// Its remote message.
    pub remote_id: Option<RemoteMessageId>,
    /// Which of several, counted from 0: of the remote messages of one event, or of the events of one remote message.
    pub part: u32,
    /// A Matrix user id or a remote user id, as `origin` says.
    pub sender: Option<String>,
    /// What became of it.
    pub state: MessageState,
    /// Why, in words for a person.
    pub reason: Option<String>,
    /// When it was written, by the clock of its own side.
    pub sent_ms: TimestampMs,
}

/// Everything known about one row, for the `trace` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// The map row.
    pub message: MessageRow,
    /// When it was stored.
    pub accepted_ms: TimestampMs,
    /// When its work ended.
    pub done_ms: Option<TimestampMs>,
    /// How often it was tried again after a failed attempt, or by a person.
    pub tries: u32,
    /// Its place among the open work, if it is still there.
    pub journal: Option<TraceJournal>,
}

/// The open work of a traced row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceJournal {
    /// The room or chat whose order it keeps.
    pub lane: Arc<str>,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it waits for a person.
    pub parked: bool,
}

/// The open work in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Open and not parked, from Matrix.
    pub from_matrix: OpenStats,
    /// Open and not parked, from the remote network.
    pub from_remote: OpenStats,
    /// Rows that wait for a person, both directions.
    pub parked: u64,
}

/// The open work of one direction in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenStats {
    /// How many rows.
    pub open: u64,
    /// When the oldest of them was stored.
    pub oldest_ms: Option<TimestampMs>,
}
