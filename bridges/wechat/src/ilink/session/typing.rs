//! Shows that somebody types: told again every few seconds, and taken back at the end. Nothing of it is worth an error.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::clock::{Clock, TimestampMs};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ilink::api::Api, json::text};

/// It is told again after this.
const AGAIN: Duration = Duration::from_secs(5);

/// For so long it holds in Matrix without being told again.
const HOLDS: Duration = Duration::from_secs(12);

/// Within this WeChat answers, or never mind.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// How long all of it may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A ticket is not used longer.
const TICKET_HOLDS_MS: i64 = 24 * 60 * 60 * 1000;

/// A longer one is not WeChat's.
const TICKET_BYTES_MAX: usize = 8 * 1024;

/// What is told.
const ON: u8 = 1;
const OFF: u8 = 2;

/// Who is shown as typing.
pub(super) struct Typing {
    api: Arc<Api>,
    clock: Clock,
    stop: CancellationToken,
    tasks: TaskTracker,
    tickets: Mutex<HashMap<String, Ticket>>,
    going: Mutex<HashMap<String, Going>>,
}

#[derive(Clone)]
struct Ticket {
    words: String,
    until_ms: TimestampMs,
}

struct Going {
    until: Instant,
    stop: CancellationToken,
}

impl Typing {
    /// Nobody types yet; nobody does any more once `stop` is cancelled.
    pub fn new(api: Arc<Api>, clock: Clock, stop: CancellationToken) -> Self {
        Self {
            api,
            clock,
            stop,
            tasks: TaskTracker::new(),
            tickets: Mutex::default(),
            going: Mutex::default(),
        }
    }

    /// Shows somebody for a while that the bot types. Returns at once.
    pub fn start(self: &Arc<Self>, user: &str, context_token: &str) {
        let until = Instant::now() + HOLDS;
        let stop = self.stop.child_token();
        {
            let mut going = self.going();
            if let Some(known) = going.get_mut(user) {
                known.until = until;
                return;
            }
            going.insert(user.to_owned(), Going { until, stop: stop.clone() });
        }
        let work = Arc::clone(self).run(user.to_owned(), context_token.to_owned(), stop);
        self.tasks.spawn(work);
    }

    /// Shows it no more. Returns at once.
    pub fn stop(&self, user: &str) {
        if let Some(going) = self.going().remove(user) {
            going.stop.cancel();
        }
    }

    /// Waits until nothing of it runs. Call it after the stop signal was given.
    pub async fn ended(&self) {
        self.tasks.close();
        // Each of its requests has a time limit of its own, too.
        let _ = timeout(END_WITHIN, self.tasks.wait()).await;
    }

    async fn run(self: Arc<Self>, user: String, context_token: String, stop: CancellationToken) {
        let ticket = stop.run_until_cancelled(self.ticket(&user, &context_token)).await.flatten();
        if let Some(ticket) = ticket {
            while self.tell((&user, &ticket), ON).await {
                let is_stopped = stop.run_until_cancelled(sleep(AGAIN)).await.is_none();
                if is_stopped || !self.goes_on(&user) {
                    break;
                }
            }
            if !self.tell((&user, &ticket), OFF).await {
                self.tickets().remove(&user);
            }
        }
        if !stop.is_cancelled() {
            self.going().remove(&user);
        }
    }

    /// `POST /ilink/bot/getconfig`, now and then.
    async fn ticket(&self, user: &str, context_token: &str) -> Option<String> {
        let now_ms = self.clock.now_ms();
        if let Some(known) = self.tickets().get(user).filter(|known| known.until_ms > now_ms) {
            return Some(known.words.clone());
        }
        let body = json!({"ilink_user_id": user, "context_token": context_token});
        let told: Value = self.api.post("ilink/bot/getconfig", body, ANSWER_WITHIN).await.ok()?;
        let words = text(&told["typing_ticket"]);
        if !(1..=TICKET_BYTES_MAX).contains(&words.len()) {
            return None;
        }
        let ticket = Ticket { words: words.to_owned(), until_ms: now_ms.saturating_add(TICKET_HOLDS_MS) };
        self.tickets().insert(user.to_owned(), ticket);
        Some(words.to_owned())
    }

    /// `POST /ilink/bot/sendtyping`. Whether it was taken.
    async fn tell(&self, (user, ticket): (&str, &str), status: u8) -> bool {
        let body = json!({"ilink_user_id": user, "typing_ticket": ticket, "status": status});
        self.api.post("ilink/bot/sendtyping", body, ANSWER_WITHIN).await.is_ok()
    }

    fn goes_on(&self, user: &str) -> bool {
        self.going().get(user).is_some_and(|going| going.until > Instant::now())
    }

    fn going(&self) -> MutexGuard<'_, HashMap<String, Going>> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tickets(&self) -> MutexGuard<'_, HashMap<String, Ticket>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
