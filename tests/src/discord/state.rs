//! All that one running simulator holds, behind one lock.
//!
//! The lock is never held across an await. Whoever changes something through [`Inner::change`] wakes all who wait: tests,
//! and gateway connections with something to send.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use magpie_common::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    effects::Effects,
    faults::Faults,
    gateway::session::Sessions,
    limits::Limits,
    model::Records,
    requests::LoggedRequest,
    snowflake::{Snowflake, Snowflakes},
    world::World,
};
use crate::openapi::{Finding, Spec};

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
    pub ids: Snowflakes,
    pub records: Records,
    pub sessions: Sessions,
    pub faults: Faults,
    pub limits: Limits,
    pub effects: Effects,
    pub requests: Vec<LoggedRequest>,
    pub findings: Vec<Finding>,
    pub urls: Urls,
}

/// Where the simulator can be reached.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    pub origin: String,
    pub gateway: String,
}

impl Inner {
    pub fn new(world: World, address: SocketAddr, spec: Option<Arc<Spec>>) -> Self {
        let urls = Urls { origin: format!("http://{address}"), gateway: format!("ws://{address}") };
        let mut records = world.records;
        records.cdn = format!("{}/cdn", urls.origin);
        let state = State {
            clock: world.clock,
            ids: world.ids,
            records,
            sessions: Sessions::default(),
            faults: Faults::default(),
            limits: Limits::default(),
            effects: Effects::default(),
            requests: Vec::new(),
            findings: Vec::new(),
            urls,
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
    /// A fresh id.
    pub fn next_id(&mut self) -> Snowflake {
        self.ids.next(self.clock.now_ms())
    }

    /// Base of the REST routes.
    pub fn rest_base(&self) -> String {
        format!("{}/api/v10", self.urls.origin)
    }

    /// A fresh secret of printable characters.
    pub fn secret(&self) -> String {
        self.clock.random_bytes::<24>().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
