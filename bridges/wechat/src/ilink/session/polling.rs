//! Messages that are asked for: `POST /ilink/bot/getupdates` again and again, each time only after all that came is stored.
//!
//! Asking with a cursor tells WeChat that what came before it need not be kept, so it moves only with the store.

use std::{sync::Arc, time::Duration};

use magpie_common::{message::SessionState, platform::ConnectError};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::{intake::Intake, verdict::connect_verdict};
use crate::{
    ilink::api::{Api, ApiError},
    json::{number, text},
};

/// For how long WeChat holds a question, until it says otherwise; and what is believed.
const POLL: Duration = Duration::from_secs(35);
const POLL_MIN_MS: u64 = 1_000;
const POLL_MAX_MS: u64 = 5 * 60 * 1_000;

/// How much longer the answer may take.
const POLL_GRACE: Duration = Duration::from_secs(3);

/// The pause after a failure; after so many in a row a long one.
const PAUSE: Duration = Duration::from_secs(2);
const LONG_PAUSE: Duration = Duration::from_secs(30);
const FAILURES_MAX: u32 = 3;

/// An answer without anything that comes sooner is not asked for again at once.
const EMPTY_AFTER: Duration = Duration::from_secs(1);

/// A longer cursor is not WeChat's.
const CURSOR_BYTES_MAX: usize = 256 * 1024;

pub(super) struct Polling {
    pub(super) api: Arc<Api>,
    pub(super) intake: Intake,
}

/// What an answer brings.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    /// The messages.
    pub messages: Vec<Value>,
    /// Where the next question begins, where that is told.
    pub cursor: Option<String>,
    /// For how long WeChat holds the next question, where that is told.
    hold: Option<Duration>,
}

impl Page {
    /// Reads an answer.
    pub fn read(mut told: Value) -> Self {
        let messages = match told["msgs"].take() {
            Value::Array(messages) => messages,
            _ => Vec::new(),
        };
        let cursor = Some(text(&told["get_updates_buf"]));
        let cursor = cursor.filter(|cursor| (1..=CURSOR_BYTES_MAX).contains(&cursor.len()));
        let hold_ms = number(&told["longpolling_timeout_ms"]).and_then(|ms| u64::try_from(ms).ok());
        let hold =
            hold_ms.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.clamp(POLL_MIN_MS, POLL_MAX_MS)));
        Self { messages, cursor: cursor.map(str::to_owned), hold }
    }
}

impl Polling {
    /// Runs until messages cannot be had or stored, and says why.
    pub(super) async fn run(self) -> ConnectError {
        let Self { api, intake } = self;
        let mut cursor = match intake.recall().await {
            Ok(cursor) => cursor,
            Err(error) => return error.into(),
        };
        let (mut hold, mut failures) = (POLL, Failures::default());
        loop {
            let asked_at = Instant::now();
            let body = json!({"get_updates_buf": cursor});
            let page = match api.post("ilink/bot/getupdates", body, hold + POLL_GRACE).await {
                Ok(told) => Page::read(told),
                // Nothing was said, and the cursor stays where it is.
                Err(ApiError::TimedOut) => continue,
                Err(error) => {
                    let pause = match failures.count(&error) {
                        Ok(pause) => pause,
                        Err(why) => return why,
                    };
                    debug!(%error, pause_ms = pause.as_millis(), "Messages are asked for again.");
                    if pause == LONG_PAUSE {
                        let reason = format!("WeChat gives no messages: {error}. They are asked for again.");
                        intake.report(SessionState::Disconnected { reason }).await;
                    }
                    sleep(pause).await;
                    continue;
                }
            };
            if failures.are_over() {
                intake.report(SessionState::Connected).await;
            }
            hold = page.hold.unwrap_or(hold);
            let is_empty = page.messages.is_empty();
            match intake.take(page, &cursor).await {
                Ok(Some(next)) => cursor = next,
                Ok(None) => {}
                Err(error) => return error.into(),
            }
            if is_empty && asked_at.elapsed() < EMPTY_AFTER {
                sleep(EMPTY_AFTER).await;
            }
        }
    }
}

/// Failures in a row.
#[derive(Default)]
struct Failures {
    count: u32,
    /// The login is shown as disconnected.
    is_shown: bool,
}

impl Failures {
    /// How long to wait after another one.
    ///
    /// # Errors
    /// When the session is over, and why.
    fn count(&mut self, error: &ApiError) -> Result<Duration, ConnectError> {
        self.count += 1;
        let is_third = self.count >= FAILURES_MAX;
        match error {
            error if error.is_stale() => Err(connect_verdict(error)),
            ApiError::Refused(_) | ApiError::Busy if is_third => {
                (self.count, self.is_shown) = (0, true);
                Ok(LONG_PAUSE)
            }
            // Whoever cannot be reached is tried by the login, which knows longer pauses.
            ApiError::NotSent(_) | ApiError::Unclear(_) if is_third => Err(connect_verdict(error)),
            ApiError::Refused(_)
            | ApiError::Busy
            | ApiError::NotSent(_)
            | ApiError::Unclear(_)
            | ApiError::TimedOut => Ok(PAUSE),
        }
    }

    /// There is none now. Whether the login was shown as disconnected until now.
    fn are_over(&mut self) -> bool {
        self.count = 0;
        std::mem::take(&mut self.is_shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ilink::api::{Refusal, STALE};

    fn refused(code: i64) -> ApiError {
        ApiError::Refused(Refusal { code, message: String::new() })
    }

    #[test]
    fn failures_are_paused_for_and_the_third_longer() {
        let mut failures = Failures::default();
        for expected in [PAUSE, PAUSE, LONG_PAUSE, PAUSE, PAUSE, LONG_PAUSE] {
            assert_eq!(failures.count(&refused(7)), Ok(expected));
        }
        assert!(failures.are_over() && !failures.are_over());
        assert_eq!(failures.count(&refused(7)), Ok(PAUSE));
        assert!(!failures.are_over());
    }

    #[test]
    fn who_cannot_be_reached_or_is_signed_out_ends_the_session() {
        let away = || ApiError::NotSent("no".to_owned());
        let mut failures = Failures::default();
        assert_eq!((failures.count(&away()), failures.count(&away())), (Ok(PAUSE), Ok(PAUSE)));
        assert!(matches!(failures.count(&away()), Err(ConnectError::Transient(_))));
        let ended = Failures::default().count(&refused(STALE));
        assert!(matches!(ended, Err(ConnectError::BadCredentials(_))));
    }

    #[test]
    fn an_answer_is_read_within_bounds() {
        let page = Page::read(
            json!({"ret": 0, "msgs": [1], "get_updates_buf": "b", "longpolling_timeout_ms": 50_000}),
        );
        let expected = Page {
            messages: vec![json!(1)],
            cursor: Some("b".to_owned()),
            hold: Some(Duration::from_secs(50)),
        };
        assert_eq!(page, expected);
        for (told, hold) in [
            (json!({"longpolling_timeout_ms": 1}), Some(Duration::from_secs(1))),
            (json!({"longpolling_timeout_ms": i64::MAX}), Some(Duration::from_secs(300))),
            (json!({"longpolling_timeout_ms": -1, "msgs": {}, "get_updates_buf": ""}), None),
            (json!({"get_updates_buf": "b".repeat(CURSOR_BYTES_MAX + 1)}), None),
        ] {
            assert_eq!(Page::read(told), Page { messages: Vec::new(), cursor: None, hold });
        }
    }
}
