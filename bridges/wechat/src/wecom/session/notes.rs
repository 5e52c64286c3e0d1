//! What is remembered of chats: how often one may write there. Kept in the database, with the newest in memory.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use magpie_common::platform::{Cursor, EventSink, NotStored};
use serde::{Serialize, de::DeserializeOwned};

/// So many chats are kept in memory.
const CHATS_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// One note for each chat, under a key that begins with the kind of note.
pub(super) struct Notes<T> {
    kind: &'static str,
    sink: EventSink,
    known: Mutex<LruCache<String, T>>,
}

impl<T: Clone + Default + PartialEq + Serialize + DeserializeOwned> Notes<T> {
    pub fn new(kind: &'static str, sink: EventSink) -> Self {
        Self { kind, sink, known: Mutex::new(LruCache::new(CHATS_MAX)) }
    }

    /// The note on a chat; the default where there is none.
    pub async fn read(&self, chat: &str) -> Result<T, NotStored> {
        if let Some(note) = self.cached(chat) {
            return Ok(note);
        }
        let stored = self.sink.remembered(&self.key(chat)).await?;
        let note: T = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        // Somebody may have noted more while the database was asked.
        let mut known = self.lock();
        Ok(known.get_or_insert(chat.to_owned(), || note).clone())
    }

    /// The same from memory alone.
    pub fn cached(&self, chat: &str) -> Option<T> {
        self.lock().get(chat).cloned()
    }

    /// The chats in memory whose notes are so.
    pub fn those(&self, is_so: impl Fn(&T) -> bool) -> Vec<String> {
        self.lock().iter().filter(|(_, note)| is_so(note)).map(|(chat, _)| chat.clone()).collect()
    }

    /// Changes a note. Gives what the change found, and what is to be stored; nothing where it stays as it was.
    pub async fn change<R>(
        &self,
        chat: &str,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<(R, Option<Cursor>), NotStored> {
        self.read(chat).await?;
        let mut known = self.lock();
        let note = known.get_or_insert_mut(chat.to_owned(), T::default);
        let before = note.clone();
        let found = change(note);
        if *note == before {
            return Ok((found, None));
        }
        let value = serde_json::to_string(note).map_err(|error| NotStored(error.to_string()))?;
        Ok((found, Some(Cursor { key: self.key(chat), value })))
    }

    fn key(&self, chat: &str) -> String {
        format!("{}/{chat}", self.kind)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
