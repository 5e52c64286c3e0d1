//! How a room shows what may still be written there, where WeChat lets five messages go in 48 hours: in its topic, in steps, so that whoever
//! keeps talking changes nothing.
//!
//! Official Accounts and WeCom's customer service count alike. Next: their countdowns, which let time pass.

use magpie_common::{
    clock::TimestampMs,
    ids::RemoteUserId,
    message::{ChatInfo, ChatKind},
};
use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What a topic says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Nobody knows when the person wrote last.
    #[default]
    Unknown,
    /// So many messages may go, and so long.
    Open(Left, Time),
    /// Nothing may go.
    Shut,
}

/// How many messages may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Left {
    /// Three or more.
    Several,
    /// Two.
    Two,
    /// One.
    One,
}

/// How long they may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Time {
    /// Four hours or more.
    Days,
    /// Less than four hours.
    Hours,
    /// Less than an hour.
    Hour,
}

impl Phase {
    /// The phase of a window with so many messages left, that ends then.
    pub fn of(left: u32, until_ms: TimestampMs, now_ms: TimestampMs) -> Self {
        let left = match left {
            0 => return Self::Shut,
            1 => Left::One,
            2 => Left::Two,
            _ => Left::Several,
        };
        match until_ms.saturating_sub(now_ms) {
            ..=0 => Self::Shut,
            1..HOUR_MS => Self::Open(left, Time::Hour),
            left_ms if left_ms < 4 * HOUR_MS => Self::Open(left, Time::Hours),
            _ => Self::Open(left, Time::Days),
        }
    }

    /// The topic of the room.
    pub fn topic(self) -> Option<String> {
        let (left, time) = match self {
            Self::Unknown => return None,
            Self::Shut => {
                return Some("WeChat takes no messages here until the person writes again.".to_owned());
            }
            Self::Open(left, time) => (left, time),
        };
        let left = match left {
            Left::Several => "up to five messages",
            Left::Two => "only two more messages",
            Left::One => "only one more message",
        };
        let time = match time {
            Time::Days => "within 48 hours after the person wrote last",
            Time::Hours => "for less than 4 hours more, unless the person writes again",
            Time::Hour => "for less than an hour more, unless the person writes again",
        };
        Some(format!("WeChat takes {left} here {time}."))
    }
}

/// What is known of the chat with somebody.
pub(crate) fn chat_info(person: &RemoteUserId, phase: Phase) -> ChatInfo {
    let mut info = ChatInfo::new(ChatKind::Direct, None);
    info.with = Some(person.clone());
    info.private = true;
    info.topic = phase.topic();
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL_MS: i64 = 1_790_000_000_000;

    #[test]
    fn a_window_says_less_and_less_until_it_is_shut() {
        for (left, left_ms, phase, words) in [
            (
                5,
                48 * HOUR_MS,
                Phase::Open(Left::Several, Time::Days),
                "up to five messages here within 48 hours",
            ),
            (3, 4 * HOUR_MS, Phase::Open(Left::Several, Time::Days), "up to five"),
            (
                2,
                4 * HOUR_MS - 1,
                Phase::Open(Left::Two, Time::Hours),
                "two more messages here for less than 4 hours",
            ),
            (
                1,
                HOUR_MS - 1,
                Phase::Open(Left::One, Time::Hour),
                "one more message here for less than an hour",
            ),
            (0, HOUR_MS, Phase::Shut, "no messages here"),
            (5, 0, Phase::Shut, "until the person writes"),
            (5, -HOUR_MS, Phase::Shut, "no messages here"),
        ] {
            let found = Phase::of(left, UNTIL_MS, UNTIL_MS - left_ms);
            assert_eq!(found, phase, "{left} {left_ms}");
            let topic = found.topic().expect("it says something");
            assert!(topic.contains(words), "{topic}");
        }
        assert_eq!(Phase::default().topic(), None);
    }

    #[test]
    fn what_is_shown_is_read_as_it_was_stored() {
        for phase in [Phase::Unknown, Phase::Open(Left::Two, Time::Hour), Phase::Shut] {
            let stored = serde_json::to_string(&phase).expect("it is written");
            assert_eq!(serde_json::from_str::<Phase>(&stored).expect("it is read"), phase);
        }
    }
}
