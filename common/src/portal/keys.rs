//! The keys that make a repeat harmless: derived from where a message came from, so that every attempt has the same one.
//!
//! Synapse shares transaction ids between all ghosts of one registration and keeps them for about half an hour only, so the puppet is
//! part of the key and the remote id stands in the content as well.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ruma::{EventId, RoomId, UserId};
use sha2::{Digest, Sha256};

use crate::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    steps::{PlantedFault, has_planted},
};

/// Short enough for the narrowest network (Discord takes 25 characters), long enough never to meet twice: 132 bits.
const KEY_CHARS: usize = 22;

/// The key of a delivery to the network.
pub(super) fn delivery_key(event_id: &EventId, clock: &Clock) -> String {
    derive(&[event_id.as_str()], clock)
}

/// The transaction id of a send to Matrix.
pub(super) fn txn_id(place: &Place<'_>, puppet: &UserId, clock: &Clock) -> String {
    derive(&[place.chat.as_str(), place.id.as_str(), place.part, puppet.as_str()], clock)
}

/// The transaction id of a notice that answers an event.
pub(super) fn notice_id(event_id: &EventId, words: &str, attempts: u32) -> String {
    hash(&["notice", event_id.as_str(), words, &attempts.to_string()])
}

/// The transaction id of an event that tells what became of another.
pub(super) fn status_id(event_id: &EventId, status: &str, attempts: u32) -> String {
    hash(&["status", event_id.as_str(), status, &attempts.to_string()])
}

/// The transaction id of what the bot tells a room about `source`.
pub(super) fn tell_id(source: &str) -> String {
    hash(&["tell", source])
}

/// The transaction id of taking an event away.
pub(super) fn redaction_id(event_id: &EventId, puppet: &UserId) -> String {
    hash(&["redact", event_id.as_str(), puppet.as_str()])
}

/// The key of what is passed on without being kept; nothing is ever repeated under it.
pub(super) fn passing_key(room_id: &RoomId) -> String {
    hash(&["passing", room_id.as_str()])
}

/// Which part of which remote message is sent.
pub(super) struct Place<'a> {
    /// The chat.
    pub(super) chat: &'a RemoteChatId,
    /// The message.
    pub(super) id: &'a RemoteMessageId,
    /// The part, or what else is told about the message.
    pub(super) part: &'a str,
}

fn derive(words: &[&str], clock: &Clock) -> String {
    if has_planted(PlantedFault::RandomKeys) {
        return encode(&clock.random_bytes::<32>());
    }
    hash(words)
}

fn hash(words: &[&str]) -> String {
    let mut digest = Sha256::new();
    for word in words {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update((word.len() as u64).to_le_bytes());
        digest.update(word.as_bytes());
    }
    encode(&digest.finalize())
}

fn encode(bytes: &[u8]) -> String {
    let mut key = URL_SAFE_NO_PAD.encode(bytes);
    key.truncate(KEY_CHARS);
    key
}

#[cfg(test)]
mod tests {
    use ruma::{event_id, user_id};

    use super::*;

    #[test]
    fn keys_repeat_for_the_same_source_and_differ_for_any_other() {
        let clock = Clock::fixed(0, 0);
        let (chat, id) = (RemoteChatId::new("c"), RemoteMessageId::new("m"));
        let key = |part, user| txn_id(&Place { chat: &chat, id: &id, part }, user, &clock);
        let (one, two) = (user_id!("@discord_1:e.org"), user_id!("@discord_2:e.org"));
        assert_eq!(key("0", one), key("0", one));
        assert_ne!(key("0", one), key("1", one));
        assert_ne!(key("0", one), key("0", two), "transaction ids are shared by all ghosts");
        assert_eq!(delivery_key(event_id!("$a"), &clock).len(), KEY_CHARS);
        assert_ne!(delivery_key(event_id!("$a"), &clock), delivery_key(event_id!("$b"), &clock));
    }
}
