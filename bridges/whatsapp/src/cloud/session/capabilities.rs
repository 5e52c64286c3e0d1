//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::message::{Action, AttachmentKind, Authors, Limits, Support};

use super::people::Met;
use crate::format::TEXT_CHARS_MAX;

/// The largest file of any kind: what is no picture, sound or film to WhatsApp goes as a document
/// (<https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#supported-media-types>).
const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// The command that sends a template, which is all that goes when the person has not written for a day.
pub(super) const TEMPLATE: &str = "template";

/// What it wants.
pub(super) const TEMPLATE_HELP: &str = "sends an approved template: its name, its language, and its values with | between them, as in \
    template order_ready en_US Ada | 7. A value for a place elsewhere begins with header=, image=, video=, document= (with a link), \
    button= or the name of its place and =";

/// What WhatsApp takes as a voice message.
const VOICE_MIME: &str = "audio/ogg";

/// What every chat carries. A correction is a message of its own, which answers the one it corrects; that somebody types is shown only together
/// with a read receipt; a poll becomes buttons or a list.
const ACTIONS: [(Action, Support); 8] = [
    (Action::Message, Support::Full),
    (Action::Edit, Support::Fallback),
    (Action::React, Support::Full),
    (Action::Unreact, Support::Full),
    (Action::Typing, Support::Fallback),
    (Action::Read, Support::Full),
    (Action::Poll, Support::Fallback),
    (Action::Location, Support::Full),
];

/// What the chat with somebody can carry, by what is known of them.
pub(super) fn limits(met: Option<&Met>) -> Limits {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    Limits {
        actions: BTreeMap::from(ACTIONS),
        authors: Authors::InWords,
        text_chars_max: TEXT_CHARS_MAX,
        files_bytes_max: [Image, Video, Audio, Voice, Sticker, File]
            .map(|kind| (kind, FILE_BYTES_MAX))
            .into(),
        voice_mime: Some(VOICE_MIME.to_owned()),
        files_per_message_max: 1,
        commands: [(TEMPLATE.to_owned(), TEMPLATE_HELP.to_owned())].into(),
        open_until_ms: met.and_then(Met::open_until_ms),
    }
}
