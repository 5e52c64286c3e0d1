//! Durable state: the only room that speaks SQL.
//!
//! One writer owns writing. It takes all that waits, commits it as one transaction, hands newly stored work to the [`Feed`] in
//! commit order and then answers the callers. Reads go another way and see only what is committed. SQLite is the embedded
//! default, PostgreSQL the same tables behind another address.
//!
//! This room never interprets a body, never reaches over the network to anything but its database, and keeps no cache.
//!
//! Read next: [`words`](Done) for the data, `operation` for what the writer does, `schema/0001.sql` for the tables.

use std::{fmt, sync::Arc};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub(crate) use self::metrics::begin_counting;
pub use self::{
    archive::{ArchiveError, Carried, Owner, STANDARD, export, import},
    error::StoreError,
    examine::{Examined, SavedLogins, examine, saved_logins},
    ghost::{Alias, GhostRow, Identity, Union},
    kv::MediaRow,
    login::{ChatLogin, LoginRow},
    moving::Heir,
    person::PersonRow,
    portal::{PortalRow, PortalState, Relay},
    reaction::ReactionRow,
    shelf::{ShelfChange, ShelfRow},
    words::{
        Accepted, Cursor, Direction, Done, Echo, JournalId, JournalStats, Lane, Links, MatrixEvent,
        MessageRow, MessageState, OpenRow, OpenStats, Outcome, ParkedRow, PushOrder, Reach, RemoteRow,
        Stored, TraceJournal, TraceRow,
    },
};
use self::{
    operation::{Operation, Script, Step},
    queue::Queue,
    reader::Reader,
    seal::Seal,
};
use crate::{clock::Clock, config::Secret};

mod archive;
mod error;
mod examine;
mod ghost;
mod journal;
mod kv;
mod login;
mod map;
mod metrics;
mod moving;
mod operation;
mod person;
mod portal;
mod postgres;
mod queue;
mod reaction;
mod reader;
mod schema;
mod seal;
mod shelf;
mod sqlite;
mod value;
mod words;

/// Which database, and how careful.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `sqlite:<path>` or `postgres://…`.
    pub url: String,
    /// What survives a power cut.
    pub durability: Durability,
    /// What the secrets of logins are sealed with.
    pub key: Secret,
}

/// What survives a power cut. A killed process loses nothing in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// All that was acknowledged.
    #[default]
    Full,
    /// All but the last moments; several times faster on slow disks.
    Normal,
}

/// Takes newly stored work to whoever does it.
pub trait Feed: Send + Sync + 'static {
    /// Called by the writer after each commit, in commit order, before the submitters are answered. Must not block: the writer
    /// waits. Work that does not fit is left out here and read later with [`Store::lane_rows`].
    fn stored(&self, rows: Vec<OpenRow>);
}

/// The durable state of one bridge. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    reader: Reader,
    clock: Clock,
    seal: Seal,
    finished: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The place of a pushed event in the order; resolves once the event is stored.
#[must_use = "the network's own cursor may move only after the ticket resolved"]
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Stored, StoreError>>);

