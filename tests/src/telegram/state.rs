//! All that one running simulator holds, behind one lock.
//!
//! The lock is never held across an await. Whoever changes something through [`Inner::change`] wakes all who wait: tests, long
//! polls, and the senders of webhooks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use magpie_common::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    effects::Effects,
    faults::Faults,
    flood::Flood,
    model::{Bot, Chat, ChatId, Records, User, UserId},
    requests::LoggedRequest,
    spec::Spec,
    world::{Settings, World},
};
use crate::openapi::Finding;

/// What all tasks of one simulator share.
pub(crate) struct Inner {
    state: Mutex<State>,
    pub changed: Notify,
    pub stop: CancellationToken,
    pub spec: Option<Arc<Spec>>,
}

/// The changing part.
pub(crate) struct State {
    pub clock: Clock,
    pub next_id: i64,
    pub records: Records,
    pub settings: Settings,
    pub faults: Faults,
    pub flood: Flood,
    pub effects: Effects,
    pub requests: Vec<LoggedRequest>,
    pub findings: Vec<Finding>,
    pub spec: Option<Arc<Spec>>,
}

impl Inner {
    pub fn new(world: World, spec: Option<Arc<Spec>>) -> Self {
        let state = State {
            clock: world.clock,
            next_id: world.next_id,
            records: world.records,
            settings: world.settings,
            faults: Faults::default(),
            flood: Flood::default(),
            effects: Effects::default(),
            requests: Vec::new(),
            findings: Vec::new(),
            spec: spec.clone(),
        };
        Self { state: Mutex::new(state), changed: Notify::new(), stop: CancellationToken::new(), spec }
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
    /// A number that was never used.
    pub fn next_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// The time in milliseconds, as Telegram's clock shows it.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms() + self.settings.clock_skew_ms
    }

    /// The same in seconds.
    pub fn now(&self) -> i64 {
        self.now_ms() / 1000
    }

    /// An account that is known to be there.
    pub fn user(&self, id: UserId) -> &User {
        self.records.users.get(&id).expect("every id of an account comes from the world")
    }

    /// A chat that is known to be there.
    pub fn chat(&self, id: ChatId) -> &Chat {
        self.records.chats.get(&id).expect("every id of a chat comes from the world")
    }

    /// The same, to change it.
    pub fn chat_mut(&mut self, id: ChatId) -> &mut Chat {
        self.records.chats.get_mut(&id).expect("every id of a chat comes from the world")
    }

    /// A bot that is known to be there.
    pub fn bot_mut(&mut self, id: UserId) -> &mut Bot {
        self.records.bots.get_mut(&id).expect("every id of a bot comes from the world")
    }
}
