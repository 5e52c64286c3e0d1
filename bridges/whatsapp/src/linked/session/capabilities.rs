//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::{
    ids::RemoteChatId,
    message::{Action, AttachmentKind, Authors, Limits, Support},
};
use wacore_binary::JidExt;

use super::{
    feeds,
    world::{Group, World},
};
use crate::linked::{markup::TEXT_CHARS_MAX, place};

/// <https://faq.whatsapp.com/general/how-to-edit-messages>
const EDIT_WITHIN_MS: u64 = 15 * 60 * 1_000;
/// A message may be deleted for everyone for a little more than two days.
const REVOKE_WITHIN_MS: u64 = 60 * 60 * 60 * 1_000;

const MEBIBYTE: u64 = 1024 * 1024;
const FILE_BYTES_MAX: u64 = 2_000 * MEBIBYTE;
const MEDIA_BYTES_MAX: u64 = 100 * MEBIBYTE;
const IMAGE_BYTES_MAX: u64 = 16 * MEBIBYTE;
const STICKER_BYTES_MAX: u64 = MEBIBYTE;

/// What every chat carries.
const ACTIONS: [(Action, Support); 12] = [
    (Action::Message, Support::Full),
    (Action::Edit, Support::Until(EDIT_WITHIN_MS)),
    (Action::Redact, Support::Until(REVOKE_WITHIN_MS)),
    (Action::React, Support::Full),
    (Action::Unreact, Support::Full),
    (Action::Typing, Support::Full),
    (Action::Read, Support::Full),
    (Action::Poll, Support::Full),
    (Action::Vote, Support::Full),
    (Action::ClosePoll, Support::Fallback),
    (Action::Pin, Support::Full),
    (Action::Unpin, Support::Full),
];

/// What a chat can carry. Where only admins write, others read.
pub(super) fn limits(world: &World, chat: &RemoteChatId) -> Limits {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    let Some(jid) = place::address(&world.me, chat) else { return Limits::default() };
    if !feeds::may_write(world, chat, &jid) {
        return Limits::default();
    }
    let mut actions = BTreeMap::from(ACTIONS);
    actions.insert(Action::Location, Support::Full);
    if jid.is_newsletter() {
        actions.retain(|action, _| feeds::ACTIONS.contains(action));
    }
    if jid.is_group() {
        let rights = |group: &Group| {
            let may_write = !group.is_announcement || group.am_admin;
            (may_write, group.am_admin || !group.is_locked)
        };
        let (may_write, may_change) = world.group(chat, rights).unwrap_or((true, true));
        if !may_write {
            actions.retain(|action, _| {
                matches!(action, Action::React | Action::Unreact | Action::Read | Action::Vote)
            });
        }
        if may_change {
            actions.insert(Action::ChatInfo, Support::Full);
        }
        actions.insert(Action::Member, Support::Full);
    }
    let files = [
        (Image, IMAGE_BYTES_MAX),
        (Video, MEDIA_BYTES_MAX),
        (Audio, MEDIA_BYTES_MAX),
        (Voice, MEDIA_BYTES_MAX),
        (Sticker, STICKER_BYTES_MAX),
        (File, FILE_BYTES_MAX),
    ];
    Limits {
        actions,
        authors: Authors::InWords,
        text_chars_max: TEXT_CHARS_MAX,
        // Files of channels are sent in another way, which the bridge does not know.
        files_bytes_max: if jid.is_newsletter() { BTreeMap::new() } else { files.into() },
        voice_mime: Some("audio/ogg".to_owned()),
        files_per_message_max: 1,
        open_until_ms: None,
        commands: BTreeMap::new(),
    }
}
