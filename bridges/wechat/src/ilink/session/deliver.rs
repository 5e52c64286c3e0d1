//! Performs what comes from Matrix.
//!
//! WeChat may or may not heed that a client id comes twice, so whatever may have happened is never sent again. What it has confirmed is kept
//! with the count of answers, so that a restart does not make doubt of it. Next: `deliver/upload`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Attachment, Message, Outgoing, RichText},
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, NotStored},
};
use serde_json::{Value, json};

use super::{
    capabilities::{FILE_BYTES_MAX, TEXT_CHARS_MAX},
    contexts::Contexts,
    files::Files,
    recent::Recent,
    typing::Typing,
    verdict::{NO_CONTEXT, NOBODY_WROTE, verdict},
};
use crate::{
    ending::End,
    faces, ids,
    ilink::{
        NAME,
        api::{Api, ApiError},
        events,
    },
    parts::{Parted, Unfinished, check, corrected, correction},
};

mod upload;

/// A message that needs more is refused: so many are all that may go.
const PARTS_MAX: usize = 10;

/// Within this WeChat answers.
const SEND_WITHIN: Duration = Duration::from_secs(30);

/// What the ids begin with of messages that WeChat gave none.
const OURS: &str = "ours/";

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) api: Arc<Api>,
    pub(super) bot_id: String,
    pub(super) clock: Clock,
    pub(super) contexts: Arc<Contexts>,
    pub(super) files: Arc<Files>,
    pub(super) unfinished: Arc<Unfinished>,
    pub(super) end: End,
    pub(super) recent: Arc<Recent>,
    pub(super) sink: EventSink,
    pub(super) typing: Arc<Typing>,
}

/// What becomes one message on WeChat.
enum Piece<'a> {
    Words(String),
    File(&'a Attachment),
}

/// Where a piece belongs.
struct Spot<'a> {
    user: &'a str,
    key: &'a DeliveryKey,
    /// What stands before it.
    ids: &'a [RemoteMessageId],
    /// What it answers.
    quoted: Option<&'a RemoteMessageId>,
}

/// A message on its way to somebody.
struct Errand<'a> {
    deliverer: &'a Deliverer,
    user: &'a str,
    key: &'a DeliveryKey,
    /// What it answers.
    quoted: Option<&'a RemoteMessageId>,
    pieces: &'a [Piece<'a>],
}

#[async_trait]
impl<'a> Parted for Errand<'a> {
    type Part = Piece<'a>;

    fn parts(&self) -> &[Piece<'a>] {
        self.pieces
    }

    async fn should_fit(&self, count: usize) -> Result<(), DeliverError> {
        self.deliverer.should_fit(self.user, count).await
    }

    async fn send(
        &self,
        piece: &Piece<'a>,
        before: &[RemoteMessageId],
    ) -> Result<RemoteMessageId, DeliverError> {
        let quoted = self.quoted.filter(|_| before.is_empty());
        let spot = Spot { user: self.user, key: self.key, ids: before, quoted };
        self.deliverer.send_piece(&spot, piece).await
    }

    async fn resolve(&self, _known: Vec<RemoteMessageId>) -> Result<Vec<RemoteMessageId>, DeliverError> {
        let confirmed =
            self.deliverer.contexts.of(self.user).await.map_err(not_known)?.confirmed(&self.key.key);
        if confirmed.len() >= self.pieces.len() {
            return Ok(confirmed);
        }
        let words = "WeChat did not confirm it, and tells nobody what became of it. Look on your phone before you repeat it.";
        Err(DeliverError::Uncertain(words.to_owned()))
    }
}

