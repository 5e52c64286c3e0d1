//! What is remembered of portals, so that most events cost no query. The database is always right.

use std::{
    num::NonZeroUsize,
    sync::{Arc, MutexGuard, PoisonError},
};

use lru::LruCache;
use ruma::{OwnedRoomId, RoomId};

use super::Portals;
use crate::{
    ids::{LoginId, RemoteChatId},
    store::{ChatLogin, PortalRow, PortalState, StoreError},
};

/// So many portals are remembered; the others are in the database.
const PORTALS_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// So often is remembered that an account sees a chat; the rest is in the database.
const SIGHTS_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// What is remembered.
pub(super) struct Cache {
    pub(super) by_chat: LruCache<RemoteChatId, Arc<PortalRow>>,
    pub(super) by_room: LruCache<OwnedRoomId, Arc<PortalRow>>,
    /// Grows whenever a portal changes, so that nothing old is remembered that was just being read.
    pub(super) portal_changes: u64,
    pub(super) seeing: LruCache<RemoteChatId, Arc<[ChatLogin]>>,
    /// Counts what made an entry of `seeing` old.
    pub(super) seeing_changes: u64,
    pub(super) sights: LruCache<(RemoteChatId, LoginId), ()>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            by_chat: LruCache::new(PORTALS_CACHED_MAX),
            by_room: LruCache::new(PORTALS_CACHED_MAX),
            portal_changes: 0,
            seeing: LruCache::new(PORTALS_CACHED_MAX),
            seeing_changes: 0,
            sights: LruCache::new(SIGHTS_CACHED_MAX),
        }
    }
}

impl Portals {
    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn by_room(&self, room_id: &RoomId) -> Result<Option<Arc<PortalRow>>, StoreError> {
        let (cached, changes) = {
            let mut cache = self.cache();
            (cache.by_room.get(room_id).cloned(), cache.portal_changes)
        };
        if cached.is_some() {
            return Ok(cached);
        }
        Ok(self.parts.store.portal_by_room(room_id).await?.map(|row| self.remember_read(row, changes)))
    }

    pub(super) async fn by_chat(&self, chat: &RemoteChatId) -> Result<Option<Arc<PortalRow>>, StoreError> {
        let chat = &self.today(chat);
        let (cached, changes) = {
            let mut cache = self.cache();
            (cache.by_chat.get(chat).cloned(), cache.portal_changes)
        };
        if cached.is_some() {
            return Ok(cached);
        }
        Ok(self.parts.store.portal_by_chat(chat).await?.map(|row| self.remember_read(row, changes)))
    }

    /// Forgets what is remembered of a portal whose row has changed, under its chat and its rooms.
    pub(super) fn forget_portal(&self, chat: &RemoteChatId, rooms: &[&RoomId]) {
        let mut cache = self.cache();
        cache.portal_changes += 1;
        cache.by_chat.pop(chat);
        for room_id in rooms {
            cache.by_room.pop(*room_id);
        }
    }

    /// What changed while a row was read may or may not be in it; then nothing is remembered of it.
    pub(super) fn remember_read(&self, row: PortalRow, changes: u64) -> Arc<PortalRow> {
        let row = Arc::new(row);
        self.cache().was_read(&row, changes);
        row
    }

    pub(super) async fn save(&self, row: PortalRow) -> Result<Arc<PortalRow>, StoreError> {
        self.parts.store.save_portal(&row).await?;
        Ok(self.remember(row))
    }

    /// Says what becomes of a chat's messages from now on; gives back its portal.
    pub(super) async fn set_portal_state(
        &self,
        chat: &RemoteChatId,
        state: PortalState,
    ) -> Result<Option<Arc<PortalRow>>, StoreError> {
        self.parts.store.set_portal_state(chat, state).await?;
        self.refresh(chat).await
    }

    /// Reads a portal anew after a part of it was changed.
    pub(super) async fn refresh(&self, chat: &RemoteChatId) -> Result<Option<Arc<PortalRow>>, StoreError> {
        let changes = {
            let mut cache = self.cache();
            // Whoever is reading it just now may have read what it was.
            cache.portal_changes += 1;
            cache.portal_changes
        };
        Ok(self.parts.store.portal_by_chat(chat).await?.map(|row| self.remember_read(row, changes)))
    }

    pub(super) fn remember(&self, row: PortalRow) -> Arc<PortalRow> {
        let row = Arc::new(row);
        self.cache().has_changed(&row);
        row
    }
}

impl Cache {
    fn has_changed(&mut self, row: &Arc<PortalRow>) {
        self.portal_changes += 1;
        self.put(row);
    }

    fn was_read(&mut self, row: &Arc<PortalRow>, changes: u64) {
        match self.portal_changes == changes {
            true => self.put(row),
            false => self.pop(&row.chat, row.room_id.as_deref()),
        }
    }

    fn put(&mut self, row: &Arc<PortalRow>) {
        self.by_chat.put(row.chat.clone(), Arc::clone(row));
        if let Some(room_id) = &row.room_id {
            self.by_room.put(room_id.clone(), Arc::clone(row));
        }
    }

    fn pop(&mut self, chat: &RemoteChatId, room_id: Option<&RoomId>) {
        self.by_chat.pop(chat);
        if let Some(room_id) = room_id {
            self.by_room.pop(room_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use ruma::owned_room_id;

    use super::*;
    use crate::message::ChatKind;

    fn row(state: PortalState) -> Arc<PortalRow> {
        let portal = PortalRow::new(RemoteChatId::new("town"), ChatKind::Group);
        Arc::new(PortalRow { room_id: Some(owned_room_id!("!town:example.org")), state, ..portal })
    }

    fn remembered(cache: &mut Cache) -> [Option<PortalState>; 2] {
        let by_chat = cache.by_chat.get(&RemoteChatId::new("town")).map(|row| row.state);
        [by_chat, cache.by_room.get(&owned_room_id!("!town:example.org")).map(|row| row.state)]
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (old, new) = (row(PortalState::Active), row(PortalState::Unbridged));
        let mut cache = Cache::default();
        let changes = cache.portal_changes;
        cache.was_read(&old, changes);
        assert_eq!(remembered(&mut cache), [Some(PortalState::Active); 2], "nothing has changed meanwhile");
        cache.has_changed(&new);
        assert_eq!(remembered(&mut cache), [Some(PortalState::Unbridged); 2]);
        cache.was_read(&old, changes);
        assert_eq!(remembered(&mut cache), [None; 2], "which of the two is right, the database says");
    }
}
