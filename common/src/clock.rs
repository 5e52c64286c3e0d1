//! Time and randomness as parameters, so that a test can hold both still.
//!
//! The only place that reads the system's clock or its random source; clippy bans them everywhere else. Waiting is tokio's
//! business, because tests can pause that by themselves.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};

/// A moment: milliseconds since 1970 in UTC, as Matrix counts them.
pub type TimestampMs = i64;

/// Where a component takes the time and its random numbers from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Source>);

impl Clock {
    /// The machine's own clock and random source.
    pub fn system() -> Self {
        Self(Arc::new(System))
    }

    /// A clock that stands at `now_ms` until it is advanced, with random numbers that follow from `seed` alone.
    pub fn fixed(now_ms: TimestampMs, seed: u64) -> Self {
        Self(Arc::new(Fixed { now_ms: AtomicI64::new(now_ms), seed: AtomicU64::new(seed) }))
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> TimestampMs {
        self.0.now_ms()
    }

    /// `N` random bytes, fit for secrets when the clock is the system's.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A random number in `0.0..1.0`, for spreading retries.
    pub fn jitter(&self) -> f64 {
        StdRng::from_seed(self.random_bytes()).random()
    }

    /// Moves a fixed clock; the system's clock stays as it is.
    pub fn advance_ms(&self, by_ms: i64) {
        self.0.advance_ms(by_ms);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now_ms())
    }
}

trait Source: Send + Sync {
    fn now_ms(&self) -> TimestampMs;
    fn fill(&self, bytes: &mut [u8]);
    fn advance_ms(&self, by_ms: i64);
}

struct System;

impl Source for System {
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn now_ms(&self) -> TimestampMs {
        let elapsed = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }

    fn advance_ms(&self, _by_ms: i64) {}
}

struct Fixed {
    now_ms: AtomicI64,
    seed: AtomicU64,
}

impl Source for Fixed {
    fn now_ms(&self) -> TimestampMs {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn fill(&self, bytes: &mut [u8]) {
        StdRng::seed_from_u64(self.seed.fetch_add(1, Ordering::Relaxed)).fill_bytes(bytes);
    }

    fn advance_ms(&self, by_ms: i64) {
        self.now_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_repeats_itself_from_its_seed() {
        let (a, b) = (Clock::fixed(5, 7), Clock::fixed(5, 7));
        assert_eq!(a.random_bytes::<16>(), b.random_bytes::<16>());
        assert_ne!(a.random_bytes::<16>(), [0; 16]);
        a.advance_ms(10);
        assert_eq!(a.now_ms(), 15);
    }
}
