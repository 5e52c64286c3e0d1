//! One lane for each direction of each room: a queue and a task that lives only while there is work.
//!
//! A lane keeps the order and has one send in flight. A row that fails for a while stays at the head and is tried again; one that panics or
//! uses up its time is parked with the reason, and the lane goes on. The queue is bounded: what does not fit waits in the journal.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span, info_span};

use super::metrics::{self, Why};
use crate::{
    login::backoff,
    store::{Direction, Feed, JournalId, OpenRow, Store},
};

/// So many rows of one lane are held in memory; the rest waits in the journal.
const LANE_ROWS_MAX: usize = 128;

/// A row is tried again for this long by one process, then parked.
const PATIENCE_MS: i64 = 24 * 60 * 60 * 1_000;

/// The longest pause between two attempts of the same row.
const ATTEMPT_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pause after the journal could not be read.
const READ_PAUSE: Duration = Duration::from_secs(1);

/// Why a row is parked whose handling panicked.
const PANICKED: &str =
    "this bridge has a fault: handling it panicked. The bridge's log says where; please report that";

/// What handles the rows of all lanes.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// Takes a row one attempt further.
    async fn attempt(&self, row: &OpenRow, try_: Try) -> Attempted;

    /// Parks a row that is beyond help, and tells the room.
    async fn give_up(&self, row: &OpenRow, verdict: Verdict);

    /// Resolves when trying again early may help: a session came up.
    async fn stirred(&self);

    /// The time, in milliseconds since 1970.
    fn now_ms(&self) -> i64;
}

/// Which attempt it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// An earlier attempt may have taken effect.
    pub(crate) in_doubt: bool,
    /// How often it was tried by this process.
    pub(crate) failures: u32,
}

/// Why a row is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// In plain words.
    pub(crate) reason: String,
    /// Whether it may have taken effect all the same.
    pub(crate) in_doubt: bool,
    /// The same for who counts.
    pub(crate) why: Why,
}

