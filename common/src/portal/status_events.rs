//! Events of the bot that tell clients what became of a message: `com.beeper.message_send_status`, which Beeper's clients show.
//!
//! They are a courtesy like the marks: nothing waits for them, and where too many are under way, new ones are left out. One after the
//! other, so that what a message became never stands before what it was.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ruma::{OwnedEventId, OwnedRoomId, UserId};
use serde_json::{Value, json};

use super::keys;
use crate::{
    homeserver::{Homeserver, SendEvent},
    login::backoff,
    report::Subject,
};

const EVENT_TYPE: &str = "com.beeper.message_send_status";

/// So many wait for a homeserver that is slow.
const QUEUE_MAX: usize = 2_000;

/// Each is tried so often while the homeserver has trouble.
const TRIES: u32 = 4;
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status<'a> {
    /// `SUCCESS`, `PENDING`, `FAIL_RETRIABLE` or `FAIL_PERMANENT`.
    pub(super) status: &'static str,
    /// Why, for programs.
    pub(super) reason: Option<&'static str>,
    /// Why, for people.
    pub(super) words: Option<&'a str>,
}

/// What goes out, in order. Clones share it.
#[derive(Clone)]
pub(super) struct StatusEvents {
    homeserver: Homeserver,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Told>,
    is_worked_on: bool,
}

struct Told {
    room_id: OwnedRoomId,
    txn_id: String,
    content: Value,
}

impl StatusEvents {
    pub(super) fn new(homeserver: Homeserver) -> Self {
        Self { homeserver, queue: Arc::default() }
    }

    /// Tells the room of an event. Returns at once. `attempts` tells the same outcome apart after another try.
    pub(super) fn tell(&self, subject: &Subject<'_>, network: &str, status: &Status<'_>, attempts: u32) {
        let Some((event_id, told)) = told(subject, network, status) else { return };
        self.queue_up(Told { txn_id: keys::status_id(&event_id, status.status, attempts), ..told });
    }

    /// Tells the room of an event that it has reached a device of `user_id`. Returns at once.
    pub(super) fn tell_arrived(&self, subject: &Subject<'_>, network: &str, user_id: &UserId) {
        let success = Status { status: "SUCCESS", reason: None, words: None };
        let Some((event_id, mut told)) = told(subject, network, &success) else { return };
        told.content["delivered_to_users"] = json!([user_id]);
        self.queue_up(Told { txn_id: keys::status_id(&event_id, user_id.as_str(), 0), ..told });
    }

    fn queue_up(&self, told: Told) {
        let mut queue = self.queue();
        if queue.waiting.len() >= QUEUE_MAX {
            drop(queue);
            tracing::debug!("A message stays without its status event, because too many are under way.");
            return;
        }
        queue.waiting.push_back(told);
        let is_idle = !std::mem::replace(&mut queue.is_worked_on, true);
        drop(queue);
        if is_idle {
            tokio::spawn(self.clone().work());
        }
    }

    async fn work(self) {
        while let Some(told) = self.next() {
            self.send(&told).await;
        }
    }

    /// The next one; with none left, nobody works here.
    fn next(&self) -> Option<Told> {
        let mut queue = self.queue();
        let told = queue.waiting.pop_front();
        queue.is_worked_on = told.is_some();
        told
    }

    async fn send(&self, Told { room_id, txn_id, content }: &Told) {
        let event = SendEvent { room_id, event_type: EVENT_TYPE, txn_id, content, sent_ms: None };
        for tries in 1.. {
            match self.homeserver.bot().send(event).await {
                Err(error) if error.is_transient() && tries < TRIES => {
                    let pause = error.retry_after().unwrap_or_else(|| backoff(tries, 0.0));
                    tokio::time::sleep(pause.min(PAUSE_MAX)).await;
                }
                Err(error) => return tracing::debug!(%error, "A message stays without its status event."),
                Ok(_) => return,
            }
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The event that it is about, and the one that tells it, still without an id; none for an event or room whose id is none.
fn told(subject: &Subject<'_>, network: &str, status: &Status<'_>) -> Option<(OwnedEventId, Told)> {
    let event_id = OwnedEventId::try_from(&*subject.event_id).ok()?;
    let room_id = OwnedRoomId::try_from(&*subject.room_id).ok()?;
    let mut content = json!({
        "m.relates_to": { "rel_type": "m.reference", "event_id": event_id },
        "network": network,
        "status": status.status,
    });
    if let Some(reason) = status.reason {
        content["reason"] = json!(reason);
    }
    if let Some(words) = status.words {
        content["message"] = json!(words);
    }
    Some((event_id, Told { room_id, txn_id: String::new(), content }))
}
