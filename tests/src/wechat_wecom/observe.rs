//! What a test sees of the simulated WeCom. Waiting is for events, never for time; the only clock is a last resort that turns a hanging test
//! into a failing one.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::{WeComSim, state::State, world::Customer};

/// Generous, because many tests share a machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Where a message went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To a member.
    Member(String),
    /// Into a group.
    Group(String),
    /// To a customer.
    Customer(Customer),
}

/// A message of the app's or of customer service's.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// Where it went.
    pub to: To,
    /// `text`, `image` and so on.
    pub kind: String,
    /// What stands under the kind's name on the wire, as it arrived.
    pub content: Value,
    /// When.
    pub sent_ms: i64,
    /// Whether it was taken back.
    pub is_recalled: bool,
    /// Whether it was too much and reached nobody.
    pub is_dropped: bool,
}

impl Sent {
    /// Its words; nothing where it is none.
    pub fn words(&self) -> &str {
        self.content["content"].as_str().unwrap_or_default()
    }
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The path, as it came.
    pub path: String,
    /// The body as JSON; null without one, or where it is a form.
    pub body: Value,
    /// The code that was answered; none while it is open, and for ever when the connection was cut.
    pub code: Option<i64>,
}

/// A callback, as it went.
#[derive(Clone, Debug)]
pub struct LoggedCallback {
    /// What it said.
    pub document: String,
    /// The status of each attempt; none when nobody answered.
    pub answers: Vec<Option<u16>>,
    /// Whether it will be tried again.
    pub is_waiting: bool,
}

impl WeComSim {
    /// All messages to somebody that arrived and stand, oldest first.
    pub fn sent_to(&self, to: &To) -> Vec<Sent> {
        let state = self.inner.lock();
        let stands = |sent: &&Sent| sent.to == *to && !sent.is_dropped && !sent.is_recalled;
        state.sent.iter().filter(stands).cloned().collect()
    }

    /// All messages, whatever became of them.
    pub fn sent(&self) -> Vec<Sent> {
        self.inner.lock().sent.clone()
    }

    /// How many messages were sent to anybody.
    pub fn sent_count(&self) -> usize {
        self.inner.lock().sent.len()
    }

    /// All requests so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.inner.lock().requests.clone()
    }

    /// How many requests to a path there were.
    pub fn request_count(&self, path: &str) -> usize {
        self.inner.lock().requests.iter().filter(|request| request.path == path).count()
    }

    /// All callbacks so far, oldest first.
    pub fn callbacks(&self) -> Vec<LoggedCallback> {
        let state = self.inner.lock();
        let logged = state.callbacks.deliveries.iter().map(|delivery| LoggedCallback {
            document: delivery.document.clone(),
            answers: delivery.answers.clone(),
            is_waiting: delivery.due_ms.is_some(),
        });
        logged.collect()
    }

    /// A stored file: its kind, and its bytes.
    pub fn media(&self, id: &str) -> Option<(String, bytes::Bytes)> {
        let state = self.inner.lock();
        state.media.get(id).map(|media| (media.kind.clone(), media.bytes.clone()))
    }

    /// Moves the clock, where the simulator stands on one that a test moves.
    pub fn advance_ms(&self, by_ms: i64) {
        self.inner.change(|state| state.clock.advance_ms(by_ms));
    }

    /// Waits until every callback was taken or given up.
    pub async fn wait_until_all_is_taken(&self) -> anyhow::Result<()> {
        self.wait(|state| state.callbacks.next().is_none().then_some(())).await
    }

    /// Waits until more messages were sent than that.
    pub async fn wait_for_count_other_than(&self, count: usize) -> anyhow::Result<()> {
        self.wait(|state| (state.sent.len() != count).then_some(())).await
    }

    /// Waits for a message to somebody.
    pub async fn wait_for_sent(&self, to: &To, wanted: impl Fn(&Sent) -> bool) -> anyhow::Result<Sent> {
        let find = |state: &State| state.sent.iter().find(|sent| sent.to == *to && wanted(sent)).cloned();
        let found = self.wait(find).await;
        found.with_context(|| format!("sent was instead: {:#?}", self.sent_to(to)))
    }

    /// Waits until so many requests to a path were answered.
    pub async fn wait_for_requests(&self, path: &str, count: usize) -> anyhow::Result<()> {
        let is_answered = |request: &&LoggedRequest| request.path == path && request.code.is_some();
        self.wait(|state| (state.requests.iter().filter(is_answered).count() >= count).then_some(())).await
    }

    async fn wait<T>(&self, look: impl Fn(&State) -> Option<T>) -> anyhow::Result<T> {
        let seen = async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                // From here on no change is missed, so looking comes second.
                changed.as_mut().enable();
                if let Some(found) = look(&self.inner.lock()) {
                    return found;
                }
                changed.await;
            }
        };
        tokio::time::timeout(WAIT_MAX, seen).await.context("it did not happen on the simulated WeCom")
    }
}
