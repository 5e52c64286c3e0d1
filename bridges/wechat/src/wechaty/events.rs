//! From what a gateway tells of a message to what it means. Pure: one message at a time, with what had to be asked for besides.
//!
//! A field that is missing or strange must not lose the words beside it; what cannot be mapped stays with its raw form. Next:
//! `events/mentions`, `events/records`, `events/words`.

use magpie_common::{
    clock::TimestampMs,
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, Message, Node, RichText, clean_line},
};

use self::mentions::Named;
use super::{
    file,
    wire::{MiniProgram, Moment, Place, Said, UrlLink},
};

pub(super) mod mentions;
mod records;
mod words;

pub(super) use self::words::{notice, place};

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// Longer texts are cut.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What stands behind a text that was cut.
const MORE: &str = "(There is more in this message. Look at your phone.)";

/// Kinds of messages, by the gateway's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Attachment,
    Audio,
    Contact,
    ChatHistory,
    Emoticon,
    Image,
    Text,
    Location,
    MiniProgram,
    GroupNote,
    Transfer,
    RedEnvelope,
    Recalled,
    Url,
    Video,
    /// Anything else.
    Unknown(i32),
}

impl Kind {
    /// What a number stands for.
    pub fn of(number: i32) -> Self {
        match number {
            1 => Self::Attachment,
            2 => Self::Audio,
            3 => Self::Contact,
            4 => Self::ChatHistory,
            5 => Self::Emoticon,
            6 => Self::Image,
            7 => Self::Text,
            8 => Self::Location,
            9 => Self::MiniProgram,
            10 => Self::GroupNote,
            11 => Self::Transfer,
            12 => Self::RedEnvelope,
            13 => Self::Recalled,
            14 => Self::Url,
            15 => Self::Video,
            other => Self::Unknown(other),
        }
    }
}

/// What had to be asked for besides a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Beside {
    /// Nothing, or it could not be had.
    #[default]
    Nothing,
    /// Whose card it is: their name.
    Card(String),
    /// The link.
    Link(UrlLink),
    /// The mini program.
    Program(MiniProgram),
    /// The place.
    Place(Place),
}

/// What a message means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// Somebody said something.
    Said(Message),
    /// They took back what they had said under this id.
    Recalled(String),
    /// Nobody can read this (yet).
    Unknown {
        /// What it is called.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// Reads a message of the account `me`, in which these people are named.
pub(super) fn read(said: &Said, beside: &Beside, (me, named): (&str, &[Named])) -> Meaning {
    let kind = Kind::of(said.kind);
    if kind == Kind::Recalled {
        let target = records::recalled(&said.text);
        return target.map_or_else(|| unknown(kind, said), Meaning::Recalled);
    }
    match shown(kind, said, beside, (me, named)) {
        Some(message) if !message.is_empty() => Meaning::Said(message),
        _ => unknown(kind, said),
    }
}

/// When it was said. Gateways tell seconds or milliseconds, in the place of the other.
pub(super) fn sent_ms(said: &Said) -> Option<TimestampMs> {
    let told = said.receive_time.map(moment_ms).filter(|told| *told > 0);
    let told = told.or_else(|| i64::try_from(said.timestamp).ok())?;
    in_ms(told)
}

/// A moment in milliseconds, whatever the gateway took it for.
pub(super) fn at_ms(moment: Moment) -> Option<TimestampMs> {
    in_ms(moment_ms(moment))
}

fn moment_ms(moment: Moment) -> i64 {
    moment.seconds.saturating_mul(1000).saturating_add(i64::from(moment.nanos) / 1_000_000)
}

fn in_ms(told: i64) -> Option<TimestampMs> {
    /// Smaller numbers are seconds: as milliseconds they would lie in the year 1973 and before.
    const SECONDS_BELOW: i64 = 100_000_000_000;
    let told = Some(told).filter(|told| *told > 0)?;
    Some(if told < SECONDS_BELOW { told * 1000 } else { told })
}

/// What is shown; `None` when nothing is left to show.
fn shown(kind: Kind, said: &Said, beside: &Beside, (me, named): (&str, &[Named])) -> Option<Message> {
    use AttachmentKind::{File, Sticker, Video, Voice};
    let (text, filename) = (bounded(&said.text), said.filename.as_str());
    Some(match (kind, beside) {
        (Kind::Text, _) => {
            let mut words = words::text(text, named).bounded();
            if text.len() < said.text.len() {
                words.0.extend([Node::LineBreak, Node::Emphasis(vec![Node::Text(MORE.to_owned())])]);
            }
            Message::text(words)
        }
        (Kind::Image, _) => {
            let file = file::image(me, &said.id);
            attached(AttachmentKind::Image, file, (filename, "image.jpg"))
        }
        (Kind::Emoticon, _) => attached(Sticker, file::message(me, &said.id), (filename, "emoticon.gif")),
        (Kind::Video, _) => attached(Video, file::message(me, &said.id), (filename, "video.mp4")),
        (Kind::Audio, _) => attached(Voice, file::message(me, &said.id), (filename, "voice message.silk")),
        (Kind::Attachment, _) => attached(File, file::message(me, &said.id), (filename, "file")),
        (Kind::Contact, Beside::Card(name)) => Message::text(words::card(name)),
        (Kind::Url, Beside::Link(link)) => Message::text(words::link(link)?),
        (Kind::MiniProgram, Beside::Program(program)) => Message::text(words::program(program)?),
        (Kind::Location, Beside::Place(place)) => Message::text(words::place(place)?),
        (Kind::ChatHistory, _) => Message::text(records::merged(text).bounded()),
        (Kind::GroupNote, _) => Message::text(words::group_note(text)),
        (Kind::RedEnvelope, _) => notice(&words::red_packet(text)),
        (Kind::Transfer, _) => notice(&words::transfer(text)),
        // What could not be asked for has perhaps been told in the text.
        (Kind::Contact | Kind::Url | Kind::MiniProgram | Kind::Location, _) => {
            Message::text(words::told(text)?)
        }
        (Kind::Recalled | Kind::Unknown(_), _) => return None,
    })
}

/// A file of a message.
fn attached(kind: AttachmentKind, file: RemoteFileId, (told, usual): (&str, &str)) -> Message {
    let told = clean_line(told);
    let name = if told.is_empty() { usual.to_owned() } else { told };
    let mut attachment = Attachment::new(kind, FileSource::Remote(file), name);
    attachment.mime = mime(&attachment.name).map(str::to_owned);
    Message { attachments: vec![attachment], ..Message::default() }
}

/// The media type that a name tells; the network itself tells none.
pub(super) fn mime(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "amr" => "audio/amr",
        "sil" | "silk" | "slk" => "audio/silk",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        _ => return None,
    })
}

fn unknown(kind: Kind, said: &Said) -> Meaning {
    let raw = said.text.get(..said.text.floor_char_boundary(RAW_BYTES_MAX)).unwrap_or_default();
    let title = records::title(&said.text);
    let name = title.unwrap_or_else(|| match kind {
        Kind::Unknown(number) => format!("message of kind {number}"),
        known => format!("{known:?} message"),
    });
    Meaning::Unknown { name, raw: raw.to_owned() }
}

fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// Words on lines, as nodes.
fn lines(words: &str) -> Vec<Node> {
    RichText::plain(words.trim()).0
}

#[cfg(test)]
mod tests;
