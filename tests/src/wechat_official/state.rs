//! All that one running simulator holds, behind one lock.
//!
//! The lock is never held across an await. Whoever changes something through [`Inner::change`] wakes all who wait: tests, and the task that
//! brings callbacks.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use magpie_common::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    callback::{Callbacks, Mode},
    faults::Faults,
    observe::{LoggedRequest, Sent},
    world::{Account, Follower, Person, World},
};

/// What all tasks of one simulator share.
pub(crate) struct Inner {
    state: Mutex<State>,
    pub changed: Notify,
    pub stop: CancellationToken,
}

/// The changing part.
pub(crate) struct State {
    pub clock: Clock,
    pub origin: String,
    pub accounts: BTreeMap<String, Account>,
    pub tokens: Vec<Token>,
    pub media: BTreeMap<String, Media>,
    pub sent: Vec<Sent>,
    pub requests: Vec<LoggedRequest>,
    pub faults: Faults,
    pub callbacks: Callbacks,
    pub mode: Mode,
    last_id: u64,
}

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub secret: String,
    pub app_id: String,
    /// Whether `stable_token` gave it.
    pub is_stable: bool,
    pub until_ms: i64,
    /// Whether another one has taken its place.
    pub is_replaced: bool,
}

/// A stored file.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub app_id: String,
    /// `image`, `voice`, `video` or `thumb`.
    pub kind: String,
    pub mime: String,
    pub bytes: Bytes,
    pub until_ms: i64,
}

impl Inner {
    pub fn new(world: World, address: SocketAddr) -> Self {
        let state = State {
            clock: world.clock,
            origin: format!("http://{address}"),
            accounts: world.accounts,
            tokens: Vec::new(),
            media: BTreeMap::new(),
            sent: Vec::new(),
            requests: Vec::new(),
            faults: Faults::default(),
            callbacks: Callbacks::default(),
            mode: Mode::Safe,
            last_id: 6_234_567_890_123_456_000,
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
}

impl State {
    /// Now.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A fresh id; those of messages have 64 bits.
    pub fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Letters that nobody guesses.
    pub fn random(&self) -> String {
        self.clock.random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn account(&self, app_id: &str) -> &Account {
        self.accounts.get(app_id).expect("tests name accounts that are there")
    }

    pub fn account_mut(&mut self, app_id: &str) -> &mut Account {
        self.accounts.get_mut(app_id).expect("tests name accounts that are there")
    }

    pub fn person(&self, follower: &Follower) -> &Person {
        self.account(&follower.app_id)
            .followers
            .get(&follower.openid)
            .expect("tests name people who are there")
    }

    pub fn person_mut(&mut self, follower: &Follower) -> &mut Person {
        let followers = &mut self.account_mut(&follower.app_id).followers;
        followers.get_mut(&follower.openid).expect("tests name people who are there")
    }
}
