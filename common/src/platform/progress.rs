//! Which parts of a message stand already, for messages that could not be finished: what a session remembers between two attempts.
//!
//! Only in memory. What is forgotten the bridge looks for on the network, or calls uncertain.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::ids::RemoteMessageId;

/// So many unfinished messages are remembered.
const MESSAGES_MAX: usize = 256;

/// Parts that are delivered, by delivery key ([`super::DeliveryKey::key`]).
#[derive(Default)]
pub struct Progress(Mutex<VecDeque<(String, Standing)>>);

/// What stands of a message.
struct Standing {
    ids: Vec<RemoteMessageId>,
    /// How long the rest is.
    rest_bytes: usize,
}

impl Progress {
    /// The parts that stand, first part first.
    pub fn done(&self, key: &str) -> Vec<RemoteMessageId> {
        self.lock().iter().find(|(known, _)| known == key).map(|(_, it)| it.ids.clone()).unwrap_or_default()
    }

    /// Whether a rest of this length goes on where the parts end: what stands above the text may have changed since, and with it the places
    /// where it is cut.
    pub fn goes_on(&self, key: &str, rest_bytes: usize) -> bool {
        self.lock().iter().find(|(known, _)| known == key).is_none_or(|(_, it)| it.rest_bytes == rest_bytes)
    }

    /// Remembers parts, and how long the rest is.
    pub fn keep(&self, key: &str, ids: Vec<RemoteMessageId>, rest_bytes: usize) {
        self.forget(key);
        let mut messages = self.lock();
        messages.push_back((key.to_owned(), Standing { ids, rest_bytes }));
        if messages.len() > MESSAGES_MAX {
            messages.pop_front();
        }
    }

    /// The message is whole.
    pub fn forget(&self, key: &str) {
        self.lock().retain(|(known, _)| known != key);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Standing)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
