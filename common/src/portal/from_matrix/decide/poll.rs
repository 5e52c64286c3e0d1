//! Polls that somebody opens or closes, and votes in them.

use super::{Decision, Facts, Then, ignore};
use crate::{
    convert::{Poll, PollDeed, read_poll},
    message::{Action, Limits, Message, Outgoing, OutgoingMessage, RichText},
    portal::from_matrix::related::Target,
    store::MessageState,
};

/// Decides; `None` for what is not about a poll.
pub(super) fn decide(facts: &Facts<'_>, limits: &Limits) -> Option<Decision> {
    Some(match read_poll(&facts.event.event_type, &facts.event.content)? {
        PollDeed::Opened(poll) => decide_new(facts, limits, poll),
        PollDeed::Voted { answer_ids, .. } => decide_vote(facts, limits, &answer_ids),
        PollDeed::Closed { .. } => decide_end(facts, limits),
    })
}

/// Where there are no polls, people read the question and the answers.
fn decide_new(facts: &Facts<'_>, limits: &Limits, poll: Poll) -> Decision {
    let outgoing = match limits.support(Action::Poll) {
        Some(_) => {
            let Poll { question, answers, choices_max } = poll;
            let answers = answers.into_iter().map(|(_, text)| text).collect();
            Outgoing::Poll { question, answers, choices_max, author: None }
        }
        None => {
            let message = Message::text(RichText::plain(&poll.words()));
            Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: facts.event.sent_ms })
        }
    };
    Decision::Deliver(Box::new(outgoing), Then::Link)
}

fn decide_vote(facts: &Facts<'_>, limits: &Limits, answer_ids: &[String]) -> Decision {
    if limits.support(Action::Vote).is_none() {
        return not_carried(facts, Action::Vote);
    }
    let (Some(target), Some(poll)) = (there(facts), &facts.related.poll) else {
        return ignore("the poll is on this side only");
    };
    let Some(part) = target.parts.first().cloned() else { return ignore("the poll left nothing to vote in") };
    let vote = Outgoing::Vote { target: part, answers: poll.places(answer_ids) };
    Decision::Deliver(Box::new(vote), Then::Link)
}

fn decide_end(facts: &Facts<'_>, limits: &Limits) -> Decision {
    if limits.support(Action::ClosePoll).is_none() {
        return not_carried(facts, Action::ClosePoll);
    }
    let Some(target) = there(facts) else { return ignore("the poll is on this side only") };
    if !target.is_by(&facts.event.sender) && !facts.related.may_redact_others {
        return ignore("only who opened a poll can close it");
    }
    match target.parts.first().cloned() {
        Some(target) => Decision::Deliver(Box::new(Outgoing::ClosePoll { target }), Then::Link),
        None => ignore("the poll left nothing to close"),
    }
}

/// The poll, where the network has it.
fn there<'a>(facts: &Facts<'a>) -> Option<&'a Target> {
    facts.related.changed.as_ref().filter(|target| target.state == MessageState::Delivered)
}

fn not_carried(facts: &Facts<'_>, action: Action) -> Decision {
    Decision::Ignore(format!("{} are not carried over to {}", action.words(), facts.settings.about.name))
}
