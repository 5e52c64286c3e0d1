//! Typing, arrivals and receipts: passed on at once, never stored, and dropped without a word when there is too much of them.
//!
//! Nothing durable is ever built from them. A message never waits for one.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lru::LruCache;
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};

use super::{Portals, keys, speaker::Speaker};
use crate::{
    config::Level,
    homeserver::Double,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Action, Outgoing, RemoteEvent},
    platform::DeliveryKey,
    report::Subject,
    store::{Direction, StoreError},
};

/// So many are under way at once; more are dropped.
const UNDER_WAY_MAX: usize = 16;

/// So many receipts are under way at once: they may wait for a record.
const RECEIPTS_MAX: usize = 64;

/// People can read a message sooner than it is recorded that the network has it; for so long that is waited for.
const RECORDED_WITHIN: Duration = Duration::from_secs(10);

/// So often it is looked whether it is recorded what an event shows.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Typing is told again after this long, in milliseconds: networks show it for about ten seconds.
const TYPING_AGAIN_MS: i64 = 8_000;

/// A longer time is not believed, in milliseconds.
const TYPING_MS_MAX: u32 = 30_000;

/// So many rooms are remembered in which somebody writes.
const ROOMS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("it is not zero");

/// What is under way.
pub(super) struct Passing {
    permits: Arc<Semaphore>,
    receipts: Arc<Semaphore>,
    /// What is being delivered to the network just now.
    delivering: Mutex<HashSet<OwnedEventId>>,
    /// Some of that is over.
    delivered: Notify,
    /// When the network was last told that somebody writes.
    told: Mutex<LruCache<OwnedRoomId, i64>>,
    /// Up to where somebody has read on the network, as we have shown it in Matrix.
    read: Mutex<LruCache<OwnedUserId, OwnedEventId>>,
}

/// An event is being delivered, until this is dropped.
pub(super) struct Delivering<'a>(&'a Passing, &'a EventId);

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.delivering().remove(self.1);
        self.0.delivered.notify_waiters();
    }
}

impl Passing {
    /// An event is being delivered: that it has arrived, or was read, is shown only when all else is told of it.
    pub(super) fn deliver<'a>(&'a self, event_id: &'a EventId) -> Delivering<'a> {
        self.delivering().insert(event_id.to_owned());
        Delivering(self, event_id)
    }

    fn delivering(&self) -> MutexGuard<'_, HashSet<OwnedEventId>> {
        self.delivering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, user_id: &UserId, event_id: &EventId) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.put(user_id.to_owned(), event_id.to_owned());
    }

    fn has_read(&self, user_id: &UserId, event_id: &EventId) -> bool {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get(user_id).is_some_and(|known| known == event_id)
    }
}

impl Default for Passing {
    fn default() -> Self {
        let (told, read) = (Mutex::new(LruCache::new(ROOMS_MAX)), Mutex::new(LruCache::new(ROOMS_MAX)));
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let (permits, receipts) = (semaphore(UNDER_WAY_MAX), semaphore(RECEIPTS_MAX));
        Self { permits, receipts, delivering: Mutex::default(), delivered: Notify::new(), told, read }
    }
}

