//! What became of messages whose sending WhatsApp did not confirm: a status that repeats what we put beside the message names it.
//!
//! That way a doubt is settled, also after a restart. What was confirmed needs no memory.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lru::LruCache;
use magpie_common::{
    ids::RemoteMessageId,
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, time::timeout};

use super::slots;

/// So many are kept in memory.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// A status comes within this time, or late.
pub(super) const STATUS_WITHIN: Duration = Duration::from_secs(8);

pub(super) struct Sent {
    sink: EventSink,
    state: Mutex<State>,
    told: Notify,
}

struct State {
    /// What this process has begun to send.
    begun: LruCache<String, ()>,
    /// What was answered.
    answered: LruCache<String, ()>,
    /// What a status has told.
    found: LruCache<String, RemoteMessageId>,
}

/// What is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    id: RemoteMessageId,
}

impl Sent {
    pub fn new(sink: EventSink) -> Self {
        let state = State {
            begun: LruCache::new(KEPT_MAX),
            answered: LruCache::new(KEPT_MAX),
            found: LruCache::new(KEPT_MAX),
        };
        Self { sink, state: Mutex::new(state), told: Notify::new() }
    }

    /// A message is on its way.
    pub fn begin(&self, key: &str) {
        self.lock().begun.put(key.to_owned(), ());
    }

    /// It was surely not sent.
    pub fn not_sent(&self, key: &str) {
        self.lock().begun.pop(key);
    }

    /// WhatsApp has confirmed it.
    pub fn answered(&self, key: &str) {
        self.lock().answered.put(key.to_owned(), ());
    }

    /// Whether this process has begun to send it, and it may have gone.
    pub fn is_begun(&self, key: &str) -> bool {
        self.lock().begun.contains(key)
    }

    /// A status names the message of a key. Returns when it is stored, if that can matter.
    pub async fn told(&self, key: &str, id: &RemoteMessageId) -> Result<(), NotStored> {
        {
            let mut state = self.lock();
            if state.answered.contains(key) || state.found.contains(key) {
                return Ok(());
            }
            state.found.put(key.to_owned(), id.clone());
        }
        self.told.notify_waiters();
        let stored = Stored { key: key.to_owned(), id: id.clone() };
        let value = serde_json::to_string(&stored).map_err(|error| NotStored(error.to_string()))?;
        self.sink.remember(Cursor { key: slots::key("sent", key), value }).await
    }

    /// The message of a key, if a status names it within some time.
    pub async fn find(&self, key: &str, within: Duration) -> Result<Option<RemoteMessageId>, NotStored> {
        let stored = self.sink.remembered(&slots::key("sent", key)).await?;
        let stored = stored.and_then(|stored| serde_json::from_str::<Stored>(&stored).ok());
        if let Some(stored) = stored.filter(|stored| stored.key == key) {
            return Ok(Some(stored.id));
        }
        let wait = async {
            loop {
                let told = self.told.notified();
                tokio::pin!(told);
                // From here on nothing is missed, so looking comes second.
                told.as_mut().enable();
                if let Some(id) = self.lock().found.get(key) {
                    return id.clone();
                }
                told.await;
            }
        };
        Ok(timeout(within, wait).await.ok())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
