//! Reactions and redactions: what happens to messages that are there.

use super::{Decision, Facts, Then, ignore, obstacle, refuse};
use crate::{
    config::{Level, RelayReactions},
    convert::read_reaction,
    message::{Action, Emoji, Limits, Message, Node, Outgoing, OutgoingMessage, RichText},
    portal::{from_matrix::related::Target, speaker::Speaker},
    store::{Direction, MessageState, PortalRow, ReactionRow},
};

/// A reaction with one of these on a message that did not get through, or on the notice that says so, tries it again.
const RETRY_EMOJI: [&str; 2] = ["🔁", "🔄"];

pub(super) fn decide_reaction(facts: &Facts<'_>, portal: &PortalRow, limits: &Limits) -> Decision {
    let Some((on, emoji)) = read_reaction(&facts.event.content) else {
        return ignore("the reaction does not say to what, or with what");
    };
    let Some(target) = &facts.related.changed else {
        return ignore("the message that it is on is on this side only");
    };
    match target.state {
        MessageState::Failed | MessageState::Uncertain => return decide_retry(facts, target, &emoji),
        MessageState::Gone => return ignore("the message that it is on is deleted"),
        MessageState::Open | MessageState::Ignored | MessageState::Dropped => {
            return ignore("the message that it is on is on this side only");
        }
        MessageState::Delivered if target.event_id != on => {
            return ignore("it is on a notice about a message that did get through");
        }
        MessageState::Delivered => {}
    }
    let emoji = facts.related.emoji.clone().unwrap_or(emoji);
    // Who speaks through an account of their own is told that it has no reactions.
    if matches!(facts.speaker, Speaker::Relay(_))
        && limits.support(Action::React).is_none()
        && limits.support(Action::Message).is_some()
    {
        return decide_reaction_in_words(facts, target, emoji);
    }
    if let Some(decision) = obstacle(facts, limits, Action::React, target) {
        return decision;
    }
    let Some(part) = target.parts.last() else {
        return ignore("the message that it is on left nothing to react to");
    };
    let row = ReactionRow {
        chat: portal.chat.clone(),
        target: part.clone(),
        origin: Direction::FromMatrix,
        sender: facts.event.sender.to_string(),
        emoji,
        room_id: facts.event.room_id.clone(),
        event_id: facts.event.event_id.clone(),
    };
    let then = Then::React(Box::new(row.clone()));
    // A relay has one voice: its reaction stands for everybody who gave the same.
    if facts.related.reactions.iter().any(|other| is_other_voice(facts, other, &row)) {
        return Decision::Record(then);
    }
    let react = Outgoing::React { target: row.target, emoji: row.emoji, author: None };
    Decision::Deliver(Box::new(react), then)
}

/// The network has no reactions. For somebody else an account can say one in a message, where the operator wants that; a notice under every
/// reaction nobody wants.
fn decide_reaction_in_words(facts: &Facts<'_>, target: &Target, emoji: Emoji) -> Decision {
    let name = facts.settings.about.name;
    match facts.settings.relay_reactions {
        RelayReactions::Off => {
            return Decision::Ignore(format!("{name} has no reactions, and `bridge.relay_reactions` is off"));
        }
        RelayReactions::Words => {}
    }
    let Some(part) = target.parts.last() else {
        return ignore("the message that it is on left nothing to answer");
    };
    let node = match emoji {
        Emoji::Unicode(emoji) => Node::Text(emoji),
        Emoji::Custom { name, source } => Node::CustomEmoji { name, source },
    };
    let message =
        Message { reply_to: Some(part.clone()), silent_reply: true, ..Message::text(RichText(vec![node])) };
    let said = OutgoingMessage { message, author: None, sent_ms: facts.event.sent_ms };
    Decision::Deliver(Box::new(Outgoing::Message(said)), Then::Link)
}

pub(super) fn decide_redaction(facts: &Facts<'_>, limits: &Limits) -> Decision {
    if let Some(reaction) = &facts.related.taken_back {
        return decide_unreact(facts, limits, reaction);
    }
    let Some(target) = &facts.related.changed else {
        return ignore("what was deleted is on this side only");
    };
    let is_own = target.is_by(&facts.event.sender);
    if !is_own && !facts.related.may_redact_others {
        return ignore("the sender has no power to delete what others said");
    }
    match target.state {
        MessageState::Delivered => {}
        MessageState::Failed | MessageState::Uncertain => {
            return target.row.map_or_else(|| ignore("there is nothing to give up"), Decision::GiveUp);
        }
        MessageState::Open | MessageState::Ignored | MessageState::Dropped | MessageState::Gone => {
            return ignore("what was deleted is on this side only");
        }
    }
    if target.parts.is_empty() {
        return ignore("what was deleted left nothing on the other side");
    }
    if let Some(decision) = obstacle(facts, limits, Action::Redact, target) {
        return decision;
    }
    let reason = facts.event.reason().map(str::to_owned);
    let redact = Outgoing::Redact { parts: target.parts.clone(), reason };
    Decision::Deliver(Box::new(redact), Then::Gone(target.clone()))
}

fn decide_retry(facts: &Facts<'_>, target: &Target, emoji: &Emoji) -> Decision {
    let asks = matches!(emoji, Emoji::Unicode(emoji) if RETRY_EMOJI.contains(&&**emoji));
    let may = target.is_by(&facts.event.sender) || facts.level >= Level::Admin;
    match target.row.filter(|_| asks && may) {
        Some(row) => Decision::Retry(row),
        None => ignore("the message that it is on did not get through"),
    }
}

fn decide_unreact(facts: &Facts<'_>, limits: &Limits, reaction: &ReactionRow) -> Decision {
    if !facts.related.may_redact_others {
        return ignore("the sender has no power to delete what others said");
    }
    let then = Then::Unreact(reaction.clone());
    let is_shared = facts.related.reactions.iter().any(|other| is_other_voice(facts, other, reaction));
    // What somebody on the network put there is theirs; only this side forgets it.
    if is_shared || reaction.origin == Direction::FromRemote {
        return Decision::Record(then);
    }
    if limits.support(Action::Unreact).is_none() {
        return refuse(facts, Action::Unreact);
    }
    let ReactionRow { target, emoji, .. } = reaction.clone();
    Decision::Deliver(Box::new(Outgoing::Unreact { target, emoji, author: None }), then)
}

/// Whether a relay has put the same reaction for somebody else.
fn is_other_voice(facts: &Facts<'_>, other: &ReactionRow, row: &ReactionRow) -> bool {
    matches!(facts.speaker, Speaker::Relay(_))
        && !facts.related.own_voices.contains(&other.sender)
        && other.origin == Direction::FromMatrix
        && other.sender != row.sender
        && other.emoji.key() == row.emoji.key()
}
