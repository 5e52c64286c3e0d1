//! Messages, once: a file and its words, words in as many messages as they take.

use std::time::Duration;

use magpie_common::{
    ids::{RemoteMessageId, RemoteUserId},
    message::{Attachment, AttachmentKind, Message, Node, OutgoingMessage, RichText, Tone},
    platform::{DeliverError, Delivered, DeliveryKey, InDoubt},
};
use serde_json::{Value, json};

use super::{Deliverer, files::Unsent, head, not_known, part_key};
use crate::{
    cloud::session::{sent::STATUS_WITHIN, verdict::verdict},
    format::{self, CAPTION_CHARS_MAX, Nobody, TEXT_CHARS_MAX},
};

/// A text that needs more messages is refused.
const PARTS_MAX: usize = 20;

/// So long at most after the beginning of a session statuses of the time before it are waited for.
const FRESH_MS_MAX: i64 = 2 * 60 * 1000;

/// The pause between two such waits: each looks first whether a status has come.
const TOLD_PAUSE: Duration = Duration::from_secs(1);

/// What stands before a correction.
const CORRECTION: &str = "✏️ ";

/// A message ready to be sent.
pub(super) struct Draft<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    /// What the first piece answers.
    answered: Option<RemoteMessageId>,
}

/// What becomes one message on WhatsApp.
pub(super) enum Piece<'a> {
    Words(String),
    File(&'a Attachment, String),
    /// A kind and what stands under its name.
    Other(&'static str, Value),
}

impl Piece<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::Words(words) | Self::File(_, words) => words.len(),
            Self::Other(..) => 0,
        }
    }
}

impl Deliverer {
    /// Sends a message.
    pub(super) async fn message(
        &self,
        person: &RemoteUserId,
        outgoing: &OutgoingMessage,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let draft = draft(&outgoing.message)?;
        match self.send_all(person, &draft, key).await {
            // Surely nothing stands.
            Err(Unsent::Unfit) => {
                let linked = outgoing.message.with_links(|_| true);
                Ok(self.send_all(person, &self::draft(&linked)?, key).await?)
            }
            sent => Ok(sent?),
        }
    }

    /// Sends a correction: WhatsApp lets no business change a message, so the new words answer it.
    pub(super) async fn correct(
        &self,
        person: &RemoteUserId,
        (parts, new): (&[RemoteMessageId], &OutgoingMessage),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let mut message = new.message.clone();
        message.text.0.insert(0, Node::Text(CORRECTION.to_owned()));
        message.reply_to = parts.first().cloned();
        let corrected = OutgoingMessage { message, ..new.clone() };
        let Delivered { ids } = self.message(person, &corrected, key).await?;
        // Both stand for the message from now on.
        Ok(Delivered { ids: parts.iter().cloned().chain(ids).collect() })
    }

