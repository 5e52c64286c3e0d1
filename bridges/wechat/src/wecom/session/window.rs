//! How often a service account may answer a customer: five messages in the 48 hours after they wrote. WeCom counts itself; this is what is known here.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/94677>.

use magpie_common::clock::TimestampMs;
use serde::{Deserialize, Serialize};

use crate::window::Phase;

const LENGTH_MS: i64 = 48 * 60 * 60 * 1000;

/// So many messages may go.
pub(super) const MESSAGES_MAX: u32 = 5;

/// A customer's talk with a service account, as it was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Window {
    /// When the customer wrote last; 0 where that is not known.
    wrote_ms: TimestampMs,
    /// How many messages have gone since.
    sent: u32,
    /// What the room says about it.
    pub shown: Phase,
}

/// Whether something may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// So many messages may still go.
    Open(u32),
    /// Five have gone.
    UsedUp,
    /// The customer wrote too long ago.
    Shut,
    /// Nobody here knows when the customer wrote last; WeCom does.
    Unknown,
}

impl Window {
    /// The customer wrote. What is told again, or late, gives no new messages.
    pub fn opens(&mut self, at_ms: TimestampMs) {
        if at_ms > self.wrote_ms {
            (self.wrote_ms, self.sent) = (at_ms, 0);
        }
    }

    /// A message has gone.
    pub fn spend(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// Whether something may be sent now.
    pub fn state(self, now_ms: TimestampMs) -> State {
        match MESSAGES_MAX.saturating_sub(self.sent) {
            _ if self.wrote_ms == 0 => State::Unknown,
            _ if self.until_ms() <= now_ms => State::Shut,
            0 => State::UsedUp,
            left => State::Open(left),
        }
    }

    /// WeCom says that nothing is left, whatever was counted here.
    pub fn use_up(&mut self) {
        self.sent = self.sent.max(MESSAGES_MAX);
    }

    /// What the room is to say.
    pub fn phase(self, now_ms: TimestampMs) -> Phase {
        match self.wrote_ms {
            0 => Phase::Unknown,
            _ => Phase::of(MESSAGES_MAX.saturating_sub(self.sent), self.until_ms(), now_ms),
        }
    }

    /// Until when something may be sent.
    pub fn until_ms(self) -> TimestampMs {
        self.wrote_ms.saturating_add(LENGTH_MS)
    }

    /// The same as a chat shows it: not at all where that is not known, and never where all has gone.
    pub fn open_until_ms(self) -> Option<TimestampMs> {
        (self.wrote_ms != 0).then(|| if self.sent >= MESSAGES_MAX { self.wrote_ms } else { self.until_ms() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_messages_go_in_48_hours() {
        let mut window = Window::default();
        assert_eq!((window.state(1), window.open_until_ms()), (State::Unknown, None));
        window.opens(1_000);
        for left in (1..=5).rev() {
            assert_eq!(window.state(2_000), State::Open(left));
            window.spend();
        }
        assert_eq!((window.state(2_000), window.open_until_ms()), (State::UsedUp, Some(1_000)));
        window.opens(1_000);
        assert_eq!(window.state(2_000), State::UsedUp, "a repeat gives no new ones");
        window.opens(3_000);
        assert_eq!(window.state(3_000 + LENGTH_MS - 1), State::Open(5));
        assert_eq!(window.state(3_000 + LENGTH_MS), State::Shut);
        assert_eq!(window.open_until_ms(), Some(3_000 + LENGTH_MS));
    }

    #[test]
    fn a_room_says_what_is_left() {
        let mut window = Window::default();
        assert_eq!(window.phase(1), Phase::Unknown);
        window.opens(1_000);
        assert!(window.phase(2_000).topic().is_some_and(|topic| topic.contains("up to five")));
        window.shown = window.phase(2_000);
        window.use_up();
        assert_eq!(window.phase(2_000), Phase::Shut);
        window.opens(3_000);
        assert_eq!(window.phase(3_000), window.shown, "what the room says is not forgotten");
        assert_eq!(window.phase(3_000 + LENGTH_MS), Phase::Shut);
    }
}
