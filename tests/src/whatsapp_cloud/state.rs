//! All that one running simulator holds, behind one lock.
//!
//! The lock is never held across an await. Whoever changes something through [`Inner::change`] wakes all who wait: tests, and the task that
//! delivers webhooks.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use magpie_common::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    faults::Faults, ids::Ids, limits::Limits, model::Records, requests::LoggedRequest, settings::Settings,
    webhook::queue::Webhooks, world::World,
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
    pub ids: Ids,
    pub records: Records,
    pub settings: Settings,
    pub faults: Faults,
    pub limits: Limits,
    pub webhooks: Webhooks,
    pub requests: Vec<LoggedRequest>,
    pub findings: Vec<Finding>,
    pub origin: String,
    pub spec: Option<Arc<Spec>>,
}

impl Inner {
    pub fn new(world: World, address: SocketAddr, spec: Option<Arc<Spec>>) -> Self {
        let state = State {
            clock: world.clock,
            ids: world.ids,
            records: world.records,
            settings: Settings::default(),
            faults: Faults::default(),
            limits: Limits::default(),
            webhooks: Webhooks::default(),
            requests: Vec::new(),
            findings: Vec::new(),
            origin: format!("http://{address}"),
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

    /// Keeps what disagreed with the description.
    pub fn report(&self, findings: Vec<Finding>) {
        if !findings.is_empty() {
            self.change(|state| state.findings.extend(findings));
        }
    }
}

impl State {
    /// Now.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A fresh name of a request, as Meta's support asks for it.
    pub fn trace(&self) -> String {
        let hex: String = self.clock.random_bytes::<8>().iter().map(|byte| format!("{byte:02X}")).collect();
        format!("A{hex}")
    }
}
