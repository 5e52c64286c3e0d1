//! What is done about an event from the network. Pure: from facts to a decision.

use ruma::{OwnedEventId, OwnedRoomId};

use super::{
    change::Extent,
    related::{Echo, Related},
};
use crate::{
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{
        ChatChange, ChatInfo, CreateWhen, Emoji, MemberChange, Personal, RemoteEvent, RemoteMessage, Stands,
        UserInfo,
    },
    store::{Direction, MessageRow, MessageState, PortalRow, PortalState, ReactionRow},
};

/// All that the decision rests on.
pub(super) struct Facts<'a> {
    pub(super) event: &'a RemoteEvent,
    /// Whether it came under a former id of its chat.
    pub(super) is_late: bool,
    pub(super) portal: Option<&'a PortalRow>,
    /// What the event refers to.
    pub(super) related: &'a Related,
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
    /// Let the events of a message show what it is now.
    Change(&'a RemoteMessage, Extent),
    /// Take away what was deleted.
    Redact(&'a [MessageRow]),
    /// Let the sender's ghost react to an event.
    React(Reaction<'a>),
    /// Take reactions away.
    Unreact(Vec<ReactionRow>),
    /// Bring the room in line with what stands.
    Reconcile {
        chat: &'a RemoteChatId,
        stretch: &'a (RemoteMessageId, RemoteMessageId),
        messages: &'a [Stands],
    },
    /// Pin an event in its room, or unpin it.
    Pin { room_id: &'a OwnedRoomId, event_id: &'a OwnedEventId, pinned: bool },
    /// Let the sender's ghost vote in a poll that somebody in Matrix has opened.
    Vote(Vote<'a>),
    /// Let ghosts come and go.
    Members(&'a OwnedRoomId, &'a [(RemoteUserId, MemberChange)]),
    /// Show how somebody looks now.
    Profile(&'a UserInfo),
    /// Make the chat's room now.
    Create(&'a RemoteChatId, &'a ChatInfo),
    /// Show what changed about the chat.
    Update(&'a PortalRow, &'a ChatInfo),
    /// Show the account's owner what they keep about the chat for themselves.
    Personal(&'a OwnedRoomId, &'a Personal),
    /// Empty the chat's room and forget it.
    Forget(&'a PortalRow),
    /// The chat is gone; its room stays as a memory.
    Close(&'a PortalRow),
    /// Let the chat go on under another id.
    Move { from: &'a RemoteChatId, to: &'a RemoteChatId },
    /// Let two ids be one person.
    Unite { canonical: &'a RemoteUserId, alias: &'a RemoteUserId },
    /// Tell whoever wrote a message that it has not arrived after all.
    Failed { room_id: &'a OwnedRoomId, event_id: &'a OwnedEventId, words: &'a str },
    /// Let the bot say something to the room.
    Tell(&'a OwnedRoomId, String),
}

/// A reaction from the network.
#[derive(Debug, PartialEq)]
pub(super) struct Reaction<'a> {
    /// The event that it is on.
    pub(super) on: &'a MessageRow,
    pub(super) sender: &'a RemoteUserId,
    pub(super) emoji: &'a Emoji,
    pub(super) sent_ms: Option<i64>,
}

/// A vote from the network.
#[derive(Debug, PartialEq)]
pub(super) struct Vote<'a> {
    /// The poll's event.
    pub(super) on: &'a MessageRow,
    pub(super) sender: &'a RemoteUserId,
    /// The places of the chosen answers.
    pub(super) answers: &'a [u32],
}

/// Decides.
pub(super) fn decide<'a>(facts: &Facts<'a>) -> Decision<'a> {
    if let Some(portal) = facts.portal
        && portal.state == PortalState::Unbridged
        && !is_asked_for(facts.event)
    {
        return ignore("somebody has unbridged the room");
    }
    match facts.related.echo {
        Echo::No => {}
        Echo::Perhaps => {
            return Decision::Wait("it may be what somebody in Matrix is just saying".to_owned());
        }
        Echo::Yes => return ignore("it was said in Matrix, and is shown there as it was said"),
    }
    match facts.event {
        RemoteEvent::Message(_) | RemoteEvent::Poll { .. } if facts.related.told_before => {
            ignore("it was told before, when the chat had another id")
        }
        // The words of a poll are shown like any others.
        RemoteEvent::Message(message) | RemoteEvent::Poll { message, .. } => Decision::Send(message),
        RemoteEvent::Edit { new, .. } => decide_change(facts, new, Extent::Whole),
        RemoteEvent::Preview(message) => decide_change(facts, message, Extent::Preview),
        RemoteEvent::Redact { .. } => decide_redaction(facts),
        RemoteEvent::React { sender, emoji, sent_ms, .. } => decide_reaction(facts, sender, emoji, *sent_ms),
        RemoteEvent::Unreact { sender, emoji, .. } => decide_unreact(facts, sender.as_ref(), emoji.as_ref()),
        RemoteEvent::Standing { chat, stretch, messages } => match facts.portal {
            Some(_) if facts.related.may_come => unknown(facts),
            Some(_) => Decision::Reconcile { chat, stretch, messages },
            None => ignore("the chat has no room"),
        },
        RemoteEvent::Vote { sender, answers, .. } => decide_vote(facts, sender, answers),
        RemoteEvent::Pin { pinned, .. } => decide_pin(facts, *pinned),
        RemoteEvent::MembersChanged { changes, .. } => {
            match facts.portal.and_then(|portal| portal.room_id.as_ref()) {
                Some(room_id) => Decision::Members(room_id, changes),
                None => ignore("the chat has no room"),
            }
        }
        RemoteEvent::Migrated { from, to } => Decision::Move { from, to },
        RemoteEvent::SameUser { canonical, alias } => Decision::Unite { canonical, alias },
        RemoteEvent::UserChanged(user) => Decision::Profile(user),
        RemoteEvent::ChatChanged { chat, change } => decide_chat(facts, chat, change),
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
        RemoteEvent::Failed { words, .. } => decide_failure(facts, words),
        RemoteEvent::Typing { .. }
        | RemoteEvent::Receipt { .. }
        | RemoteEvent::Arrived { .. }
        | RemoteEvent::StateChanged(_) => {
            Decision::Ignore(format!("events of the kind {} are not stored", facts.event.name()))
        }
    }
}

fn decide_failure<'a>(facts: &Facts<'a>, words: &'a str) -> Decision<'a> {
    let rows = &facts.related.rows;
    if rows.is_empty() {
        return unknown(facts);
    }
    let ours = rows.iter().find(|row| row.origin == Direction::FromMatrix);
    match ours.and_then(|row| row.room_id.as_ref().zip(row.event_id.as_ref())) {
        Some((room_id, event_id)) => Decision::Failed { room_id, event_id, words },
        None => ignore("nobody in Matrix wrote the message"),
    }
}

/// Whether a command asks for something, whatever was before.
fn is_asked_for(event: &RemoteEvent) -> bool {
    match event {
        RemoteEvent::ChatChanged { change: ChatChange::Present(info), .. } => {
            info.create == Some(CreateWhen::AtOnce)
        }
        RemoteEvent::ChatChanged { change: ChatChange::Forgotten, .. } | RemoteEvent::Migrated { .. } => true,
        _ => false,
    }
}

fn decide_change<'a>(facts: &Facts<'a>, message: &'a RemoteMessage, extent: Extent) -> Decision<'a> {
    let rows = &facts.related.rows;
    let Some(first) = rows.first() else { return unknown(facts) };
    if first.origin == Direction::FromMatrix {
        return ignore("it was said in Matrix, and is shown there as it was said");
    }
    if rows.iter().all(|row| row.state == MessageState::Gone) {
        return ignore("the message is deleted");
    }
    if rows.iter().all(|row| row.event_id.is_none()) {
        return ignore("the message that was changed did not get through");
    }
    Decision::Change(message, extent)
}

fn decide_redaction<'a>(facts: &Facts<'a>) -> Decision<'a> {
    let rows = &facts.related.rows;
    if rows.is_empty() {
        return unknown(facts);
    }
    match rows.iter().all(|row| row.state == MessageState::Gone) {
        true => ignore("it is deleted here, too"),
        false => Decision::Redact(rows),
    }
}

fn decide_reaction<'a>(
    facts: &Facts<'a>,
    sender: &'a RemoteUserId,
    emoji: &'a Emoji,
    sent_ms: Option<i64>,
) -> Decision<'a> {
    let Related { rows, reactions, .. } = facts.related;
    if rows.is_empty() {
        return unknown(facts);
    }
    let shown = rows.iter().rev().find(|row| row.state != MessageState::Gone && row.event_id.is_some());
    let Some(on) = shown else { return ignore("the message that it is on is not in a room") };
    // What somebody in Matrix has put through an account of theirs comes by their other accounts.
    let is_theirs = |row: &ReactionRow| {
        row.origin == Direction::FromMatrix
            && facts.related.person.as_ref().is_some_and(|it| *it == row.sender)
    };
    let is_same =
        |row: &ReactionRow| (is_by(row, sender) || is_theirs(row)) && row.emoji.key() == emoji.key();
    match reactions.iter().any(is_same) {
        true => ignore("the reaction is there already"),
        false => Decision::React(Reaction { on, sender, emoji, sent_ms }),
    }
}

