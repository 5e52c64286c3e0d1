//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::message::{Action, AttachmentKind, Authors, Limits, Support};

use super::requests::{ACCEPT, ACCEPT_HELP};

/// How long a text may be, in bytes; a longer one goes in parts. WeChat names no limit: phones cut at some thousands of letters.
pub(super) const TEXT_BYTES_MAX: usize = 6_000;

/// The largest file that phones send.
pub(super) const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// The form of WeChat's own speech, which some gateways take.
pub(super) const VOICE_MIME: &str = "audio/silk";

/// For so long WeChat takes a message back.
const RECALL_MS: u64 = 2 * 60 * 1000;

/// What every chat carries. A correction is a message of its own, and places go in words. Speech goes as a file where the settings do not say that
/// the gateway knows more.
const ACTIONS: [(Action, Support); 4] = [
    (Action::Message, Support::Full),
    (Action::Edit, Support::Fallback),
    (Action::Redact, Support::Until(RECALL_MS)),
    (Action::Location, Support::Fallback),
];

/// What groups carry besides. Whether WeChat lets the account do it is seen when it is done.
const OF_GROUPS: [(Action, Support); 2] =
    [(Action::ChatInfo, Support::Full), (Action::Member, Support::Full)];

/// What a group or the chat with somebody can carry.
pub(super) fn limits(is_room: bool) -> Limits {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    let files = [Image, Video, Audio, Voice, Sticker, File];
    let of_group = OF_GROUPS.into_iter().filter(|_| is_room);
    let commands =
        if is_room { BTreeMap::new() } else { [(ACCEPT.to_owned(), ACCEPT_HELP.to_owned())].into() };
    Limits {
        actions: ACTIONS.into_iter().chain(of_group).collect(),
        authors: Authors::InWords,
        text_chars_max: TEXT_BYTES_MAX,
        files_bytes_max: files.map(|kind| (kind, FILE_BYTES_MAX)).into(),
        voice_mime: None,
        files_per_message_max: 1,
        commands,
        open_until_ms: None,
    }
}
