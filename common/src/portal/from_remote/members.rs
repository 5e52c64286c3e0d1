//! People who come to a chat or leave it, as their ghosts do in its room.

use std::num::NonZeroU32;

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use ruma::RoomId;

use super::{
    Stopped,
    voice::{Looker, Voice},
};
use crate::{
    homeserver::tolerate,
    ids::{AliasSet, RemoteUserId},
    message::{MemberChange, Sender},
    platform::Session,
    portal::Portals,
};

/// So many ghosts come in without a word in a minute, all at once if need be; the others come when they first speak. Crowds must not hold up
/// what is said.
const COMING_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("it is not zero");

/// How many may still come in.
pub(in crate::portal) struct Coming(Bucket);

type Bucket =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

impl Default for Coming {
    fn default() -> Self {
        Self(Bucket::direct_with_clock(Quota::per_minute(COMING_PER_MINUTE), MonotonicClock))
    }
}

/// Lets ghosts come and go. Who is in Matrix themselves decides alone which rooms they are in.
pub(super) async fn change(
    portals: &Portals,
    room_id: &RoomId,
    changes: &[(RemoteUserId, MemberChange)],
    session: Option<&dyn Session>,
) -> Result<(), Stopped> {
    for (user, change) in changes {
        if portals.parts.logins.person_behind(user).is_some() {
            continue;
        }
        match change {
            MemberChange::Joined if portals.coming.0.check().is_ok() => {
                let looker = Looker { portals, session, is_patient: false };
                let sender = Sender { ids: AliasSet::single(user.clone()), name: None, avatar: None };
                let voice = Voice::ready(&looker, room_id, &sender).await?;
                tolerate(voice.come_in().await, "A ghost does not come into a room.")?;
            }
            MemberChange::Joined => {}
            MemberChange::Left | MemberChange::Banned => {
                let Some(row) = portals.parts.store.ghost(user).await? else { continue };
                let Some(ghost) = portals.parts.names.ghost(&row.user) else { continue };
                let left = portals.parts.homeserver.intent(&ghost).leave(room_id).await;
                tolerate(left, "A ghost does not leave a room.")?;
            }
        }
    }
    Ok(())
}
