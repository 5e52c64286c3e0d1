//! Portals: a remote chat and its Matrix room, and every message that passes between them.
//!
//! A portal is worked by two lanes ([`lane`]), one for each direction; [`from_matrix`] and [`from_remote`] hold the two flows, each in the
//! same four beats: load, decide, perform, record. `create` makes rooms. Nothing here knows HTML, SQL or a platform's protocol.
//!
//! INVARIANT: one send in flight per lane. INVARIANT: a row is closed only after its effect is known.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};

pub use self::observed::Observed;
pub(crate) use self::{lane::Lanes, metrics::begin_counting, notice::notice_content};
use self::{
    lane::{Attempted, Try, Verdict, Work},
    outcome::Fate,
};
use crate::{
    clock::Clock,
    config::{About, Level, Permissions, RelayReactions},
    homeserver::Homeserver,
    ids::{GhostNames, LoginId},
    login::Logins,
    media::{Media, PublicMedia},
    message::{RelayTemplates, RoomTemplates},
    puppet::{Doubles, Ghosts},
    report::Checkpoints,
    store::{Direction, Done, Links, OpenRow, Outcome, PortalRow, Relay, Store, StoreError},
};

mod backfill;
mod belonging;
mod cache;
mod create;
mod ephemeral;
mod follow;
mod from_matrix;
mod from_remote;
mod keys;
mod lane;
mod marks;
mod metrics;
mod moves;
mod moving;
mod naming;
mod notice;
mod observed;
mod outcome;
mod owners;
mod people;
mod plumb;
mod privacy;
mod speaker;
mod status_events;
mod strangers;
mod uniting;

/// The pause before a record is tried again while the database is away, and how often it is.
const RECORD_PAUSE: Duration = Duration::from_millis(500);
const RECORD_TRIES: u32 = 120;

/// How portals are made and who may use them; from the configuration.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// The network.
    pub about: About,
    /// Who may do what.
    pub permissions: Permissions,
    /// Who is invited to every new room.
    pub invite: Vec<OwnedUserId>,
    /// Whether rooms are made as soon as a chat is known, or at its first message.
    pub create_at_start: bool,
    /// How many of the messages that were said before a room was made are brought into it.
    pub backfill_messages_max: usize,
    /// Whether every account has a space that holds its rooms.
    pub personal_spaces: bool,
    /// Whether the bot shows as read what was delivered.
    pub delivery_receipts: bool,
    /// Whether an event in the room tells clients what became of each message.
    pub message_status_events: bool,
    /// What a command in a portal starts with.
    pub command_prefix: String,
    /// What a relay says for people, where their names can only stand in the words.
    pub relay_templates: Arc<RelayTemplates>,
    /// What becomes of their reactions where the network has none.
    pub relay_reactions: RelayReactions,
}

/// All that a portal works with.
#[derive(Clone)]
pub struct PortalParts {
    /// How portals are made and who may use them.
    pub settings: PortalSettings,
    /// The database.
    pub store: Store,
    /// The homeserver.
    pub homeserver: Homeserver,
    /// The spelling of ghosts.
    pub names: Arc<GhostNames>,
    /// The live sessions.
    pub logins: Logins,
    /// What moves files into the homeserver.
    pub media: Media,
    /// Public addresses of Matrix pictures, where the configuration allows any.
    pub public_media: Option<PublicMedia>,
    /// What runs commands.
    pub commands: Arc<dyn CommandPort>,
    /// The people in Matrix for whom we may act.
    pub doubles: Doubles,
    /// Programs that are told how far each message has come.
    pub checkpoints: Checkpoints,
    /// Time and randomness.
    pub clock: Clock,
}

/// What runs the commands that people give in rooms.
#[async_trait]
pub trait CommandPort: Send + Sync + 'static {
    /// Runs one command. Must be safe to run twice: a crash in between repeats it.
    async fn run(&self, call: Call) -> Reply;

    /// Whether `word` is the name of a command, so that a room without a portal need not say the prefix.
    fn knows(&self, word: &str) -> bool;

    /// Whether the bot has asked `user_id` something in that room, so that their next words are an answer.
    fn awaits(&self, room_id: &RoomId, user_id: &UserId) -> bool;
}

/// What a command leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer, in words.
    pub words: String,
    /// What the portal does besides answering.
    pub effect: Option<Effect>,
}

/// What a command does to the portal in whose room it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Separates the chat from the room, until somebody bridges it again.
    Unbridge,
    /// Lets one of the person's accounts speak for them.
    Prefer(LoginId),
    /// Chooses who speaks for people without an account.
    Relay(Relay),
    /// Chooses what is said for people without an account, in the place of the bridge's templates.
    RelayTemplates(RoomTemplates),
    /// Joins the room, which is joined to nothing, to a chat.
    Plumb(Box<PortalRow>),
}

/// A command as it was given.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whether it is one.
    pub kind: CallKind,
    /// The event that gave it.
    pub event_id: OwnedEventId,
    /// By whom.
    pub sender: OwnedUserId,
    /// What they may do.
    pub level: Level,
    /// In which room.
    pub room_id: OwnedRoomId,
    /// The words after the prefix.
    pub words: String,
}

/// What somebody says to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A command.
    Command,
    /// An answer to what the bot asked, or words in a room that is there for talking with it.
    Words,
}

