//! What could not be drawn or converted, so that another attempt costs nothing.
//!
//! In memory alone: the next version may be able to. Only what the file itself is to blame for is kept, never a network or a disk.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;

use super::MediaError;

/// So many are remembered; the oldest is tried again.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// Files by their keys, with why they failed.
pub(super) struct Failed(Mutex<LruCache<String, MediaError>>);

impl Failed {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED_MAX)))
    }

    /// Why a file failed before, if it did.
    pub(super) fn known(&self, key: &str) -> Result<(), MediaError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Remembers a failure under its keys, if it is one that lasts.
    pub(super) fn remember(&self, keys: &[&str], error: &MediaError) {
        if !matches!(error, MediaError::NotDrawn(_) | MediaError::Unconvertible(_) | MediaError::TooLarge(_))
        {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            all.put((*key).to_owned(), error.clone());
        }
    }
}
