//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::message::{Action, AttachmentKind, Authors, Limits, Support};

use super::contexts::Context;

/// How long a text may be, in characters; a longer one goes in parts, each of which counts.
pub(super) const TEXT_CHARS_MAX: usize = 4_000;

/// The largest file, in bytes, as the vendor's client takes them.
pub(super) const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// What every chat carries. A correction is a message of its own. What is spoken goes as a file.
const ACTIONS: [(Action, Support); 3] =
    [(Action::Message, Support::Full), (Action::Edit, Support::Fallback), (Action::Typing, Support::Full)];

/// What the chat with somebody can carry, by what is known of it.
pub(super) fn limits(context: Option<&Context>) -> Limits {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    Limits {
        actions: BTreeMap::from(ACTIONS),
        authors: Authors::InWords,
        text_chars_max: TEXT_CHARS_MAX,
        files_bytes_max: [Audio, File, Image, Sticker, Video, Voice]
            .map(|kind| (kind, FILE_BYTES_MAX))
            .into(),
        voice_mime: None,
        files_per_message_max: 1,
        commands: BTreeMap::new(),
        open_until_ms: context.map(Context::open_until_ms).filter(|until_ms| *until_ms > 0),
    }
}
