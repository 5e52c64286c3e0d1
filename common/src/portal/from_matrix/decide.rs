//! What is done about an event from Matrix. Pure: from facts to a decision.

use ruma::{OwnedRoomId, RoomId, UserId};

use super::{
    event::Event,
    related::{Related, Target},
};
use crate::{
    config::Level,
    convert::FromMatrix,
    message::{Action, Attachment, ChatCommand, Limits, Outgoing, Support},
    portal::{CommandPort, PortalSettings, speaker::Speaker},
    store::{JournalId, PortalRow, PortalState, ReactionRow},
};

mod change;
mod looks;
pub(super) mod members;
mod message;
mod pin;
mod poll;

/// All that the decision rests on.
pub(super) struct Facts<'a> {
    pub(super) event: &'a Event,
    pub(super) portal: Option<&'a PortalRow>,
    /// The room has no portal yet, and will have one.
    pub(super) in_the_making: bool,
    /// The other room in which the chat of this one goes on.
    pub(super) goes_on_in: Option<&'a RoomId>,
    /// The room is there for talking with the bot.
    pub(super) is_management: bool,
    pub(super) level: Level,
    /// Something of the network waits for the room; it may tell that another account sees the chat.
    pub(super) is_chat_busy: bool,
    /// Who speaks for the sender.
    pub(super) speaker: &'a Speaker,
    /// What the chat carries; none while its login has no session.
    pub(super) limits: Option<Limits>,
    pub(super) reading: FromMatrix<'a>,
    pub(super) settings: &'a PortalSettings,
    pub(super) commands: &'a dyn CommandPort,
    pub(super) bot: &'a UserId,
    /// What the event refers to.
    pub(super) related: &'a Related,
    /// Gives a file of Matrix a public address, where that is possible.
    pub(super) link: &'a (dyn Fn(&Attachment) -> Option<String> + Sync),
}

/// What is done.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Bring it to the network.
    Deliver(Box<Outgoing>, Then),
    /// The network has it so already; only our own records change.
    Record(Then),
    /// Try a parked message again.
    Retry(JournalId),
    /// Give up a parked message.
    GiveUp(JournalId),
    /// Tell the person that it does not go, and why.
    Refuse(String),
    /// Nothing; the reason is kept for `trace`.
    Ignore(String),
    /// Nothing yet.
    Wait(String),
    /// Run a command.
    Command(String),
    /// Hear words that are meant for the bot.
    Hear(String),
    /// Follow the portal into the room that replaces this one.
    Follow(OwnedRoomId),
    /// Follow an invitation.
    Join,
    /// Decline an invitation.
    Leave(String),
}

/// What is recorded once a delivery has taken place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Then {
    /// The messages that it became belong to the event.
    Link,
    /// They belong to the message that was changed.
    Relink(Target),
    /// The message is gone on both sides.
    Gone(Target),
    /// The reaction stands on both sides.
    React(Box<ReactionRow>),
    /// The reaction is gone on both sides.
    Unreact(ReactionRow),
}

/// Decides.
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    if let Some((member, membership)) = facts.event.membership() {
        return decide_membership(facts, member, membership);
    }
    if let Some(successor) = facts.event.closes() {
        return decide_closing(facts, successor);
    }
    if let Some(call) = call(facts) {
        return match facts.level >= Level::Commands {
            true => call,
            false => ignore("the sender may not give commands"),
        };
    }
    let Some(portal) = facts.portal else {
        return match (facts.in_the_making, facts.goes_on_in) {
            (true, _) => Decision::Wait("the room is still being made".to_owned()),
            (false, None) => ignore("the room is no portal"),
            (false, Some(_)) if facts.level < Level::Relay => ignore("the room was left by its chat"),
            (false, Some(room_id)) => Decision::Refuse(format!(
                "this chat goes on in another room, https://matrix.to/#/{room_id}. Please say it there."
            )),
        };
    };
    if facts.level < Level::Relay {
        return ignore("the sender has no right to use this bridge");
    }
    if let Some(action) = facts.event.decorates()
        && !looks::can_go(facts, portal, action)
    {
        return Decision::Ignore(format!("{} of this room go nowhere", action.words()));
    }
    match portal.state {
        PortalState::Active | PortalState::Filling => {}
        PortalState::Unbridged => return ignore("somebody has unbridged the room"),
        PortalState::Gone => {
            let name = facts.settings.about.name;
            return Decision::Refuse(format!(
                "this chat is not on {name} any more, or its account may not see it."
            ));
        }
    }
    let name = facts.settings.about.name;
    if *facts.speaker == Speaker::Nobody && facts.is_chat_busy {
        return Decision::Wait("it is not known yet which accounts see the chat".to_owned());
    }
    if *facts.speaker == Speaker::Nobody {
        let prefix = &facts.settings.command_prefix;
        return Decision::Refuse(format!(
            "you have no account on {name} that is in this chat, and nobody speaks here for people without one. Sign in with `login` in \
             a direct chat with the bridge, or let an account of yours speak for all with `{prefix} set-relay`."
        ));
    }
    let Some(limits) = &facts.limits else {
        return Decision::Wait(format!("the account on {name} is not connected"));
    };
    match &*facts.event.event_type {
        "m.room.message" | "m.sticker" => message::decide(facts, limits),
        "m.room.encrypted" => Decision::Refuse(
            "this room is encrypted, and the bridge cannot read it. Use a room without encryption.".into(),
        ),
        "m.reaction" => change::decide_reaction(facts, portal, limits),
        "m.room.redaction" => change::decide_redaction(facts, limits),
        "m.room.pinned_events" => pin::decide(facts, limits),
        "m.room.name" | "m.room.topic" => looks::decide(facts),
        other => poll::decide(facts, limits)
            .unwrap_or_else(|| ignore(&format!("events of the type {other} are not carried over"))),
    }
}

