//! How long a login waits after an end before it is tried again.

use std::time::Duration;

use crate::{message::SessionState, platform::ConnectError};

/// The first pause after a failed connection; it doubles up to [`RECONNECT_PAUSE_MAX`].
const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause between attempts that may help.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(60);

/// The pause after the network refused the credentials: only a person can mend that.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// A session that ends sooner has not worked: pauses go on growing, because networks count how often somebody connects.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// What is shown after an end, and how long nothing is tried; `None` until somebody asks for it.
pub(super) fn after(error: ConnectError, failures: u32, jitter: f64) -> (SessionState, Option<Duration>) {
    match error {
        ConnectError::BadCredentials(reason) => {
            (SessionState::BadCredentials { reason }, Some(REFUSED_PAUSE))
        }
        ConnectError::Stopped(reason) => (SessionState::BadCredentials { reason }, None),
        ConnectError::Transient(reason) => {
            (SessionState::Disconnected { reason }, Some(backoff(failures, jitter)))
        }
        ConnectError::Closed => (SessionState::LoggedOut, Some(Duration::ZERO)),
    }
}

/// Twice as long after each failure, up to the largest pause, and spread by half so that many do not come back at once.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = RECONNECT_PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(RECONNECT_PAUSE_MAX).mul_f64(0.5 + jitter / 2.0)
}

/// What still counts of the failures so far after a session that lived so long.
pub(super) fn failures_after(failures: u32, lived: Duration) -> u32 {
    if lived < STEADY_AFTER { failures } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_stay_within_bounds_and_are_spread() {
        assert_eq!(backoff(1, 1.0), RECONNECT_PAUSE_MIN);
        assert_eq!(backoff(2, 1.0), RECONNECT_PAUSE_MIN * 2);
        assert_eq!(backoff(1, 0.0), RECONNECT_PAUSE_MIN / 2);
        assert_eq!(backoff(60, 1.0), RECONNECT_PAUSE_MAX);
    }

    #[test]
    fn what_does_harm_is_not_tried_again() {
        let pause = |error| after(error, 1, 1.0).1;
        assert_eq!(pause(ConnectError::Stopped("stop the other one".to_owned())), None);
        assert_eq!(pause(ConnectError::BadCredentials("changed".to_owned())), Some(REFUSED_PAUSE));
        assert_eq!(pause(ConnectError::Transient("away".to_owned())), Some(RECONNECT_PAUSE_MIN));
    }

    #[test]
    fn only_a_session_that_lasted_shortens_the_pauses() {
        assert_eq!(failures_after(7, Duration::from_secs(59)), 7);
        assert_eq!(failures_after(7, STEADY_AFTER), 0);
    }
}
