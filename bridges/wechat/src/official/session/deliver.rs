//! Performs what comes from Matrix.
//!
//! WeChat gives messages of ours no ids, knows no key that makes a repeat harmless and tells of none what became of it, so whatever may have
//! happened is never sent again. Next: `deliver/files`.

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Attachment, Message, Node, Outgoing},
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, NotStored, Progress},
};
use serde_json::{Value, json};

use super::{
    capabilities::TEXT_BYTES_MAX,
    people::People,
    verdict::{SHUT, verdict, verdict_on_question},
};
use crate::{api::Api, faces, ids, official::NAME};

mod files;

/// A message that needs more is refused: five are all that may go.
const PARTS_MAX: usize = 5;

/// What stands before a correction.
const CORRECTION: &str = "✏️ ";

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) api: Arc<Api>,
    pub(super) app_id: String,
    pub(super) clock: Clock,
    pub(super) people: Arc<People>,
    pub(super) progress: Progress,
    pub(super) sink: EventSink,
}

/// What becomes one message on WeChat.
enum Piece<'a> {
    Words(String),
    File(&'a Attachment),
}

impl Deliverer {
    /// Performs one action.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some(openid) = ids::native(chat.as_str(), NAME, &self.app_id) else {
            let words = "This is no chat to which this account could write on WeChat.";
            return Err(match outgoing {
                Outgoing::Message(_) => DeliverError::Rejected(words.to_owned()),
                _ => DeliverError::Unsupported(words.to_owned()),
            });
        };
        match outgoing {
            Outgoing::Message(outgoing) => self.message(openid, &outgoing.message, key).await,
            Outgoing::Edit { parts, new } => self.correct(openid, (parts, &new.message), key).await,
            Outgoing::Typing { active } => self.typing(openid, *active).await,
            Outgoing::Redact { .. } => Err(DeliverError::Unsupported(
                "WeChat lets no Official Account take a message back. It stays with the person.".to_owned(),
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
                Err(DeliverError::Unsupported(format!(
                    "An Official Account cannot bring {action} to WeChat."
                )))
            }
        }
    }

    /// Sends a message, in as many as it takes.
    async fn message(
        &self,
        openid: &str,
        message: &Message,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let linked = message.with_links(|file| !files::is_fit(file));
        let mut pieces: Vec<Piece<'_>> = linked.attachments.iter().map(Piece::File).collect();
        pieces.extend(faces::write(&linked.text, TEXT_BYTES_MAX).into_iter().map(Piece::Words));
        if pieces.is_empty() {
            let words = "There is nothing in the message that WeChat can show.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        if pieces.len() > PARTS_MAX {
            let words =
                format!("The message is too long: it would take more than {PARTS_MAX} messages on WeChat.");
            return Err(DeliverError::Rejected(words));
        }
        let mut ids = self.progress.done(&key.key);
        if key.in_doubt.is_some() && ids.is_empty() {
            let words = "WeChat did not confirm it, and tells nobody what became of it. Look on WeChat before you repeat it.";
            return Err(DeliverError::Uncertain(words.to_owned()));
        }
        while let Some(piece) = pieces.get(ids.len()) {
            if let Err(error) = self.send_piece(openid, piece).await {
                return Err(self.give_up(key, ids, error));
            }
            ids.push(part_id(key, ids.len()));
        }
        self.progress.forget(&key.key);
        Ok(Delivered { ids })
    }

    /// Sends a correction: WeChat lets nobody change a message.
    async fn correct(
        &self,
        openid: &str,
        (parts, new): (&[RemoteMessageId], &Message),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let mut message = new.clone();
        message.text.0.insert(0, Node::Text(CORRECTION.to_owned()));
        let Delivered { ids } = self.message(openid, &message, key).await?;
        // Both stand for the message from now on.
        Ok(Delivered { ids: parts.iter().cloned().chain(ids).collect() })
    }

    async fn send_piece(&self, openid: &str, piece: &Piece<'_>) -> Result<(), DeliverError> {
        let now_ms = self.clock.now_ms();
        let met = self.people.met(openid).await.map_err(not_known)?;
        if met.open_until_ms() != 0 && !met.is_open(now_ms) {
            return Err(DeliverError::Rejected(SHUT.to_owned()));
        }
        let mut body = match piece {
            Piece::Words(words) => json!({"msgtype": "text", "text": {"content": words}}),
            Piece::File(file) => self.bring(file).await?,
        };
        body["touser"] = json!(openid);
        self.api.post("cgi-bin/message/custom/send", &body).await.map_err(verdict)?;
        // It is only a count; WeChat has its own.
        if let Ok(Some(cursor)) = self.people.note(openid, |met| met.spend(now_ms)).await {
            let _ = self.sink.remember(cursor).await;
        }
        Ok(())
    }

    /// The first parts stand already, so the rest may only be sent as what comes behind them.
    fn give_up(&self, key: &DeliveryKey, ids: Vec<RemoteMessageId>, error: DeliverError) -> DeliverError {
        if ids.is_empty() {
            return error;
        }
        match error {
            // The next attempt goes on where this one ended.
            retry @ (DeliverError::Retry { .. } | DeliverError::LoggedOut(_)) => {
                self.progress.keep(&key.key, ids, 0);
                retry
            }
            DeliverError::Uncertain(reason)
            | DeliverError::Rejected(reason)
            | DeliverError::Unsupported(reason) => {
                self.progress.forget(&key.key);
                DeliverError::Uncertain(format!("Only the first part of the message is on WeChat. {reason}"))
            }
        }
    }

    /// Shows that somebody types. It is not worth an error.
    async fn typing(&self, openid: &str, active: bool) -> Result<Delivered, DeliverError> {
        let command = if active { "Typing" } else { "CancelTyping" };
        let body: Value = json!({"touser": openid, "command": command});
        match self.api.post("cgi-bin/message/custom/typing", &body).await {
            Err(error) => match verdict_on_question(error) {
                signed_out @ DeliverError::LoggedOut(_) => Err(signed_out),
                _ => Ok(Delivered::default()),
            },
            Ok(_) => Ok(Delivered::default()),
        }
    }
}

/// WeChat names no message of ours, so the bridge does.
fn part_id(key: &DeliveryKey, nth: usize) -> RemoteMessageId {
    RemoteMessageId::new(format!("ours/{}/{nth}", key.key))
}

/// What is remembered cannot be read just now.
fn not_known(error: NotStored) -> DeliverError {
    DeliverError::Retry { after: None, reason: error.to_string() }
}
