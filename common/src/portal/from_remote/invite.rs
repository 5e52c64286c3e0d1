//! Somebody on the network asks somebody in Matrix into a chat's room: their ghost comes in and invites, as far as the room lets it.
//!
//! Must never reach a person whom the bridge is not there for: strangers get nothing, not even an invitation.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, MutexGuard, PoisonError},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use lru::LruCache;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;

use super::{
    Stopped,
    voice::{Looker, Voice},
};
use crate::{
    clock::TimestampMs,
    config::Level,
    homeserver::HomeserverError,
    ids::{LoginId, RemoteChatId},
    platform::{Invitation, InviteError, Invited},
    portal::Portals,
    store::PortalState,
};

/// So many people are asked into one room within a minute, all at once if need be.
const INVITATIONS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("it is not zero");

/// When more chats than this have asked people in, those that did not lately are forgotten.
const CHATS_MAX: usize = 1_000;

/// Whoever did not come or stay is left in peace for so long, in milliseconds; and so many of them are remembered.
const PEACE_MS: i64 = 24 * 60 * 60 * 1000;
const GUESTS_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Who was asked in lately, and how many may still be.
pub(in crate::portal) struct Invitations {
    buckets: Buckets,
    guests: Mutex<LruCache<(OwnedRoomId, OwnedUserId), TimestampMs>>,
}

type Buckets = RateLimiter<
    RemoteChatId,
    HashMapStateStore<RemoteChatId>,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as Clock>::Instant>,
>;

impl Default for Invitations {
    fn default() -> Self {
        let quota = Quota::per_minute(INVITATIONS_PER_MINUTE);
        Self {
            buckets: RateLimiter::hashmap_with_clock(quota, MonotonicClock),
            guests: Mutex::new(LruCache::new(GUESTS_MAX)),
        }
    }
}

impl Invitations {
    fn may_ask(&self, chat: &RemoteChatId) -> bool {
        if self.buckets.len() > CHATS_MAX {
            self.buckets.retain_recent();
        }
        self.buckets.check_key(chat).is_ok()
    }

    fn guests(&self) -> MutexGuard<'_, LruCache<(OwnedRoomId, OwnedUserId), TimestampMs>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Member {
    membership: String,
}

impl Portals {
    /// Asks somebody in Matrix into a chat's room.
    ///
    /// # Errors
    /// With words for whoever asked; then nothing has happened.
    pub async fn invite(&self, login: &LoginId, invitation: Invitation) -> Result<Invited, InviteError> {
        let guest = self.guest(&invitation.guest)?;
        if !self.invitations.may_ask(&invitation.chat) {
            return Err(InviteError::TooMany);
        }
        let asked = self.ask_guest_in(login, &invitation, &guest).await;
        asked.unwrap_or_else(|error| {
            tracing::warn!(%error, "Somebody could not be asked into a room.");
            Err(InviteError::Away)
        })
    }

    /// Who is meant, if the bridge is there for them.
    fn guest(&self, written: &str) -> Result<OwnedUserId, InviteError> {
        let guest = UserId::parse(written.trim()).map_err(|_| InviteError::Nobody)?;
        if self.parts.names.is_ours(&guest) {
            return Err(InviteError::OneOfUs);
        }
        if self.parts.settings.permissions.level(&guest) < Level::Relay {
            return Err(InviteError::NotForThem(guest));
        }
        Ok(guest)
    }

    async fn ask_guest_in(
        &self,
        login: &LoginId,
        invitation: &Invitation,
        guest: &UserId,
    ) -> Result<Result<Invited, InviteError>, Stopped> {
        let portal =
            self.by_chat(&invitation.chat).await?.filter(|portal| portal.state == PortalState::Active);
        let Some(room_id) = portal.as_ref().and_then(|portal| portal.room_id.as_deref()) else {
            return Ok(Err(InviteError::NoRoom));
        };
        match self.membership(room_id, guest).await?.as_deref() {
            Some("join" | "invite") => return Ok(Ok(Invited::Already(guest.to_owned()))),
            Some("ban") => return Ok(Err(InviteError::Forbidden(guest.to_owned()))),
            _ => {}
        }
        let (asked, now_ms) = ((room_id.to_owned(), guest.to_owned()), self.parts.clock.now_ms());
        if self.invitations.guests().get(&asked).is_some_and(|asked_ms| now_ms < asked_ms + PEACE_MS) {
            return Ok(Err(InviteError::AskedLately(guest.to_owned())));
        }
        let session = self.parts.logins.session(login);
        let looker = Looker { portals: self, session: session.as_deref(), is_patient: false };
        let voice = Voice::ready(&looker, room_id, &invitation.by).await?;
        let invited = match voice.come_in().await {
            Ok(()) => voice.invites(guest).await,
            kept_out => kept_out,
        };
        match invited {
            Ok(()) => {
                self.invitations.guests().put(asked, now_ms);
                Ok(Ok(Invited::Asked(guest.to_owned())))
            }
            Err(HomeserverError::Forbidden(_)) => Ok(Err(InviteError::Forbidden(guest.to_owned()))),
            Err(error) => Err(error.into()),
        }
    }

    async fn membership(
        &self,
        room_id: &RoomId,
        user_id: &UserId,
    ) -> Result<Option<String>, HomeserverError> {
        let bot = self.parts.homeserver.bot();
        let member = bot.state_event(room_id, "m.room.member", user_id.as_str()).await?;
        let member = member.and_then(|raw| serde_json::from_str::<Member>(raw.get()).ok());
        Ok(member.map(|member| member.membership))
    }
}
