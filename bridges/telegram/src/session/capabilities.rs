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
    /// What a chat can carry. What only admins may do is left out where the bot is known to be none; as long as nothing is known of that
    /// Telegram decides, and its refusal has words. A space carries nothing.
    pub fn limits(&self, id: &RemoteChatId, file_bytes_max: u64) -> Limits {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        let Some(spot) = self.own_spot(id) else { return Limits::default() };
        let mut actions = BTreeMap::from(ACTIONS);
        let chat = self.chat(spot.chat);
        let may = |right: &str| chat.is_none_or(|chat| is_granted(chat, right));
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
    chat.rights.as_ref().is_none_or(|rights| rights.is_admin && rights.granted.contains(right))
}

#[cfg(test)]
mod tests {
    use magpie_common::ids::RemoteChatId;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_not_forbidden() {
        let mut known = Known::new(7, "magpie_bot");
        let id = RemoteChatId::new("-1001234");
        let may_pin = |known: &Known| known.limits(&id, 1).support(Action::Pin).is_some();
        assert!(may_pin(&known), "the chat is not known");
        known.learn_chat(&json!({"id": -1_001_234, "type": "supergroup", "title": "Birds"}));
        assert!(may_pin(&known), "the rights are not known");
        known.learn_rights(-1_001_234, &json!({"status": "member"}));
        assert!(!may_pin(&known));
        known.learn_rights(-1_001_234, &json!({"status": "administrator", "can_pin_messages": true}));
        assert!(may_pin(&known));
    }
}