/// How an attempt went.
#[derive(Debug)]
pub(crate) enum Attempted {
    /// The row is closed or parked.
    Done,
    /// It surely had no effect; try again.
    Again {
        /// Not sooner than this.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// It may have had its effect; try again, with that in mind.
    InDoubt {
        /// Why.
        reason: String,
    },
}

/// All lanes of this process.
#[derive(Clone)]
pub(crate) struct Lanes(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    parts: OnceLock<Parts>,
    runtime: Handle,
    stop: CancellationToken,
    tasks: TaskTracker,
}

struct Parts {
    store: Store,
    work: Arc<dyn Work>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<Key, Lane>,
    /// The newest row that the writer has handed over. Newer ones are committed, it may be, but still on their way to us.
    fed: Option<JournalId>,
    /// The newest row that an earlier process left.
    left: Option<JournalId>,
}

type Key = (Direction, Arc<str>);

#[derive(Default)]
struct Lane {
    queue: VecDeque<Queued>,
    /// Rows after `last` are in the journal only.
    spilled: bool,
    /// More rows came while the journal was being read.
    arrived: bool,
    /// The newest row that was ever queued here.
    last: Option<JournalId>,
}

struct Queued {
    row: OpenRow,
    in_doubt: bool,
}

impl Lanes {
    /// Lanes that wait for [`Lanes::begin`]; must be called within a tokio runtime.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            parts: OnceLock::new(),
            runtime: Handle::current(),
            stop,
            tasks: TaskTracker::new(),
        }))
    }

    /// Begins to work: first what an earlier process left open, which may have taken effect already. Must
    /// return before anything new is accepted, so that the order is kept.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) async fn begin(
        &self,
        store: Store,
        work: Arc<dyn Work>,
    ) -> Result<(), crate::store::StoreError> {
        let newest = store.newest_open().await?;
        let left = store.open_lanes(LANE_ROWS_MAX).await?;
        let _ = self.0.parts.set(Parts { store, work });
        let mut state = self.state();
        (state.fed, state.left) = (newest, newest);
        let mut keys = Vec::with_capacity(left.len());
        for lane in left {
            let key = (lane.direction, lane.lane.clone());
            let last = lane.rows.last().map(|row| row.id);
            let queue = doubtful(lane.rows);
            state.lanes.insert(key.clone(), Lane { queue, spilled: lane.more, arrived: false, last });
            keys.push(key);
        }
        drop(state);
        keys.into_iter().for_each(|key| self.start(key));
        Ok(())
    }

    /// Waits until every lane has stopped. Call it after the stop signal was given.
    pub(crate) async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn start(&self, key: Key) {
        let lanes = self.clone();
        self.0.tasks.spawn_on(async move { lanes.run(key).await }, &self.0.runtime);
    }

    async fn run(self, key: Key) {
        while let Some(queued) = self.next(&key).await {
            let span = span(&queued.row);
            if self.work_on(queued).instrument(span).await.is_none() {
                return;
            }
        }
    }

    /// The next row; `None` once the lane is empty and gone.
    async fn next(&self, key: &Key) -> Option<Queued> {
        loop {
            let (after, fed) = {
                let mut state = self.state();
                let fed = state.fed;
                let lane = state.lanes.get_mut(key)?;
                if let Some(queued) = lane.queue.pop_front() {
                    return Some(queued);
                }
                if !lane.spilled {
                    state.lanes.remove(key);
                    return None;
                }
                lane.arrived = false;
                (lane.last, fed)
            };
            self.refill(key, after, fed).await;
        }
    }

    /// Reads on in the journal, up to the newest row that was handed over: one that is still on its way comes by itself.
    async fn refill(&self, key: &Key, after: Option<JournalId>, fed: Option<JournalId>) {
        let Some(parts) = self.0.parts.get() else { return };
        let read = parts.store.lane_rows(key.0, &key.1, after, LANE_ROWS_MAX).await;
        match read {
            Ok(mut rows) => {
                let is_full = rows.len() == LANE_ROWS_MAX;
                rows.retain(|row| Some(row.id) <= fed);
                let mut state = self.state();
                let left = state.left;
                let Some(lane) = state.lanes.get_mut(key) else { return };
                // What arrived while the journal was read may or may not be among these rows; the next reading tells.
                lane.spilled = is_full || lane.arrived;
                lane.last = lane.last.max(rows.last().map(|row| row.id));
                let in_doubt = |row: &OpenRow| row.direction == Direction::FromRemote && Some(row.id) <= left;
                lane.queue.extend(rows.into_iter().map(|row| Queued { in_doubt: in_doubt(&row), row }));
            }
            Err(error) => {
                tracing::error!(%error, "The journal cannot be read; trying again.");
                tokio::time::sleep(READ_PAUSE).await;
            }
        }
    }

    /// Works on one row until it is closed or parked; `None` when the process stops first.
    async fn work_on(&self, Queued { row, in_doubt }: Queued) -> Option<()> {
        let parts = self.0.parts.get()?;
        let mut try_ = Try { in_doubt, failures: 0 };
        let began_ms = parts.work.now_ms();
        loop {
            if self.0.stop.is_cancelled() {
                return None;
            }
            let attempt = AssertUnwindSafe(parts.work.attempt(&row, try_)).catch_unwind().await;
            let (after, reason) = match attempt {
                Ok(Attempted::Done) => return Some(()),
                Ok(Attempted::Again { after, reason }) => (after, reason),
                Ok(Attempted::InDoubt { reason }) => {
                    try_.in_doubt = true;
                    (None, reason)
                }
                Err(_) => {
                    // It may have panicked after its effect.
                    let (reason, why) = (PANICKED.to_owned(), Why::Fault);
                    give_up(parts, &row, Verdict { reason, in_doubt: true, why }).await;
                    return Some(());
                }
            };
            if parts.work.now_ms().saturating_sub(began_ms) > PATIENCE_MS {
                let verdict = Verdict { reason, in_doubt: try_.in_doubt, why: Why::TooLate };
                give_up(parts, &row, verdict).await;
                return Some(());
            }
            try_.failures += 1;
            metrics::count_retry(row.direction);
            if let Err(error) = parts.store.note_attempt(row.id).await {
                tracing::warn!(%error, "A failed attempt was not noted.");
            }
            tracing::warn!(row = row.id.get(), failures = try_.failures, %reason, "Not done yet; trying again.");
            self.pause(parts, after, try_.failures).await;
        }
    }

    async fn pause(&self, parts: &Parts, after: Option<Duration>, failures: u32) {
        let pause = after.unwrap_or_else(|| backoff(failures, 0.5).min(ATTEMPT_PAUSE_MAX));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = parts.work.stirred(), if after.is_none() => {}
            () = self.0.stop.cancelled() => {}
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed for Lanes {
    fn stored(&self, rows: Vec<OpenRow>) {
        let mut fresh = Vec::new();
        let mut state = self.state();
        for row in rows {
            state.fed = state.fed.max(Some(row.id));
            let key = (row.direction, row.lane.clone());
            let lane = state.lanes.entry(key.clone()).or_insert_with(|| {
                fresh.push(key);
                Lane::default()
            });
            // A row older than the last one was parked and is tried again: no reading of the journal would find it.
            let returns = Some(row.id) <= lane.last;
            if !returns && (lane.spilled || lane.queue.len() >= LANE_ROWS_MAX) {
                lane.spilled = true;
                lane.arrived = true;
            } else {
                lane.last = lane.last.max(Some(row.id));
                lane.queue.push_back(Queued { row, in_doubt: false });
            }
        }
        drop(state);
        for key in fresh {
            self.start(key);
        }
    }
}

/// What every log line about this work bears; `trace #<row>` tells the rest. The chat is left out: on some networks it is a phone number.
fn span(row: &OpenRow) -> Span {
    let id = row.id.get();
    match row.direction {
        Direction::FromMatrix => info_span!("event", row = id, direction = "from_matrix", room = &*row.lane),
        Direction::FromRemote => info_span!("event", row = id, direction = "from_remote"),
    }
}

/// A lane whose task ended by a panic would stand still for ever.
async fn give_up(parts: &Parts, row: &OpenRow, verdict: Verdict) {
    if AssertUnwindSafe(parts.work.give_up(row, verdict)).catch_unwind().await.is_err() {
        tracing::error!(row = row.id.get(), "A row could not be parked; it is tried again after a restart.");
    }
}

/// Which of the rows that an earlier process left may have taken effect already. From the network the record rides along a little
/// later, so any may. From Matrix it is awaited before the next send, so only one may: the first that was never tried in vain, or one of
/// those that were (a row that came back by `retry` stands before rows that were ahead of it).
fn doubtful(rows: Vec<OpenRow>) -> VecDeque<Queued> {
    let mut head_is_met = false;
    let mut in_doubt = |row: &OpenRow| {
        let is_head = row.attempts == 0 && !head_is_met;
        head_is_met |= is_head;
        row.direction == Direction::FromRemote || row.attempts > 0 || is_head
    };
    rows.into_iter().map(|row| Queued { in_doubt: in_doubt(&row), row }).collect()
}

#[cfg(test)]
mod tests;
