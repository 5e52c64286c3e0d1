//! What people say, and what they do to what was said, as events.

use magpie_common::{
    message::{RemoteEvent, RemoteMessage},
    platform::{Cursor, NotStored},
};
use serde_json::Value;

use super::{Intake, Tickets};
use crate::cloud::{
    events::{self, Origin, Read},
    place,
    session::changes::{Change, Deed},
};

impl Intake {
    /// A message, as it is by now.
    pub(super) async fn push_said(
        &self,
        mut message: RemoteMessage,
        met: Option<Cursor>,
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let (chat, target) = (message.chat.clone(), message.id.clone());
        let author = &message.sender.ids.primary;
        let change = self.changes.of(Deed::Change, &target, author).await?;
        // Of what the owner has said in the app, the person tells only how they like it.
        let person = place::person(&self.number, &chat).unwrap_or_else(|| author.clone());
        let emoji = match person == *author {
            true => change.emoji.clone(),
            false => self.changes.of(Deed::Change, &target, &person).await?.emoji,
        };
        // What its author wanted nobody to see is not sent to be taken back.
        if change.revoked {
            events::taken_back(&mut message);
        } else if let Some((_, edited)) = &change.edit {
            message.message.text.clone_from(&edited.message.text);
        }
        self.push(RemoteEvent::Message(message), met, tickets).await;
        if change.revoked {
            let event = RemoteEvent::Redact { chat, ids: vec![target], by: None };
            self.push(event, None, tickets).await;
        } else if let Some(emoji) = emoji {
            let event = RemoteEvent::React { chat, target, sender: person, emoji, sent_ms: None };
            self.push(event, None, tickets).await;
        }
        Ok(())
    }

    /// What was done to a message, unless something newer is known.
    pub(super) async fn push_change(
        &self,
        read: Read,
        (data, origin): (&Value, &Origin),
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let (chat, sender) = (origin.chat.clone(), origin.sender.ids.primary.clone());
        let sent_ms = events::sent_ms(data).unwrap_or_default();
        let is_news =
            |change: &mut Change| events::id(&data["id"]).is_some_and(|id| change.take(&id, sent_ms));
        match read {
            Read::Reacted { target, emoji } => {
                let mut change = self.changes.of(Deed::Change, &target, &sender).await?;
                if !is_news(&mut change) {
                    return Ok(());
                }
                change.emoji.clone_from(&emoji);
                let gone = RemoteEvent::Unreact {
                    chat: chat.clone(),
                    target: target.clone(),
                    sender: Some(sender.clone()),
                    emoji: None,
                };
                let cursor = Some(change.cursor(Deed::Change)?);
                match emoji {
                    // A new reaction takes the place of the old one.
                    Some(emoji) => {
                        self.push(gone, None, tickets).await;
                        let put = RemoteEvent::React { chat, target, sender, emoji, sent_ms: Some(sent_ms) };
                        self.push(put, cursor, tickets).await;
                    }
                    None => self.push(gone, cursor, tickets).await,
                }
            }
            Read::Chose { target, answer, .. } => {
                let mut change = self.changes.of(Deed::Choice, &target, &sender).await?;
                if is_news(&mut change) {
                    let vote = RemoteEvent::Vote { chat, target, sender, answers: vec![answer] };
                    self.push(vote, Some(change.cursor(Deed::Choice)?), tickets).await;
                }
            }
            Read::Edited { new } => {
                let mut change = self.changes.of(Deed::Change, &new.id, &sender).await?;
                let id = events::id(&data["id"]);
                if let Some(edited_ms) = id.and_then(|id| change.take_edit(&id, &new, sent_ms)) {
                    let cursor = change.cursor(Deed::Change)?;
                    self.push(RemoteEvent::Edit { new, edited_ms }, Some(cursor), tickets).await;
                }
            }
            Read::Revoked { target } => {
                let mut change = self.changes.of(Deed::Change, &target, &sender).await?;
                if change.revoke() {
                    let gone = RemoteEvent::Redact { chat, ids: vec![target], by: Some(sender) };
                    self.push(gone, Some(change.cursor(Deed::Change)?), tickets).await;
                }
            }
            Read::Said(_) | Read::Unknown { .. } => {}
        }
        Ok(())
    }
}
