//! What we send comes back like everything that the account says. This is where the two are known to be one.
//!
//! A gateway may tell the id of what it sent, or not; the answer may come before the echo, after it, or never. So what is being sent is noted
//! before it goes, an own message that looks like it waits until the answer says which one it was, and without an answer the echo is one: the
//! message went. Lives longer than a session, as the next attempt may be made by the next one.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::message::RemoteEvent;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::wechaty::{events::Kind, wire::Said};

/// So many messages are noted at once.
const SENT_MAX: usize = 256;

/// An echo that takes longer is none.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// What looks like a message of which nobody has heard for so long waits no more. A gateway has answered by then.
const HELD_FOR: Duration = Duration::from_secs(120);

/// More that look like one message do not wait.
const HELD_MAX: usize = 16;

/// By what an echo is known. Pictures and videos are packed anew on their way, so of files only the sort is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wechaty) enum Print {
    /// These words, whatever stands between them.
    Words(String),
    /// A picture.
    Picture,
    /// A video.
    Video,
    /// Another file.
    File,
}

impl Print {
    /// Of words.
    pub fn words(words: &str) -> Self {
        Self::Words(words.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Of a message that the gateway tells.
    pub fn of(said: &Said) -> Option<Self> {
        match Kind::of(said.kind) {
            Kind::Text => Some(Self::words(&said.text)),
            Kind::Image | Kind::Emoticon => Some(Self::Picture),
            Kind::Video => Some(Self::Video),
            Kind::Attachment | Kind::Audio => Some(Self::File),
            Kind::Location
            | Kind::Contact
            | Kind::ChatHistory
            | Kind::MiniProgram
            | Kind::GroupNote
            | Kind::Transfer
            | Kind::RedEnvelope
            | Kind::Recalled
            | Kind::Url
            | Kind::Unknown(_) => None,
        }
    }
}

/// What is to be done with an own message.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::wechaty) enum Taken {
    /// It is what was sent from here.
    Ours,
    /// It waits until that is known.
    Held,
    /// It comes from the phone.
    Theirs(Box<RemoteEvent>),
}

/// What an answer has settled.
#[derive(Debug, Default, PartialEq)]
pub(in crate::wechaty) struct Settled {
    /// The id of what was sent, where it is known.
    pub id: Option<String>,
    /// What waited and comes from the phone after all.
    pub theirs: Vec<RemoteEvent>,
}

/// What is being sent, and was lately.
#[derive(Default)]
pub(in crate::wechaty) struct Echoes {
    sent: Mutex<VecDeque<Sent>>,
    changed: Notify,
}

struct Sent {
    /// Of which delivery it is which part.
    part: String,
    chat: String,
    print: Print,
    since: Instant,
    state: State,
    /// What looks like it.
    held: Vec<(String, RemoteEvent)>,
}

#[derive(PartialEq, Eq)]
enum State {
    /// No answer has come yet.
    Sending,
    /// The answer names no id, or there will be none; the next echo is it.
    Open,
    /// It has this id.
    Known(String),
}

impl Echoes {
    /// Something is about to be sent. Gives what waited in vain and comes from the phone after all.
    pub fn begin(&self, part: &str, chat: &str, print: Print) -> Vec<RemoteEvent> {
        let mut sent = self.lock();
        let mut over = Vec::new();
        sent.retain_mut(|known| {
            let kept_for = if known.held.is_empty() { KEPT_FOR } else { HELD_FOR };
            let is_over = known.part == part || known.since.elapsed() >= kept_for;
            if is_over {
                over.append(&mut known.held);
            }
            !is_over
        });
        if sent.len() >= SENT_MAX {
            over.extend(sent.pop_front().into_iter().flat_map(|known| known.held));
        }
        sent.push_back(Sent {
            part: part.to_owned(),
            chat: chat.to_owned(),
            print,
            since: Instant::now(),
            state: State::Sending,
            held: Vec::new(),
        });
        over.into_iter().map(|(_, event)| event).collect()
    }

    /// The gateway has answered with this id or without any, or will not answer.
    pub fn answered(&self, part: &str, id: Option<String>) -> Settled {
        let mut sent = self.lock();
        let Some(known) = sent.iter_mut().find(|known| known.part == part) else {
            return Settled { id, theirs: Vec::new() };
        };
        let mut held = std::mem::take(&mut known.held);
        // Without an id the first that looked like it was it.
        let id = id.or_else(|| held.first().map(|(id, _)| id.clone()));
        held.retain(|(other, _)| Some(other) != id.as_ref());
        known.state = id.clone().map_or(State::Open, State::Known);
        known.since = Instant::now();
        Settled { id, theirs: held.into_iter().map(|(_, event)| event).collect() }
    }

    /// It did not go.
    pub fn failed(&self, part: &str) -> Vec<RemoteEvent> {
        let mut sent = self.lock();
        let Some(at) = sent.iter().position(|known| known.part == part) else { return Vec::new() };
        let held = sent.remove(at).map(|known| known.held).unwrap_or_default();
        held.into_iter().map(|(_, event)| event).collect()
    }

    /// Waits for the echo of something that went without an id, or perhaps did not go.
    pub async fn wait(&self, part: &str, within: Duration) -> Option<String> {
        let heard = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                match self.look(part)? {
                    Some(id) => return Some(id),
                    None => changed.await,
                }
            }
        };
        timeout(within, heard).await.ok().flatten()
    }

    /// Whether something was sent, or was about to be.
    pub fn knows(&self, part: &str) -> bool {
        self.look(part).is_some()
    }

    /// `None` when nothing of it is known; else its id, once that is known.
    fn look(&self, part: &str) -> Option<Option<String>> {
        let mut sent = self.lock();
        let known = sent.iter_mut().find(|known| known.part == part)?;
        // An attempt that was cut off before its answer.
        if known.state == State::Sending && !known.held.is_empty() {
            let (id, _) = known.held.remove(0);
            known.state = State::Known(id);
        }
        match &known.state {
            State::Known(id) => Some(Some(id.clone())),
            State::Sending | State::Open => Some(None),
        }
    }

    /// The account said something.
    pub fn heard(&self, (chat, id): (&str, &str), print: Option<&Print>, event: RemoteEvent) -> Taken {
        let mut sent = self.lock();
        sent.retain(|known| !known.held.is_empty() || known.since.elapsed() < KEPT_FOR);
        if sent.iter().any(|known| matches!(&known.state, State::Known(known) if known == id)) {
            return Taken::Ours;
        }
        let alike = |known: &&mut Sent| known.chat == chat && Some(&known.print) == print;
        let mut alike = sent.iter_mut().filter(alike).filter(|known| !matches!(known.state, State::Known(_)));
        let Some(known) = alike.next() else { return Taken::Theirs(Box::new(event)) };
        if known.state == State::Open {
            known.state = State::Known(id.to_owned());
            self.changed.notify_waiters();
            return Taken::Ours;
        }
        if known.held.len() >= HELD_MAX {
            return Taken::Theirs(Box::new(event));
        }
        if known.held.iter().all(|(held, _)| held != id) {
            known.held.push((id.to_owned(), event));
        }
        self.changed.notify_waiters();
        Taken::Held
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