fn decide_unreact<'a>(
    facts: &Facts<'a>,
    sender: Option<&RemoteUserId>,
    emoji: Option<&Emoji>,
) -> Decision<'a> {
    // Without a sender everybody's are gone, those of people in Matrix among them.
    let matches = |row: &&ReactionRow| {
        sender.is_none_or(|sender| is_by(row, sender))
            && emoji.is_none_or(|emoji| row.emoji.key() == emoji.key())
    };
    let found: Vec<_> = facts.related.reactions.iter().filter(matches).cloned().collect();
    match found.is_empty() {
        true => ignore("there is no such reaction here"),
        false => Decision::Unreact(found),
    }
}

fn decide_pin<'a>(facts: &Facts<'a>, pinned: bool) -> Decision<'a> {
    let rows = &facts.related.rows;
    if rows.is_empty() {
        return unknown(facts);
    }
    // A message that became several events is pinned by its first.
    let shown = rows.iter().filter(|row| row.state != MessageState::Gone);
    let mut shown = shown.filter_map(|row| row.room_id.as_ref().zip(row.event_id.as_ref()));
    match shown.next() {
        Some((room_id, event_id)) => Decision::Pin { room_id, event_id, pinned },
        None => ignore("the message is not in a room"),
    }
}

fn decide_vote<'a>(facts: &Facts<'a>, sender: &'a RemoteUserId, answers: &'a [u32]) -> Decision<'a> {
    match facts.related.rows.first() {
        None => unknown(facts),
        Some(row) if row.origin == Direction::FromRemote => ignore("polls of the network are shown in words"),
        Some(row) if row.state != MessageState::Delivered => ignore("the poll is not there any more"),
        Some(on) => Decision::Vote(Vote { on, sender, answers }),
    }
}