impl Deliverer {
    /// Performs one action.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some(user) = ids::native(chat.as_str(), NAME, &self.bot_id) else {
            let words = "This is no chat to which this bot could write on WeChat.";
            let is_message = matches!(outgoing, Outgoing::Message(_));
            return Err(match is_message {
                true => DeliverError::Rejected(words.to_owned()),
                false => DeliverError::Unsupported(words.to_owned()),
            });
        };
        match outgoing {
            Outgoing::Message(outgoing) => self.message(user, &outgoing.message, key).await,
            Outgoing::Edit { parts, new } => self.correct(user, (parts, &new.message), key).await,
            Outgoing::Typing { active } => self.type_in(user, *active).await,
            Outgoing::Redact { .. } => Err(DeliverError::Unsupported(
                "WeChat lets no bot take a message back. It stays on the phone.".to_owned(),
            )),
            Outgoing::React { .. }
            | Outgoing::Unreact { .. }
            | Outgoing::Read { .. }
            | Outgoing::Poll { .. }
            | Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. }
            | Outgoing::ChatInfo { .. }
            | Outgoing::Member { .. }
            | Outgoing::Location { .. } => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!("A bot of iLink's cannot bring {action} to WeChat.")))
            }
        }
    }

    /// Sends a message, in as many as it takes: the words first, then each file.
    async fn message(
        &self,
        user: &str,
        message: &Message,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let linked = message.with_links(|file| !is_fit(file));
        let mut pieces: Vec<Piece<'_>> = cut(&linked.text).into_iter().map(Piece::Words).collect();
        pieces.extend(linked.attachments.iter().map(Piece::File));
        check(pieces.len(), PARTS_MAX)?;
        self.typing.stop(user);
        let quoted = message.reply_to.as_ref();
        let errand = Errand { deliverer: self, user, key, quoted, pieces: &pieces };
        self.unfinished.send(key, &self.end, &errand).await
    }

    /// Whether so many answers are left, as far as that is known.
    async fn should_fit(&self, user: &str, count: usize) -> Result<(), DeliverError> {
        let context = self.contexts.of(user).await.map_err(not_known)?;
        context.usable(self.clock.now_ms()).map_err(|words| DeliverError::Rejected(words.to_owned()))?;
        match context.left() {
            Some(left) if count > left as usize => Err(DeliverError::Rejected(format!(
                "It would take {count} messages on WeChat, which lets the bot send only about {left} more until you write to it again. Make \
                 it shorter, or write to the bot on your phone first."
            ))),
            _ => Ok(()),
        }
    }

    /// Sends a correction: WeChat lets nobody change a message.
    async fn correct(
        &self,
        user: &str,
        (parts, new): (&[RemoteMessageId], &Message),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let sent = self.message(user, &correction(new), key).await?;
        Ok(corrected(parts, sent))
    }

    /// `POST /ilink/bot/sendmessage`
    async fn send_piece(&self, spot: &Spot<'_>, piece: &Piece<'_>) -> Result<RemoteMessageId, DeliverError> {
        // Nothing is brought in vain.
        self.context_token(spot.user).await?;
        let item = match piece {
            Piece::Words(words) => json!({"type": 1, "text_item": {"text": words}}),
            Piece::File(file) => self.bring(spot.user, file).await?,
        };
        let token = self.context_token(spot.user).await?;
        let body = json!({"msg": written(spot, item, token.as_deref())});
        let told = match self.api.post("ilink/bot/sendmessage", body, SEND_WITHIN).await {
            Ok(told) => told,
            Err(error) => {
                let is_gone = matches!(&error, ApiError::Refused(refusal) if refusal.code == NO_CONTEXT);
                return Err(match token.filter(|_| is_gone) {
                    Some(token) => {
                        // It is only a hint; WeChat says it again.
                        let _ = self.contexts.note(spot.user, |context| context.gone(&token)).await;
                        verdict(error)
                    }
                    None if is_gone => DeliverError::Rejected(NOBODY_WROTE.to_owned()),
                    None => verdict(error),
                });
            }
        };
        let id = events::id(&told["message_id"]).unwrap_or_else(|| part_id(spot.key, spot.ids.len()));
        let mut ids = spot.ids.to_vec();
        ids.push(id.clone());
        // Without it a restart makes doubt of the message, no more.
        let _ = self.contexts.note(spot.user, |context| context.sent(&spot.key.key, &ids)).await;
        if let Piece::Words(words) = piece {
            self.recent.keep(&id, words);
        }
        Ok(id)
    }

    /// What is sent with an answer.
    async fn context_token(&self, user: &str) -> Result<Option<String>, DeliverError> {
        let context = self.contexts.of(user).await.map_err(not_known)?;
        let token = context.usable(self.clock.now_ms());
        token.map(|token| token.map(str::to_owned)).map_err(|words| DeliverError::Rejected(words.to_owned()))
    }

    /// Shows that somebody types.
    async fn type_in(&self, user: &str, active: bool) -> Result<Delivered, DeliverError> {
        match self.context_token(user).await {
            Ok(Some(token)) if active => self.typing.start(user, &token),
            _ => self.typing.stop(user),
        }
        Ok(Delivered::default())
    }
}

/// Whether WeChat takes such a file; others become links.
fn is_fit(file: &Attachment) -> bool {
    file.size_bytes.is_none_or(|size| size <= FILE_BYTES_MAX)
}

/// A message as WeChat wants it.
fn written(spot: &Spot<'_>, mut item: Value, token: Option<&str>) -> Value {
    // What WeChat gave no id cannot be quoted.
    if let Some(quoted) = spot.quoted.filter(|quoted| !quoted.as_str().starts_with(OURS)) {
        item["ref_msg"] = json!({"svr_id": quoted.as_str()});
    }
    let mut message = json!({
        "from_user_id": "", "to_user_id": spot.user, "client_id": format!("magpie-{}-{}", spot.key.key, spot.ids.len()),
        "message_type": 2, "message_state": 2, "item_list": [item],
    });
    if let Some(token) = token {
        message["context_token"] = json!(token);
    }
    message
}

/// Words in parts that WeChat takes.
fn cut(text: &RichText) -> Vec<String> {
    let whole = faces::write(text, usize::MAX).concat();
    let (mut parts, mut rest) = (Vec::new(), whole.as_str());
    while !rest.is_empty() {
        let full = rest.char_indices().nth(TEXT_CHARS_MAX).map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(faces::part_end(rest, full));
        parts.push(part.trim_end().to_owned());
        rest = after.trim_start();
    }
    parts
}

/// Where WeChat names no message of ours, the bridge does.
fn part_id(key: &DeliveryKey, nth: usize) -> RemoteMessageId {
    RemoteMessageId::new(format!("{OURS}{}/{nth}", key.key))
}

/// What is remembered cannot be read just now.
fn not_known(error: NotStored) -> DeliverError {
    DeliverError::Retry { after: None, reason: error.to_string() }
}

#[cfg(test)]
mod tests;
