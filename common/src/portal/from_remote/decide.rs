//! What is done about an event from the network. Pure: from facts to a decision.

use ruma::OwnedRoomId;

use super::change;
use crate::{
    ids::RemoteChatId,
    message::{ChatChange, ChatInfo, RemoteEvent, RemoteMessage},
    store::PortalRow,
};

/// All that the decision rests on.
pub(super) struct Facts<'a> {
    pub(super) event: &'a RemoteEvent,
    pub(super) portal: Option<&'a PortalRow>,
    pub(super) connected: bool,
    pub(super) create_at_start: bool,
    /// The network's name.
    pub(super) name: &'a str,
}

/// What is done.
#[derive(Debug, PartialEq)]
pub(super) enum Decision<'a> {
    /// Nothing; the reason is kept for `trace`.
    Ignore(String),
    /// Nothing yet.
    Wait(String),
    /// Let the sender's ghost say it, in a room that is made first if need be.
    Send(&'a RemoteMessage),
    /// Make the chat's room now.
    Create(&'a RemoteChatId, &'a ChatInfo),
    /// Show what changed about the chat.
    Update(&'a PortalRow, &'a ChatInfo),
    /// The chat is gone; its room stays as a memory.
    Close(&'a PortalRow),
    /// Let the bot say something to the room.
    Tell(&'a OwnedRoomId, String),
}

/// Decides.
pub(super) fn decide<'a>(facts: &Facts<'a>) -> Decision<'a> {
    match facts.event {
        RemoteEvent::Message(message) => Decision::Send(message),
        RemoteEvent::ChatChanged { .. } => decide_chat(facts),
        RemoteEvent::Unknown { name, .. } => match facts.portal.and_then(|portal| portal.room_id.as_ref()) {
            Some(room_id) => Decision::Tell(room_id, notice(facts.name, name)),
            None => Decision::Ignore(format!("`{name}` is not understood, and belongs to no room")),
        },
        RemoteEvent::Gap { fetched_max, .. } => {
            match facts.portal.and_then(|portal| portal.room_id.as_ref()) {
                Some(room_id) => Decision::Tell(room_id, gap_notice(facts.name, *fetched_max)),
                None => Decision::Ignore("what is missing belongs to no room".to_owned()),
            }
        }
        RemoteEvent::Edit { .. }
        | RemoteEvent::Preview(_)
        | RemoteEvent::Redact { .. }
        | RemoteEvent::React { .. }
        | RemoteEvent::Unreact { .. }
        | RemoteEvent::Typing { .. }
        | RemoteEvent::Receipt { .. }
        | RemoteEvent::Poll { .. }
        | RemoteEvent::Vote { .. }
        | RemoteEvent::Pin { .. }
        | RemoteEvent::MembersChanged { .. }
        | RemoteEvent::UserChanged(_)
        | RemoteEvent::StateChanged(_)
        | RemoteEvent::Migrated { .. } => {
            Decision::Ignore(format!("events of the kind {} are not carried over yet", facts.event.name()))
        }
    }
}

fn decide_chat<'a>(facts: &Facts<'a>) -> Decision<'a> {
    let Some((chat, change)) = change(facts.event) else { return Decision::Ignore("no change".to_owned()) };
    let with_room = facts.portal.filter(|portal| portal.room_id.is_some());
    match (change, with_room) {
        (ChatChange::Present(info) | ChatChange::Info(info), Some(portal)) => Decision::Update(portal, info),
        (ChatChange::Present(_), None) if !facts.create_at_start => {
            Decision::Ignore("the room is made at the first message".to_owned())
        }
        (ChatChange::Present(_), None) if !facts.connected => {
            Decision::Wait("the account is not connected".to_owned())
        }
        (ChatChange::Present(info), None) => Decision::Create(chat, info),
        (ChatChange::Gone, Some(portal)) => Decision::Close(portal),
        (ChatChange::Info(_) | ChatChange::Gone, None) => Decision::Ignore("the chat has no room".to_owned()),
    }
}

fn notice(network: &str, name: &str) -> String {
    format!(
        "Something came from {network} that this bridge cannot show yet ({name}). It is kept and can be shown after an upgrade."
    )
}

fn gap_notice(network: &str, fetched_max: Option<usize>) -> String {
    match fetched_max {
        Some(count) => format!(
            "More was said on {network} while the bridge was away than it fetches at once ({count} messages); some messages are \
             missing here."
        ),
        None => format!(
            "Something was said on {network} while the bridge was away that it may not read there; some messages are missing here."
        ),
    }
}

#[cfg(test)]
mod tests;
