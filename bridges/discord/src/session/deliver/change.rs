//! Edits, deletions and typing. Repeating one of them changes nothing, so what has no clear answer is simply tried again.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::OutgoingMessage,
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::{
    Deliverer, Payload, Voice,
    files::open,
    message::{Draft, Unsent, allowed, linked},
};
use crate::{
    place::Place,
    session::{
        api::ApiError,
        direct,
        permissions::{MANAGE_MESSAGES, VIEW_CHANNEL},
        verdict::{is_too_large, is_unknown_message, verdict_on_question},
        world::Channel,
    },
};

/// What becomes of the files that an edited message bears, where the edit brings none. Files that it brings replace them anyway.
#[derive(Clone, Copy)]
enum OldFiles {
    /// Only the words were edited.
    Stay,
    /// Links take their place.
    Go,
}

impl Deliverer {
    /// Changes a message. A shorter text needs fewer parts, a longer one more.
    pub(super) async fn edit(
        &self,
        chat: &RemoteChatId,
        (parts, new): (&[RemoteMessageId], &OutgoingMessage),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        match self.edit_to(chat, (parts, new, OldFiles::Stay), key).await {
            // Surely nothing has changed: links to the new files take the place of the old ones then.
            Err(Unsent::TooLarge) if new.message.can_be_linked() => {
                let linked = linked(new);
                Ok(self.edit_to(chat, (parts, &linked, OldFiles::Go), key).await?)
            }
            edited => Ok(edited?),
        }
    }

    async fn edit_to(
        &self,
        chat: &RemoteChatId,
        (parts, new, old): (&[RemoteMessageId], &OutgoingMessage, OldFiles),
        key: &DeliveryKey,
    ) -> Result<Delivered, Unsent> {
        let draft = self.draft(chat, new, key).await?;
        let kept = parts.len().min(draft.parts.len());
        for (nth, id) in parts[..kept].iter().enumerate() {
            self.change(chat, (&draft, old), (nth, id)).await?;
        }
        for extra in &parts[kept..] {
            self.remove(chat, extra).await?;
        }
        let mut ids = parts[..kept].to_vec();
        // What an interrupted attempt has added stands behind what was there.
        ids.extend(self.progress.done(&key.key).into_iter().skip(kept));
        self.send_from(&draft, ids).await
    }

    /// Takes a message back, all of its parts.
    pub(super) async fn redact(
        &self,
        chat: &RemoteChatId,
        parts: &[RemoteMessageId],
    ) -> Result<Delivered, DeliverError> {
        for part in parts {
            self.remove(chat, part).await?;
        }
        Ok(Delivered::default())
    }

    /// `POST /channels/{id}/typing`: Discord shows it for ten seconds and knows no end of it.
    pub(super) async fn typing(&self, chat: &RemoteChatId, active: bool) -> Result<Delivered, DeliverError> {
        if active {
            let path = format!("/channels/{chat}/typing");
            let told = self.api.post(&path, Payload::default()).await;
            let needed = self.to_write(chat.as_str());
            told.map_err(|error| verdict_on_question(self.explained(error, chat.as_str(), needed)))?;
        }
        Ok(Delivered::default())
    }

    async fn change(
        &self,
        chat: &RemoteChatId,
        (draft, old): (&Draft<'_>, OldFiles),
        (nth, id): (usize, &RemoteMessageId),
    ) -> Result<(), Unsent> {
        let place = Place::of(chat, id);
        let part = &draft.parts[nth];
        let mut json = json!({"content": part.content, "allowed_mentions": allowed(part, false)});
        if nth == 0 && matches!(old, OldFiles::Go) {
            json["attachments"] = json!([]);
        }
        let files = match nth {
            0 => open(&self.sink, &draft.message.attachments).await?,
            _ => Vec::new(),
        };
        let bears_files = !files.is_empty();
        let payload = Payload { json, files };
        let answer = match draft.voice {
            Voice::Bot => self.api.patch(&route(&place), payload).await,
            Voice::Person { .. } => self.webhooks.patch(chat.as_str(), &place, payload).await?,
        };
        match answer {
            Ok(_) => Ok(()),
            Err(error) if is_too_large(&error) && bears_files => Err(Unsent::TooLarge),
            Err(error) if is_unknown_message(&error) => {
                let words = "The message is not in Discord any more, or not under the bridge's control.";
                Err(DeliverError::Rejected(words.to_owned()).into())
            }
            Err(error) => Err(verdict_on_question(self.explained(error, chat.as_str(), VIEW_CHANNEL)).into()),
        }
    }

    /// Deletes a message as the bot, or as the webhook that wrote it where the bot may not.
    async fn remove(&self, chat: &RemoteChatId, id: &RemoteMessageId) -> Result<(), DeliverError> {
        direct::look_up(&self.api, &self.world, chat).await.map_err(verdict_on_question)?;
        let place = Place::of(chat, id);
        let as_bot = async || {
            let answer = self.api.delete(&route(&place)).await;
            answer.map_err(|error| self.explained(error, chat.as_str(), VIEW_CHANNEL | MANAGE_MESSAGES))
        };
        let is_bots = {
            let known = self.world.read();
            known.own_permissions(chat.as_str()) & MANAGE_MESSAGES != 0
                || known.channels.get(chat.as_str()).is_some_and(Channel::is_direct)
        };
        if is_bots {
            return gone(as_bot().await);
        }
        match self.webhooks.delete(chat.as_str(), &place).await? {
            Err(error) if is_unknown_message(&error) => gone(as_bot().await),
            answer => gone(answer),
        }
    }
}

fn route(place: &Place) -> String {
    format!("/channels/{}/messages/{}", place.channel, place.message)
}

/// What is not there need not be deleted.
fn gone(answer: Result<Value, ApiError>) -> Result<(), DeliverError> {
    match answer {
        Err(error) if is_unknown_message(&error) => Ok(()),
        Err(error) => Err(verdict_on_question(error)),
        Ok(_) => Ok(()),
    }
}
