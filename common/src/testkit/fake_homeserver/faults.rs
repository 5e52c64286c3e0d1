//! What can be made to go wrong with a call from the bridge.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use http::Method;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::lock;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is cut and nothing was performed.
    CutBefore,
    /// The call is performed and the connection cut before its answer.
    CutAfter,
    /// Nothing is performed and this is the answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// JSON body.
        body: Value,
    },
    /// 429, nothing is performed.
    RateLimited {
        /// How long the homeserver wants the bridge to wait.
        retry_after_ms: u64,
    },
    /// The call waits at the gate before it is performed.
    HoldBefore(Gate),
    /// The call is performed and its answer waits at the gate.
    HoldAfter(Gate),
}

/// Which calls it happens to.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// Only this method.
    pub method: Option<Method>,
    /// Only paths, as they are on the wire, that contain this.
    pub path_contains: String,
    /// How many calls, then the rule is gone.
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

/// Where held calls wait until a test lets them on.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    reached: CancellationToken,
    opened: CancellationToken,
}

/// The rules in force; the first that fits applies.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<FaultRule>>,
    any: AtomicBool,
    hits: AtomicU64,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until a call stands at the gate.
    pub async fn reached(&self) {
        self.reached.cancelled().await;
    }

    /// Lets all calls through, now and later.
    pub fn open(&self) {
        self.opened.cancel();
    }

    pub(super) async fn pass(&self) {
        self.reached.cancel();
        self.opened.cancelled().await;
    }
}

impl Faults {
    /// Adds a rule after those in force.
    pub fn add(&self, rule: FaultRule) {
        lock(&self.rules).push(rule);
        self.any.store(true, Ordering::Release);
    }

    /// Adds a rule for the next `times` sends of room events.
    pub fn on_send(&self, times: u32, fault: Fault) {
        self.add(FaultRule { method: Some(Method::PUT), path_contains: "/send/".to_owned(), times, fault });
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        lock(&self.rules).clear();
        self.any.store(false, Ordering::Release);
    }

    /// How many calls were hit so far.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut rules = lock(&self.rules);
        let fits = |rule: &FaultRule| {
            rule.method.as_ref().is_none_or(|wanted| wanted == method) && path.contains(&rule.path_contains)
        };
        let index = rules.iter().position(fits)?;
        let rule = &mut rules[index];
        let fault = rule.fault.clone();
        rule.times = rule.times.saturating_sub(1);
        if rule.times == 0 {
            rules.remove(index);
            self.any.store(!rules.is_empty(), Ordering::Release);
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    }
}
