//! How often a service account may answer a customer: five messages in the 48 hours after they wrote. WeCom counts itself; this is what is known
//! here, and where it says that nothing is left WeCom is asked all the same: whoever answers at once must be heard.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/94677>.

use magpie_common::{clock::TimestampMs, ids::RemoteMessageId};
use serde::{Deserialize, Serialize};

use crate::window::Phase;

const LENGTH_MS: i64 = 48 * 60 * 60 * 1000;

/// So long after the end of a window WeCom is still asked: its clock may be another, and what the customer wrote may not be pulled yet.
const SLACK_MS: i64 = 10 * 60 * 1000;

/// So many messages may go.
pub(super) const MESSAGES_MAX: u32 = 5;

/// A customer's talk with a service account, as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Window {
    /// When the customer wrote last; 0 where that is not known.
    wrote_ms: TimestampMs,
    /// By which message.
    by: Option<RemoteMessageId>,
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
    /// Five have gone, as far as is known here.
    UsedUp,
    /// The customer wrote too long ago.
    Shut,
    /// Nobody here knows when the customer wrote last; WeCom does.
    Unknown,
}

impl Window {
    /// The customer wrote. What is told again, or late, gives no new messages. WeCom tells seconds, within which somebody may write twice.
    pub fn opens(&mut self, at_ms: TimestampMs, by: &RemoteMessageId) {
        let is_another = at_ms == self.wrote_ms && self.by.as_ref() != Some(by);
        if at_ms > self.wrote_ms || is_another {
            (self.wrote_ms, self.by, self.sent) = (at_ms, Some(by.clone()), 0);
        }
    }

    /// What a message that goes now counts against.
    pub fn opened(&self) -> Option<RemoteMessageId> {
        self.by.clone()
    }

    /// A message has gone that counts against this; what the customer wrote meanwhile gave new ones.
    pub fn spend(&mut self, against: Option<&RemoteMessageId>) {
        if self.by.as_ref() == against {
            self.sent = self.sent.saturating_add(1);
        }
    }

    /// Whether something may be sent now.
    pub fn state(&self, now_ms: TimestampMs) -> State {
        match MESSAGES_MAX.saturating_sub(self.sent) {
            _ if self.wrote_ms == 0 => State::Unknown,
            _ if self.until_ms().saturating_add(SLACK_MS) <= now_ms => State::Shut,
            0 => State::UsedUp,
            left => State::Open(left),
        }
    }

    /// WeCom says that nothing was left, whatever was counted here, of what counts against this.
    pub fn use_up(&mut self, against: Option<&RemoteMessageId>) {
        if self.by.as_ref() == against {
            self.sent = self.sent.max(MESSAGES_MAX);
        }
    }

    /// What the room is to say.
    pub fn phase(&self, now_ms: TimestampMs) -> Phase {
        match self.wrote_ms {
            0 => Phase::Unknown,
            _ => Phase::of(MESSAGES_MAX.saturating_sub(self.sent), self.until_ms(), now_ms),
        }
    }

    /// Until when something may be sent.
    pub fn until_ms(&self) -> TimestampMs {
        self.wrote_ms.saturating_add(LENGTH_MS)
    }

    /// The same as a chat shows it: not at all where that is not known, and never where all has gone.
    pub fn open_until_ms(&self) -> Option<TimestampMs> {
        (self.wrote_ms != 0).then(|| if self.sent >= MESSAGES_MAX { self.wrote_ms } else { self.until_ms() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> RemoteMessageId {
        RemoteMessageId::new(id)
    }

    fn spend(window: &mut Window) {
        let opened = window.opened();
        window.spend(opened.as_ref());
    }

    #[test]
    fn five_messages_go_in_48_hours() {
        let mut window = Window::default();
        assert_eq!((window.state(1), window.open_until_ms()), (State::Unknown, None));
        window.opens(1_000, &id("a"));
        for left in (1..=5).rev() {
            assert_eq!(window.state(2_000), State::Open(left));
            spend(&mut window);
        }
        assert_eq!((window.state(2_000), window.open_until_ms()), (State::UsedUp, Some(1_000)));
        window.opens(1_000, &id("a"));
        window.opens(999, &id("before"));
        assert_eq!(window.state(2_000), State::UsedUp, "a repeat gives no new ones");
        window.opens(1_000, &id("b"));
        assert_eq!(window.state(2_000), State::Open(5), "another one of the same second does");
        window.opens(3_000, &id("c"));
        assert_eq!(window.state(3_000 + LENGTH_MS + SLACK_MS - 1), State::Open(5));
        assert_eq!(window.state(3_000 + LENGTH_MS + SLACK_MS), State::Shut);
        assert_eq!(window.open_until_ms(), Some(3_000 + LENGTH_MS));
    }

    #[test]
    fn what_went_before_the_customer_wrote_again_does_not_count_after_it() {
        let mut window = Window::default();
        window.opens(1_000, &id("a"));
        let before = window.opened();
        window.opens(2_000, &id("b"));
        window.spend(before.as_ref());
        window.use_up(before.as_ref());
        assert_eq!(window.state(2_000), State::Open(5));
        // Where nobody knows when the customer wrote, it is counted all the same.
        let mut unknown = Window::default();
        spend(&mut unknown);
        assert_eq!(unknown.sent, 1);
    }

    #[test]
    fn a_window_that_was_kept_by_an_earlier_version_is_read() {
        let kept = r#"{"wrote_ms":1000,"sent":5,"shown":"shut"}"#;
        let mut window: Window = serde_json::from_str(kept).expect("it is read");
        assert_eq!(window.state(2_000), State::UsedUp);
        window.opens(2_000, &id("a"));
        assert_eq!(window.state(2_000), State::Open(5));
    }

    #[test]
    fn a_room_says_what_is_left() {
        let mut window = Window::default();
        assert_eq!(window.phase(1), Phase::Unknown);
        window.opens(1_000, &id("a"));
        assert!(window.phase(2_000).topic().is_some_and(|topic| topic.contains("up to five")));
        window.shown = window.phase(2_000);
        let opened = window.opened();
        window.use_up(opened.as_ref());
        assert_eq!(window.phase(2_000), Phase::Shut);
        window.opens(3_000, &id("b"));
        assert_eq!(window.phase(3_000), window.shown, "what the room says is not forgotten");
        assert_eq!(window.phase(3_000 + LENGTH_MS), Phase::Shut);
    }
}
