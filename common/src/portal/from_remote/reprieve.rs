//! What is done when a room does not let us: most often a fault, but a room that is replaced by another is closed before its portal moves.

use super::{Loaded, Stopped};
use crate::{
    homeserver::HomeserverError,
    portal::Portals,
    store::{MessageRow, StoreError},
};

/// Whether what a room refused is given up.
pub(super) enum Reprieve {
    /// It is.
    No,
    /// The room is closed; perhaps its portal moves on to the room that replaces it.
    Again,
    /// The portal has moved on, and the message that was meant is in the closed room.
    LeftBehind,
}

/// Decides about an attempt that failed for good, were it not for rooms that are replaced.
pub(super) async fn reprieve(
    portals: &Portals,
    stopped: &Stopped,
    loaded: &Loaded,
    failures: u32,
) -> Result<Reprieve, StoreError> {
    let Stopped::Homeserver(HomeserverError::Forbidden(_)) = stopped else { return Ok(Reprieve::No) };
    let Some(room_id) = loaded.portal.as_ref().and_then(|portal| portal.room_id.as_deref()) else {
        return Ok(Reprieve::No);
    };
    let is_elsewhere = |row: &MessageRow| row.room_id.as_deref().is_some_and(|other| other != room_id);
    if loaded.related.rows.iter().any(is_elsewhere) {
        return Ok(Reprieve::LeftBehind);
    }
    // A homeserver that does not answer now will say it at the next attempt.
    Ok(match portals.is_closed(room_id, failures).await {
        Ok(false) => Reprieve::No,
        Ok(true) | Err(_) => Reprieve::Again,
    })
}
