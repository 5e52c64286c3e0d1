//! What a message of WhatsApp means here. Pure: nothing is looked up, and nothing is known of who wrote it.
//!
//! `unwrap` takes the wrappers off, `media` reads files, `words` what is shown as words. What nobody here knows is [`Meaning::Unknown`].

use magpie_common::message::{Message, Node};
use wacore_binary::Jid;
use waproto::whatsapp::{self as wa, message::protocol_message::Type as ProtocolType};

use self::{media::Files, words::Names};
use super::file::Bearer;

mod media;
#[cfg(test)]
mod tests;
mod unwrap;
mod words;

/// More answers than this has no poll.
const ANSWERS_MAX: usize = 100;

/// What a message means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// Something is said.
    Said(Said),
    /// A poll is opened.
    Poll { said: Said, answers: Vec<String>, choices_max: u32 },
    /// A message is changed.
    Edit { target: Target, new: Said, edited_ms: Option<i64> },
    /// A message is taken back.
    Revoke { target: Target },
    /// A reaction is put, or taken back.
    React { target: Target, emoji: Option<String>, sent_ms: Option<i64> },
    /// Somebody votes; only the poll's secret opens it.
    Vote { target: Target, payload: Vec<u8>, iv: Vec<u8> },
    /// A message is pinned or unpinned.
    Pin { target: Target, pinned: bool },
    /// Messages disappear after so many seconds from now on.
    Timer { timer: Timer },
    /// It is between devices; the library has seen to it.
    Nothing,
    /// There is no mapping yet.
    Unknown { name: String },
}

/// Words and files, and what they answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The message; its `reply_to` is still open.
    pub(super) message: Message,
    /// What it answers.
    pub(super) answers: Option<Quoted>,
    /// The timer of the chat, as the message tells it.
    pub(super) timer: Option<Timer>,
}

/// After how long messages of a chat disappear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    /// 0 for never.
    pub(super) secs: u32,
    /// When it was set, in milliseconds since 1970, where that is told.
    pub(super) set_ms: Option<i64>,
}

impl Timer {
    fn told(secs: u32, set_secs: Option<i64>) -> Self {
        let set_ms = set_secs.filter(|secs| *secs > 0).map(|secs| secs.saturating_mul(1_000));
        Self { secs, set_ms }
    }

    fn of(context: &wa::ContextInfo) -> Option<Self> {
        Some(Self::told(context.expiration?, context.ephemeral_setting_timestamp))
    }
}

/// A message that is quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) stanza: String,
    /// Who wrote it.
    pub(super) participant: Option<String>,
}

/// A message that another one is about, as the writer of the other one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) stanza: String,
    /// Whether they wrote it themselves.
    pub(super) own: bool,
    /// Who did, where that is told.
    pub(super) participant: Option<String>,
}

/// What reading takes besides the message.
pub(super) struct Reading<'a> {
    /// The message as WhatsApp finds it.
    pub(super) bearer: &'a Bearer,
    /// Who mentioned people are, and how they are called.
    pub(super) names: &'a Names<'a>,
    /// Whether what may be seen once is brought.
    pub(super) view_once: bool,
}

/// Reads a message.
pub(super) fn read(message: &wa::Message, reading: &Reading<'_>) -> Meaning {
    let unwrapped = unwrap::unwrap(message);
    let inner = unwrapped.message;
    if let Some(protocol) = inner.protocol_message.as_option() {
        return protocol_meaning(protocol, reading);
    }
    if let Some(reaction) = inner.reaction_message.as_option() {
        let emoji = reaction.text.clone().filter(|emoji| !emoji.is_empty());
        return about(reaction.key.as_option(), |target| Meaning::React {
            target,
            emoji,
            sent_ms: reaction.sender_timestamp_ms,
        });
    }
    if let Some(update) = inner.poll_update_message.as_option() {
        let Some(vote) = update.vote.as_option() else { return Meaning::Nothing };
        let (payload, iv) =
            (vote.enc_payload.clone().unwrap_or_default(), vote.enc_iv.clone().unwrap_or_default());
        return about(update.poll_creation_message_key.as_option(), |target| Meaning::Vote {
            target,
            payload,
            iv,
        });
    }
    if let Some(pin) = inner.pin_in_chat_message.as_option() {
        let pinned = pin.r#type == Some(wa::message::pin_in_chat_message::Type::PIN_FOR_ALL);
        return about(pin.key.as_option(), |target| Meaning::Pin { target, pinned });
    }
    if let Some(poll) = unwrap::poll(inner) {
        return poll_meaning(poll, reading);
    }
    // Its parts follow, each a message of its own.
    if inner.album_message.is_set() {
        return Meaning::Nothing;
    }
    if unwrapped.view_once && !reading.view_once {
        let words = "This may be seen once, and only on the phone.";
        return Meaning::Said(Said { message: words::note(words), ..Said::default() });
    }
    said(inner, reading).map_or_else(|| unread(inner), Meaning::Said)
}

/// Whom a message mentions.
pub(super) fn mentioned(message: &wa::Message) -> Vec<Jid> {
    words::mentioned(unwrap::context(unwrap::unwrap(message).message))
}

