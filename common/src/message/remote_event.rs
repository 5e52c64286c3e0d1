//! All that can come from a network.
//!
//! One variant per thing that happens. What a bridge cannot map it pushes as [`RemoteEvent::Unknown`] with the raw form: kept,
//! counted, shown as a notice, and mapped again after an upgrade.

use serde::{Deserialize, Serialize};

use super::{ChatInfo, Emoji, Message, Person, Personal, UserInfo};
use crate::{
    clock::TimestampMs,
    ids::{AliasSet, RemoteChatId, RemoteMessageId, RemoteUserId},
};

/// Something that happened on the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RemoteEvent {
    /// A new message.
    Message(RemoteMessage),
    /// A message changed by its author.
    Edit {
        /// The message with its new words; its id is that of the message changed.
        new: RemoteMessage,
        /// When it was changed; a later edit has a larger one.
        edited_ms: TimestampMs,
    },
    /// The network has added or changed the preview below a message ([`Message::preview`] and its files); its words are the same.
    Preview(RemoteMessage),
    /// Messages taken back.
    Redact {
        /// Where.
        chat: RemoteChatId,
        /// Which.
        ids: Vec<RemoteMessageId>,
        /// By whom, where the network says so.
        by: Option<RemoteUserId>,
    },
    /// A reaction put on a message.
    React {
        /// Where.
        chat: RemoteChatId,
        /// On which message.
        target: RemoteMessageId,
        /// By whom.
        sender: RemoteUserId,
        /// Which.
        emoji: Emoji,
        /// When, where known.
        sent_ms: Option<TimestampMs>,
    },
    /// A reaction taken back; without a sender or an emoji, all that match.
    Unreact {
        /// Where.
        chat: RemoteChatId,
        /// On which message.
        target: RemoteMessageId,
        /// By whom.
        sender: Option<RemoteUserId>,
        /// Which.
        emoji: Option<Emoji>,
    },
    /// Somebody began or stopped writing.
    Typing {
        /// Where.
        chat: RemoteChatId,
        /// Who.
        sender: RemoteUserId,
        /// For how long it holds; 0 when they stopped.
        timeout_ms: u32,
    },
    /// Somebody read everything up to a message.
    Receipt {
        /// Where.
        chat: RemoteChatId,
        /// Who.
        reader: RemoteUserId,
        /// The last message read.
        up_to: RemoteMessageId,
    },
    /// A poll was opened.
    Poll {
        /// The message that bears it, with its words as a fallback.
        message: RemoteMessage,
        /// The answers to choose from.
        answers: Vec<String>,
        /// How many answers one person may choose.
        choices_max: u32,
    },
    /// A vote in a poll; no answers takes the vote back.
    Vote {
        /// Where.
        chat: RemoteChatId,
        /// The poll.
        target: RemoteMessageId,
        /// By whom.
        sender: RemoteUserId,
        /// Indices of the chosen answers.
        answers: Vec<u32>,
    },
    /// A message was pinned or unpinned.
    Pin {
        /// Where.
        chat: RemoteChatId,
        /// Which.
        target: RemoteMessageId,
        /// Whether it is pinned now.
        pinned: bool,
    },
    /// A chat was found, changed or is gone.
    ChatChanged {
        /// Which.
        chat: RemoteChatId,
        /// How.
        change: ChatChange,
    },
    /// People came to a chat or left it.
    MembersChanged {
        /// Where.
        chat: RemoteChatId,
        /// Who and how.
        changes: Vec<(RemoteUserId, MemberChange)>,
    },
    /// Somebody's name, picture or ids changed.
    UserChanged(UserInfo),
    /// The login's own state changed.
    StateChanged(SessionState),
    /// A chat goes on under another id, or two known chats turn out to be one. Telling it again does no harm, in whatever order.
    ///
    /// What is told under the old id later on is understood under the new one, and what was said is known there under the message ids that
    /// it has. So no message id may mean one message under the old id and another under the new one. A bridge whose network begins to
    /// number anew keeps them apart in the ids themselves (a letter before those of one sort of chat, say), and so sees what a reply, an
    /// edit or a deletion in the new chat still means of the old one.
    Migrated {
        /// The id until now.
        from: RemoteChatId,
        /// The id from now on.
        to: RemoteChatId,
    },
    /// Two ids turn out to be one person, or somebody goes on under another id, as with a new number. Telling it again does no harm, in
    /// whatever order: all ids that are ever said to be one person's lead to one ghost. It can't be taken back.
    ///
    /// Where the ids of direct chats are made of those of people, their chats are one by [`RemoteEvent::Migrated`], which the bridge pushes
    /// beside this. Ids that a network tells with a message or a person ([`AliasSet`]) need no such event.
    SameUser {
        /// The id from now on, by which the network wants to be asked for the person.
        canonical: RemoteUserId,
        /// The other one. It may turn up in events still.
        alias: RemoteUserId,
    },
    /// Messages of a chat that the bridge will not fetch; people are told that they are missing.
    Gap {
        /// Where.
        chat: RemoteChatId,
        /// What is missing comes after this message, which also tells one gap from another.
        after: RemoteMessageId,
        /// There were more than so many, which is how many are fetched at once; `None` when they cannot be read at all.
        fetched_max: Option<usize>,
    },
    /// What stands of a chat's latest messages, after a time in which nobody listened: what is not among them was taken back meanwhile.
    Standing {
        /// Where.
        chat: RemoteChatId,
        /// The oldest and the newest id between which nothing but the messages stands: equally long texts, in the order of time. Ids of
        /// another length are left alone.
        stretch: (RemoteMessageId, RemoteMessageId),
        /// The messages, without a gap.
        messages: Vec<Stands>,
    },
    /// A message of ours has reached a device of somebody it is for. Like a receipt it is never stored, and must not be relied on.
    Arrived {
        /// Where.
        chat: RemoteChatId,
        /// Which.
        id: RemoteMessageId,
        /// Whose device.
        at: RemoteUserId,
    },
    /// A message of ours that the network took has not arrived after all, and will not.
    Failed {
        /// Where.
        chat: RemoteChatId,
        /// Which.
        id: RemoteMessageId,
        /// Why, and what to do, for the person who wrote it.
        words: String,
    },
    /// Something the bridge cannot map (yet).
    Unknown {
        /// Where, when that much could be read.
        chat: Option<RemoteChatId>,
        /// What the network calls it.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// A message that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Which.
    pub id: RemoteMessageId,
    /// Who on the network reacts to it, and with what; our own reactions are left out. `None` when that is not known.
    pub reactions: Option<Vec<(RemoteUserId, Emoji)>>,
}

