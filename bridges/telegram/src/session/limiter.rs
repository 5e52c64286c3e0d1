//! How fast we may speak: a bucket for each chat and one for all, and the pauses that Telegram asks for.
//!
//! Telegram publishes rough figures only (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>); what it says in an
//! answer counts more. Short waits are waited out here; a long one is told to the caller, who may not block a chat for it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use magpie_common::platform::count_wait;
use tokio::time::Instant;

/// Messages in a second, over all chats.
const ALL_PER_SECOND: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// Messages in a minute in one group.
const GROUP_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Messages in a minute in a private chat: one a second.
const DIRECT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Longer waits are the caller's.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// When more chats than this are known, those that are quiet are forgotten.
const CHATS_MAX: usize = 1_000;

/// The buckets and pauses of one bot.
pub(crate) struct Limiter {
    all: DefaultDirectRateLimiter,
    chats: Mutex<HashMap<i64, Chat>>,
}

struct Chat {
    bucket: DefaultDirectRateLimiter,
    /// Until when Telegram asked for a pause.
    closed: Option<Instant>,
    used: Instant,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { all: RateLimiter::direct(Quota::per_second(ALL_PER_SECOND)), chats: Mutex::default() }
    }
}

impl Limiter {
    /// Waits until a message may go to a chat; says how long it would take when that is long.
    pub(super) async fn pass(&self, chat: i64) -> Result<(), Duration> {
        loop {
            let Some(wait) = self.wait(chat) else { return Ok(()) };
            if wait > WAIT_MAX {
                return Err(wait);
            }
            count_wait(wait);
            tokio::time::sleep(wait).await;
        }
    }

    /// Heeds a pause that Telegram asked for: that chat only is closed for so long.
    pub(super) fn close(&self, chat: i64, wait: Duration) {
        let mut chats = self.lock();
        let until = Instant::now() + wait;
        let known = known(&mut chats, chat);
        known.closed = known.closed.max(Some(until));
    }

    /// How long to wait; `None` when it may go, which is counted.
    fn wait(&self, chat: i64) -> Option<Duration> {
        let mut chats = self.lock();
        let now = Instant::now();
        let known = known(&mut chats, chat);
        known.used = now;
        if let Some(wait) =
            known.closed.map(|until| until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
        {
            return Some(wait);
        }
        known.closed = None;
        // First the chat's bucket: one that is empty must not use up what is there for all.
        for bucket in [&known.bucket, &self.all] {
            if let Err(not_until) = bucket.check() {
                let wait = not_until.wait_time_from(governor::clock::DefaultClock::default().now());
                return Some(wait.max(Duration::from_millis(1)));
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Chat>> {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(chats: &mut HashMap<i64, Chat>, chat: i64) -> &mut Chat {
    if chats.len() >= CHATS_MAX && !chats.contains_key(&chat) {
        let now = Instant::now();
        let is_quiet = |chat: &Chat| now.duration_since(chat.used) > Duration::from_secs(60);
        chats.retain(|_, chat| !is_quiet(chat) || chat.closed.is_some_and(|until| until > now));
    }
    chats.entry(chat).or_insert_with(|| {
        let per_minute = if chat > 0 { DIRECT_PER_MINUTE } else { GROUP_PER_MINUTE };
        let bucket = RateLimiter::direct(Quota::per_minute(per_minute));
        Chat { bucket, closed: None, used: Instant::now() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_closes_one_chat_only() {
        let limiter = Limiter::default();
        limiter.close(-1, Duration::from_secs(60));
        assert!(limiter.pass(-1).await.is_err_and(|wait| wait > WAIT_MAX));
        assert_eq!(limiter.pass(-2).await, Ok(()));
        limiter.close(-2, Duration::from_secs(3));
        let begun = Instant::now();
        assert_eq!(limiter.pass(-2).await, Ok(()));
        assert!(begun.elapsed() >= Duration::from_secs(3), "a short pause is waited out");
    }

    #[tokio::test]
    async fn a_group_takes_a_burst_and_then_one_message_in_three_seconds() {
        let limiter = Limiter::default();
        for _ in 0..GROUP_PER_MINUTE.get() {
            assert_eq!(limiter.wait(-1), None);
        }
        let wait = limiter.wait(-1).expect("the bucket is empty");
        assert!(wait <= Duration::from_secs(3) && wait > Duration::from_secs(2), "{wait:?}");
        assert_eq!(limiter.wait(-2), None, "another chat has its own");
    }
}
