//! What became of messages: the answer names a message, and so does a status that repeats what we put beside it.
//!
//! The first holds in memory, the second also after a restart. That way a doubt is settled, however the message was confirmed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::{
    ids::RemoteMessageId,
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, time::timeout};

use super::{newest::Newest, slots};

/// So many are kept in memory.
const KEPT_MAX: usize = 4_096;

/// A status comes within this time, or late.
pub(super) const STATUS_WITHIN: Duration = Duration::from_secs(8);

/// How long the key of a delivery is, before its part.
const KEY_CHARS: usize = 22;

/// More digits has no part.
const PART_DIGITS_MAX: usize = 3;

/// What the key of a reaction begins with.
const REACTION: &str = "reaction/";

pub(super) struct Sent {
    state: Mutex<State>,
    told: Notify,
}

struct State {
    /// What this process has begun to send.
    begun: Newest<String, ()>,
    /// What is known to be a message of WhatsApp's.
    found: Newest<String, Found>,
    /// The ids of those.
    ids: Newest<RemoteMessageId, ()>,
}

struct Found {
    id: RemoteMessageId,
    is_stored: bool,
}

/// What is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    id: RemoteMessageId,
}

impl Default for Sent {
    fn default() -> Self {
        let state =
            State { begun: Newest::new(KEPT_MAX), found: Newest::new(KEPT_MAX), ids: Newest::new(KEPT_MAX) };
        Self { state: Mutex::new(state), told: Notify::new() }
    }
}

impl Sent {
    /// A message is on its way.
    pub fn begin(&self, key: &str) {
        self.lock().begun.put(key.to_owned(), ());
    }

    /// It was surely not sent.
    pub fn not_sent(&self, key: &str) {
        self.lock().begun.forget(&key.to_owned());
    }

    /// WhatsApp has confirmed it.
    pub fn answered(&self, key: &str, id: &RemoteMessageId) {
        let mut state = self.lock();
        state.ids.put(id.clone(), ());
        if !state.found.contains(&key.to_owned()) {
            state.found.put(key.to_owned(), Found { id: id.clone(), is_stored: false });
        }
    }

    /// Whether this process has begun to send it, and it may have gone.
    pub fn is_begun(&self, key: &str) -> bool {
        self.lock().begun.contains(&key.to_owned())
    }

    /// Whether a message is one that this process has sent.
    pub fn is_ours(&self, id: &RemoteMessageId) -> bool {
        self.lock().ids.contains(id)
    }

    /// A status names the message of a key. Returns when it is stored.
    pub async fn told(&self, sink: &EventSink, key: &str, id: &RemoteMessageId) -> Result<(), NotStored> {
        {
            let mut state = self.lock();
            if state.found.get(&key.to_owned()).is_some_and(|found| found.is_stored) {
                return Ok(());
            }
            state.ids.put(id.clone(), ());
            state.found.put(key.to_owned(), Found { id: id.clone(), is_stored: false });
        }
        self.told.notify_waiters();
        let stored = Stored { key: key.to_owned(), id: id.clone() };
        let value = serde_json::to_string(&stored).map_err(|error| NotStored(error.to_string()))?;
        sink.remember(Cursor { key: slots::key("sent", key), value }).await?;
        if let Some(found) = self.lock().found.get_mut(&key.to_owned()) {
            found.is_stored = true;
        }
        Ok(())
    }

    /// The message of a key, if an answer or a status has named it.
    pub async fn known(&self, sink: &EventSink, key: &str) -> Result<Option<RemoteMessageId>, NotStored> {
        if let Some(found) = self.lock().found.get(&key.to_owned()) {
            return Ok(Some(found.id.clone()));
        }
        let stored = sink.remembered(&slots::key("sent", key)).await?;
        let stored = stored.and_then(|stored| serde_json::from_str::<Stored>(&stored).ok());
        Ok(stored.filter(|stored| stored.key == key).map(|stored| stored.id))
    }

    /// The message of a key, if a status names it within some time.
    pub async fn wait(&self, key: &str, within: Duration) -> Option<RemoteMessageId> {
        let wait = async {
            loop {
                let told = self.told.notified();
                tokio::pin!(told);
                // From here on nothing is missed, so looking comes second.
                told.as_mut().enable();
                if let Some(found) = self.lock().found.get(&key.to_owned()) {
                    return found.id.clone();
                }
                told.await;
            }
        };
        timeout(within, wait).await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what stands beside a message can be a key of ours: another program may send for the same number.
pub(super) fn is_key(text: &str) -> bool {
    let Some((key, part)) = text.split_once('/') else { return false };
    let is_part =
        (1..=PART_DIGITS_MAX).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    is_part
        && key.len() == KEY_CHARS
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What stands beside a reaction to a message.
pub(super) fn reaction_key(target: &RemoteMessageId) -> String {
    format!("{REACTION}{target}")
}

/// The message of which a reaction was sent, if that stands there.
pub(super) fn reacted_to(key: &str) -> Option<RemoteMessageId> {
    key.strip_prefix(REACTION).filter(|target| !target.is_empty()).map(RemoteMessageId::new)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use magpie_common::{ids::LoginId, testkit::platform_suite::Recorder};

    use super::*;

    const KEY: &str = "sample-key-00000000001/0";

    fn sink(recorder: &Recorder) -> EventSink {
        EventSink::new(LoginId::new("cloud-1"), Arc::new(recorder.clone()))
    }

    #[tokio::test]
    async fn an_answer_is_known_and_a_status_also_after_a_restart() {
        let (recorder, id) = (Recorder::default(), RemoteMessageId::new("wamid.1"));
        let sink = sink(&recorder);
        let sent = Sent::default();
        sent.begin(KEY);
        assert_eq!(sent.known(&sink, KEY).await, Ok(None));
        sent.answered(KEY, &id);
        assert_eq!(sent.known(&sink, KEY).await, Ok(Some(id.clone())));
        assert_eq!(Sent::default().known(&sink, KEY).await, Ok(None), "the answer went with the process");
        // What the disk did not take is told once more.
        recorder.refuse(true);
        assert!(sent.told(&sink, KEY, &id).await.is_err());
        recorder.refuse(false);
        assert_eq!(sent.told(&sink, KEY, &id).await, Ok(()));
        assert_eq!(Sent::default().known(&sink, KEY).await, Ok(Some(id)));
    }

    #[test]
    fn keys_of_others_are_told_apart() {
        let target = RemoteMessageId::new("wamid.1");
        assert_eq!(reacted_to(&reaction_key(&target)), Some(target.clone()));
        assert!(reacted_to("wamid.1").is_none() && !is_key(&reaction_key(&target)));
        assert!(is_key(KEY) && is_key("AbCdEfGhIjKlMnOpQrSt-_/19"));
        for other in [
            "",
            "order-17",
            "sample-key-00000000001",
            "sample-key-00000000001/",
            "sample-key-0000000001/0",
            "sample-key-0000000000 /0",
            "sample-key-00000000001/1/2",
        ] {
            assert!(!is_key(other), "{other}");
        }
    }
}