impl Ticket {
    /// Waits for the commit.
    ///
    /// # Errors
    /// When the event was not stored; it may be pushed again.
    pub async fn stored(self) -> Result<Stored, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// An empty PostgreSQL database of its own for a test, where `MAGPIE_TEST_POSTGRES_URL` names a server.
#[cfg(test)]
pub(crate) async fn postgres_of_a_test() -> Option<String> {
    postgres::tests::database().await
}

impl Store {
    /// Opens the database, brings its schema up to date, takes the lease and starts the writer.
    ///
    /// Whoever feeds lanes calls [`Store::open_lanes`] before anything is submitted, so that no work is seen twice.
    ///
    /// # Errors
    /// When the database cannot be used, is newer than this binary, or another process runs on it.
    pub async fn open(
        settings: &StoreSettings,
        clock: Clock,
        feed: Arc<dyn Feed>,
    ) -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::new());
        let finished = CancellationToken::new();
        let writing =
            Writing { queue: queue.clone(), clock: clock.clone(), feed, finished: finished.clone() };
        let url = settings.url.as_str();
        let reader = if let Some(path) = url.strip_prefix("sqlite:") {
            sqlite::open(path.strip_prefix("//").unwrap_or(path), settings.durability, writing).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres::open(url, settings.durability, writing).await?
        } else {
            // Without the rest: an address may hold a password.
            return Err(StoreError::Address(url.split(':').next().unwrap_or_default().to_owned()));
        };
        let seal = Seal::new(&settings.key);
        Ok(Self(Arc::new(Inner { queue, reader, clock, seal, finished })))
    }

    /// Stores events of one homeserver transaction, all or none, and feeds the new ones. Returns after the commit.
    ///
    /// With no events it waits until all that was submitted before is committed.
    ///
    /// # Errors
    /// When nothing was stored; the homeserver must be told to send the transaction again.
    pub async fn accept(&self, events: Vec<MatrixEvent>) -> Result<Accepted, StoreError> {
        self.ask(|reply| Operation::Accept { events, reply }).await
    }

    /// Stores an event of the remote network. Returns as soon as the event has its place in the order, and waits only while the
    /// queue is full. Once a push of `order` is refused, all later ones of the same order are.
    pub async fn push(&self, row: RemoteRow, order: &PushOrder) -> Ticket {
        let (reply, answer) = oneshot::channel();
        // A closed queue drops the reply, and the ticket says so.
        let _ = self.0.queue.submit(Operation::Push { row, order: order.clone(), reply }).await;
        Ticket(answer)
    }

    /// Records how work ended and what it became, and closes or parks its row. Returns after the commit.
    ///
    /// A message that the network has shown us before we learned its id (our own echo, stored first) goes away with its work.
    /// Recording twice does no harm. Nobody else remembers the outcome, so repeat it after an error that
    /// [is passing](StoreError::is_passing).
    ///
    /// # Errors
    /// When the record was not stored.
    pub async fn finish(&self, done: Done) -> Result<(), StoreError> {
        self.ask(|reply| Operation::Finish { done, reply: Some(reply) }).await
    }

    /// Like [`Store::finish`], but nobody waits: it rides along with the next group, about 2 ms late at most, and is kept and
    /// tried again while the database cannot be written. For work that may safely be repeated after a crash.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn finish_soon(&self, done: Done) -> Result<(), StoreError> {
        self.0.queue.submit(Operation::Finish { done, reply: None }).await
    }

    /// Records that one of our own events came back from the homeserver: fills in its id where that is missing, and closes the
    /// work once the whole message has arrived. Cheap when all is known already. Rides along; a later [`Store::accept`] is
    /// committed after it.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn confirm(&self, echo: Echo) -> Result<(), StoreError> {
        self.0.queue.submit(Operation::Confirm(echo)).await
    }

    /// Waits until everything that was submitted before, without being awaited, can be read.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn settled(&self) -> Result<(), StoreError> {
        self.accept(Vec::new()).await.map(drop)
    }

    /// Counts one more attempt. Rides along.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn note_attempt(&self, id: JournalId) -> Result<(), StoreError> {
        self.0.queue.submit(Operation::Attempt(id)).await
    }

    /// Commits what was submitted, refuses everything later, and leaves the database tidy.
    pub async fn close(&self) {
        self.0.queue.close();
        self.0.finished.cancelled().await;
    }

    /// Resolves when the writer has ended: after [`Store::close`], or because another process took the database over. Whoever
    /// runs the bridge waits for it and stops, because nothing can be accepted any more.
    pub async fn ended(&self) {
        self.0.finished.cancelled().await;
    }

    async fn ask<T>(
        &self,
        operation: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Operation,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.0.queue.submit(operation(reply)).await?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs portable statements through the writer; answers how many rows the first one touched.
    async fn write(&self, steps: Vec<Step>) -> Result<u64, StoreError> {
        self.ask(|reply| Operation::Script {
            script: Script { steps, to_the_end: false, feeds: false },
            reply,
        })
        .await
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// What a writer works with.
struct Writing {
    queue: Arc<Queue>,
    clock: Clock,
    feed: Arc<dyn Feed>,
    finished: CancellationToken,
}

impl Drop for Writing {
    /// However a writer ends, even by a panic: nobody waits for it in vain.
    fn drop(&mut self) {
        self.queue.abandon();
        self.finished.cancel();
    }
}
