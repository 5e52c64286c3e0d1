//! What really happened to messages, in order, for whoever compares it with what should have happened.
//!
//! A crash checker reads it to see that each input had exactly one effect. It counts effects, not requests: a request that
//! was refused, or answered from the nonce window, is none.

use serde::Serialize;

use super::{
    model::{Author, Message},
    snowflake::Snowflake,
};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// A message appeared.
    Created,
    /// Its text or embeds changed.
    Edited,
    /// It went away.
    Deleted,
}

/// One change of one message.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    /// Counts from 1, without gaps.
    pub number: usize,
    /// What was done.
    pub kind: EffectKind,
    /// Where.
    pub channel: Snowflake,
    /// The message.
    pub message: Snowflake,
    /// Its author: a user's or a webhook's id.
    pub author: Snowflake,
    /// The webhook's shown name, for messages of webhooks.
    pub webhook_name: Option<String>,
    /// The text afterwards; for deletions, the text before.
    pub content: String,
}

/// The list of them.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    all: Vec<Effect>,
}

impl Effects {
    pub(crate) fn record(&mut self, kind: EffectKind, message: &Message) {
        let webhook_name = match &message.author {
            Author::User(_) => None,
            Author::Webhook { name, .. } => Some(name.clone()),
        };
        self.all.push(Effect {
            number: self.all.len() + 1,
            kind,
            channel: message.channel,
            message: message.id,
            author: message.author.id(),
            webhook_name,
            content: message.content.clone(),
        });
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
