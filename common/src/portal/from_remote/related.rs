//! What an event from the network refers to, as our map knows it.

use ruma::{OwnedUserId, RoomId};
use serde::Deserialize;

use crate::{
    ids::{LoginId, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{RemoteEvent, Stands},
    portal::Portals,
    store::{Direction, MessageRow, MessageState, OpenRow, PortalRow, ReactionRow, StoreError},
};

/// An event about a message that is not recorded yet waits for so many attempts.
const PATIENCE_ATTEMPTS: u32 = 3;

/// What says that a message did not arrive may come long before the network has answered that it took it, and nothing else tells.
const FAILURE_PATIENCE_ATTEMPTS: u32 = 9;

/// Everything that an event refers to.
#[derive(Debug, Default)]
pub(super) struct Related {
    /// The messages, each with all the events that it became.
    pub(super) rows: Vec<MessageRow>,
    /// The reactions on the message.
    pub(super) reactions: Vec<ReactionRow>,
    /// The message itself is known, from when its chat was known by another id.
    pub(super) told_before: bool,
    /// The message is not known, but may be one that is being delivered right now.
    pub(super) may_come: bool,
    /// Whether somebody in Matrix did it, and another account only saw it.
    pub(super) echo: Echo,
    /// Who in Matrix stands behind whoever did it.
    pub(super) person: Option<OwnedUserId>,
}

/// Whether an event is only what somebody in Matrix has done through an account of theirs, seen by another account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Echo {
    /// It happened on the network.
    #[default]
    No,
    /// Something of theirs is on its way there; once that is recorded, it is known.
    Perhaps,
    /// It is.
    Yes,
}

/// Looks up what `event` refers to. New messages refer to nothing, and cost nothing.
pub(super) async fn load(
    portals: &Portals,
    portal: Option<&PortalRow>,
    event: &RemoteEvent,
    (row, failures): (&OpenRow, u32),
) -> Result<Related, StoreError> {
    let portal = portal.and_then(|portal| Some((portal, portal.room_id.as_deref()?)));
    let room_id = portal.map(|(_, room_id)| room_id);
    let mut related = look_up(portals, event).await?;
    if related.rows.iter().any(|row| row.state == MessageState::Open) {
        // The record of what this very lane has just sent may still be riding along.
        portals.parts.store.settled().await?;
        related = look_up(portals, event).await?;
    } else if let Some(room_id) = room_id
        && failures < patience(event)
        && may_be_early(event, &related)
    {
        let under_way =
            portals.parts.store.lane_rows(Direction::FromMatrix, room_id.as_str(), None, 1).await?;
        // Only what began before this was heard can be what it is about.
        let is_under_way = under_way.first().is_some_and(|head| head.id < row.id);
        if is_under_way {
            related.may_come = names_unknown(portals, event).await?;
        } else {
            // It may have been recorded between the two looks.
            related = look_up(portals, event).await?;
        }
    }
    if let (Some(portal), Some((sender, message))) = (portal, deed(event))
        && let Some(account) = portals.account_of(sender).await?
    {
        related.echo = echo(portals, (portal, &account), message, row).await?;
        related.person = portals.person_behind(sender).await?;
    }
    Ok(related)
}

/// Who did what an account of this bridge may have done for somebody in Matrix, and the message that is new by it.
fn deed(event: &RemoteEvent) -> Option<(&RemoteUserId, Option<(&RemoteChatId, &RemoteMessageId)>)> {
    match event {
        RemoteEvent::Message(message) | RemoteEvent::Poll { message, .. } => {
            Some((&message.sender.ids.primary, Some((&message.chat, &message.id))))
        }
        RemoteEvent::React { sender, .. } => Some((sender, None)),
        _ => None,
    }
}

/// Whether it is what somebody in Matrix did through that account: their delivery is recorded, or still on its way there since before this
/// was seen.
async fn echo(
    portals: &Portals,
    ((portal, room_id), account): ((&PortalRow, &RoomId), &LoginId),
    message: Option<(&RemoteChatId, &RemoteMessageId)>,
    row: &OpenRow,
) -> Result<Echo, StoreError> {
    #[derive(Deserialize)]
    struct By {
        sender: OwnedUserId,
    }
    let store = &portals.parts.store;
    let under_way = store.lane_rows(Direction::FromMatrix, room_id.as_str(), None, 1).await?;
    let head = under_way.first().filter(|head| head.id < row.id);
    let by = head.and_then(|head| serde_json::from_str::<By>(&head.body).ok());
    if let Some(By { sender }) = by
        && portals.speaker(portal, &sender).await?.login() == Some(account)
    {
        return Ok(Echo::Perhaps);
    }
    let Some((chat, id)) = message else { return Ok(Echo::No) };
    let rows = store.message_by_remote(chat, id).await?;
    let is_theirs = rows.iter().any(|row| row.origin == Direction::FromMatrix);
    Ok(if is_theirs { Echo::Yes } else { Echo::No })
}

/// Whether the event may be about a message that is not recorded yet.
fn may_be_early(event: &RemoteEvent, related: &Related) -> bool {
    matches!(event, RemoteEvent::Standing { .. }) || (refers(event) && related.rows.is_empty())
}

/// Of what stands, only a message with reactions on it has something to lose. Of everything else it is known that its message is unknown.
async fn names_unknown(portals: &Portals, event: &RemoteEvent) -> Result<bool, StoreError> {
    let RemoteEvent::Standing { chat, messages, .. } = event else { return Ok(true) };
    let bears_reactions =
        |message: &&Stands| message.reactions.as_ref().is_some_and(|reactions| !reactions.is_empty());
    for message in messages.iter().filter(bears_reactions) {
        if portals.parts.store.message_by_remote(chat, &message.id).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
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
            | RemoteEvent::Pin { .. }
            | RemoteEvent::Vote { .. }
            | RemoteEvent::Failed { .. }
    )
}

fn patience(event: &RemoteEvent) -> u32 {
    if matches!(event, RemoteEvent::Failed { .. }) { FAILURE_PATIENCE_ATTEMPTS } else { PATIENCE_ATTEMPTS }
}

async fn look_up(portals: &Portals, event: &RemoteEvent) -> Result<Related, StoreError> {
    let store = &portals.parts.store;
    let mut related = Related::default();
    match event {
        RemoteEvent::Edit { new: message, .. } | RemoteEvent::Preview(message) => {
            related.rows = store.message_by_remote(&message.chat, &message.id).await?;
        }
        RemoteEvent::Redact { chat, ids, .. } => related.rows = all(portals, chat, ids).await?,
        RemoteEvent::Pin { chat, target, .. } | RemoteEvent::Vote { chat, target, .. } => {
            related.rows = store.message_by_remote(chat, target).await?;
        }
        RemoteEvent::Failed { chat, id, .. } => related.rows = store.message_by_remote(chat, id).await?,
        RemoteEvent::React { chat, target, .. } | RemoteEvent::Unreact { chat, target, .. } => {
            related.rows = store.message_by_remote(chat, target).await?;
            related.reactions = portals.by_ghosts(store.reactions(chat, target).await?).await?;
        }
        RemoteEvent::Message(_)
        | RemoteEvent::Typing { .. }
        | RemoteEvent::Receipt { .. }
        | RemoteEvent::Arrived { .. }
        | RemoteEvent::Poll { .. }
        | RemoteEvent::ChatChanged { .. }
        | RemoteEvent::MembersChanged { .. }
        | RemoteEvent::UserChanged(_)
        | RemoteEvent::StateChanged(_)
        | RemoteEvent::Migrated { .. }
        | RemoteEvent::SameUser { .. }
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