/// A message that came from a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteMessage {
    /// Where.
    pub chat: RemoteChatId,
    /// Which; repeats of the same id are dropped.
    pub id: RemoteMessageId,
    /// By whom.
    pub sender: Sender,
    /// When it was sent, by the network's clock.
    pub sent_ms: TimestampMs,
    /// What it says.
    pub message: Message,
}

/// Who sent a message, with what the network said of them in the same breath.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sender {
    /// Their ids.
    pub ids: AliasSet,
    /// Their name as shown in this chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<crate::ids::RemoteFileId>,
}

/// How a chat changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatChange {
    /// It is there and looks like this; make the portal now rather than at the first message.
    Present(Box<ChatInfo>),
    /// It looks like this now, if there is a portal.
    Info(Box<ChatInfo>),
    /// It was deleted, or we may no longer see it.
    Gone,
    /// The account's owner keeps something else about it for themselves.
    Personal(Personal),
    /// Its room is to be emptied and forgotten. A command says so, never a network.
    Forgotten,
}

/// What happened to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberChange {
    /// Came, or was invited.
    Joined,
    /// Left, or was removed.
    Left,
    /// Was banned.
    Banned,
}

/// What a login is doing, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// On the way.
    Connecting,
    /// Live.
    Connected,
    /// Live, but it will not stay so unless somebody does something.
    Warned {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Interrupted; it will be tried again.
    Disconnected {
        /// Why, in plain words.
        reason: String,
    },
    /// The network no longer takes the credentials.
    BadCredentials {
        /// Why, and what to do.
        reason: String,
    },
    /// Signed out.
    LoggedOut,
}

