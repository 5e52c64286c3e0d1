//! Rate limits: the headers that every answer bears, and the answer 429.
//!
//! Requests fall into buckets by method, route and top-level id (channel, guild, webhook). The limits are generous unless a
//! test narrows them, so that nobody waits without being told to.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::faults::{RateLimitScope, Route};

const REQUESTS_MAX: u64 = 10_000;
const WINDOW_MS: u64 = 1000;

/// How many requests may come in a window.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The number of requests.
    pub requests: u64,
    /// The length of the window.
    pub window_ms: u64,
}

/// Where a bucket stands after a request.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    name: String,
    limit: Limit,
    remaining: u64,
    resets_ms: i64,
    now_ms: i64,
    pub is_exceeded: bool,
}

/// All buckets.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    narrowed: Vec<(Route, Limit)>,
    buckets: HashMap<String, (i64, u64)>,
}

impl Limits {
    pub fn narrow(&mut self, route: &str, limit: Limit) {
        self.narrowed.push((Route::new(route), limit));
    }

    /// Counts a request.
    pub fn count(&mut self, method: &str, path: &str, now_ms: i64) -> Standing {
        let narrowed = self.narrowed.iter().rev().find(|(route, _)| route.fits(method, path));
        let limit =
            narrowed.map_or(Limit { requests: REQUESTS_MAX, window_ms: WINDOW_MS }, |(_, limit)| *limit);
        let name = bucket(method, path);
        let (starts_ms, used) = self.buckets.entry(name.clone()).or_insert((now_ms, 0));
        let window_ms = i64::try_from(limit.window_ms).unwrap_or(i64::MAX);
        if now_ms - *starts_ms >= window_ms {
            (*starts_ms, *used) = (now_ms, 0);
        }
        *used += 1;
        let (remaining, is_exceeded) = (limit.requests.saturating_sub(*used), *used > limit.requests);
        Standing { name, limit, remaining, resets_ms: *starts_ms + window_ms, now_ms, is_exceeded }
    }
}

impl Standing {
    /// The headers that tell a client where it stands.
    pub fn headers(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: String| (name.to_owned(), value);
        vec![
            pair("X-RateLimit-Limit", self.limit.requests.to_string()),
            pair("X-RateLimit-Remaining", self.remaining.to_string()),
            pair("X-RateLimit-Reset", seconds(self.resets_ms)),
            pair("X-RateLimit-Reset-After", seconds(self.wait_ms())),
            pair("X-RateLimit-Bucket", hash(&self.name)),
        ]
    }

    /// How long until the bucket is fresh again.
    pub fn wait_ms(&self) -> i64 {
        (self.resets_ms - self.now_ms).max(0)
    }
}

/// The further headers and the body of a 429.
pub(crate) fn too_many(scope: RateLimitScope, wait_ms: u64) -> (Vec<(String, String)>, Value) {
    let scope_name = match scope {
        RateLimitScope::User => "user",
        RateLimitScope::Global => "global",
        RateLimitScope::Shared => "shared",
    };
    let is_global = scope == RateLimitScope::Global;
    let mut headers = vec![
        ("Retry-After".to_owned(), wait_ms.div_ceil(1000).to_string()),
        ("X-RateLimit-Scope".to_owned(), scope_name.to_owned()),
        ("Via".to_owned(), "1.1 simulator".to_owned()),
    ];
    if is_global {
        headers.push(("X-RateLimit-Global".to_owned(), "true".to_owned()));
    }
    #[expect(clippy::cast_precision_loss, reason = "waits are short")]
    let retry_after = wait_ms as f64 / 1000.0;
    let message = "You are being rate limited.";
    (headers, json!({"message": message, "retry_after": retry_after, "global": is_global, "code": 0}))
}

fn bucket(method: &str, path: &str) -> String {
    let mut segments = path.trim_matches('/').split('/');
    let top = segments.next().unwrap_or_default();
    let major = segments.next().unwrap_or_default();
    // All ids but the first are the same bucket; a webhook's token belongs to its id.
    let is_id = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let rest: Vec<&str> = segments.map(|part| if is_id(part) { "*" } else { part }).collect();
    format!("{method} {top}/{major}/{}", rest.join("/"))
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn hash(name: &str) -> String {
    let mixed = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{mixed:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_apart_by_top_level_id_only() {
        assert_eq!(bucket("GET", "/channels/1/messages/2"), bucket("GET", "/channels/1/messages/3"));
        assert_ne!(bucket("GET", "/channels/1/messages/2"), bucket("GET", "/channels/4/messages/2"));
        assert_ne!(bucket("GET", "/channels/1/messages/2"), bucket("PATCH", "/channels/1/messages/2"));
    }

    #[test]
    fn a_full_bucket_refuses_until_its_window_ends() {
        let mut limits = Limits::default();
        limits.narrow("GET /gateway", Limit { requests: 1, window_ms: 100 });
        let mut count = |now_ms| limits.count("GET", "/gateway", now_ms);
        assert!(!count(0).is_exceeded);
        let refused = count(40);
        assert!(refused.is_exceeded && refused.wait_ms() == 60);
        assert!(!count(100).is_exceeded);
    }
}
