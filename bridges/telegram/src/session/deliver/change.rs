//! Edits and deletions. Repeating one of them changes nothing, so what has no clear answer is simply tried again.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Attachment, OutgoingMessage},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};
use teloxide::payloads::DeleteMessage;

use super::{
    Deliverer, done, entities,
    files::{Sort, replaced},
    gone_is_done,
    message::Piece,
    names, number,
};
use crate::{format::Part, place::Spot, session::api::ApiError};

/// What Telegram says of a message that bears a file: its words are a caption.
const NO_TEXT: &str = "no text in the message";

impl Deliverer {
    /// Changes a message. A shorter text needs fewer parts, a longer one more.
    pub(super) async fn edit(
        &self,
        spot: &Spot,
        (parts, new): (&[RemoteMessageId], &OutgoingMessage),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let draft = self.draft(spot, &new.message)?;
        let kept = parts.len().min(draft.pieces.len());
        for (id, piece) in parts.iter().zip(&draft.pieces) {
            match piece {
                Piece::Words(part) => self.change_words(spot, id, part).await?,
                Piece::File(file, caption) => self.change_file(spot, id, (file, caption)).await?,
            };
        }
        for extra in &parts[kept..] {
            self.remove(spot, extra).await?;
        }
        let mut ids = parts[..kept].to_vec();
        // What an interrupted attempt has added stands behind what was there; without its ids nobody can tell.
        let added = self.progress.done(&key.key);
        if draft.pieces.len() > kept && key.in_doubt.is_some() && added.len() <= kept {
            return Err(super::message::uncertain());
        }
        ids.extend(added.into_iter().skip(kept));
        Ok(self.send_from(spot, &draft, (key, ids)).await?)
    }

    /// Takes a message back, all of its parts.
    pub(super) async fn redact(
        &self,
        spot: &Spot,
        parts: &[RemoteMessageId],
    ) -> Result<Delivered, DeliverError> {
        for part in parts {
            self.remove(spot, part).await?;
        }
        Ok(Delivered::default())
    }

    /// `editMessageText`, or `editMessageCaption` where the message bears a file.
    async fn change_words(&self, spot: &Spot, id: &RemoteMessageId, part: &Part) -> Result<(), DeliverError> {
        let number = number(spot, id)?;
        let fields = json!({
            "chat_id": spot.chat, "message_id": number, "text": part.text, "entities": entities(&part.entities),
        });
        let answer = self.call(spot, "editMessageText", &fields).await;
        let answer = match answer {
            Err(error) if error.says(NO_TEXT) => {
                let fields = json!({
                    "chat_id": spot.chat, "message_id": number, "caption": part.text,
                    "caption_entities": entities(&part.entities),
                });
                self.call(spot, "editMessageCaption", &fields).await
            }
            answer => answer,
        };
        changed(answer)
    }

    /// `editMessageMedia`: another file takes the place of the old one.
    async fn change_file(
        &self,
        spot: &Spot,
        id: &RemoteMessageId,
        (file, caption): (&Attachment, &Part),
    ) -> Result<(), DeliverError> {
        const FIELD: &str = "file";
        let number = number(spot, id)?;
        let download = self.open(file).await?;
        let sort = Sort::of(file, download.mime.as_deref(), download.size_bytes);
        let mut media = json!({
            "type": sort.media_type(), "media": format!("attach://{FIELD}"), "caption": caption.text,
            "caption_entities": entities(&caption.entities),
        });
        sort.describe(file, &mut media);
        let fields = json!({"chat_id": spot.chat, "message_id": number, "media": media});
        replaced(self.upload(spot, "editMessageMedia", fields, (FIELD, file, download)).await)
    }

    /// `deleteMessage`. What is not there need not be deleted.
    async fn remove(&self, spot: &Spot, id: &RemoteMessageId) -> Result<(), DeliverError> {
        let (chat_id, message_id) = names(spot, id)?;
        let answer = self.settle(spot, &DeleteMessage::new(chat_id, message_id)).await;
        gone_is_done(answer, "message to delete not found").map(drop)
    }
}

/// What looks like that already need not be changed.
fn changed(answer: Result<Value, ApiError>) -> Result<(), DeliverError> {
    match answer {
        Err(error) if error.says("message is not modified") => Ok(()),
        answer => done(answer).map(drop),
    }
}
