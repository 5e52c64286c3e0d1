//! Who is one person under several ids of the network. Most people have one, and where nobody has more, nothing is ever looked up.
//!
//! Whoever speaks as somebody is inside their door; who becomes one with somebody else waits until nobody is. Must never decide who is one:
//! the network says that, and [`crate::portal`] acts on it.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use lru::LruCache;

use super::doors::{Closed, Doors, Inside};
use crate::{
    ids::{AliasSet, RemoteUserId},
    store::{Identity, Store, StoreError, Union},
};

/// Of so many ids is remembered whose they are; the rest is in the database.
const IDS_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(4_000).expect("it is not zero");

/// Who is who.
pub struct Identities {
    store: Store,
    /// Whether anybody has more than one id.
    any: AtomicBool,
    known: Mutex<Known>,
    doors: Doors<RemoteUserId>,
}

struct Known {
    /// `None` for somebody with one id.
    by_id: LruCache<RemoteUserId, Option<Arc<Identity>>>,
    /// Grows with every change, so that nothing old is remembered that was just being read.
    changes: u64,
}

impl Identities {
    pub(super) fn new(store: Store) -> Self {
        let known = Known { by_id: LruCache::new(IDS_CACHED_MAX), changes: 0 };
        Self { store, any: AtomicBool::new(false), known: Mutex::new(known), doors: Doors::default() }
    }

    /// Learns whether anybody has more than one id. Must be called before anything is worked on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(&self) -> Result<(), StoreError> {
        self.any.store(self.store.has_aliases().await?, Ordering::Release);
        Ok(())
    }

    /// Whether anybody has more than one id.
    pub fn are_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// All ids of somebody, if they have more than this one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of(&self, id: &RemoteUserId) -> Result<Option<Arc<Identity>>, StoreError> {
        if !self.are_any() {
            return Ok(None);
        }
        let changes = {
            let mut known = self.known();
            if let Some(found) = known.by_id.get(id) {
                return Ok(found.clone());
            }
            known.changes
        };
        let found = self.store.identity(id).await?.filter(|found| !found.aliases.is_empty()).map(Arc::new);
        let mut known = self.known();
        if known.changes == changes {
            known.by_id.put(id.clone(), found.clone());
        }
        Ok(found)
    }

    /// The same for somebody with one id, too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn whole(&self, id: &RemoteUserId) -> Result<Identity, StoreError> {
        let found = self.of(id).await?;
        Ok(found.map_or_else(|| Identity::single(id.clone()), |found| Identity::clone(&found)))
    }

    /// The id that names somebody's ghost.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn ghost(&self, id: &RemoteUserId) -> Result<RemoteUserId, StoreError> {
        Ok(self.of(id).await?.map_or_else(|| id.clone(), |identity| identity.ghost.clone()))
    }

    /// The id by which the network is asked for somebody.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn address(&self, id: &RemoteUserId) -> Result<RemoteUserId, StoreError> {
        Ok(self.of(id).await?.map_or_else(|| id.clone(), |identity| identity.address.clone()))
    }

    /// Which of the ids told together are not known to be one person's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn news<'a>(&self, told: &'a AliasSet) -> Result<Vec<&'a RemoteUserId>, StoreError> {
        if told.others.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.whole(&told.primary).await?;
        Ok(told.others.iter().filter(|other| known.ids().all(|id| id != *other)).collect())
    }

    /// Begins to speak as somebody: gives the id that names their ghost, which is theirs as long as the speaker is inside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn enter(&self, id: &RemoteUserId) -> Result<(RemoteUserId, Inside), StoreError> {
        loop {
            let ghost = self.ghost(id).await?;
            let inside = self.doors.enter(&ghost).await;
            if self.ghost(id).await? == ghost {
                return Ok((ghost, inside));
            }
        }
    }

    /// Closes the doors of the two people whom two ids mean, until the answer is dropped.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn close(&self, one: &RemoteUserId, other: &RemoteUserId) -> Result<Met, StoreError> {
        loop {
            let (first, second) = (self.whole(one).await?, self.whole(other).await?);
            if first.ghost == second.ghost {
                return Ok(Met::Same(first));
            }
            let closed = self.doors.close(&first.ghost, &second.ghost).await;
            if self.whole(one).await? == first && self.whole(other).await? == second {
                return Ok(Met::Two(Both { one: first, other: second, _closed: closed }));
            }
        }
    }

    /// Lets two people be one, who are behind closed doors.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn unite(&self, both: &Both, union: Union<'_>) -> Result<(), StoreError> {
        // Not later, so that nobody reads the new rows and takes them for nothing.
        self.any.store(true, Ordering::Release);
        self.store.unite(union).await?;
        self.forget(both.one.ids().chain(both.other.ids()));
        Ok(())
    }

    /// Lets the network be asked for somebody by another id of theirs.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn set_address(&self, identity: &Identity, address: &RemoteUserId) -> Result<(), StoreError> {
        self.store.set_address(&identity.ghost, address).await?;
        self.forget(identity.ids());
        Ok(())
    }

    fn forget<'a>(&self, ids: impl Iterator<Item = &'a RemoteUserId>) {
        let mut known = self.known();
        known.changes += 1;
        ids.for_each(|id| drop(known.by_id.pop(id)));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom two ids mean.
pub enum Met {
    /// One person.
    Same(Identity),
    /// Two.
    Two(Both),
}

/// Two people as whom nobody speaks just now.
pub struct Both {
    /// Whom the first id means.
    pub one: Identity,
    /// Whom the other id means.
    pub other: Identity,
    _closed: [Closed; 2],
}
