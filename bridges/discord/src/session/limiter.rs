//! Rate limits, as Discord's headers tell them; nothing is hard-coded.
//!
//! Short waits are waited out here; a long one is told to the caller, who may not block a chat for it.
//! Reference: <https://discord.com/developers/docs/topics/rate-limits>.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::platform::count_wait;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;
use tokio::time::Instant;

/// Longer waits are the caller's.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// When more routes than this are known, those without a wait are forgotten.
const ROUTES_MAX: usize = 1000;

/// What Discord tells when it tells nothing.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// A wait that makes sense is never longer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Default)]
pub(super) struct Limiter(Mutex<Waits>);

#[derive(Default)]
struct Waits {
    /// Until when a route is closed.
    routes: HashMap<String, Instant>,
    /// Until when all are.
    all: Option<Instant>,
}

impl Limiter {
    /// Waits until a request may go; says how long it would take when that is long.
    pub(super) async fn pass(&self, method: &Method, path: &str) -> Result<(), Duration> {
        let route = route(method, path);
        loop {
            let now = Instant::now();
            let until = {
                let waits = self.lock();
                waits.routes.get(&route).copied().max(waits.all)
            };
            let Some(wait) = until.map(|until| until.saturating_duration_since(now)) else { return Ok(()) };
            if wait.is_zero() {
                return Ok(());
            }
            if wait > WAIT_MAX {
                return Err(wait);
            }
            count_wait(wait);
            tokio::time::sleep(wait).await;
        }
    }

    /// Reads the headers that every answer bears.
    pub(super) fn heed(&self, method: &Method, path: &str, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if text("x-ratelimit-remaining") == Some("0") {
            let seconds = text("x-ratelimit-reset-after").and_then(|seconds| seconds.parse().ok());
            self.close(Some(route(method, path)), duration(seconds));
        }
    }

    /// Reads the body of a 429 and says how long to wait.
    pub(super) fn refused(&self, method: &Method, path: &str, body: &Value) -> Duration {
        let wait = duration(body["retry_after"].as_f64());
        let route = (body["global"] != true).then(|| route(method, path));
        self.close(route, wait);
        wait
    }

    fn close(&self, route: Option<String>, wait: Duration) {
        let now = Instant::now();
        let mut waits = self.lock();
        match route {
            None => waits.all = Some(now + wait),
            Some(route) => {
                if waits.routes.len() >= ROUTES_MAX {
                    waits.routes.retain(|_, until| *until > now);
                }
                waits.routes.insert(route, now + wait);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn duration(seconds: Option<f64>) -> Duration {
    let wait = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    wait.unwrap_or(RETRY_AFTER_DEFAULT).min(RETRY_AFTER_MAX)
}

/// Limits are shared by all requests of one method and route under the same channel, guild or webhook.
fn route(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut route = method.to_string();
    let mut before = "";
    for (nth, segment) in path.trim_start_matches('/').split('/').enumerate() {
        route.push('/');
        let is_id = segment.bytes().all(|byte| byte.is_ascii_digit());
        let is_minor = nth >= 2 && (is_id || before == "reactions");
        route.push_str(if is_minor { "*" } else { segment });
        before = segment;
    }
    route
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_share_a_limit_within_one_channel() {
        let of = |path| route(&Method::GET, path);
        assert_eq!(of("/channels/1/messages/2?x=y"), of("/channels/1/messages/3"));
        assert_ne!(of("/channels/1/messages"), of("/channels/2/messages"));
        assert_eq!(
            of("/channels/1/messages/2/reactions/a/@me"),
            of("/channels/1/messages/3/reactions/b/@me")
        );
        assert_ne!(route(&Method::POST, "/channels/1/messages"), of("/channels/1/messages"));
    }

    #[tokio::test(start_paused = true)]
    async fn short_waits_are_waited_out_and_long_ones_told() {
        let limiter = Limiter::default();
        limiter.refused(&Method::GET, "/a/1", &json!({"retry_after": 2.5}));
        let begun = Instant::now();
        assert_eq!(limiter.pass(&Method::GET, "/a/1").await, Ok(()));
        assert!(begun.elapsed() >= Duration::from_millis(2500));
        limiter.refused(&Method::GET, "/a/1", &json!({"retry_after": 60, "global": true}));
        assert!(limiter.pass(&Method::GET, "/b/2").await.is_err_and(|wait| wait > WAIT_MAX));
    }
}
