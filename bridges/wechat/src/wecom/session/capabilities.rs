//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::message::{Action, AttachmentKind, Authors, Limits, Support};

use super::{deliver::commands, window::Window};
use crate::wecom::place::Place;

/// How long a text may be, in bytes; WeCom cuts what is longer, so it goes in parts.
pub(super) const TEXT_BYTES_MAX: usize = 2048;

/// The same in letters, where each is one byte; whoever writes Chinese gets more parts.
const TEXT_CHARS_MAX: usize = TEXT_BYTES_MAX;

/// The largest file that WeCom takes (<https://developer.work.weixin.qq.com/document/path/90253>). What is too large to be shown goes as one.
pub(super) const FILE_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// The only sound that WeCom shows as a voice message.
pub(super) const VOICE_MIME: &str = "audio/amr";

/// A message can be taken back for so long: from a member, and from a customer.
pub(super) const RECALL_MS: u64 = 24 * 60 * 60 * 1000;
const CUSTOMER_RECALL_MS: u64 = 2 * 60 * 1000;

/// What a chat can carry, by what is known of it.
pub(super) fn limits(place: &Place, window: Option<Window>) -> Limits {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    // A correction is a message of its own.
    let mut actions = BTreeMap::from([(Action::Message, Support::Full), (Action::Edit, Support::Fallback)]);
    actions.extend(match place {
        Place::Member { .. } => vec![(Action::Redact, Support::Until(RECALL_MS))],
        Place::Group { .. } => vec![(Action::ChatInfo, Support::Full), (Action::Member, Support::Full)],
        Place::Customer(_) => {
            vec![(Action::Location, Support::Full), (Action::Redact, Support::Until(CUSTOMER_RECALL_MS))]
        }
    });
    Limits {
        actions,
        authors: Authors::InWords,
        text_chars_max: TEXT_CHARS_MAX,
        files_bytes_max: [Audio, File, Image, Sticker, Video, Voice]
            .map(|kind| (kind, FILE_BYTES_MAX))
            .into(),
        voice_mime: Some(VOICE_MIME.to_owned()),
        files_per_message_max: 1,
        commands: commands::listed(place),
        open_until_ms: window.as_ref().and_then(Window::open_until_ms),
    }
}
