//! Who is asked into a room or sent out of it, where the chat on the network is to follow.

use ruma::UserId;

use super::{Decision, Facts, Then};
use crate::{
    message::{Action, Outgoing},
    portal::speaker::Speaker,
    store::{PortalRow, PortalState},
};

/// What is done about a change of membership; `None` where it asks nothing of the network.
///
/// Only people with accounts of their own in the chat move others there: whoever a relay speaks for has no place in it. The people of a room
/// that was there before its chat are its own business.
pub(super) fn decide(facts: &Facts<'_>) -> Option<Decision> {
    let (member, change) = facts.event.moves()?;
    let user = facts.reading.ghosts.remote(<&UserId>::try_from(member).ok()?)?;
    let is_followed = facts.portal.is_some_and(follows) && matches!(facts.speaker, Speaker::Own(_));
    if !is_followed {
        return None;
    }
    let Some(limits) = &facts.limits else {
        let name = facts.settings.about.name;
        return Some(Decision::Wait(format!("the account on {name} is not connected")));
    };
    limits.support(Action::Member)?;
    Some(Decision::Deliver(Box::new(Outgoing::Member { user, change }), Then::Link))
}

/// Whether the people of a room are those of its chat.
pub(in crate::portal::from_matrix) fn follows(portal: &PortalRow) -> bool {
    portal.state == PortalState::Active && !portal.plumbed
}
