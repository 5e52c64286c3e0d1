//! How fast a number may speak: a bucket for all chats and one for each, and the pauses that WhatsApp asks for.
//!
//! Meta: 80 messages a second for a number; to one person one in six seconds, of which 45 may go at once and are paid back
//! (<https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput>, error 131056). Short waits are waited out here; a
//! long one is told to the caller, who may not block a chat for it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use magpie_common::platform::count_wait;
use tokio::time::Instant;

/// Messages in a second, over all chats. A number that is in the phone app, too, may send 20; WhatsApp says so when it is one.
const ALL_PER_SECOND: NonZeroU32 = NonZeroU32::new(80).unwrap();

/// Messages at once to one person.
const PERSON_BURST: NonZeroU32 = NonZeroU32::new(45).unwrap();

/// How long until one more may go to the same person.
const PERSON_PAUSE: Duration = Duration::from_secs(6);

/// Longer waits are the caller's.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// When more chats than this are known, those that are quiet are forgotten.
const CHATS_MAX: usize = 1_000;

/// After this time a chat's bucket is full again.
const QUIET: Duration = Duration::from_secs(6 * 45);

/// The buckets and pauses of one number.
pub(super) struct Limiter {
    all: DefaultDirectRateLimiter,
    closed: Mutex<Option<Instant>>,
    chats: Mutex<HashMap<String, Chat>>,
}

struct Chat {
    bucket: DefaultDirectRateLimiter,
    closed: Option<Instant>,
    used: Instant,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            all: RateLimiter::direct(Quota::per_second(ALL_PER_SECOND)),
            closed: Mutex::default(),
            chats: Mutex::default(),
        }
    }
}

impl Limiter {
    /// Waits until a message may go to a person; says how long it would take when that is long.
    pub async fn pass(&self, person: &str) -> Result<(), Duration> {
        // The person's part is counted once, however long it takes until the number as a whole may speak.
        wait_out(|| self.wait_for(person)).await?;
        wait_out(|| self.wait_for_all()).await
    }

    /// Heeds a pause for one person.
    pub fn close(&self, person: &str, wait: Duration) {
        let mut chats = self.lock();
        let until = Some(Instant::now() + wait);
        let known = known(&mut chats, person);
        known.closed = known.closed.max(until);
    }

    /// Heeds a pause for the whole number.
    pub fn close_all(&self, wait: Duration) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = (*closed).max(Some(Instant::now() + wait));
    }

    /// How long to wait for a person; `None` when it may go, which is counted.
    fn wait_for(&self, person: &str) -> Option<Duration> {
        let all_closed = self.all_closed();
        let mut chats = self.lock();
        let now = Instant::now();
        let known = known(&mut chats, person);
        known.used = now;
        rest(known.closed.max(all_closed)).or_else(|| taken(&known.bucket))
    }

    /// The same for the whole number.
    fn wait_for_all(&self) -> Option<Duration> {
        rest(self.all_closed()).or_else(|| taken(&self.all))
    }

    fn all_closed(&self) -> Option<Instant> {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Chat>> {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits as long as `wait` says, unless that is long.
async fn wait_out(wait: impl Fn() -> Option<Duration>) -> Result<(), Duration> {
    while let Some(wait) = wait() {
        if wait > WAIT_MAX {
            return Err(wait);
        }
        count_wait(wait);
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

/// How long something is still closed.
fn rest(closed: Option<Instant>) -> Option<Duration> {
    closed.map(|until| until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
}

/// How long until a bucket has one; `None` when it had, which is taken.
fn taken(bucket: &DefaultDirectRateLimiter) -> Option<Duration> {
    let not_until = bucket.check().err()?;
    let wait = not_until.wait_time_from(governor::clock::DefaultClock::default().now());
    Some(wait.max(Duration::from_millis(1)))
}

fn known<'a>(chats: &'a mut HashMap<String, Chat>, person: &str) -> &'a mut Chat {
    let now = Instant::now();
    if chats.len() >= CHATS_MAX && !chats.contains_key(person) {
        let is_quiet = |chat: &Chat| now.duration_since(chat.used) > QUIET;
        chats.retain(|_, chat| !is_quiet(chat) || chat.closed.is_some_and(|until| until > now));
    }
    chats.entry(person.to_owned()).or_insert_with(|| {
        let quota = Quota::with_period(PERSON_PAUSE).expect("the pause is not zero");
        Chat { bucket: RateLimiter::direct(quota.allow_burst(PERSON_BURST)), closed: None, used: now }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_closes_what_it_is_for() {
        let limiter = Limiter::default();
        limiter.close("1", Duration::from_secs(60));
        assert!(limiter.pass("1").await.is_err_and(|wait| wait > WAIT_MAX));
        assert_eq!(limiter.pass("2").await, Ok(()));
        limiter.close_all(Duration::from_secs(3));
        let begun = Instant::now();
        assert_eq!(limiter.pass("2").await, Ok(()));
        assert!(begun.elapsed() >= Duration::from_secs(3), "a short pause is waited out");
    }

    #[tokio::test]
    async fn a_person_takes_a_burst_and_then_one_message_in_six_seconds() {
        let limiter = Limiter::default();
        for _ in 0..PERSON_BURST.get() {
            assert_eq!(limiter.wait_for("1"), None);
        }
        let wait = limiter.wait_for("1").expect("the bucket is empty");
        assert!(wait <= PERSON_PAUSE && wait > Duration::from_secs(5), "{wait:?}");
        assert_eq!(limiter.wait_for("2"), None, "another person has one of their own");
    }

    #[tokio::test]
    async fn a_busy_number_costs_a_person_one_message_each() {
        let limiter = Limiter::default();
        while limiter.wait_for_all().is_none() {}
        for _ in 0..5 {
            while limiter.wait_for_all().is_none() {}
            assert_eq!(limiter.pass("1").await, Ok(()));
        }
        let left = (0..).take_while(|_| limiter.wait_for("1").is_none()).count();
        assert_eq!(left, PERSON_BURST.get() as usize - 5);
    }
}
