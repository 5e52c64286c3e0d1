//! What was said lately, in memory: newer apps quote a part of a message by its place alone.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use magpie_common::ids::RemoteMessageId;

/// So many messages are kept, of so many bytes at most. Of a longer one nothing is kept.
const MESSAGES_MAX: NonZeroUsize = NonZeroUsize::new(200).unwrap();
const WORDS_BYTES_MAX: usize = 16 * 1024;

/// The words of messages, of both sides.
pub(super) struct Recent(Mutex<LruCache<RemoteMessageId, String>>);

impl Default for Recent {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MESSAGES_MAX)))
    }
}

impl Recent {
    /// Remembers what a message says.
    pub fn keep(&self, id: &RemoteMessageId, words: &str) {
        if (1..=WORDS_BYTES_MAX).contains(&words.len()) {
            self.lock().put(id.clone(), words.to_owned());
        }
    }

    /// What it says.
    pub fn words(&self, id: &RemoteMessageId) -> Option<String> {
        self.lock().get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<RemoteMessageId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
