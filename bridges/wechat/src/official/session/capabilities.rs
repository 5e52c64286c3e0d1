//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::message::{Action, AttachmentKind, Authors, Limits, Support};

use super::people::Met;

/// How long a text may be, in bytes; a longer one goes in parts, each of which counts.
pub(super) const TEXT_BYTES_MAX: usize = 2048;

/// The largest picture, film and sound
/// (<https://developers.weixin.qq.com/doc/offiaccount/Asset_Management/New_temporary_materials.html>).
pub(super) const IMAGE_BYTES_MAX: u64 = 10 * 1024 * 1024;
pub(super) const FILM_BYTES_MAX: u64 = 10 * 1024 * 1024;
pub(super) const SOUND_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// The command that sends a template, which is all that goes when the person has not written for two days.
pub(super) const TEMPLATE: &str = "template";

/// What it wants.
pub(super) const TEMPLATE_HELP: &str = "sends an approved template: its id, and values for its places with | between them, as in \
    template ngqIpbwh8bUf thing1=Ada | number2=7. A link for all of it begins with url=";

/// What WeChat takes as a voice message, beside AMR, which fewer programs can write; and how long one may be.
const VOICE_MIME: &str = "audio/mpeg";
pub(super) const VOICE_MS_MAX: u64 = 60_000;

/// What every chat carries. A correction is a message of its own. Files of other kinds become links.
const ACTIONS: [(Action, Support); 3] =
    [(Action::Message, Support::Full), (Action::Edit, Support::Fallback), (Action::Typing, Support::Full)];

/// What the chat with somebody can carry, by what is known of them.
pub(super) fn limits(met: Option<&Met>) -> Limits {
    use AttachmentKind::{Audio, Image, Sticker, Video, Voice};
    Limits {
        actions: BTreeMap::from(ACTIONS),
        authors: Authors::InWords,
        text_chars_max: TEXT_BYTES_MAX,
        files_bytes_max: [
            (Image, IMAGE_BYTES_MAX),
            (Sticker, IMAGE_BYTES_MAX),
            (Video, FILM_BYTES_MAX),
            (Audio, SOUND_BYTES_MAX),
            (Voice, SOUND_BYTES_MAX),
        ]
        .into(),
        voice_mime: Some(VOICE_MIME.to_owned()),
        files_per_message_max: 1,
        commands: [(TEMPLATE.to_owned(), TEMPLATE_HELP.to_owned())].into(),
        open_until_ms: met.and_then(Met::open_until_ms),
    }
}
