//! What really happened to messages, in order, for whoever compares it with what should have happened.
//!
//! A crash checker reads it to see that each input had exactly one effect. It counts effects, not requests: a request that was
//! refused is none.

use serde::Serialize;

use super::model::{ChatId, Message, MessageId, UserId};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// A message appeared.
    Created,
    /// Its content changed.
    Edited,
    /// It went away.
    Deleted,
    /// Reactions to it changed.
    Reacted,
    /// It was pinned.
    Pinned,
    /// It was unpinned.
    Unpinned,
}

/// One change of one message.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    /// Counts from 1, without gaps.
    pub number: usize,
    /// What was done.
    pub kind: EffectKind,
    /// Where.
    pub chat: ChatId,
    /// The message.
    pub message: MessageId,
    /// Its real author; for reactions and pins: who set them.
    pub author: UserId,
    /// The text or caption afterwards; for deletions before; for reactions the emoji.
    pub text: String,
}

/// The list of them.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    all: Vec<Effect>,
}

impl Effects {
    pub(crate) fn record(&mut self, kind: EffectKind, message: &Message) {
        let author = message.author;
        self.note(kind, (message.chat, message.id), (author, message.text()));
    }

    pub(crate) fn note(
        &mut self,
        kind: EffectKind,
        (chat, message): (ChatId, MessageId),
        (author, text): (UserId, &str),
    ) {
        let number = self.all.len() + 1;
        self.all.push(Effect { number, kind, chat, message, author, text: text.to_owned() });
    }

    /// All so far, oldest first.
    pub fn all(&self) -> &[Effect] {
        &self.all
    }

    /// How many of one kind there were.
    pub fn count(&self, kind: EffectKind) -> usize {
        self.all.iter().filter(|effect| effect.kind == kind).count()
    }
}
