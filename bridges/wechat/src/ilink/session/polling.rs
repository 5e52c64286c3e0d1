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
    ilink::api::{ANSWER_WITHIN, Api, ApiError},
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

/// An answer that leads no further and comes sooner is not asked for again at once.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

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
    /// Reads an answer, unless nobody could go on from it.
    fn checked(told: Value) -> Result<Self, ApiError> {
        if text(&told["get_updates_buf"]).len() > CURSOR_BYTES_MAX {
            let words = "its mark of what was told already is too long to be WeChat's";
            return Err(ApiError::Unclear(words.to_owned()));
        }
        Ok(Self::read(told))
    }

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
        let (mut hold, mut failures, mut pauses) = (POLL, Failures::default(), Pauses::default());
        loop {
            let asked_at = Instant::now();
            let body = json!({"get_updates_buf": cursor});
            let asked = api.post("ilink/bot/getupdates", body, hold + POLL_GRACE).await;
            let page = match asked.and_then(Page::checked) {
                Ok(page) => page,
                // Nothing was said, and the cursor stays where it is.
                Err(ApiError::TimedOut) => {
                    if failures.count_unanswered() {
                        look(&api, &intake, &mut failures).await;
                    }
                    continue;
                }
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
                Ok(Some(next)) => {
                    cursor = next;
                    pauses = Pauses::default();
                }
                Ok(None) => sleep(pauses.next(is_empty).saturating_sub(asked_at.elapsed())).await,
                Err(error) => return error.into(),
            }
        }
    }
}

/// Polls stay without an answer, which may be how WeChat says that there is nothing. So it is asked something that it answers at once; what is
/// wrong besides that, the next poll meets.
async fn look(api: &Api, intake: &Intake, failures: &mut Failures) {
    match api.post("ilink/bot/msg/notifystart", json!({}), ANSWER_WITHIN).await {
        Ok(_) | Err(ApiError::Refused(_)) => {
            if failures.are_over() {
                intake.report(SessionState::Connected).await;
            }
        }
        Err(ApiError::TimedOut) => {
            failures.is_shown = true;
            let reason =
                "WeChat takes the bridge's questions and answers none. It is asked again.".to_owned();
            intake.report(SessionState::Disconnected { reason }).await;
        }
        Err(ApiError::NotSent(_) | ApiError::Unclear(_) | ApiError::Busy) => {}
    }
}

/// Answers in a row that led no further.
#[derive(Default)]
struct Pauses {
    /// Those that brought messages: the same ones again and again.
    repeats: u32,
}

impl Pauses {
    /// How long after the last question the next one is asked.
    fn next(&mut self, is_empty: bool) -> Duration {
        if is_empty {
            self.repeats = 0;
            return AGAIN_AFTER;
        }
        self.repeats = self.repeats.saturating_add(1);
        AGAIN_AFTER.saturating_mul(2_u32.saturating_pow(self.repeats)).min(LONG_PAUSE)
    }
}

/// Failures in a row.
#[derive(Default)]
struct Failures {
    count: u32,
    /// Polls in a row without an answer.
    unanswered: u32,
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

    /// Another poll without an answer. Whether it is time to look what that means.
    fn count_unanswered(&mut self) -> bool {
        self.unanswered += 1;
        self.unanswered.is_multiple_of(FAILURES_MAX)
    }

    /// There is none now. Whether the login was shown as disconnected until now.
    fn are_over(&mut self) -> bool {
        (self.count, self.unanswered) = (0, 0);
        std::mem::take(&mut self.is_shown)
    }
}

#[cfg(test)]
mod tests;
