//! Voice messages: one file of Opus in Ogg, with its length and how loud it is over time, and not a word beside it. What is not all of that goes as
//! an ordinary file.
//!
//! Reference: <https://discord.com/developers/docs/resources/message#message-object-message-flags>. The way in is in `events/attachment`.

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_common::message::{Attachment, AttachmentKind, Message, OutgoingMessage};

use crate::format::Part;

/// A message's flag that makes it a voice message.
pub(super) const FLAG: u64 = 1 << 13;

/// The type of its file.
pub(in crate::session) const MIME: &str = "audio/ogg";

/// Discord's waveforms have at most this many points.
const POINTS_MAX: usize = 256;

/// The loudest point of a waveform in Matrix.
const LOUDEST: u16 = 1024;

/// So many bytes tell Opus in Ogg from anything else.
pub(super) const HEAD_BYTES: usize = 36;

/// What Discord wants to know of a voice message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spoken {
    /// Its length.
    pub(super) duration_secs: f64,
    /// One byte for each point in time, as base64.
    pub(super) waveform: String,
}

/// The message as a voice message, if it can be one for what is known before its file is opened.
pub(super) fn read(message: &Message, parts: &[Part]) -> Option<Spoken> {
    let [file] = message.attachments.as_slice() else { return None };
    let is_wordless = parts.iter().all(|part| part.content.is_empty());
    let duration_ms = file
        .info
        .duration_ms
        .filter(|_| file.kind == AttachmentKind::Voice && is_wordless && !file.spoiler)?;
    let duration_secs = std::time::Duration::from_millis(duration_ms).as_secs_f64();
    Some(Spoken { duration_secs, waveform: waveform(&file.info.waveform) })
}

/// The same message with an ordinary file.
pub(super) fn unspoken(outgoing: &OutgoingMessage) -> OutgoingMessage {
    let as_file = |file: &Attachment| Attachment { kind: AttachmentKind::Audio, ..file.clone() };
    let attachments = outgoing.message.attachments.iter().map(as_file).collect();
    OutgoingMessage { message: Message { attachments, ..outgoing.message.clone() }, ..outgoing.clone() }
}

/// Whether a file begins like Opus in Ogg: a page whose one packet is the head (RFC 7845, section 3).
pub(super) fn is_opus(head: &[u8]) -> bool {
    head.starts_with(b"OggS") && head.get(28..HEAD_BYTES) == Some(b"OpusHead".as_slice())
}

/// The loudest of each stretch where there are too many points, and a quiet line where there is none: Discord takes no voice message without.
fn waveform(points: &[u16]) -> String {
    let scaled =
        |point: u16| u8::try_from(u32::from(point.min(LOUDEST)) * u32::from(u8::MAX) / u32::from(LOUDEST));
    let stretch = points.len().div_ceil(POINTS_MAX).max(1);
    let loudest = points.chunks(stretch).filter_map(|stretch| stretch.iter().max());
    let mut bytes: Vec<u8> = loudest.filter_map(|point| scaled(*point).ok()).collect();
    if bytes.is_empty() {
        bytes.push(0);
    }
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_has_a_byte_for_each_point_and_not_too_many() {
        let bytes = |points: &[u16]| STANDARD.decode(waveform(points)).unwrap();
        assert_eq!(bytes(&[0, 512, 1024, 9999]), [0, 127, 255, 255]);
        assert_eq!(bytes(&[]), [0]);
        assert_eq!(bytes(&[7; 256]).len(), 256);
        let mut long = vec![0; 1000];
        long[999] = 1024;
        let long = bytes(&long);
        assert!(long.len() <= POINTS_MAX && long.last() == Some(&255), "{long:?}");
    }

    #[test]
    fn opus_is_known_by_its_head() {
        let mut head = b"OggS".to_vec();
        head.resize(28, 0);
        head.extend(b"OpusHead");
        assert!(is_opus(&head));
        assert!(!is_opus(&head[..30]) && !is_opus(b"ID3"));
    }
}