impl RemoteEvent {
    /// The chat it belongs to; `None` for what concerns the whole login.
    pub fn chat(&self) -> Option<&RemoteChatId> {
        match self {
            Self::Message(message)
            | Self::Edit { new: message, .. }
            | Self::Preview(message)
            | Self::Poll { message, .. } => Some(&message.chat),
            Self::Redact { chat, .. }
            | Self::React { chat, .. }
            | Self::Unreact { chat, .. }
            | Self::Typing { chat, .. }
            | Self::Receipt { chat, .. }
            | Self::Vote { chat, .. }
            | Self::Pin { chat, .. }
            | Self::ChatChanged { chat, .. }
            | Self::MembersChanged { chat, .. }
            // It takes its place among what happens under the new id.
            | Self::Migrated { to: chat, .. }
            | Self::Gap { chat, .. }
            | Self::Standing { chat, .. }
            | Self::Arrived { chat, .. }
            | Self::Failed { chat, .. } => Some(chat),
            Self::Unknown { chat, .. } => chat.as_ref(),
            Self::UserChanged(_) | Self::SameUser { .. } | Self::StateChanged(_) => None,
        }
    }

    /// The chat as [`RemoteEvent::chat`] gives it, to be named anew; `None` also for [`RemoteEvent::Migrated`], which names two.
    pub(crate) fn chat_mut(&mut self) -> Option<&mut RemoteChatId> {
        match self {
            Self::Message(message)
            | Self::Edit { new: message, .. }
            | Self::Preview(message)
            | Self::Poll { message, .. } => Some(&mut message.chat),
            Self::Redact { chat, .. }
            | Self::React { chat, .. }
            | Self::Unreact { chat, .. }
            | Self::Typing { chat, .. }
            | Self::Receipt { chat, .. }
            | Self::Vote { chat, .. }
            | Self::Pin { chat, .. }
            | Self::ChatChanged { chat, .. }
            | Self::MembersChanged { chat, .. }
            | Self::Gap { chat, .. }
            | Self::Standing { chat, .. }
            | Self::Arrived { chat, .. }
            | Self::Failed { chat, .. } => Some(chat),
            Self::Unknown { chat, .. } => chat.as_mut(),
            Self::Migrated { .. } | Self::UserChanged(_) | Self::SameUser { .. } | Self::StateChanged(_) => {
                None
            }
        }
    }

    /// What the event is called in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Edit { .. } => "edit",
            Self::Preview(_) => "preview",
            Self::Redact { .. } => "redact",
            Self::React { .. } => "react",
            Self::Unreact { .. } => "unreact",
            Self::Typing { .. } => "typing",
            Self::Receipt { .. } => "receipt",
            Self::Poll { .. } => "poll",
            Self::Vote { .. } => "vote",
            Self::Pin { .. } => "pin",
            Self::ChatChanged { .. } => "chat_changed",
            Self::MembersChanged { .. } => "members_changed",
            Self::UserChanged(_) => "user_changed",
            Self::StateChanged(_) => "state_changed",
            Self::Migrated { .. } => "migrated",
            Self::SameUser { .. } => "same_user",
            Self::Gap { .. } => "gap",
            Self::Standing { .. } => "standing",
            Self::Arrived { .. } => "arrived",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl Sender {
    /// The person, for a mention.
    pub fn person(&self) -> Person {
        Person::Remote(self.ids.primary.clone())
    }
}