fn decide_membership(facts: &Facts<'_>, member: &str, membership: &str) -> Decision {
    if let Some(decision) = members::decide(facts) {
        return decision;
    }
    if membership != "invite" || member != facts.bot.as_str() {
        return ignore("a change of membership that asks for nothing");
    }
    match facts.level >= Level::Commands {
        true => Decision::Join,
        false => Decision::Leave("somebody without the right to use this bridge invited it".to_owned()),
    }
}

fn decide_closing(facts: &Facts<'_>, successor: Option<OwnedRoomId>) -> Decision {
    match (facts.portal, successor) {
        (None, _) if facts.in_the_making => Decision::Wait("the room is still being made".to_owned()),
        (None, _) => ignore("the room is no portal"),
        (Some(_), None) => ignore("the room was closed, and no other takes its place"),
        (Some(_), Some(successor)) if successor == facts.event.room_id => {
            ignore("a room cannot take its own place")
        }
        (Some(_), Some(successor)) => Decision::Follow(successor),
    }
}

/// What is said to the bot: behind the prefix anywhere, or on its own where there is no portal.
fn call(facts: &Facts<'_>) -> Option<Decision> {
    let body = facts.event.body()?.trim();
    if facts.event.content.get("msgtype").and_then(|kind| kind.as_str()) != Some("m.text") {
        return None;
    }
    if let Some(words) = body.strip_prefix(&*facts.settings.command_prefix)
        && (words.is_empty() || words.starts_with(char::is_whitespace))
    {
        // Its answer would be that of a room that is joined to nothing.
        if facts.in_the_making {
            return Some(Decision::Wait("the room is still being made".to_owned()));
        }
        let words = words.trim();
        let is_chats = chat_command(facts, words).is_some() || is_perhaps_chats(facts, words);
        return (!is_chats).then(|| Decision::Command(words.to_owned()));
    }
    let first = body.split_whitespace().next()?;
    if facts.portal.is_some() || facts.in_the_making {
        return None;
    }
    // What was asked comes first: an answer can be any word.
    if facts.commands.awaits(&facts.event.room_id, &facts.event.sender) {
        return Some(Decision::Hear(body.to_owned()));
    }
    if facts.commands.knows(first) {
        return Some(Decision::Command(body.to_owned()));
    }
    facts.is_management.then(|| Decision::Hear(body.to_owned()))
}

/// A command that the network performs in this chat, as its limits say. The bridge's own come first.
fn chat_command(facts: &Facts<'_>, words: &str) -> Option<ChatCommand> {
    let (name, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let name = name.to_lowercase();
    let is_listed = facts.limits.as_ref().is_some_and(|limits| limits.commands.contains_key(&name));
    (is_listed && !facts.commands.knows(&name)).then(|| ChatCommand { name, words: rest.trim().to_owned() })
}

/// Whether nobody can say yet what it is: only a connected account knows which commands its network performs in this chat.
fn is_perhaps_chats(facts: &Facts<'_>, words: &str) -> bool {
    let is_known =
        words.split_whitespace().next().is_none_or(|name| facts.commands.knows(&name.to_lowercase()));
    let is_heard = facts.portal.is_some_and(|portal| portal.state == PortalState::Active);
    is_heard && facts.limits.is_none() && *facts.speaker != Speaker::Nobody && !is_known
}

/// Why the network does not take the action on a message of that age, if it does not.
fn obstacle(facts: &Facts<'_>, limits: &Limits, action: Action, target: &Target) -> Option<Decision> {
    let name = facts.settings.about.name;
    match limits.support(action) {
        None => Some(refuse(facts, action)),
        Some(Support::Full | Support::Fallback) => None,
        Some(Support::Until(age_ms)) => {
            let age = u64::try_from(facts.event.sent_ms.saturating_sub(target.sent_ms)).unwrap_or_default();
            let minutes = age_ms / 60_000;
            (age > *age_ms).then(|| {
                Decision::Refuse(format!(
                    "{name} takes {} only for {minutes} minutes after a message was sent.",
                    action.words()
                ))
            })
        }
    }
}

fn refuse(facts: &Facts<'_>, action: Action) -> Decision {
    Decision::Refuse(format!("{} are not carried over to {} yet.", action.words(), facts.settings.about.name))
}

fn ignore(why: &str) -> Decision {
    Decision::Ignore(why.to_owned())
}

#[cfg(test)]
mod tests;
