//! People who come to a chat or leave it, as their ghosts do in its room.

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

/// So many ghosts come in for one change; the others come when they first speak.
const COMING_MAX: usize = 100;

/// Lets ghosts come and go. Who is in Matrix themselves decides alone which rooms they are in.
pub(super) async fn change(
    portals: &Portals,
    room_id: &RoomId,
    changes: &[(RemoteUserId, MemberChange)],
    session: Option<&dyn Session>,
) -> Result<(), Stopped> {
    let mut coming = 0;
    for (user, change) in changes {
        if portals.parts.logins.person_behind(user).is_some() {
            continue;
        }
        match change {
            MemberChange::Joined if coming < COMING_MAX => {
                coming += 1;
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
