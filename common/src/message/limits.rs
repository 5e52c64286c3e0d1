//! What a chat can carry: the capability record.
//!
//! A bridge answers it for each chat; the portal decides by it before anything is sent, clients read it in the room, and the
//! `capabilities` command says it in words. The conformance suite checks that `deliver` agrees with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::AttachmentKind;

/// Everything that [`super::Outgoing`] can ask for, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is explained at the variant of `Outgoing` with the same name")]
pub enum Action {
    Message,
    Edit,
    Redact,
    React,
    Unreact,
    Typing,
    Read,
    Poll,
    Vote,
    ClosePoll,
    Pin,
    Unpin,
    ChatInfo,
    Member,
    Location,
}

impl Action {
    /// Every action, in the order in which they are shown.
    pub const ALL: [Self; 15] = [
        Self::Message,
        Self::Edit,
        Self::Redact,
        Self::React,
        Self::Unreact,
        Self::Typing,
        Self::Read,
        Self::Poll,
        Self::Vote,
        Self::ClosePoll,
        Self::Pin,
        Self::Unpin,
        Self::ChatInfo,
        Self::Member,
        Self::Location,
    ];

    /// How people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Message => "messages",
            Self::Edit => "edits",
            Self::Redact => "deletions",
            Self::React => "reactions",
            Self::Unreact => "removed reactions",
            Self::Typing => "typing notices",
            Self::Read => "read receipts",
            Self::Poll => "polls",
            Self::Vote => "votes",
            Self::ClosePoll => "closing polls",
            Self::Pin => "pins",
            Self::Unpin => "removed pins",
            Self::ChatInfo => "changes of name and topic",
            Self::Member => "invites and removals",
            Self::Location => "locations",
        }
    }
}

/// How well an action is carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// As it was meant.
    Full,
    /// In another form that people understand.
    Fallback,
    /// Only for this long after the message was sent, in milliseconds.
    Until(u64),
}

/// Where a chat shows for whom a relay speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authors {
    /// Beside the words: `deliver` finds the author in [`super::Author`] and shows the name.
    Shown,
    /// Nowhere: the portal writes the author into the words, and `deliver` never gets one.
    #[default]
    InWords,
}

/// What a chat can carry. An action that is not listed is not supported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The supported actions.
    pub actions: BTreeMap<Action, Support>,
    /// Where it shows for whom a relay speaks.
    #[serde(default)]
    pub authors: Authors,
    /// The longest text of one message, in characters as the network counts them.
    pub text_chars_max: usize,
    /// The largest file, in bytes, for each kind that can be sent.
    pub files_bytes_max: BTreeMap<AttachmentKind, u64>,
    /// The one media type that speech must have, where the network takes no other. What is of another type is converted, or goes as sound.
    /// Known are `audio/ogg` (Opus), `audio/amr`, `audio/mpeg` and `audio/silk` (as WeChat has it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_mime: Option<String>,
    /// How many files one message can hold.
    pub files_per_message_max: usize,
    /// Commands that the network itself performs in the chat, beside the bridge's own: their names, and what they do and want, in one line
    /// for people. A message that is one of them comes with [`super::Message::command`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, String>,
    /// Until when the chat takes messages, in milliseconds since 1970; none means always.
    pub open_until_ms: Option<i64>,
}

impl Limits {
    /// How well `action` is carried; `None` when it is not.
    pub fn support(&self, action: Action) -> Option<&Support> {
        self.actions.get(&action)
    }
}