/// All portals of this bridge.
pub struct Portals {
    parts: PortalParts,
    ghosts: Ghosts,
    people: people::People,
    cache: Mutex<cache::Cache>,
    passing: ephemeral::Passing,
    marks: marks::Marks,
    moves: moves::Moves,
    heard: uniting::Heard,
    status_events: status_events::StatusEvents,
    /// Spaces are made from many lanes; one at a time keeps one chat from getting two.
    creating_space: tokio::sync::Mutex<()>,
    /// Held to write while a room that is there becomes a direct chat's, to read while one is made: a chat never gets two.
    binding: tokio::sync::RwLock<()>,
    strangers: strangers::Strangers,
    coming: from_remote::Coming,
    invitations: from_remote::Invitations,
}

impl Portals {
    /// Portals over these parts.
    pub fn new(parts: PortalParts) -> Self {
        let ghosts = Ghosts::new(parts.store.clone(), parts.homeserver.clone(), parts.names.clone());
        let people =
            people::People::new(parts.homeserver.clone(), parts.names.clone(), parts.public_media.clone());
        let cache = Mutex::default();
        let marks = marks::Marks::new(parts.homeserver.clone());
        let status_events = status_events::StatusEvents::new(parts.homeserver.clone());
        Self {
            parts,
            ghosts,
            marks,
            status_events,
            people,
            cache,
            passing: ephemeral::Passing::default(),
            moves: moves::Moves::default(),
            heard: uniting::Heard::default(),
            creating_space: tokio::sync::Mutex::default(),
            binding: tokio::sync::RwLock::default(),
            strangers: strangers::Strangers::default(),
            coming: from_remote::Coming::default(),
            invitations: from_remote::Invitations::default(),
        }
    }

    /// Somebody in Matrix may have a new name or picture, or may have come to a room or gone from it.
    pub fn forget_member(&self, room_id: &RoomId, user_id: &UserId) {
        self.people.forget(room_id, user_id);
    }

    /// Whether new rooms get what was said before.
    fn fills_rooms(&self) -> bool {
        self.parts.settings.backfill_messages_max > 0
    }

    /// The same without waiting for the disk: where a repeat is harmless, the row may be worked on once more after a crash.
    async fn record_soon(&self, row: &OpenRow, outcome: Outcome, links: Links) -> Result<(), StoreError> {
        metrics::count_end(row, &outcome, self.parts.clock.now_ms());
        self.parts.store.finish_soon(Done { id: row.id, outcome, links }).await
    }

    /// The same for what cannot be asked again: a database that is away for a while gets the record when it is back.
    async fn record_surely(&self, row: &OpenRow, outcome: Outcome, links: Links) -> Result<(), StoreError> {
        metrics::count_end(row, &outcome, self.parts.clock.now_ms());
        let done = Done { id: row.id, outcome, links };
        for _ in 0..RECORD_TRIES {
            match self.parts.store.finish(done.clone()).await {
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, row = row.id.get(), "A record waits for the database.");
                    tokio::time::sleep(RECORD_PAUSE).await;
                }
                recorded => return recorded,
            }
        }
        self.parts.store.finish(done).await
    }

    /// Closes or parks a row, and counts it.
    async fn record(&self, row: &OpenRow, outcome: Outcome, links: Links) -> Result<(), StoreError> {
        metrics::count_end(row, &outcome, self.parts.clock.now_ms());
        self.parts.store.finish(Done { id: row.id, outcome, links }).await
    }
}

#[async_trait]
impl Work for Portals {
    async fn attempt(&self, row: &OpenRow, try_: Try) -> Attempted {
        let attempted = match row.direction {
            Direction::FromMatrix => from_matrix::attempt(self, row, try_).await,
            Direction::FromRemote => from_remote::attempt(self, row, try_).await,
        };
        let attempted =
            attempted.unwrap_or_else(|error| Attempted::Again { after: None, reason: error.to_string() });
        if let Attempted::Again { reason, .. } | Attempted::InDoubt { reason } = &attempted {
            self.tell_programs(row, try_.failures, Fate::Waiting(reason));
        }
        match attempted {
            // The first failure is often over before anybody looks.
            Attempted::Again { .. } | Attempted::InDoubt { .. } if try_.failures == 1 => {
                self.show_waiting(row).await;
            }
            _ => {}
        }
        attempted
    }

    async fn give_up(&self, row: &OpenRow, Verdict { reason, in_doubt, why }: Verdict) {
        metrics::count_failure(row.direction, why);
        let outcome = if in_doubt && row.direction == Direction::FromMatrix {
            self.tell_of_doubt(row, &reason).await;
            self.tell_programs(row, 0, Fate::Uncertain(&reason));
            Outcome::Uncertain(reason)
        } else {
            self.tell_of_failure(row, &reason).await;
            self.tell_programs(row, 0, Fate::Failed(&reason));
            Outcome::Failed(reason)
        };
        self.show_end(row, false).await;
        if let Err(error) = self.record(row, outcome, Links::None).await {
            tracing::error!(%error, row = row.id.get(), "A row could not be parked; it is tried again after a restart.");
        }
    }

    async fn stirred(&self) {
        // A closed channel means that the process stops; the lane watches for that itself.
        if self.parts.logins.changes().changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn now_ms(&self) -> i64 {
        self.parts.clock.now_ms()
    }
}
