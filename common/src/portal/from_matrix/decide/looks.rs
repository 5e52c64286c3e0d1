//! What a room is called and what it is about, where the network's chat is to be called so, too.

use serde_json::Value;

use super::{Decision, Facts, Then, ignore};
use crate::{
    message::{Action, Outgoing},
    portal::speaker::Speaker,
    store::{PortalRow, PortalState},
};

/// Whether there is a way for what only decorates a room. Most rooms' looks are their own business, and nobody is told that they stay there.
pub(super) fn can_go(facts: &Facts<'_>, portal: &PortalRow, action: Action) -> bool {
    let is_carried = facts.limits.as_ref().is_none_or(|limits| limits.support(action).is_some());
    // The looks of a room that was there before its chat are its people's own.
    let is_shared = !(portal.plumbed && action == Action::ChatInfo);
    is_carried && is_shared && *facts.speaker != Speaker::Nobody && portal.state != PortalState::Gone
}

pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    let text = |key: &str| {
        let text = facts.event.content.get(key).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (name, topic) = match &*facts.event.event_type {
        "m.room.name" => (text("name"), None),
        _ => (None, Some(text("topic").unwrap_or_default())),
    };
    if name.is_none() && topic.is_none() {
        return ignore("a chat cannot be without a name");
    }
    Decision::Deliver(Box::new(Outgoing::ChatInfo { name, topic }), Then::Link)
}
