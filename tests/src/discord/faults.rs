//! What goes wrong with the next requests, as ordered by a test.
//!
//! Each fault waits in a queue for the first request that fits its route and is used up by it. A route is a method and a
//! path with `*` for any one segment: `POST /channels/*/messages`, `* /webhooks/*/*`.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends before the request has any effect.
    CutBefore,
    /// The request takes effect, then the connection ends without an answer.
    CutAfter,
    /// Answered with this status and body, without effect.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The JSON body; null for none.
        body: Value,
    },
    /// The request takes effect and is answered with this status and no body.
    AnswerAfter {
        /// The HTTP status, for example 502.
        status: u16,
    },
    /// Answered with 429, without effect.
    RateLimited {
        /// Whose limit it was.
        scope: RateLimitScope,
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// The request waits at the gate before it has any effect.
    HoldBefore(Gate),
    /// The request takes effect and its answer waits at the gate.
    HoldAfter(Gate),
}

/// Whose rate limit was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitScope {
    /// The bot's own, on this route.
    User,
    /// The bot's own, over all routes.
    Global,
    /// That of the channel, shared with other bots.
    Shared,
}

/// Holds requests until the test lets them go.
#[derive(Clone, Debug)]
pub struct Gate {
    arrivals: Arc<Semaphore>,
    releases: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { arrivals: Arc::new(Semaphore::new(0)), releases: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// Waits until a request stands at the gate.
    pub async fn arrived(&self) {
        self.arrivals.acquire().await.expect("the gate is never closed").forget();
    }

    /// Lets one request through, now or when it comes.
    pub fn release(&self) {
        self.releases.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.arrivals.add_permits(1);
        self.releases.acquire().await.expect("the gate is never closed").forget();
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<(Route, Fault)>,
}

impl Faults {
    pub fn add(&mut self, route: &str, fault: Fault) {
        self.waiting.push((Route::new(route), fault));
    }

    pub fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let at = self.waiting.iter().position(|(route, _)| route.fits(method, path))?;
        Some(self.waiting.remove(at).1)
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// A method and a path, both possibly with stars.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    method: String,
    segments: Vec<String>,
}

impl Route {
    pub fn new(text: &str) -> Self {
        let (method, path) = text.split_once(' ').unwrap_or(("*", text));
        Self { method: method.to_owned(), segments: segments(path).map(str::to_owned).collect() }
    }

    pub fn fits(&self, method: &str, path: &str) -> bool {
        let same = |wanted: &str, given: &str| wanted == "*" || wanted == given;
        let given: Vec<&str> = segments(path).collect();
        same(&self.method, method)
            && self.segments.len() == given.len()
            && self.segments.iter().zip(given).all(|(wanted, given)| same(wanted, given))
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_matches('/').split('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_by_the_first_request_that_fits() {
        let mut faults = Faults::default();
        faults.add("POST /channels/*/messages", Fault::CutBefore);
        assert!(faults.take("GET", "/channels/1/messages").is_none());
        assert!(faults.take("POST", "/channels/1/messages/2").is_none());
        assert!(faults.take("POST", "/channels/1/messages").is_some());
        assert!(faults.take("POST", "/channels/1/messages").is_none());
    }
}
