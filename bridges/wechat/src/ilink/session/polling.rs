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
mod tests {
    use magpie_common::{
        clock::Clock, ids::LoginId, message::RemoteEvent, platform::EventSink,
        testkit::platform_suite::Recorder,
    };
    use tokio::time::timeout;

    use super::*;
    use crate::{
        config::WeChatConfig,
        ilink::{
            api::{Refusal, STALE},
            session::contexts::Contexts,
        },
    };

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
    fn the_same_messages_again_are_asked_for_more_and_more_slowly() {
        let mut pauses = Pauses::default();
        let seconds = |is_empty: &bool| pauses.next(*is_empty).as_secs();
        let told = [true, true, false, false, false, false, false, false, true, false];
        assert_eq!(told.iter().map(seconds).collect::<Vec<_>>(), [1, 1, 2, 4, 8, 16, 30, 30, 1, 2]);
    }

    #[test]
    fn a_cursor_that_cannot_be_wechats_is_a_failure() {
        let page = |length: usize| Page::checked(json!({"msgs": [1], "get_updates_buf": "b".repeat(length)}));
        assert!(page(CURSOR_BYTES_MAX).is_ok());
        let failed = page(CURSOR_BYTES_MAX + 1).expect_err("nobody could go on from it");
        assert!(matches!(&failed, ApiError::Unclear(words) if words.contains("too long")), "{failed}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_polls_and_answers_nothing_is_shown_as_away() {
        // Connections come about, and nobody reads from them.
        let deaf = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", deaf.local_addr().expect("it has one"));
        let config = WeChatConfig { ilink_api_url: url, ..WeChatConfig::default() };
        let recorder = Recorder::default();
        let sink = EventSink::new(LoginId::new("ilink-b@im.bot"), Arc::new(recorder.clone()));
        let clock = Clock::fixed(0, 0);
        let api = Arc::new(Api::new(&config, clock.clone()).expect("a client can be made"));
        let intake = Intake {
            bot_id: "b@im.bot".to_owned(),
            contexts: Arc::new(Contexts::new(sink.clone())),
            clock,
            recent: Arc::default(),
            sink,
        };
        let away = |recorder: &Recorder| {
            let events = recorder.events().into_iter();
            let is_away = |event: &RemoteEvent| {
                matches!(event, RemoteEvent::StateChanged(SessionState::Disconnected { .. }))
            };
            events.filter(|it| is_away(&it.event)).count()
        };
        let mut polls = Box::pin(Polling { api, intake }.run());
        let until = POLL + POLL_GRACE;
        assert!(timeout(until * 2, &mut polls).await.is_err(), "it goes on");
        assert_eq!(away(&recorder), 0, "WeChat may be quiet");
        assert!(timeout(until * 2, &mut polls).await.is_err(), "it goes on");
        assert_eq!(away(&recorder), 1);
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
