//! What a channel can carry.

use std::collections::BTreeMap;

use magpie_common::message::{Action, AttachmentKind, Authors, Limits, Support};

use super::{deliver::VOICE_MIME, world::Known};
use crate::format;

const MEBIBYTE: u64 = 1024 * 1024;

/// The largest file by a guild's boosts: <https://discord.com/developers/docs/reference#uploading-files>.
const TIER_BYTES_MAX: [u64; 4] = [10 * MEBIBYTE, 10 * MEBIBYTE, 50 * MEBIBYTE, 100 * MEBIBYTE];

/// Files of one message.
const FILES_MAX: usize = 10;

/// What is carried, and how well. A bot reacts for everybody with one voice, and a place becomes a link.
const ACTIONS: [(Action, Support); 7] = [
    (Action::Message, Support::Full),
    (Action::Edit, Support::Full),
    (Action::Redact, Support::Full),
    (Action::React, Support::Fallback),
    (Action::Unreact, Support::Fallback),
    (Action::Typing, Support::Fallback),
    (Action::Location, Support::Fallback),
];

impl Known {
    /// What a channel can carry; `file_bytes_max` is what the configuration says of files.
    pub fn limits(&self, channel: &str, file_bytes_max: Option<u64>) -> Limits {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        let guild = self.channels.get(channel).and_then(|channel| self.guilds.get(&channel.guild));
        let tier = guild.map_or(0, |guild| guild.tier).min(TIER_BYTES_MAX.len() - 1);
        let bytes_max = file_bytes_max.unwrap_or(TIER_BYTES_MAX[tier]);
        let kinds = [Image, Video, Audio, Voice, Sticker, File];
        Limits {
            actions: BTreeMap::from(ACTIONS),
            authors: Authors::Shown,
            text_chars_max: format::CONTENT_UNITS_MAX,
            files_bytes_max: kinds.map(|kind| (kind, bytes_max)).into(),
            voice_mime: Some(VOICE_MIME.to_owned()),
            files_per_message_max: FILES_MAX,
            commands: BTreeMap::new(),
            open_until_ms: None,
        }
    }
}
