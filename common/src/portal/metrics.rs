//! What is counted of messages. No label ever names a room or a person.

use std::{sync::LazyLock, time::Duration};

use prometheus::{HistogramVec, IntCounterVec, register_histogram_vec, register_int_counter_vec};

use crate::{
    clock::TimestampMs,
    platform::{DeliverError, Delivered, Encrypted, count_encrypted, count_wait},
    store::{Direction, OpenRow, Outcome},
};

/// From what nobody notices to what waited for a night.
const DELIVERY_SECONDS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0];

static MESSAGES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_messages_total", "Messages by direction and outcome.");
    register_int_counter_vec!(name, help, &["direction", "outcome"]).expect("the name is unique")
});
static DELIVERY: LazyLock<HistogramVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_delivery_seconds", "From when a message was written to when the other side had it.");
    register_histogram_vec!(name, help, &["direction"], DELIVERY_SECONDS.to_vec())
        .expect("the name is unique")
});
static RETRIES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_delivery_retries_total", "Attempts that did not end a delivery.");
    register_int_counter_vec!(name, help, &["direction"]).expect("the name is unique")
});

static CALLS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_network_call_seconds", "How long the network took for a delivery, by its verdict.");
    register_histogram_vec!(name, help, &["verdict"]).expect("the name is unique")
});
static FAILURES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_message_failures_total", "Messages that failed or are uncertain, by direction and reason.");
    register_int_counter_vec!(name, help, &["direction", "reason"]).expect("the name is unique")
});

/// Why a message failed or is uncertain, in one word. The words for people are kept with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The bridge does not carry it over: there is no account for it, no right, no such chat any more.
    Refused,
    /// It is encrypted, and the bridge holds no keys of Matrix.
    Encrypted,
    /// The network has no such thing.
    Unsupported,
    /// The network says no.
    Rejected,
    /// The account is signed out.
    LoggedOut,
    /// Nobody said whether it arrived.
    NoAnswer,
    /// The homeserver says no.
    Homeserver,
    /// The network does not show its chat to the account.
    NoChat,
    /// A file of it cannot be had.
    File,
    /// It makes no sense.
    Unreadable,
    /// It was tried for a day.
    TooLate,
    /// The bridge has a fault.
    Fault,
}

impl Why {
    const ALL: [Self; 12] = [
        Self::Refused,
        Self::Encrypted,
        Self::Unsupported,
        Self::Rejected,
        Self::LoggedOut,
        Self::NoAnswer,
        Self::Homeserver,
        Self::NoChat,
        Self::File,
        Self::Unreadable,
        Self::TooLate,
        Self::Fault,
    ];

    /// What the network did not take.
    pub(super) fn of_refusal(error: &DeliverError) -> Self {
        match error {
            DeliverError::Unsupported(_) => Self::Unsupported,
            DeliverError::LoggedOut(_) => Self::LoggedOut,
            DeliverError::Rejected(_) | DeliverError::Retry { .. } => Self::Rejected,
            DeliverError::Uncertain(_) => Self::NoAnswer,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Encrypted => "encrypted",
            Self::Unsupported => "unsupported",
            Self::Rejected => "rejected",
            Self::LoggedOut => "logged_out",
            Self::NoAnswer => "no_answer",
            Self::Homeserver => "homeserver",
            Self::NoChat => "no_chat",
            Self::File => "file",
            Self::Unreadable => "unreadable",
            Self::TooLate => "too_late",
            Self::Fault => "fault",
        }
    }
}

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for direction in [Direction::FromMatrix, Direction::FromRemote].map(words) {
        for outcome in ["delivered", "ignored", "failed", "uncertain"] {
            MESSAGES.with_label_values(&[direction, outcome]).inc_by(0);
        }
        for why in Why::ALL {
            FAILURES.with_label_values(&[direction, why.word()]).inc_by(0);
        }
        RETRIES.with_label_values(&[direction]).inc_by(0);
    }
}

/// The network was asked to take something.
pub(super) fn count_call(verdict: &Result<Delivered, DeliverError>, took: Duration) {
    let words = match verdict {
        Ok(_) => "delivered",
        Err(DeliverError::Unsupported(_)) => "unsupported",
        Err(DeliverError::Rejected(_)) => "rejected",
        Err(DeliverError::Retry { after, .. }) => {
            count_wait(after.unwrap_or_default());
            "retry"
        }
        Err(DeliverError::LoggedOut(_)) => "logged_out",
        Err(DeliverError::Uncertain(_)) => "uncertain",
    };
    CALLS.with_label_values(&[words]).observe(took.as_secs_f64());
}

/// Work ended.
pub(super) fn count_end(row: &OpenRow, outcome: &Outcome, now_ms: TimestampMs) {
    let direction = words(row.direction);
    let outcome = match outcome {
        Outcome::Delivered => {
            // The clocks of both sides may differ by a little.
            let took_ms = now_ms.saturating_sub(row.sent_ms).max(0);
            DELIVERY.with_label_values(&[direction]).observe(took_ms as f64 / 1_000.0);
            "delivered"
        }
        Outcome::Ignored(_) => "ignored",
        Outcome::Failed(_) => "failed",
        Outcome::Uncertain(_) => "uncertain",
    };
    MESSAGES.with_label_values(&[direction, outcome]).inc();
}

/// Work is about to end without success: why.
pub(super) fn count_failure(direction: Direction, why: Why) {
    FAILURES.with_label_values(&[words(direction), why.word()]).inc();
}

/// Something from Matrix is refused by ourselves.
pub(super) fn count_refusal(is_encrypted: bool) {
    if is_encrypted {
        count_encrypted(Encrypted::Refused);
    }
    count_failure(Direction::FromMatrix, if is_encrypted { Why::Encrypted } else { Why::Refused });
}

/// Work goes on after a pause.
pub(super) fn count_retry(direction: Direction) {
    RETRIES.with_label_values(&[words(direction)]).inc();
}

fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::FromMatrix => "from_matrix",
        Direction::FromRemote => "from_remote",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_reason_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Why::ALL.iter().map(|why| why.word()).collect();
        assert_eq!(words.len(), Why::ALL.len());
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn what_the_network_says_is_told_apart() {
        for (error, why) in [
            (DeliverError::Unsupported("no".to_owned()), Why::Unsupported),
            (DeliverError::Rejected("no".to_owned()), Why::Rejected),
            (DeliverError::LoggedOut("no".to_owned()), Why::LoggedOut),
            (DeliverError::Uncertain("no".to_owned()), Why::NoAnswer),
        ] {
            assert_eq!(Why::of_refusal(&error), why);
        }
    }
}
