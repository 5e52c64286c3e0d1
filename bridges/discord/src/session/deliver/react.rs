//! Reactions: the bot has one voice, so the portal tells it only of the first and the last of each emoji.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::Emoji,
    platform::{DeliverError, Delivered},
};

use super::Deliverer;
use crate::{
    emoji,
    place::Place,
    session::{
        permissions::{ADD_REACTIONS, READ_MESSAGE_HISTORY, VIEW_CHANNEL},
        verdict::{is_unknown_emoji, is_unknown_message, verdict_on_question},
    },
};

impl Deliverer {
    /// `PUT /channels/{id}/messages/{message}/reactions/{emoji}/@me`; putting it again changes nothing.
    pub(super) async fn react(
        &self,
        chat: &RemoteChatId,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        let path = path(chat, target, emoji)?;
        match self.api.put(&path).await {
            Err(error) if is_unknown_message(&error) => {
                Err(DeliverError::Rejected("The message is not in Discord any more.".to_owned()))
            }
            Err(error) => {
                let needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY | ADD_REACTIONS;
                Err(verdict_on_question(self.explained(error, chat.as_str(), needed)))
            }
            Ok(_) => Ok(Delivered::default()),
        }
    }

    /// `DELETE` of the same. What is not there need not be taken away, be it the message or the emoji.
    pub(super) async fn unreact(
        &self,
        chat: &RemoteChatId,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        let path = path(chat, target, emoji)?;
        match self.api.delete(&path).await {
            Err(error) if is_unknown_message(&error) || is_unknown_emoji(&error) => Ok(Delivered::default()),
            Err(error) => {
                let needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY;
                Err(verdict_on_question(self.explained(error, chat.as_str(), needed)))
            }
            Ok(_) => Ok(Delivered::default()),
        }
    }
}

fn path(chat: &RemoteChatId, target: &RemoteMessageId, emoji: &Emoji) -> Result<String, DeliverError> {
    let emoji = emoji::segment(emoji).ok_or_else(|| foreign(emoji))?;
    let Place { channel, message } = Place::of(chat, target);
    Ok(format!("/channels/{channel}/messages/{message}/reactions/{emoji}/@me"))
}

fn foreign(emoji: &Emoji) -> DeliverError {
    let (Emoji::Custom { name, .. } | Emoji::Unicode(name)) = emoji;
    DeliverError::Rejected(format!("Discord does not have the emoji “{name}”. Use one that everybody has."))
}
