//! All that can cross from Matrix to a network.
//!
//! One variant per action. A bridge matches every variant; what its network cannot do it answers with
//! [`crate::platform::DeliverError::Unsupported`], in agreement with its [`super::Limits`].

use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use super::{Emoji, Message};
use crate::{
    clock::TimestampMs,
    ids::{RemoteMessageId, RemoteUserId},
};

/// One action from Matrix, on its way to a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outgoing {
    /// A new message.
    Message(OutgoingMessage),
    /// A message changed by its author.
    Edit {
        /// Every part of the message on the network, first part first.
        parts: Vec<RemoteMessageId>,
        /// What it says now.
        new: OutgoingMessage,
    },
    /// A message taken back.
    Redact {
        /// Every part of the message on the network.
        parts: Vec<RemoteMessageId>,
        /// The reason that was given.
        reason: Option<String>,
    },
    /// A reaction put on a message.
    React {
        /// The message.
        target: RemoteMessageId,
        /// Which. A custom one has a remote source where it came from the network.
        emoji: Emoji,
        /// For whom, when relayed.
        author: Option<Author>,
    },
    /// A reaction taken back.
    Unreact {
        /// The message.
        target: RemoteMessageId,
        /// The emoji as it was put.
        emoji: Emoji,
        /// For whom, when relayed.
        author: Option<Author>,
    },
    /// Somebody began or stopped writing.
    Typing {
        /// Whether they write now.
        active: bool,
    },
    /// Everything up to a message was read.
    Read {
        /// The last message read.
        up_to: RemoteMessageId,
    },
    /// A poll was opened.
    Poll {
        /// The question.
        question: String,
        /// The answers to choose from.
        answers: Vec<String>,
        /// How many answers one person may choose.
        choices_max: u32,
        /// For whom, when relayed.
        author: Option<Author>,
    },
    /// A vote in a poll; no answers takes the vote back.
    Vote {
        /// The poll.
        target: RemoteMessageId,
        /// Indices of the chosen answers.
        answers: Vec<u32>,
    },
    /// A poll was closed.
    ClosePoll {
        /// The poll.
        target: RemoteMessageId,
    },
    /// A message was pinned.
    Pin {
        /// The message.
        target: RemoteMessageId,
    },
    /// A message was unpinned.
    Unpin {
        /// The message.
        target: RemoteMessageId,
    },
    /// The chat was renamed or described anew.
    ChatInfo {
        /// The new name.
        name: Option<String>,
        /// The new topic.
        topic: Option<String>,
    },
    /// Somebody was invited, removed or banned by a person in Matrix.
    Member {
        /// Who.
        user: RemoteUserId,
        /// What was done to them.
        change: super::MemberChange,
    },
    /// A place on the map.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// The words beside it.
        description: String,
        /// For whom, when relayed.
        author: Option<Author>,
    },
}

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutgoingMessage {
    /// What is said.
    pub message: Message,
    /// Who says it, when a login speaks for somebody who has none on this network and the chat shows authors ([`super::Authors`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// When it was said in Matrix.
    pub sent_ms: TimestampMs,
}

/// A person in Matrix for whom a relay speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Who.
    pub user_id: OwnedUserId,
    /// Their name, on one line, without control and direction characters; never empty. It ends in the Matrix id where the name alone could be
    /// somebody else's.
    pub name: String,
    /// A public address of their picture, where one can be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

impl Outgoing {
    /// The action as [`super::Limits`] names it.
    pub fn action(&self) -> super::Action {
        use super::Action;
        match self {
            Self::Message(_) => Action::Message,
            Self::Edit { .. } => Action::Edit,
            Self::Redact { .. } => Action::Redact,
            Self::React { .. } => Action::React,
            Self::Unreact { .. } => Action::Unreact,
            Self::Typing { .. } => Action::Typing,
            Self::Read { .. } => Action::Read,
            Self::Poll { .. } => Action::Poll,
            Self::Vote { .. } => Action::Vote,
            Self::ClosePoll { .. } => Action::ClosePoll,
            Self::Pin { .. } => Action::Pin,
            Self::Unpin { .. } => Action::Unpin,
            Self::ChatInfo { .. } => Action::ChatInfo,
            Self::Member { .. } => Action::Member,
            Self::Location { .. } => Action::Location,
        }
    }
}
