//! What an event from the network refers to, as our map knows it.

use crate::{
    ids::{RemoteChatId, RemoteMessageId},
    message::RemoteEvent,
    portal::Portals,
    store::{Direction, MessageRow, MessageState, PortalRow, ReactionRow, StoreError},
};

/// An event about a message that is not recorded yet waits for so many attempts.
const PATIENCE_ATTEMPTS: u32 = 3;

/// Everything that an event refers to.
#[derive(Debug, Default)]
pub(super) struct Related {
    /// The messages, each with all the events that it became.
    pub(super) rows: Vec<MessageRow>,
    /// The reactions on the message.
    pub(super) reactions: Vec<ReactionRow>,
    /// The message is not known, but may be one that is being delivered right now.
    pub(super) may_come: bool,
}

/// Looks up what `event` refers to. New messages refer to nothing, and cost nothing.
pub(super) async fn load(
    portals: &Portals,
    portal: Option<&PortalRow>,
    event: &RemoteEvent,
    failures: u32,
) -> Result<Related, StoreError> {
    let related = look_up(portals, event).await?;
    if related.rows.iter().any(|row| row.state == MessageState::Open) {
        // The record of what this very lane has just sent may still be riding along.
        portals.parts.store.settled().await?;
        return look_up(portals, event).await;
    }
    let room_id = portal.and_then(|portal| portal.room_id.as_ref());
    if let (true, true, Some(room_id)) = (refers(event), related.rows.is_empty(), room_id) {
        let under_way =
            portals.parts.store.lane_rows(Direction::FromMatrix, room_id.as_str(), None, 1).await?;
        let may_come = failures < PATIENCE_ATTEMPTS && !under_way.is_empty();
        return Ok(Related { may_come, ..related });
    }
    Ok(related)
}

/// Whether the event is about a message that must be there already.
fn refers(event: &RemoteEvent) -> bool {
    matches!(
        event,
        RemoteEvent::Edit { .. }
            | RemoteEvent::Preview(_)
            | RemoteEvent::Redact { .. }
            | RemoteEvent::React { .. }
            | RemoteEvent::Unreact { .. }
    )
}

async fn look_up(portals: &Portals, event: &RemoteEvent) -> Result<Related, StoreError> {
    let store = &portals.parts.store;
    let mut related = Related::default();
    match event {
        RemoteEvent::Edit { new: message, .. } | RemoteEvent::Preview(message) => {
            related.rows = store.message_by_remote(&message.chat, &message.id).await?;
        }
        RemoteEvent::Redact { chat, ids, .. } => related.rows = all(portals, chat, ids).await?,
        RemoteEvent::React { chat, target, .. } | RemoteEvent::Unreact { chat, target, .. } => {
            related.rows = store.message_by_remote(chat, target).await?;
            related.reactions = store.reactions(chat, target).await?;
        }
        RemoteEvent::Message(_)
        | RemoteEvent::Typing { .. }
        | RemoteEvent::Receipt { .. }
        | RemoteEvent::Poll { .. }
        | RemoteEvent::Vote { .. }
        | RemoteEvent::Pin { .. }
        | RemoteEvent::ChatChanged { .. }
        | RemoteEvent::MembersChanged { .. }
        | RemoteEvent::UserChanged(_)
        | RemoteEvent::StateChanged(_)
        | RemoteEvent::Migrated { .. }
        | RemoteEvent::Gap { .. }
        | RemoteEvent::Standing { .. }
        | RemoteEvent::Unknown { .. } => {}
    }
    Ok(related)
}

async fn all(
    portals: &Portals,
    chat: &RemoteChatId,
    ids: &[RemoteMessageId],
) -> Result<Vec<MessageRow>, StoreError> {
    let mut rows = Vec::new();
    for id in ids {
        rows.append(&mut portals.parts.store.message_by_remote(chat, id).await?);
    }
    Ok(rows)
}