/// What is shown: files, words, or what is told in words. `None` when there is nothing of these.
fn said(inner: &wa::Message, reading: &Reading<'_>) -> Option<Said> {
    let context = unwrap::context(inner);
    let mut message = if let Some(files) = Files::of(inner, reading.bearer) {
        let caption = files.caption.unwrap_or_default();
        let text = words::marked_up(&caption, context, reading.names);
        let mut message = Message { text, ..Message::default() };
        match files.attachment {
            Some(file) => message.attachments.push(file),
            None => message.text.0.extend(words::missing_file()),
        }
        message
    } else if let Some(text) = inner.conversation.as_deref() {
        Message::text(words::marked_up(text, context, reading.names))
    } else if let Some(text) = inner.extended_text_message.as_option() {
        let words = text.text.as_deref().unwrap_or_default();
        let preview = words::link_preview(text);
        Message { preview, ..Message::text(words::marked_up(words, context, reading.names)) }
    } else {
        words::told(inner, reading.names)?
    };
    if context.is_some_and(|context| context.is_forwarded == Some(true)) {
        let note = [Node::Emphasis(vec![Node::Text("Forwarded".to_owned())]), Node::LineBreak];
        message.text.0.splice(0..0, note);
    }
    message.text = message.text.bounded();
    let answers = context.and_then(|context| {
        let stanza = context.stanza_id.clone().filter(|stanza| !stanza.is_empty())?;
        Some(Quoted { stanza, participant: context.participant.clone() })
    });
    Some(Said { message, answers, timer: context.and_then(Timer::of) })
}

fn protocol_meaning(protocol: &wa::message::ProtocolMessage, reading: &Reading<'_>) -> Meaning {
    match protocol.r#type {
        Some(ProtocolType::REVOKE) => about(protocol.key.as_option(), |target| Meaning::Revoke { target }),
        Some(ProtocolType::MESSAGE_EDIT) => {
            let edited = protocol.edited_message.as_option().map(unwrap::unwrap);
            let Some(new) = edited.and_then(|edited| said(edited.message, reading)) else {
                return Meaning::Unknown { name: "edit".to_owned() };
            };
            about(protocol.key.as_option(), |target| Meaning::Edit {
                target,
                new,
                edited_ms: protocol.timestamp_ms,
            })
        }
        Some(ProtocolType::EPHEMERAL_SETTING) => {
            let secs = protocol.ephemeral_expiration.unwrap_or_default();
            Meaning::Timer { timer: Timer::told(secs, protocol.ephemeral_setting_timestamp) }
        }
        // Between devices of one account, or about the display alone.
        _ => Meaning::Nothing,
    }
}

fn poll_meaning(poll: &wa::message::PollCreationMessage, reading: &Reading<'_>) -> Meaning {
    let question = poll.name.clone().unwrap_or_default();
    let answers: Vec<String> = poll
        .options
        .iter()
        .take(ANSWERS_MAX)
        .map(|option| option.option_name.clone().unwrap_or_default())
        .collect();
    let context = poll.context_info.as_option();
    let text = words::poll(words::marked_up(&question, context, reading.names), &answers).bounded();
    let answers_to = context.and_then(|context| {
        Some(Quoted { stanza: context.stanza_id.clone()?, participant: context.participant.clone() })
    });
    // Zero says that one may choose as many as there are.
    let all = u32::try_from(answers.len()).unwrap_or(u32::MAX).max(1);
    let choices_max = poll.selectable_options_count.filter(|count| *count > 0).unwrap_or(all).min(all);
    let timer = context.and_then(Timer::of);
    let said = Said { message: Message::text(text), answers: answers_to, timer };
    Meaning::Poll { said, answers, choices_max }
}

/// What is about a message; without one it says nothing.
fn about(key: Option<&wa::MessageKey>, make: impl FnOnce(Target) -> Meaning) -> Meaning {
    let target = key.and_then(|key| {
        let stanza = key.id.clone().filter(|stanza| !stanza.is_empty())?;
        Some(Target { stanza, own: key.from_me == Some(true), participant: key.participant.clone() })
    });
    target.map_or(Meaning::Nothing, make)
}

/// What is left: parts that only carry keys say nothing; the rest is unknown.
fn unread(inner: &wa::Message) -> Meaning {
    match unwrap::first_field(inner) {
        None => Meaning::Nothing,
        Some(name) => Meaning::Unknown { name },
    }
}

/// The words of a message that could not be read, until it can.
pub(super) fn waiting() -> Message {
    words::note(
        "Waiting for this message: it could not be decrypted yet. WhatsApp is asked to send it again; this may take until your phone is online.",
    )
}

/// A call, in words, with a way to call back on a device that has WhatsApp; that takes the caller's number.
pub(super) fn call(is_video: bool, missed: bool, phone: Option<&str>) -> Message {
    let sort = if is_video { "video call" } else { "call" };
    let mut message = words::note(&if missed {
        format!("📞 Missed {sort} on WhatsApp.")
    } else {
        format!("📞 Incoming {sort} on WhatsApp. Answer it on your phone.")
    });
    if let Some(digits) = phone.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        let children = vec![Node::Text("Open the chat in WhatsApp".to_owned())];
        let link = Node::Link { url: format!("https://wa.me/{digits}"), children };
        message.text.0.extend([Node::Text(" ".to_owned()), link, Node::Text(".".to_owned())]);
    }
    message
}

/// Words of the bridge itself.
pub(super) fn note(words: &str) -> Message {
    words::note(words)
}