    /// Sends what is one message on WhatsApp, and neither words nor a file.
    pub(super) async fn single(
        &self,
        person: &RemoteUserId,
        (kind, content): (&'static str, Value),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let draft = Draft { pieces: vec![Piece::Other(kind, content)], answered: None };
        Ok(self.send_all(person, &draft, key).await?)
    }

    /// Sends the pieces of a draft that do not stand yet.
    async fn send_all(
        &self,
        person: &RemoteUserId,
        draft: &Draft<'_>,
        key: &DeliveryKey,
    ) -> Result<Delivered, Unsent> {
        let mut ids = self.kept.progress.done(&key.key);
        self.look(draft, key, &mut ids).await?;
        let is_template = matches!(draft.pieces.first(), Some(Piece::Other("template", _)));
        if ids.len() < draft.pieces.len() && !is_template {
            self.should_be_open(person).await?;
        }
        let rest = |done: usize| draft.pieces.iter().skip(done).map(Piece::bytes).sum();
        if !self.kept.progress.goes_on(&key.key, rest(ids.len())) {
            self.kept.progress.forget(&key.key);
            let words = "Only the first part of the message is on WhatsApp, and the rest would not go on where it ends.";
            return Err(DeliverError::Uncertain(words.to_owned()).into());
        }
        while let Some(piece) = draft.pieces.get(ids.len()) {
            let answered = draft.answered.as_ref().filter(|_| ids.is_empty());
            match self.send_piece(person, (piece, answered), &part_key(key, ids.len())).await {
                Ok(id) => ids.push(id),
                Err(Unsent::Unfit) if ids.is_empty() => return Err(Unsent::Unfit),
                Err(unsent) => {
                    let rest = rest(ids.len());
                    return Err(self.give_up(key, (ids, rest), unsent.into()).into());
                }
            }
        }
        self.kept.progress.forget(&key.key);
        Ok(Delivered { ids })
    }

    /// Looks for messages of an earlier attempt, whether it is in doubt or somebody tries it again; where it is in doubt, waits for statuses
    /// that name its messages.
    async fn look(
        &self,
        draft: &Draft<'_>,
        key: &DeliveryKey,
        ids: &mut Vec<RemoteMessageId>,
    ) -> Result<(), DeliverError> {
        // What this process began it knows from the beginning; before it, another one may have sent anything.
        let is_ours = self.kept.sent.is_begun(&part_key(key, 0));
        while ids.len() < draft.pieces.len() {
            let part = part_key(key, ids.len());
            if let Some(id) = self.kept.sent.known(&self.sink, &part).await.map_err(not_known)? {
                ids.push(id);
                continue;
            }
            // What was surely not sent comes next.
            if key.in_doubt.is_none() || is_ours && !self.kept.sent.is_begun(&part) {
                return Ok(());
            }
            match self.kept.sent.wait(&part, STATUS_WITHIN).await {
                Some(id) => ids.push(id),
                None if !is_ours && self.is_fresh(key.in_doubt.as_ref()) => return Err(not_told_yet()),
                None => return Err(uncertain()),
            }
        }
        Ok(())
    }

    /// Whether statuses of the time when nobody listened may still come: WhatsApp tries again after pauses that grow with it.
    fn is_fresh(&self, doubt: Option<&InDoubt>) -> bool {
        let away_ms = doubt.map_or(0, |doubt| self.begun_ms.saturating_sub(doubt.accepted_ms));
        self.clock.now_ms().saturating_sub(self.begun_ms) < away_ms.min(FRESH_MS_MAX)
    }

    async fn send_piece(
        &self,
        person: &RemoteUserId,
        (piece, answered): (&Piece<'_>, Option<&RemoteMessageId>),
        key: &str,
    ) -> Result<RemoteMessageId, Unsent> {
        let mut body = match piece {
            Piece::Other("template", _) => self.head_by_number(person).await.map_err(not_known)?,
            Piece::Words(_) | Piece::File(..) | Piece::Other(..) => head(person),
        };
        if let Some(answered) = answered {
            body["context"] = json!({"message_id": answered.as_str()});
        }
        match piece {
            Piece::Words(words) => {
                body["type"] = json!("text");
                let has_link = words.contains("https://") || words.contains("http://");
                body["text"] = json!({"body": words, "preview_url": has_link});
            }
            Piece::Other(kind, content) => {
                body["type"] = json!(kind);
                body[*kind] = content.clone();
            }
            Piece::File(file, caption) => return self.send_file(person, (file, caption), (body, key)).await,
        }
        Ok(self.send(person, body, key).await.map_err(verdict)?)
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
        self.kept.progress.keep(&key.key, ids, rest_bytes);
        match error {
            // The next attempt looks for the part that is in doubt; the others it knows.
            DeliverError::Uncertain(reason) => DeliverError::Uncertain(reason),
            DeliverError::LoggedOut(reason) => DeliverError::LoggedOut(reason),
            // This attempt was surely not made, and the next one knows where to go on.
            retry @ DeliverError::Retry { .. } if key.in_doubt.is_some() => retry,
            DeliverError::Retry { reason, .. }
            | DeliverError::Rejected(reason)
            | DeliverError::Unsupported(reason) => DeliverError::Uncertain(format!(
                "Only the first part of the message is on WhatsApp. {reason}"
            )),
        }
    }
}

/// A message as WhatsApp will have it.
fn draft(message: &Message) -> Result<Draft<'_>, DeliverError> {
    let text = toned(message);
    let write = |chars_max| format::write(&text, &Nobody, chars_max).into_iter().map(|part| part.text);
    // A caption that is too long, or whose file takes none, stands in messages of its own.
    let takes_caption = matches!(message.attachments.as_slice(), [file, ..] if has_caption(file));
    let captions: Vec<String> = if takes_caption { write(CAPTION_CHARS_MAX).collect() } else { Vec::new() };
    let caption = <[String; 1]>::try_from(captions).map(|[caption]| caption).unwrap_or_default();
    let is_captioned = !caption.is_empty();
    let mut caption = Some(caption);
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for file in &message.attachments {
        pieces.push(Piece::File(file, caption.take().unwrap_or_default()));
    }
    if !is_captioned {
        pieces.extend(write(TEXT_CHARS_MAX).map(Piece::Words));
    }
    if pieces.is_empty() {
        let words = "There is nothing in the message that WhatsApp can show.";
        return Err(DeliverError::Rejected(words.to_owned()));
    }
    if pieces.len() > PARTS_MAX {
        let words =
            format!("The message is too long: it would take more than {PARTS_MAX} messages on WhatsApp.");
        return Err(DeliverError::Rejected(words));
    }
    let answered = message.reply_to.clone().or_else(|| message.thread.clone());
    Ok(Draft { pieces, answered })
}

/// Whether a file may bear words, whatever it is sent as.
fn has_caption(file: &Attachment) -> bool {
    matches!(file.kind, AttachmentKind::Image | AttachmentKind::Video | AttachmentKind::File)
}

/// What is said while statuses of the time before may still come.
fn not_told_yet() -> DeliverError {
    let reason = "WhatsApp has not told yet what became of it.".to_owned();
    DeliverError::Retry { after: Some(TOLD_PAUSE), reason }
}

/// What is said of an attempt of which no status tells.
fn uncertain() -> DeliverError {
    let words = "WhatsApp did not confirm it, and no status tells what became of it. Look on WhatsApp before you repeat it.";
    DeliverError::Uncertain(words.to_owned())
}

/// The words as they are meant.
fn toned(message: &Message) -> RichText {
    match message.tone {
        Tone::Said | Tone::Notice => message.text.clone(),
        Tone::Emote => RichText(vec![Node::Emphasis(message.text.0.clone())]),
    }
}
