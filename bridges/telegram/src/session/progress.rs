//! Which parts of a message stand already, for messages that could not be finished.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use magpie_common::ids::RemoteMessageId;

/// What is forgotten is shown as uncertain.
const MESSAGES_MAX: usize = 256;

/// Parts that are delivered, by delivery key.
#[derive(Default)]
pub(super) struct Progress(Mutex<VecDeque<(String, Standing)>>);

/// What stands of a message.
struct Standing {
    ids: Vec<RemoteMessageId>,
    /// How long the rest is.
    rest_bytes: usize,
}

impl Progress {
    /// The parts that stand.
    pub(super) fn done(&self, key: &str) -> Vec<RemoteMessageId> {
        self.lock().iter().find(|(known, _)| known == key).map(|(_, it)| it.ids.clone()).unwrap_or_default()
    }

    /// Whether a rest of this length goes on where the parts end.
    pub(super) fn goes_on(&self, key: &str, rest_bytes: usize) -> bool {
        self.lock().iter().find(|(known, _)| known == key).is_none_or(|(_, it)| it.rest_bytes == rest_bytes)
    }

    /// Remembers parts, and how long the rest is.
    pub(super) fn keep(&self, key: &str, ids: Vec<RemoteMessageId>, rest_bytes: usize) {
        self.forget(key);
        let mut messages = self.lock();
        messages.push_back((key.to_owned(), Standing { ids, rest_bytes }));
        if messages.len() > MESSAGES_MAX {
            messages.pop_front();
        }
    }

    /// The message is whole.
    pub(super) fn forget(&self, key: &str) {
        self.lock().retain(|(known, _)| known != key);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Standing)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
