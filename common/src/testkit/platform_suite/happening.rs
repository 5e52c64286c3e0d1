//! Everything that can happen on a network, by name: what a subject is asked to let happen, and what must then be pushed.

use super::{Recorder, Subject, connected};
use crate::{ids::RemoteMessageId, message::RemoteEvent};

/// A variant of [`RemoteEvent`], without what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is explained at the variant of `RemoteEvent` with the same name")]
pub enum Happening {
    Message,
    Edit,
    Preview,
    Redact,
    React,
    Unreact,
    Typing,
    Receipt,
    Poll,
    Vote,
    Pin,
    ChatChanged,
    MembersChanged,
    UserChanged,
    StateChanged,
    Migrated,
    SameUser,
    Gap,
    Standing,
    Arrived,
    Failed,
    Unknown,
}

impl Happening {
    /// Every one; what ends a message comes last.
    pub const ALL: [Self; 22] = [
        Self::Message,
        Self::Edit,
        Self::Preview,
        Self::React,
        Self::Unreact,
        Self::Typing,
        Self::Receipt,
        Self::Poll,
        Self::Vote,
        Self::Pin,
        Self::ChatChanged,
        Self::MembersChanged,
        Self::UserChanged,
        Self::StateChanged,
        Self::Migrated,
        Self::SameUser,
        Self::Gap,
        Self::Standing,
        Self::Arrived,
        Self::Failed,
        Self::Unknown,
        Self::Redact,
    ];

    /// The name of an event's variant. Without a wildcard: a new variant asks for a name here, and so of every subject.
    pub fn of(event: &RemoteEvent) -> Self {
        match event {
            RemoteEvent::Message(_) => Self::Message,
            RemoteEvent::Edit { .. } => Self::Edit,
            RemoteEvent::Preview(_) => Self::Preview,
            RemoteEvent::Redact { .. } => Self::Redact,
            RemoteEvent::React { .. } => Self::React,
            RemoteEvent::Unreact { .. } => Self::Unreact,
            RemoteEvent::Typing { .. } => Self::Typing,
            RemoteEvent::Receipt { .. } => Self::Receipt,
            RemoteEvent::Poll { .. } => Self::Poll,
            RemoteEvent::Vote { .. } => Self::Vote,
            RemoteEvent::Pin { .. } => Self::Pin,
            RemoteEvent::ChatChanged { .. } => Self::ChatChanged,
            RemoteEvent::MembersChanged { .. } => Self::MembersChanged,
            RemoteEvent::UserChanged(_) => Self::UserChanged,
            RemoteEvent::StateChanged(_) => Self::StateChanged,
            RemoteEvent::Migrated { .. } => Self::Migrated,
            RemoteEvent::SameUser { .. } => Self::SameUser,
            RemoteEvent::Gap { .. } => Self::Gap,
            RemoteEvent::Standing { .. } => Self::Standing,
            RemoteEvent::Arrived { .. } => Self::Arrived,
            RemoteEvent::Failed { .. } => Self::Failed,
            RemoteEvent::Unknown { .. } => Self::Unknown,
        }
    }

    /// Whether it happens to a message.
    fn needs_message(self) -> bool {
        matches!(
            self,
            Self::Edit | Self::Preview | Self::Redact | Self::React | Self::Unreact | Self::Vote | Self::Pin
        )
    }
}

/// Whatever the subject can let happen is pushed under its name, belongs to the right chat and message, and is written and read again
/// unchanged (the recorder sees to that).
pub async fn everything_that_happens_is_pushed<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let session = connected(subject, &recorder).await;
    let target = subject.person_says("the target").await;
    let said = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == target).map(|_| ());
    recorder.wait_for("the target", said).await;
    for what in Happening::ALL {
        let before = recorder.events().len();
        if !subject.happens(what, &target).await {
            continue;
        }
        let pushed = |recorder: &Recorder| {
            let events = recorder.events();
            events[before..].iter().map(|one| one.event.clone()).find(|event| Happening::of(event) == what)
        };
        let event = recorder.wait_for(&format!("{what:?}"), pushed).await;
        if let Some(named) = named(&event).filter(|_| what.needs_message()) {
            assert_eq!(event.chat(), Some(&subject.chat()), "{what:?} is pushed into another chat");
            assert!(named.contains(&target), "{what:?} is pushed for another message: {named:?}");
        }
    }
    session.close().await;
}

/// The messages that an event is about.
fn named(event: &RemoteEvent) -> Option<Vec<RemoteMessageId>> {
    match event {
        RemoteEvent::Edit { new: message, .. } | RemoteEvent::Preview(message) => {
            Some(vec![message.id.clone()])
        }
        RemoteEvent::Redact { ids, .. } => Some(ids.clone()),
        RemoteEvent::React { target, .. }
        | RemoteEvent::Unreact { target, .. }
        | RemoteEvent::Vote { target, .. }
        | RemoteEvent::Pin { target, .. } => Some(vec![target.clone()]),
        RemoteEvent::Message(_)
        | RemoteEvent::Typing { .. }
        | RemoteEvent::Receipt { .. }
        | RemoteEvent::Poll { .. }
        | RemoteEvent::ChatChanged { .. }
        | RemoteEvent::MembersChanged { .. }
        | RemoteEvent::UserChanged(_)
        | RemoteEvent::StateChanged(_)
        | RemoteEvent::Migrated { .. }
        | RemoteEvent::SameUser { .. }
        | RemoteEvent::Gap { .. }
        | RemoteEvent::Standing { .. }
        | RemoteEvent::Arrived { .. }
        | RemoteEvent::Failed { .. }
        | RemoteEvent::Unknown { .. } => None,
    }
}
