//! Somebody on the network asks somebody in Matrix into a chat's room: their ghost comes in and invites, as far as the room lets it.
//!
//! Must never reach a person whom the bridge is not there for: strangers get nothing, not even an invitation.

use std::num::NonZeroU32;

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use ruma::{OwnedUserId, RoomId, UserId};
use serde::Deserialize;

use super::{
    Stopped,
    voice::{Looker, Voice},
};
use crate::{
    config::Level,
    homeserver::HomeserverError,
    ids::LoginId,
    platform::{Invitation, InviteError, Invited},
    portal::Portals,
    store::PortalState,
};

/// So many people are asked in within a minute by all of a network, all at once if need be.
const INVITATIONS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("it is not zero");

/// How many may still be asked in.
pub(in crate::portal) struct Invitations(Bucket);

type Bucket =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

impl Default for Invitations {
    fn default() -> Self {
        Self(Bucket::direct_with_clock(Quota::per_minute(INVITATIONS_PER_MINUTE), MonotonicClock))
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
        self.invitations.0.check().map_err(|_| InviteError::TooMany)?;
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
        let session = self.parts.logins.session(login);
        let looker = Looker { portals: self, session: session.as_deref(), is_patient: false };
        let voice = Voice::ready(&looker, room_id, &invitation.by).await?;
        let invited = match voice.come_in().await {
            Ok(()) => voice.invites(guest).await,
            kept_out => kept_out,
        };
        match invited {
            Ok(()) => Ok(Ok(Invited::Asked(guest.to_owned()))),
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
