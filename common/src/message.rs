//! The words of a conversation, the same for every network.
//!
//! [`Message`] is what a person said: a rich-text tree and attachments. [`Outgoing`] is all that can cross from Matrix to a
//! network, [`RemoteEvent`] all that can come back; both are closed and are matched without a wildcard, so that a new variant asks
//! every bridge a question. [`Limits`] says what a chat can carry. Both enums live in the journal across upgrades, so they
//! serialize with a version tag ([`WIRE_VERSION`]).
//!
//! This room knows no HTML, no platform's markup and no database. Next: [`crate::convert`] and [`crate::platform`].

use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

pub use self::{
    attachment::{Attachment, AttachmentKind, FileSource, LOTTIE_TYPE, MediaInfo, Thumbnail},
    emoji::Emoji,
    info::{
        ChatInfo, ChatKind, CreateWhen, Personal, UserInfo, VISIBLE_NAME_CHARS_MAX, clean_line, clean_name,
        is_visible,
    },
    limits::{Action, Authors, Limits, Support},
    outgoing::{Author, Outgoing, OutgoingMessage},
    relay::{Filling, RelayTemplates, TEMPLATE_CHARS_MAX, Template, TemplateError, TemplateKind},
    remote_event::{ChatChange, MemberChange, RemoteEvent, RemoteMessage, Sender, SessionState, Stands},
    text::{Mention, MentionTarget, Node, RichText, TEXT_DEPTH_MAX, TEXT_NODES_MAX},
    wire::{WIRE_VERSION, Wire, WireError},
};
use crate::ids::{RemoteMessageId, RemoteUserId};

mod attachment;
mod emoji;
mod info;
mod limits;
mod outgoing;
mod relay;
mod remote_event;
mod text;
mod wire;

/// What a person said, without who said it and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// How the words are meant.
    #[serde(default)]
    pub tone: Tone,
    /// The words; the caption when there are attachments.
    #[serde(default)]
    pub text: RichText,
    /// Files, in the order in which they were attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message that this one answers, on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<RemoteMessageId>,
    /// Whether the author of the message answered is left in peace: named by the reply, but not pinged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub silent_reply: bool,
    /// The root of the thread that this message belongs to, on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<RemoteMessageId>,
    /// What the network itself adds below the words: boxes and previews of links. It may come later than the words.
    #[serde(default, skip_serializing_if = "RichText::is_blank")]
    pub preview: RichText,
    /// Set where the message is a command for the network, and only there where [`Limits::commands`] lists it. Its words are the text, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<ChatCommand>,
}

/// A command that a network performs in a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatCommand {
    /// Its name.
    pub name: String,
    /// What follows the name.
    pub words: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Message {
    /// A message of words alone.
    pub fn text(text: RichText) -> Self {
        Self { text, ..Self::default() }
    }

    /// Whether there is nothing in it that could be shown.
    pub fn is_empty(&self) -> bool {
        self.text.is_blank() && self.attachments.is_empty() && self.preview.is_blank()
    }

    /// The same with links in the place of the files that `is_unfit` names. A file without a public link is named in words.
    #[must_use]
    pub fn with_links(&self, is_unfit: impl Fn(&Attachment) -> bool) -> Self {
        let mut message = self.clone();
        let (unfit, fit) = std::mem::take(&mut message.attachments).into_iter().partition(is_unfit);
        message.attachments = fit;
        for file in unfit {
            if !message.text.is_blank() {
                message.text.0.push(Node::LineBreak);
            }
            message.text.0.push(file.into_link());
        }
        message
    }
}

/// How words are meant: the difference between `m.text`, `m.notice` and `m.emote`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Somebody says something.
    #[default]
    Said,
    /// A machine says something; other machines must not answer.
    Notice,
    /// Somebody does something (`/me waves`).
    Emote,
}

/// A person as one side knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// Somebody on the network; their ghost stands for them in Matrix.
    Remote(RemoteUserId),
    /// Somebody in Matrix.
    Matrix(OwnedUserId),
}
