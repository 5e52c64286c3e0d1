//! What a chat can carry.

use std::collections::BTreeMap;

use magpie_common::{
    ids::RemoteChatId,
    message::{Action, AttachmentKind, Authors, Limits, Support},
};

use super::world::{Chat, Known};
use crate::format::TEXT_UNITS_MAX;

/// What Telegram takes as a voice message.
const VOICE_MIME: &str = "audio/ogg";

/// What every chat carries. A bot reacts for everybody with one voice, and of its reactions only the last one stands.
const ACTIONS: [(Action, Support); 9] = [
    (Action::Message, Support::Full),
    (Action::Edit, Support::Full),
    (Action::Redact, Support::Full),
    (Action::React, Support::Fallback),
    (Action::Unreact, Support::Fallback),
    (Action::Typing, Support::Fallback),
    (Action::Poll, Support::Full),
    (Action::ClosePoll, Support::Full),
    (Action::Location, Support::Full),
];

impl Known {
    /// What a chat can carry. What only admins may do is listed where the bot is known to be one; a space carries nothing.
    pub fn limits(&self, id: &RemoteChatId, file_bytes_max: u64) -> Limits {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        let Some(spot) = self.own_spot(id) else { return Limits::default() };
        let mut actions = BTreeMap::from(ACTIONS);
        let chat = self.chat(spot.chat);
        let may = |right: &str| chat.is_some_and(|chat| is_granted(chat, right));
        if spot.chat > 0 || may("can_pin_messages") {
            actions.extend([(Action::Pin, Support::Full), (Action::Unpin, Support::Full)]);
        }
        if spot.chat < 0 && spot.topic.is_none() && may("can_change_info") {
            actions.insert(Action::ChatInfo, Support::Full);
        }
        Limits {
            actions,
            authors: Authors::InWords,
            text_chars_max: TEXT_UNITS_MAX,
            files_bytes_max: [Image, Video, Audio, Voice, Sticker, File]
                .map(|kind| (kind, file_bytes_max))
                .into(),
            voice_mime: Some(VOICE_MIME.to_owned()),
            files_per_message_max: 1,
            commands: BTreeMap::new(),
            open_until_ms: None,
        }
    }
}

fn is_granted(chat: &Chat, right: &str) -> bool {
    // In a channel, whoever may change messages may pin them.
    let right =
        if chat.kind == "channel" && right == "can_pin_messages" { "can_edit_messages" } else { right };
    chat.rights.as_ref().is_some_and(|rights| rights.is_admin && rights.granted.contains(right))
}
