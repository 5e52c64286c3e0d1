//! How fast an account writes: one message after the other, with a pause before each that is never the same. Programs are told from people by
//! their haste, and shut out for it.

use std::time::Duration;

use magpie_common::clock::Clock;
use tokio::sync::Mutex;

/// The shortest pause, as a part of the longest.
const SHORTEST: f64 = 0.25;

/// The pauses of one account.
pub(super) struct Pace {
    longest: Duration,
    clock: Clock,
    turn: Mutex<()>,
}

impl Pace {
    /// With this longest pause; none at all with zero.
    pub fn new(longest_ms: u32, clock: Clock) -> Self {
        Self { longest: Duration::from_millis(longest_ms.into()), clock, turn: Mutex::new(()) }
    }

    /// Waits until the next message may go.
    pub async fn wait(&self) {
        if self.longest.is_zero() {
            return;
        }
        let _turn = self.turn.lock().await;
        tokio::time::sleep(pause(self.longest, self.clock.jitter())).await;
    }
}

/// A pause for a random number between 0 and 1.
fn pause(longest: Duration, random: f64) -> Duration {
    longest.mul_f64(SHORTEST + (1.0 - SHORTEST) * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn pauses_stay_within_bounds() {
        let longest = Duration::from_secs(4);
        assert_eq!((pause(longest, 0.0), pause(longest, 1.0)), (Duration::from_secs(1), longest));
        assert!(pause(longest, 0.5) > Duration::from_secs(1) && pause(longest, 0.5) < longest);
    }

    #[tokio::test(start_paused = true)]
    async fn messages_go_one_after_the_other() {
        let pace = Pace::new(1_000, Clock::fixed(1, 1));
        let begun = Instant::now();
        tokio::join!(pace.wait(), pace.wait(), pace.wait(), pace.wait());
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        let begun = Instant::now();
        Pace::new(0, Clock::fixed(1, 1)).wait().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
