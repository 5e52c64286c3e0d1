//! Reactions: the bot has one voice and, in Telegram, one reaction to each message; a new one takes the place of the old.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use magpie_common::{
    ids::{RemoteFileId, RemoteMessageId},
    message::{Emoji, FileSource},
    platform::{DeliverError, Delivered},
};
use serde_json::{Value, json};

use super::{Deliverer, REACTIONS_MAX, done, gone_is_done, number};
use crate::{file::FileName, place::Spot};

/// Telegram spells its reactions without the mark that asks for the picture.
const SELECTOR: char = '\u{fe0f}';

/// Our reaction to each message, by chat and number.
pub(in crate::session) struct Reactions(Mutex<LruCache<(i64, i64), String>>);

impl Default for Reactions {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REACTIONS_MAX)))
    }
}

impl Reactions {
    fn lock(&self) -> MutexGuard<'_, LruCache<(i64, i64), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deliverer {
    /// `setMessageReaction`; setting it again changes nothing.
    pub(super) async fn react(
        &self,
        spot: &Spot,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        let number = number(spot, target)?;
        let reaction = written(emoji).ok_or_else(|| foreign(emoji))?;
        let fields = json!({"chat_id": spot.chat, "message_id": number, "reaction": [reaction]});
        done(self.call(spot, "setMessageReaction", &fields).await)?;
        self.reactions.lock().put((spot.chat, number), emoji.key());
        Ok(Delivered::default())
    }

    /// The same with nothing. A reaction that another one of ours has replaced is gone already.
    pub(super) async fn unreact(
        &self,
        spot: &Spot,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        let number = number(spot, target)?;
        let place = (spot.chat, number);
        let is_replaced = self.reactions.lock().get(&place).is_some_and(|current| *current != emoji.key());
        if is_replaced {
            return Ok(Delivered::default());
        }
        let fields = json!({"chat_id": spot.chat, "message_id": number, "reaction": []});
        gone_is_done(self.call(spot, "setMessageReaction", &fields).await, "not found")?;
        self.reactions.lock().pop(&place);
        Ok(Delivered::default())
    }
}

/// A reaction as Telegram takes it: <https://core.telegram.org/bots/api#reactiontype>.
fn written(emoji: &Emoji) -> Option<Value> {
    match emoji {
        Emoji::Unicode(emoji) => {
            let bare: String = emoji.chars().filter(|c| *c != SELECTOR).collect();
            Some(json!({"type": "emoji", "emoji": bare}))
        }
        Emoji::Custom { source: FileSource::Remote(file), .. } => custom(file),
        Emoji::Custom { source: FileSource::Matrix(_), .. } => None,
    }
}

fn custom(file: &RemoteFileId) -> Option<Value> {
    match FileName::parse(file)? {
        FileName::Emoji(id) => Some(json!({"type": "custom_emoji", "custom_emoji_id": id})),
        _ => None,
    }
}

fn foreign(emoji: &Emoji) -> DeliverError {
    let (Emoji::Custom { name, .. } | Emoji::Unicode(name)) = emoji;
    DeliverError::Rejected(format!("Telegram does not have the emoji “{name}”. Use one that everybody has."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_are_spelled_as_telegram_does() {
        assert_eq!(written(&Emoji::unicode("❤️")), Some(json!({"type": "emoji", "emoji": "❤"})));
        assert_eq!(written(&Emoji::unicode("👍")), Some(json!({"type": "emoji", "emoji": "👍"})));
        let theirs = Emoji::Custom {
            name: "5".to_owned(),
            source: FileSource::Remote(crate::file::custom_emoji("5")),
        };
        assert_eq!(written(&theirs), Some(json!({"type": "custom_emoji", "custom_emoji_id": "5"})));
        let ours = Emoji::Custom { name: "x".to_owned(), source: FileSource::Matrix("mxc://e.org/x".into()) };
        assert_eq!(written(&ours), None);
    }
}
