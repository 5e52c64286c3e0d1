//! Which parts of a message stand already, for messages that could not be finished.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use magpie_common::ids::RemoteMessageId;

/// Older ones are found in the channel's history.
const MESSAGES_MAX: usize = 256;

/// Parts that are delivered, by delivery key.
#[derive(Default)]
pub(super) struct Progress(Mutex<VecDeque<(String, Vec<RemoteMessageId>)>>);

impl Progress {
    /// The parts that stand.
    pub(super) fn done(&self, key: &str) -> Vec<RemoteMessageId> {
        self.lock().iter().find(|(known, _)| known == key).map(|(_, ids)| ids.clone()).unwrap_or_default()
    }

    /// Remembers parts.
    pub(super) fn keep(&self, key: &str, ids: Vec<RemoteMessageId>) {
        self.forget(key);
        let mut messages = self.lock();
        messages.push_back((key.to_owned(), ids));
        if messages.len() > MESSAGES_MAX {
            messages.pop_front();
        }
    }

    /// The message is whole.
    pub(super) fn forget(&self, key: &str) {
        self.lock().retain(|(known, _)| known != key);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Vec<RemoteMessageId>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
