//! How often an app may write to a member: WeCom drops what is too much without a word, so it is counted here, and over restarts.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/90312>.

use std::time::Duration;

use magpie_common::clock::TimestampMs;
use serde::{Deserialize, Serialize};

/// So often in a minute, and in an hour.
const PER_MINUTE: u32 = 30;
const PER_HOUR: u32 = 1000;

/// Messages are counted by slots of so long.
const SLOT_MS: i64 = 10_000;

/// A minute and an hour in slots, with one more: where in its slot a message was sent is not known.
const MINUTE_SLOTS: i64 = 7;
const HOUR_SLOTS: i64 = 361;

/// What was sent to a member in the last hour: slots with how many messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pace(Vec<(i64, u32)>);

impl Pace {
    /// Counts a message that is to be sent now; else says how long it has to wait.
    pub fn spend(&mut self, now_ms: TimestampMs) -> Result<(), Duration> {
        let slot = now_ms.div_euclid(SLOT_MS);
        // A clock that was set back must not hold messages for longer than an hour.
        self.0.retain(|(then, _)| *then > slot - HOUR_SLOTS && *then <= slot + HOUR_SLOTS);
        for (slots, count_max) in [(MINUTE_SLOTS, PER_MINUTE), (HOUR_SLOTS, PER_HOUR)] {
            if let Some(free_slot) = self.free_at(slot, slots, count_max) {
                let wait_ms = free_slot.saturating_mul(SLOT_MS).saturating_sub(now_ms);
                return Err(Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default()));
            }
        }
        match self.0.iter_mut().find(|(then, _)| *then == slot) {
            Some((_, count)) => *count += 1,
            None => self.0.push((slot, 1)),
        }
        Ok(())
    }

    /// The first slot in which one more may go, where now it may not.
    fn free_at(&self, slot: i64, slots: i64, count_max: u32) -> Option<i64> {
        let mut recent: Vec<_> = self.0.iter().filter(|(then, _)| *then > slot - slots).copied().collect();
        recent.sort_unstable();
        let mut count: u32 = recent.iter().map(|(_, count)| count).sum();
        let mut free_slot = None;
        for (then, more) in recent {
            if count < count_max {
                break;
            }
            count -= more;
            free_slot = Some(then + slots);
        }
        free_slot
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::proptest};

    use super::*;

    #[test]
    fn thirty_go_in_a_minute_and_the_next_one_waits() {
        let mut pace = Pace::default();
        for nth in 0..30 {
            assert_eq!(pace.spend(nth * 100), Ok(()), "{nth}");
        }
        assert_eq!(pace.spend(5_000), Err(Duration::from_secs(65)));
        assert_eq!(pace.spend(69_999), Err(Duration::from_millis(1)));
        assert_eq!(pace.spend(70_000), Ok(()));
        let kept = serde_json::to_string(&pace).expect("it is written");
        assert_eq!(kept, "[[0,30],[7,1]]");
    }

    #[test]
    fn a_thousand_go_in_an_hour() {
        let mut pace = Pace::default();
        let mut now_ms = 0;
        let mut sent = 0;
        while sent < 1000 {
            match pace.spend(now_ms) {
                Ok(()) => sent += 1,
                Err(wait) => now_ms += i64::try_from(wait.as_millis()).expect("it is short"),
            }
        }
        let wait = pace.spend(now_ms + 70_000).expect_err("the hour is used up");
        assert!(wait > Duration::from_secs(60), "{wait:?}");
        assert_eq!(pace.spend(now_ms + 2 * 3_600_000), Ok(()));
    }

    proptest! {
        #[test]
        fn no_minute_and_no_hour_ever_holds_too_many(steps in vec(0_i64..20_000, 1..400)) {
            let (mut pace, mut now_ms, mut sent) = (Pace::default(), 0, Vec::new());
            for step in steps {
                now_ms += step;
                if pace.spend(now_ms).is_ok() {
                    sent.push(now_ms);
                }
            }
            for (nth, at_ms) in sent.iter().enumerate() {
                let within = |length_ms: i64| sent[nth..].iter().take_while(|then| **then < at_ms + length_ms).count();
                assert!(within(60_000) <= 30 && within(3_600_000) <= 1000);
            }
        }
    }
}
