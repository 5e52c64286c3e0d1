//! How programs learn what became of a message: by a checkpoint, and by an event in its room. People are told in words ([`super::notice`]).
//!
//! Where nobody wants to know, nothing is read or copied. Telling twice does no harm, and never holds up the message.

use super::{Portals, status_events::Status};
use crate::{
    platform::DeliverError,
    report::{CheckpointStatus, CheckpointStep, Report, Subject},
    store::{Direction, OpenRow, Outcome},
};

/// What became of a message on its way to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate<'a> {
    /// It got through.
    Through,
    /// Nothing yet; it is tried again.
    Waiting(&'a str),
    /// It did not go.
    Failed(&'a str),
    /// Neither the network nor the bridge has such a thing.
    Unsupported(&'a str),
    /// The account is signed out.
    LoggedOut(&'a str),
    /// Nobody knows.
    Uncertain(&'a str),
    /// It was not meant to go.
    Ignored(&'a str),
    /// It was meant for the bridge, which has done it.
    Commanded,
}

impl<'a> Fate<'a> {
    /// The fate of what needed no delivery.
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Delivered => Self::Through,
            Outcome::Ignored(why) => Self::Ignored(why),
            Outcome::Failed(words) => Self::Failed(words),
            Outcome::Uncertain(reason) => Self::Uncertain(reason),
        }
    }

    /// The fate of what the network did not take.
    pub(super) fn of_refusal(error: &DeliverError, words: &'a str) -> Self {
        match error {
            DeliverError::Unsupported(_) => Self::Unsupported(words),
            DeliverError::LoggedOut(_) => Self::LoggedOut(words),
            DeliverError::Rejected(_) | DeliverError::Retry { .. } | DeliverError::Uncertain(_) => {
                Self::Failed(words)
            }
        }
    }

    fn checkpoint(self) -> Report<'a> {
        let remote = |status, info| Report { step: CheckpointStep::Remote, status, retry_num: 0, info };
        match self {
            Self::Through => remote(CheckpointStatus::Success, None),
            Self::Waiting(reason) => remote(CheckpointStatus::WillRetry, Some(reason)),
            Self::Failed(words) | Self::LoggedOut(words) | Self::Ignored(words) => {
                remote(CheckpointStatus::PermFailure, Some(words))
            }
            Self::Unsupported(words) => remote(CheckpointStatus::Unsupported, Some(words)),
            Self::Uncertain(reason) => remote(CheckpointStatus::Timeout, Some(reason)),
            Self::Commanded => {
                Report { step: CheckpointStep::Command, ..remote(CheckpointStatus::Success, None) }
            }
        }
    }

    /// What clients show. A client offers to send again what it is told may succeed then: not what may be there already.
    fn status(self, failures: u32) -> Option<Status<'a>> {
        Some(match self {
            Self::Through => Status { status: "SUCCESS", reason: None, words: None },
            // The first failure is often over before anybody looks.
            Self::Waiting(reason) if failures == 1 => {
                Status { status: "PENDING", reason: Some("m.bridge_unavailable"), words: Some(reason) }
            }
            Self::Failed(words) => {
                Status { status: "FAIL_RETRIABLE", reason: Some("m.event_not_handled"), words: Some(words) }
            }
            Self::LoggedOut(words) => {
                Status { status: "FAIL_RETRIABLE", reason: Some("m.bridge_unavailable"), words: Some(words) }
            }
            Self::Unsupported(words) => Status {
                status: "FAIL_PERMANENT",
                reason: Some("com.beeper.unsupported_event"),
                words: Some(words),
            },
            Self::Uncertain(reason) => Status {
                status: "FAIL_PERMANENT",
                reason: Some("m.foreign_network_error"),
                words: Some(reason),
            },
            Self::Waiting(_) | Self::Ignored(_) | Self::Commanded => return None,
        })
    }
}

impl Portals {
    /// Tells what became of the message of a row, after so many failures. Returns at once.
    pub(super) fn tell_programs(&self, row: &OpenRow, failures: u32, fate: Fate<'_>) {
        let wants_status = self.parts.settings.message_status_events;
        let wants_any = wants_status || self.parts.checkpoints.is_wanted();
        if !wants_any || row.direction != Direction::FromMatrix {
            return;
        }
        let Some(subject) = Subject::read(&row.body) else { return };
        // What waits for a day is tried thousands of times.
        let is_told = !matches!(fate, Fate::Waiting(_)) || failures == 0 || failures.is_power_of_two();
        if is_told {
            let retry_num = row.attempts.saturating_add(failures);
            self.parts.checkpoints.tell(&subject, &Report { retry_num, ..fate.checkpoint() });
        }
        if let Some(status) = fate.status(failures).filter(|_| wants_status) {
            self.status_events.tell(&subject, self.parts.settings.about.id, &status, row.attempts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_has_its_words_for_programs() {
        use CheckpointStatus::{PermFailure, Success, Timeout, Unsupported, WillRetry};
        use CheckpointStep::{Command, Remote};
        let why = "why";
        for (fate, step, status, info, shown) in [
            (Fate::Through, Remote, Success, None, Some("SUCCESS")),
            (Fate::Waiting(why), Remote, WillRetry, Some(why), Some("PENDING")),
            (Fate::Failed(why), Remote, PermFailure, Some(why), Some("FAIL_RETRIABLE")),
            (Fate::LoggedOut(why), Remote, PermFailure, Some(why), Some("FAIL_RETRIABLE")),
            (Fate::Unsupported(why), Remote, Unsupported, Some(why), Some("FAIL_PERMANENT")),
            (Fate::Uncertain(why), Remote, Timeout, Some(why), Some("FAIL_PERMANENT")),
            (Fate::Ignored(why), Remote, PermFailure, Some(why), None),
            (Fate::Commanded, Command, Success, None, None),
        ] {
            let told = fate.checkpoint();
            assert_eq!((told.step, told.status, told.info), (step, status, info), "{fate:?}");
            assert_eq!(fate.status(1).map(|status| status.status), shown, "{fate:?}");
        }
        assert_eq!(
            Fate::Waiting(why).status(0),
            None,
            "the first failure is often over before anybody looks"
        );
    }
}