fn is_by(row: &ReactionRow, sender: &RemoteUserId) -> bool {
    row.origin == Direction::FromRemote && row.sender == sender.as_str()
}

/// What happened to a message that is not known; perhaps not yet.
fn unknown<'a>(facts: &Facts<'a>) -> Decision<'a> {
    match facts.related.may_come {
        true => Decision::Wait("it is about a message that may be on its way there".to_owned()),
        false => ignore("it is about a message that was never brought here"),
    }
}

fn ignore<'a>(why: &str) -> Decision<'a> {
    Decision::Ignore(why.to_owned())
}

fn decide_chat<'a>(facts: &Facts<'a>, chat: &'a RemoteChatId, change: &'a ChatChange) -> Decision<'a> {
    let with_room = facts.portal.filter(|portal| portal.room_id.is_some());
    let is_about_looks = matches!(change, ChatChange::Present(_) | ChatChange::Info(_) | ChatChange::Gone);
    if facts.is_late && is_about_looks {
        return ignore("the chat goes on under another id, which says how it is now");
    }
    match (change, with_room) {
        (ChatChange::Present(info) | ChatChange::Info(info), Some(portal)) => Decision::Update(portal, info),
        (ChatChange::Present(info), None) => decide_new_chat(facts, chat, info),
        (ChatChange::Gone, Some(portal)) => Decision::Close(portal),
        (ChatChange::Personal(personal), Some(portal)) => match &portal.room_id {
            Some(room_id) => Decision::Personal(room_id, personal),
            None => ignore("the chat has no room"),
        },
        (ChatChange::Forgotten, _) => match facts.portal {
            Some(portal) => Decision::Forget(portal),
            None => ignore("the chat is forgotten already"),
        },
        (ChatChange::Info(_) | ChatChange::Gone | ChatChange::Personal(_), None) => {
            ignore("the chat has no room")
        }
    }
}

fn decide_new_chat<'a>(facts: &Facts<'a>, chat: &'a RemoteChatId, info: &'a ChatInfo) -> Decision<'a> {
    let usual = match facts.create_at_start {
        true => CreateWhen::AtOnce,
        false => CreateWhen::FirstMessage,
    };
    match info.create.unwrap_or(usual) {
        CreateWhen::FirstMessage => ignore("the room is made at the first message"),
        CreateWhen::OnCommand => ignore("the room is made by the command `create-portal` only"),
        CreateWhen::AtOnce if !facts.connected => Decision::Wait("the account is not connected".to_owned()),
        CreateWhen::AtOnce => Decision::Create(chat, info),
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
