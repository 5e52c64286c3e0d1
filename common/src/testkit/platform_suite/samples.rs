//! One sample of everything that can be asked of a session.

use super::Subject;
use crate::{
    ids::RemoteMessageId,
    message::{Action, Emoji, MemberChange, Message, Outgoing, OutgoingMessage, RichText},
    platform::DeliveryKey,
};

const SENT_MS: i64 = 1_700_000_000_000;

/// A sample of `action` on the message `target`. Without a wildcard: a new action asks for a sample.
pub fn sample<S: Subject>(action: Action, subject: &S, target: &RemoteMessageId) -> Outgoing {
    let target = target.clone();
    let emoji = || Emoji::unicode("👍");
    match action {
        Action::Message => Outgoing::Message(words("a sample")),
        Action::Edit => Outgoing::Edit { parts: vec![target], new: words("a changed sample") },
        Action::Redact => Outgoing::Redact { parts: vec![target], reason: Some("a sample".to_owned()) },
        Action::React => Outgoing::React { target, emoji: emoji(), author: None },
        Action::Unreact => Outgoing::Unreact { target, emoji: emoji(), author: None },
        Action::Typing => Outgoing::Typing { active: true },
        Action::Read => Outgoing::Read { up_to: target },
        Action::Poll => Outgoing::Poll {
            question: "tea?".to_owned(),
            answers: vec!["yes".to_owned(), "no".to_owned()],
            choices_max: 1,
            author: None,
        },
        Action::Vote => Outgoing::Vote { target, answers: vec![0] },
        Action::ClosePoll => Outgoing::ClosePoll { target },
        Action::Pin => Outgoing::Pin { target },
        Action::Unpin => Outgoing::Unpin { target },
        Action::ChatInfo => Outgoing::ChatInfo { name: Some("a sample".to_owned()), topic: None },
        Action::Member => Outgoing::Member { user: subject.person(), change: MemberChange::Left },
        Action::Location => Outgoing::Location {
            latitude: 53.5,
            longitude: 10.0,
            description: "a sample".to_owned(),
            author: None,
        },
    }
}

/// What must have been done to the target before `action` makes sense.
pub(super) fn before(action: Action) -> Option<Action> {
    match action {
        Action::Unreact => Some(Action::React),
        Action::Unpin => Some(Action::Pin),
        Action::Vote | Action::ClosePoll => Some(Action::Poll),
        Action::Message
        | Action::Edit
        | Action::Redact
        | Action::React
        | Action::Typing
        | Action::Read
        | Action::Poll
        | Action::Pin
        | Action::ChatInfo
        | Action::Member
        | Action::Location => None,
    }
}

/// A message of plain words.
pub(super) fn words(text: &str) -> OutgoingMessage {
    OutgoingMessage { message: Message::text(RichText::plain(text)), author: None, sent_ms: SENT_MS }
}

/// The key of the `nth` delivery of a check, shaped as the bridge's own keys are: 22 characters.
pub(super) fn key(nth: usize) -> DeliveryKey {
    DeliveryKey { key: format!("sample-key-{nth:011}"), in_doubt: None }
}
