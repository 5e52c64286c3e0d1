//! Messages that somebody pins in a room, or unpins.

use super::{Decision, Facts, Then, ignore};
use crate::{
    message::{Action, Limits, Outgoing},
    portal::from_matrix::event::Pinning,
    store::MessageState,
};

pub(super) fn decide(facts: &Facts<'_>, limits: &Limits) -> Decision {
    let (action, is_pinned) = match facts.event.pinning() {
        Some(Pinning::Pinned(_)) => (Action::Pin, true),
        Some(Pinning::Unpinned(_)) => (Action::Unpin, false),
        Some(Pinning::Several) if limits.support(Action::Pin).is_some() => {
            return Decision::Refuse(
                "several pins were changed at once. Pin or unpin one after the other.".to_owned(),
            );
        }
        Some(Pinning::Nothing | Pinning::Several) | None => return ignore("no pin was set or removed"),
    };
    if limits.support(action).is_none() {
        return Decision::Ignore(format!(
            "{} are not carried over to {}",
            action.words(),
            facts.settings.about.name
        ));
    }
    let target = facts.related.changed.as_ref().filter(|target| target.state == MessageState::Delivered);
    let Some(target) = target.and_then(|target| target.parts.first().cloned()) else {
        return ignore("the message is on this side only");
    };
    let pin = if is_pinned { Outgoing::Pin { target } } else { Outgoing::Unpin { target } };
    Decision::Deliver(Box::new(pin), Then::Link)
}
