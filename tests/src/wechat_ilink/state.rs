//! All that one running simulator holds, behind one lock.
//!
//! The lock is never held across an await. Whoever changes something through [`Inner::change`] wakes all who wait: tests, and long polls.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    faults::Faults,
    model::{Door, LoggedRequest, Records},
    trouble::Trouble,
    world::{Settings, World},
};
use crate::openapi::Finding;

/// What all tasks of one simulator share.
pub(crate) struct Inner {
    state: Mutex<State>,
    pub changed: Notify,
    pub stop: CancellationToken,
}

/// The changing part.
pub(crate) struct State {
    pub clock: Clock,
    pub next_message: u64,
    pub records: Records,
    pub settings: Settings,
    pub faults: Faults,
    pub trouble: Trouble,
    pub requests: Vec<LoggedRequest>,
    pub findings: Vec<Finding>,
    /// The number of the last request, which must not come again.
    pub last_number: String,
    addresses: [SocketAddr; 2],
}

impl Inner {
    pub fn new(world: World, addresses: [SocketAddr; 2]) -> Self {
        let state = State {
            clock: world.clock,
            next_message: world.next_message,
            records: Records { names: world.names, ..Records::default() },
            settings: world.settings,
            faults: Faults::default(),
            trouble: Trouble::default(),
            requests: Vec::new(),
            findings: Vec::new(),
            last_number: String::new(),
            addresses,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), stop: CancellationToken::new() }
    }

    /// Looks at the state.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes everyone who waits for a change.
    pub fn change<T>(&self, deed: impl FnOnce(&mut State) -> T) -> T {
        let outcome = deed(&mut self.lock());
        self.changed.notify_waiters();
        outcome
    }

    /// Looks until there is something to see, for as long as a poll is held. Looking may change the state, and tells nobody.
    pub async fn hold<T>(self: &Arc<Self>, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let held = Duration::from_millis(self.lock().settings.hold_ms);
        let seen = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // From here on no change is missed, so looking comes second.
                changed.as_mut().enable();
                if let Some(found) = look(&mut self.lock()) {
                    return Some(found);
                }
                tokio::select! {
                    () = changed => {}
                    () = self.stop.cancelled() => return None,
                }
            }
        };
        tokio::time::timeout(held, seen).await.ok().flatten()
    }
}

impl State {
    /// Now.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// An id that no message had.
    pub fn next_message(&mut self) -> u64 {
        self.next_message += 1;
        self.next_message
    }

    /// Words that nobody can guess.
    pub fn secret(&self, beginning: &str) -> String {
        let hex: String = self.clock.random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{beginning}{hex}")
    }

    /// The address behind a door.
    pub fn host(&self, door: Door) -> String {
        let [first, second] = self.addresses;
        match door {
            Door::First => first.to_string(),
            Door::Second => second.to_string(),
        }
    }

    /// Keeps what was wrong with a request.
    pub fn report(&mut self, call: &str, part: &str, problem: impl Into<String>) {
        let (call, part) = (call.to_owned(), part.to_owned());
        self.findings.push(Finding { call, part, problem: problem.into() });
    }
}
