//! Performs what comes from Matrix.
//!
//! WeChat gives messages of ours no ids, knows no key that makes a repeat harmless and tells of none what became of it, so whatever may have
//! happened is never sent again. Next: `deliver/files`, `deliver/template`.

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Action, Attachment, AttachmentKind, Message, Node, Outgoing},
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, NotStored, Progress},
};
use serde_json::{Value, json};

use super::{
    capabilities::TEXT_BYTES_MAX,
    intake::Intake,
    people::People,
    verdict::{SHUT, SHUT_CODE, USED_UP_CODE, verdict, verdict_on_question},
};
use crate::{
    api::{Api, ApiError},
    faces, ids,
    official::NAME,
};

mod files;
mod template;

/// A message that needs more is refused: five are all that may go.
const PARTS_MAX: usize = 5;

/// What stands before a correction.
const CORRECTION: &str = "✏️ ";

/// What is said of a message that may have gone.
const DOUBTFUL: &str =
    "WeChat did not confirm it, and tells nobody what became of it. Look on WeChat before you repeat it.";

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) api: Arc<Api>,
    pub(super) app_id: String,
    pub(super) clock: Clock,
    pub(super) people: Arc<People>,
    pub(super) intake: Arc<Intake>,
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
            let is_message = outgoing.action() == Action::Message;
            return Err(match is_message {
                true => DeliverError::Rejected(words.to_owned()),
                false => DeliverError::Unsupported(words.to_owned()),
            });
        };
        match outgoing {
            Outgoing::Message(outgoing) => match &outgoing.message.command {
                Some(command) => self.command(openid, command, key).await,
                None => self.message(openid, &outgoing.message, key).await,
            },
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
        if message.attachments.iter().any(|file| file.kind == AttachmentKind::File) {
            let words =
                "An Official Account cannot send such files on WeChat, only pictures, films and sound.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
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
            return Err(DeliverError::Uncertain(DOUBTFUL.to_owned()));
        }
        if let Err(error) = self.should_fit(openid, pieces.len().saturating_sub(ids.len())).await {
            return Err(self.give_up(key, ids, error));
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

    /// Nothing goes where time is over, and no message of which only a part could go. Whether the last one is used up WeChat says: it has a
    /// count of its own.
    async fn should_fit(&self, openid: &str, wanted: usize) -> Result<(), DeliverError> {
        let now_ms = self.clock.now_ms();
        let met = self.people.met(openid).await.map_err(not_known)?;
        if met.is_over(now_ms) {
            return Err(DeliverError::Rejected(SHUT.to_owned()));
        }
        match met.left(now_ms).and_then(|left| usize::try_from(left).ok()) {
            Some(left) if left > 0 && wanted > left => Err(DeliverError::Rejected(format!(
                "It would take {wanted} messages on WeChat, which takes only {left} more until the person writes again. Make it shorter, or \
                 wait until they write."
            ))),
            _ => Ok(()),
        }
    }

    async fn send_piece(&self, openid: &str, piece: &Piece<'_>) -> Result<(), DeliverError> {
        let mut body = match piece {
            Piece::Words(words) => json!({"msgtype": "text", "text": {"content": readable(words)}}),
            Piece::File(file) => self.bring(file).await?,
        };
        body["touser"] = json!(openid);
        let sent = self.api.post("cgi-bin/message/custom/send", &body).await;
        match sent.as_ref().map_err(ApiError::code) {
            Ok(_) => self.intake.count(openid, |met, now_ms| met.spend(now_ms)).await,
            Err(Some(USED_UP_CODE)) => self.intake.count(openid, |met, _| met.use_up()).await,
            Err(Some(SHUT_CODE)) => self.intake.count(openid, |met, now_ms| met.shut(now_ms)).await,
            Err(_) => {}
        }
        sent.map(drop).map_err(verdict)
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

/// WeChat reads no JSON with escaped letters in it, and control characters are always escaped.
fn readable(words: &str) -> String {
    words.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect()
}

/// WeChat names no message of ours, so the bridge does.
fn part_id(key: &DeliveryKey, nth: usize) -> RemoteMessageId {
    RemoteMessageId::new(format!("ours/{}/{nth}", key.key))
}

/// What is remembered cannot be read just now.
fn not_known(error: NotStored) -> DeliverError {
    DeliverError::Retry { after: None, reason: error.to_string() }
}
