//! What the homeserver remembers of our transaction ids: as Synapse, by path and registration and never by ghost.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use ruma::{EventId, OwnedEventId};

/// Enough for any test; keeps a long benchmark's memory flat.
const REMEMBERED_MAX: usize = 262_144;

/// Event ids by registration and path.
#[derive(Default)]
pub(super) struct Transactions {
    known: HashMap<Arc<str>, OwnedEventId>,
    order: VecDeque<Arc<str>>,
}

impl Transactions {
    pub(super) fn get(&self, key: &str) -> Option<&EventId> {
        self.known.get(key).map(AsRef::as_ref)
    }

    pub(super) fn remember(&mut self, key: String, event_id: OwnedEventId) {
        let key: Arc<str> = key.into();
        if self.order.len() == REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(Arc::clone(&key));
        self.known.insert(key, event_id);
    }

    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.order.clear();
    }
}