/// An ephemeral event of a room.
#[derive(Deserialize)]
#[serde(tag = "type", content = "content")]
enum Ephemeral {
    #[serde(rename = "m.typing")]
    Typing { user_ids: Vec<OwnedUserId> },
    #[serde(rename = "m.receipt")]
    Receipt(HashMap<OwnedEventId, Receipts>),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Receipts {
    #[serde(rename = "m.read", default)]
    read: HashMap<OwnedUserId, serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Where {
    room_id: OwnedRoomId,
}

impl Portals {
    /// Shows somebody on the network as typing, or as having got or read a message. Returns at once.
    pub fn pass_from_remote(self: &Arc<Self>, event: RemoteEvent) {
        let portals = self.clone();
        let permits = match event {
            RemoteEvent::Arrived { .. } if !self.parts.settings.message_status_events => return,
            RemoteEvent::Arrived { .. } | RemoteEvent::Receipt { .. } => &self.passing.receipts,
            _ => &self.passing.permits,
        };
        pass(permits, async move { portals.show(&event).await });
    }

    async fn show(&self, event: &RemoteEvent) -> Result<(), StoreError> {
        if let RemoteEvent::Typing { chat, sender, timeout_ms } = event {
            return self.show_typing(chat, sender, *timeout_ms).await;
        }
        if let RemoteEvent::Arrived { chat, id, at } = event {
            return self.show_arrival((chat, id), at).await;
        }
        let RemoteEvent::Receipt { chat, reader, up_to } = event else { return Ok(()) };
        let Some((room_id, event_id)) = self.shown_as(chat, up_to).await? else { return Ok(()) };
        let homeserver = &self.parts.homeserver;
        // Who has never spoken in a room is not in it, and cannot read there.
        if let Some(double) = self.double_behind(reader).await {
            // It comes back to us as theirs, and is no news to the network.
            self.passing.read(double.user_id(), &event_id);
            let _ = homeserver.double(&double).mark_read(&room_id, &event_id).await;
        } else if let Some(ghost) = self.ghost_of(reader).await? {
            let _ = homeserver.intent(&ghost).mark_read(&room_id, &event_id).await;
        }
        Ok(())
    }

    /// Tells the room that a message has reached somebody's device.
    async fn show_arrival(
        &self,
        (chat, id): (&RemoteChatId, &RemoteMessageId),
        at: &RemoteUserId,
    ) -> Result<(), StoreError> {
        let Some((room_id, event_id)) = self.shown_as(chat, id).await? else { return Ok(()) };
        if let Some(ghost) = self.ghost_of(at).await? {
            let (subject, network) = (Subject::of(&room_id, &event_id), self.parts.settings.about.id);
            self.status_events.tell_arrived(&subject, network, &ghost);
        }
        Ok(())
    }

    /// The event that shows a message. One that may be on its way there just now is waited for.
    async fn shown_as(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
    ) -> Result<Option<(OwnedRoomId, OwnedEventId)>, StoreError> {
        let chat = self.today(chat);
        let look = async {
            loop {
                let delivered = self.passing.delivered.notified();
                tokio::pin!(delivered);
                // From here on no end is missed, so looking comes second.
                delivered.as_mut().enable();
                let may_come = self.is_saying(&chat).await?;
                let rows = self.parts.store.message_by_remote(&chat, id).await?;
                match rows.into_iter().rev().find_map(|row| row.room_id.zip(row.event_id)) {
                    None if !may_come => return Ok(None),
                    Some((room_id, event_id)) if !self.passing.delivering().contains(&event_id) => {
                        return Ok(Some((room_id, event_id)));
                    }
                    None | Some(_) => {}
                }
                delivered.await;
            }
        };
        timeout(RECORDED_WITHIN, look).await.unwrap_or(Ok(None))
    }

    /// Whether something that was said in Matrix is on its way to a chat.
    async fn is_saying(&self, chat: &RemoteChatId) -> Result<bool, StoreError> {
        let portal = self.by_chat(chat).await?;
        let Some(room_id) = portal.as_ref().and_then(|portal| portal.room_id.as_deref()) else {
            return Ok(false);
        };
        let lane = room_id.as_str();
        Ok(!self.parts.store.lane_rows(Direction::FromMatrix, lane, None, 1).await?.is_empty())
    }

    /// The person in Matrix behind somebody on the network, where we may act for them.
    async fn double_behind(&self, user: &RemoteUserId) -> Option<Arc<Double>> {
        let person = self.person_behind(user).await.ok().flatten()?;
        self.parts.doubles.of(&person).await.ok().flatten()
    }

    /// Tells the network that people in Matrix type or have read. Returns at once.
    pub fn pass_from_matrix(self: &Arc<Self>, ephemeral: &RawValue) {
        let Ok(Where { room_id }) = serde_json::from_str(ephemeral.get()) else { return };
        match serde_json::from_str(ephemeral.get()) {
            Ok(Ephemeral::Typing { user_ids }) => {
                let is_heard = |user_id: &OwnedUserId| {
                    !self.parts.names.is_ours(user_id)
                        && self.parts.settings.permissions.level(user_id) >= Level::Relay
                };
                if let Some(user_id) = user_ids.into_iter().find(is_heard)
                    && self.is_time_to_tell(&room_id)
                {
                    let typing = Outgoing::Typing { active: true };
                    let portals = self.clone();
                    pass(
                        &self.passing.permits,
                        async move { portals.tell((&room_id, &user_id), typing).await },
                    );
                }
            }
            Ok(Ephemeral::Receipt(receipts)) => {
                let is_news = |event_id: &OwnedEventId, user_id: &OwnedUserId| {
                    !self.parts.names.is_ours(user_id) && !self.passing.has_read(user_id, event_id)
                };
                let read = receipts.into_iter().find_map(|(event_id, receipts)| {
                    let user_id = receipts.read.into_keys().find(|user_id| is_news(&event_id, user_id))?;
                    Some((event_id, user_id))
                });
                if let Some((event_id, user_id)) = read {
                    let portals = self.clone();
                    pass(&self.passing.receipts, async move {
                        match portals.shown_by(&room_id, &event_id).await? {
                            Some(up_to) => portals.tell((&room_id, &user_id), Outgoing::Read { up_to }).await,
                            None => Ok(()),
                        }
                    });
                }
            }
            Ok(Ephemeral::Other) | Err(_) => {}
        }
    }

    /// The message that an event shows. One that has come into the room just now and is not recorded yet is waited for.
    async fn shown_by(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
    ) -> Result<Option<RemoteMessageId>, StoreError> {
        let Some(portal) = self.by_room(room_id).await? else { return Ok(None) };
        let store = &self.parts.store;
        let look = async {
            let recorded = || async {
                let rows = store.message_by_event(event_id).await?;
                Ok::<_, StoreError>(rows.into_iter().find_map(|row| row.remote_id))
            };
            loop {
                if let Some(shown) = recorded().await? {
                    return Ok(Some(shown));
                }
                if store.lane_rows(Direction::FromRemote, portal.chat.as_str(), None, 1).await?.is_empty() {
                    // It may have left the lane since, and then it is recorded.
                    return recorded().await;
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(RECORDED_WITHIN, look).await.unwrap_or(Ok(None))
    }

    async fn show_typing(
        &self,
        chat: &RemoteChatId,
        sender: &RemoteUserId,
        timeout_ms: u32,
    ) -> Result<(), StoreError> {
        let portal = self.by_chat(chat).await?;
        let room_id = portal.as_ref().and_then(|portal| portal.room_id.as_deref());
        if let Some((room_id, ghost)) = room_id.zip(self.ghost_of(sender).await?) {
            let timeout_ms = Some(timeout_ms.min(TYPING_MS_MAX)).filter(|timeout_ms| *timeout_ms > 0);
            // Who writes on another device of theirs sees that there.
            if self.person_behind(sender).await?.is_some() {
                return Ok(());
            }
            // Who has never spoken in a room is not in it, and cannot type there.
            let _ = self.parts.homeserver.intent(&ghost).typing(room_id, timeout_ms).await;
        }
        Ok(())
    }

    /// Tells the network through the person's own account, or through the bridge's. What somebody lends to others neither types nor reads
    /// for them.
    async fn tell(
        &self,
        (room_id, user_id): (&RoomId, &UserId),
        outgoing: Outgoing,
    ) -> Result<(), StoreError> {
        let Some(portal) = self.by_room(room_id).await? else { return Ok(()) };
        let login = match self.speaker(&portal, user_id).await? {
            Speaker::Own(login) => Some(login),
            Speaker::Relay(login) => Some(login)
                .filter(|login| self.parts.logins.status(login).is_some_and(|status| status.owner.is_none())),
            Speaker::Nobody => None,
        };
        let session = login.and_then(|login| self.parts.logins.session(&login));
        let Some(session) = session else { return Ok(()) };
        let action: Action = outgoing.action();
        if session.limits(&portal.chat).support(action).is_some() {
            let key = DeliveryKey { key: keys::passing_key(room_id), in_doubt: None };
            let _ = session.deliver(&portal.chat, &outgoing, &key).await;
        }
        Ok(())
    }

    fn is_time_to_tell(&self, room_id: &RoomId) -> bool {
        let now_ms = self.parts.clock.now_ms();
        let mut told = self.passing.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = told.get(room_id).is_none_or(|told_ms| now_ms - told_ms >= TYPING_AGAIN_MS);
        if is_time {
            told.put(room_id.to_owned(), now_ms);
        }
        is_time
    }
}

/// Does it beside everything else, unless too much is under way.
fn pass(permits: &Arc<Semaphore>, work: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
    let Ok(permit) = Arc::clone(permits).try_acquire_owned() else { return };
    tokio::spawn(async move {
        if let Err(error) = work.await {
            tracing::debug!(%error, "A typing notice or receipt was dropped.");
        }
        drop(permit);
    });
}
