//! Messages, once: a file and its words, words in as many messages as they take.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Attachment, AttachmentKind, Message, Node, OutgoingMessage, RichText, Tone},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::json;

use super::{Deliverer, entities, files::Unsent, head, sent};
use crate::{
    format::{self, CAPTION_UNITS_MAX, Part, TEXT_UNITS_MAX},
    place::Spot,
};

/// A text that needs more messages is refused.
const PARTS_MAX: usize = 20;

/// A message ready to be sent.
pub(super) struct Draft<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    /// What the first piece answers.
    answered: Option<i64>,
}

/// What becomes one message in Telegram.
pub(super) enum Piece<'a> {
    Words(Part),
    File(&'a Attachment, Part),
}

impl Piece<'_> {
    fn bytes(&self) -> usize {
        let (Self::Words(part) | Self::File(_, part)) = self;
        part.text.len()
    }
}

impl Deliverer {
    /// Sends a message.
    pub(super) async fn message(
        &self,
        spot: &Spot,
        outgoing: &OutgoingMessage,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let stand = self.progress.done(&key.key);
        if key.in_doubt.is_some() && stand.is_empty() {
            return Err(uncertain());
        }
        let draft = self.draft(spot, &outgoing.message)?;
        match self.send_from(spot, &draft, (key, stand)).await {
            // Surely nothing stands.
            Err(Unsent::Unfit) => {
                let linked = outgoing.message.with_links(|_| true);
                let draft = self.draft(spot, &linked)?;
                Ok(self.send_from(spot, &draft, (key, Vec::new())).await?)
            }
            sent => Ok(sent?),
        }
    }

    /// A message as Telegram will have it.
    pub(super) fn draft<'a>(&self, spot: &Spot, message: &'a Message) -> Result<Draft<'a>, DeliverError> {
        let text = toned(message);
        let known = self.world.read();
        let mut pieces = Vec::new();
        let mut captions = match message.attachments.as_slice() {
            [file, ..] if file.kind != AttachmentKind::Sticker => {
                format::write(&text, &*known, CAPTION_UNITS_MAX)
            }
            _ => Vec::new(),
        };
        // A caption that is too long stands in messages of its own.
        let caption = if captions.len() == 1 { captions.remove(0) } else { Part::default() };
        let is_captioned = !caption.text.is_empty();
        let mut caption = Some(caption);
        for file in &message.attachments {
            pieces.push(Piece::File(file, caption.take().unwrap_or_default()));
        }
        if !is_captioned {
            pieces.extend(format::write(&text, &*known, TEXT_UNITS_MAX).into_iter().map(Piece::Words));
        }
        if pieces.is_empty() {
            let words = "There is nothing in the message that Telegram can show.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        if pieces.len() > PARTS_MAX {
            let words =
                format!("The message is too long: it would take more than {PARTS_MAX} messages in Telegram.");
            return Err(DeliverError::Rejected(words));
        }
        // A comment that answers nothing answers the post.
        let answered = message.reply_to.as_ref().or(message.thread.as_ref());
        Ok(Draft { pieces, answered: answered.and_then(|id| spot.number(id)) })
    }

    /// Sends the pieces of a draft behind those that stand already under `ids`.
    pub(super) async fn send_from(
        &self,
        spot: &Spot,
        draft: &Draft<'_>,
        (key, mut ids): (&DeliveryKey, Vec<RemoteMessageId>),
    ) -> Result<Delivered, Unsent> {
        let rest = |done: usize| draft.pieces.iter().skip(done).map(Piece::bytes).sum();
        if !self.progress.goes_on(&key.key, rest(ids.len())) {
            self.progress.forget(&key.key);
            let words = "Only the first part of the message is in Telegram, and the rest would not go on where it ends.";
            return Err(DeliverError::Uncertain(words.to_owned()).into());
        }
        while let Some(piece) = draft.pieces.get(ids.len()) {
            let answered = draft.answered.filter(|_| ids.is_empty());
            match self.send_piece(spot, piece, answered).await {
                Ok(id) => ids.push(id),
                Err(Unsent::Unfit) if ids.is_empty() => return Err(Unsent::Unfit),
                Err(unsent) => {
                    let rest = rest(ids.len());
                    return Err(self.give_up(key, (ids, rest), unsent.into()).into());
                }
            }
        }
        self.progress.forget(&key.key);
        Ok(Delivered { ids })
    }

    async fn send_piece(
        &self,
        spot: &Spot,
        piece: &Piece<'_>,
        answered: Option<i64>,
    ) -> Result<RemoteMessageId, Unsent> {
        match piece {
            Piece::Words(part) => {
                let mut fields = head(spot, answered);
                fields["text"] = json!(part.text);
                fields["entities"] = entities(&part.entities);
                Ok(sent(spot, self.call(spot, "sendMessage", &fields).await)?)
            }
            Piece::File(file, caption) => self.send_file(spot, (file, caption), answered).await,
        }
    }

    /// The first parts stand already, so the rest may only be sent as what comes behind them.
    fn give_up(
        &self,
        key: &DeliveryKey,
        (ids, rest_bytes): (Vec<RemoteMessageId>, usize),
        error: DeliverError,
    ) -> DeliverError {
        if ids.is_empty() {
            return error;
        }
        match error {
            // What is in doubt now is the part behind them, which must not be sent again.
            DeliverError::Uncertain(reason) => {
                self.progress.forget(&key.key);
                DeliverError::Uncertain(reason)
            }
            DeliverError::LoggedOut(reason) => {
                self.progress.keep(&key.key, ids, rest_bytes);
                DeliverError::LoggedOut(reason)
            }
            // This attempt was surely not made, and the next one knows where to go on.
            retry @ DeliverError::Retry { .. } if key.in_doubt.is_some() => {
                self.progress.keep(&key.key, ids, rest_bytes);
                retry
            }
            DeliverError::Retry { reason, .. }
            | DeliverError::Rejected(reason)
            | DeliverError::Unsupported(reason) => {
                self.progress.keep(&key.key, ids, rest_bytes);
                DeliverError::Uncertain(format!(
                    "Only the first part of the message is in Telegram. {reason}"
                ))
            }
        }
    }
}

/// What is said of an attempt that nobody can look for.
pub(super) fn uncertain() -> DeliverError {
    let words = "Telegram did not confirm it, and a bot cannot look for it there. Look in Telegram before you repeat it.";
    DeliverError::Uncertain(words.to_owned())
}

/// The words as they are meant.
pub(super) fn toned(message: &Message) -> RichText {
    match message.tone {
        Tone::Said | Tone::Notice => message.text.clone(),
        Tone::Emote => RichText(vec![Node::Emphasis(message.text.0.clone())]),
    }
}
