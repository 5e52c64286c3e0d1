//! Performs what comes from Matrix.
//!
//! The gateway knows no key that makes a repeat harmless, so whatever may have happened is not sent again: its echo is waited for, which tells
//! that it went, and else nobody knows. Next: `deliver/files`, `deliver/mentions`, `deliver/groups`.

use std::{sync::Arc, time::Duration};

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Attachment, ChatCommand, Message, Node, Outgoing, OutgoingMessage, RemoteEvent, RichText},
    platform::{DeliverError, Delivered, DeliveryKey, Progress},
};
use tonic::Status;
use tracing::warn;

use self::mentions::Written;
use super::{
    capabilities::TEXT_BYTES_MAX,
    echoes::{Echoes, Print},
    intake::{Intake, is_message_id},
    pace::Pace,
    requests,
    world::World,
};
use crate::{
    faces,
    wechaty::{
        events,
        gateway::call,
        verdict::{Fate, fate},
        wire::{Id, Place, Recalled, SendFile, SendText, Sent},
    },
};

mod files;
mod groups;
mod mentions;

/// A message that needs more parts is refused: nobody sends so many.
const PARTS_MAX: usize = 10;

/// What stands before a correction.
const CORRECTION: &str = "✏️ ";

/// How long the gateway may take to send something.
const SEND_WITHIN: Duration = Duration::from_secs(60);

/// How long the echo of something may take that went, but without an id.
const NAMELESS_WITHIN: Duration = Duration::from_secs(3);

/// How long the echo of something may take that perhaps did not go.
const DOUBT_WITHIN: Duration = Duration::from_secs(5);

/// What the ids begin with that the bridge makes up where the gateway tells none.
const OURS: &str = "ours/";

const IN_DOUBT: &str = "The WeChat gateway did not confirm the message, and it was not seen in the chat since. Look on your phone before you \
    repeat it.";

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) world: Arc<World>,
    pub(super) echoes: Arc<Echoes>,
    pub(super) intake: Arc<Intake>,
    pub(super) pace: Pace,
    pub(super) progress: Progress,
}

/// What becomes one message on WeChat.
enum Piece<'a> {
    Words(Written),
    File(&'a Attachment),
}

/// What is asked of the gateway.
enum Call {
    Text(SendText),
    File(SendFile),
}

impl Deliverer {
    /// Performs one action.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some(peer) = self.world.own.native(chat.as_str()) else {
            let words = "This is no chat to which this account could write on WeChat.";
            let is_message = matches!(outgoing, Outgoing::Message(_));
            let refusal = if is_message { DeliverError::Rejected } else { DeliverError::Unsupported };
            return Err(refusal(words.to_owned()));
        };
        // Without a note of it a gap behind this would not be marked.
        let noted = self.intake.goes_on(chat).await;
        noted.map_err(|error| DeliverError::Retry { after: None, reason: error.to_string() })?;
        match outgoing {
            Outgoing::Message(OutgoingMessage {
                message: Message { command: Some(command), .. }, ..
            }) => self.command(peer, command).await,
            Outgoing::Message(outgoing) => self.message(peer, &outgoing.message, key).await,
            Outgoing::Edit { parts, new } => self.correct(peer, (parts, &new.message), key).await,
            Outgoing::Redact { parts, .. } => self.recall(parts).await,
            Outgoing::Location { latitude, longitude, description, .. } => {
                self.place(peer, (*latitude, *longitude, description), key).await
            }
            Outgoing::ChatInfo { name, .. } => self.rename(peer, name.as_deref()).await,
            Outgoing::Member { user, change } => self.move_member(peer, (user, *change), key).await,
            Outgoing::React { .. }
            | Outgoing::Unreact { .. }
            | Outgoing::Typing { .. }
            | Outgoing::Read { .. }
            | Outgoing::Poll { .. }
            | Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. } => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!("A WeChat gateway cannot bring {action} to WeChat.")))
            }
        }
    }

    async fn command(&self, peer: &str, command: &ChatCommand) -> Result<Delivered, DeliverError> {
        if command.name == requests::ACCEPT {
            return requests::accept(&self.world, peer).await;
        }
        Err(DeliverError::Unsupported(format!("WeChat has no command “{}”.", command.name)))
    }

    /// Sends a message, in as many as it takes.
    async fn message(
        &self,
        peer: &str,
        message: &Message,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let linked = message.with_links(|file| !files::is_fit(file));
        let (mut text, named) = mentions::resolved(&self.world, peer, &linked.text).await;
        let answered = linked.reply_to.as_ref().and_then(|id| self.world.seen.quote(id.as_str()));
        if let Some(quote) = answered.filter(|_| !text.is_blank()) {
            text.0.splice(0..0, RichText::plain(&quote).0);
        }
        let mut pieces: Vec<Piece<'_>> = linked.attachments.iter().map(Piece::File).collect();
        let parts = faces::write(&text, TEXT_BYTES_MAX);
        pieces.extend(parts.into_iter().map(|words| Piece::Words(mentions::written(words, &named))));
        let delivered = self.send_all(peer, &pieces, key).await?;
        if let Some(first) = delivered.ids.first() {
            self.world.seen.put(first.as_str(), None, &linked);
        }
        Ok(delivered)
    }

    /// Says where a place is. Gateways drop every field of a place that is sent, so it goes in words.
    async fn place(
        &self,
        peer: &str,
        (latitude, longitude, description): (f64, f64, &str),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let place = Place { latitude, longitude, name: description.to_owned(), ..Place::default() };
        let text = events::place(&place).ok_or_else(|| {
            DeliverError::Rejected(
                "The place is none on this earth, and cannot be told on WeChat.".to_owned(),
            )
        })?;
        let parts = faces::write(&text, TEXT_BYTES_MAX).into_iter();
        let pieces: Vec<Piece<'_>> =
            parts.map(|words| Piece::Words(Written { words, ids: Vec::new() })).collect();
        self.send_all(peer, &pieces, key).await
    }

    async fn send_all(
        &self,
        peer: &str,
        pieces: &[Piece<'_>],
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
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
        if key.in_doubt.is_some() {
            self.resolve_doubt(&mut ids, pieces.len(), key).await?;
        }
        while let Some(piece) = pieces.get(ids.len()) {
            match self.send_piece((peer, piece), &part(key, ids.len())).await {
                Ok(id) => ids.push(id),
                Err(error) => return Err(self.give_up(key, ids, error)),
            }
        }
        self.progress.forget(&key.key);
        Ok(Delivered { ids })
    }

    /// Adds the parts of which it is known by now that they went.
    async fn resolve_doubt(
        &self,
        ids: &mut Vec<RemoteMessageId>,
        count: usize,
        key: &DeliveryKey,
    ) -> Result<(), DeliverError> {
        let begun = ids.len();
        while ids.len() < count {
            let part = part(key, ids.len());
            // Behind one that went, what is not known was never begun. Of the first that is lacking nobody could say that.
            if ids.len() > begun && !self.echoes.knows(&part) {
                break;
            }
            let Some(id) = self.echoes.wait(&part, DOUBT_WITHIN).await else {
                self.release(self.echoes.failed(&part)).await;
                self.progress.forget(&key.key);
                return Err(DeliverError::Uncertain(IN_DOUBT.to_owned()));
            };
            self.settled(&part, Some(id.clone())).await;
            ids.push(RemoteMessageId::new(id));
        }
        Ok(())
    }

    /// Sends a correction: WeChat lets nobody change a message.
    async fn correct(
        &self,
        peer: &str,
        (parts, new): (&[RemoteMessageId], &Message),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let mut message = new.clone();
        message.text.0.insert(0, Node::Text(CORRECTION.to_owned()));
        let Delivered { ids } = self.message(peer, &message, key).await?;
        // Both stand for the message from now on.
        Ok(Delivered { ids: parts.iter().cloned().chain(ids).collect() })
    }

    async fn send_piece(
        &self,
        (peer, piece): (&str, &Piece<'_>),
        part: &str,
    ) -> Result<RemoteMessageId, DeliverError> {
        let (print, call) = self.made(peer, piece).await?;
        self.pace.wait().await;
        self.echoes.begin(part, peer, print);
        let failed = match self.call(call).await {
            Ok(id) => {
                let id = match self.settled(part, id).await {
                    Some(id) => Some(id),
                    None => self.echoes.wait(part, NAMELESS_WITHIN).await,
                };
                // It went; its echo will be known, but it cannot be taken back.
                return Ok(RemoteMessageId::new(id.unwrap_or_else(|| format!("{OURS}{part}"))));
            }
            Err(status) => fate(&status),
        };
        if let Fate::NotGone(error) = failed {
            self.release(self.echoes.failed(part)).await;
            return Err(error);
        }
        let seen = match self.settled(part, None).await {
            Some(id) => Some(id),
            None => self.echoes.wait(part, DOUBT_WITHIN).await,
        };
        match (seen, failed) {
            (Some(id), _) => Ok(RemoteMessageId::new(id)),
            (None, Fate::Refused) => {
                self.release(self.echoes.failed(part)).await;
                let words = "The WeChat gateway says that it could not send the message, and it was not seen in the chat since. Look on your \
                             phone before you repeat it.";
                Err(DeliverError::Rejected(words.to_owned()))
            }
            (None, _) => Err(DeliverError::Uncertain(IN_DOUBT.to_owned())),
        }
    }

    /// What is asked of the gateway for a piece, and by what its echo is known.
    async fn made(&self, peer: &str, piece: &Piece<'_>) -> Result<(Print, Call), DeliverError> {
        let conversation_id = peer.to_owned();
        Ok(match piece {
            Piece::Words(Written { words, ids }) => {
                let (text, mentional_ids) = (words.clone(), ids.clone());
                (Print::words(words), Call::Text(SendText { conversation_id, text, mentional_ids }))
            }
            Piece::File(file) => {
                let file_box = self.bring(file).await?;
                (files::print(file), Call::File(SendFile { conversation_id, file_box }))
            }
        })
    }

    /// Sends; gives the id, where the gateway tells one.
    async fn call(&self, call: Call) -> Result<Option<String>, Status> {
        let gateway = &self.world.gateway;
        let sent: Sent = match call {
            Call::Text(text) => gateway.ask_within(call::SEND_TEXT, text, SEND_WITHIN).await?,
            Call::File(file) => gateway.ask_within(call::SEND_FILE, file, SEND_WITHIN).await?,
        };
        let id = if sent.id.is_empty() { sent.old_id.map(|old| old.value) } else { Some(sent.id) };
        Ok(id.filter(|id| is_message_id(id)))
    }

    /// Notes an answer, and lets go what came from the phone after all.
    async fn settled(&self, part: &str, id: Option<String>) -> Option<String> {
        let settled = self.echoes.answered(part, id);
        self.release(settled.theirs).await;
        settled.id
    }

    async fn release(&self, theirs: Vec<RemoteEvent>) {
        if let Err(error) = self.intake.release(theirs).await {
            warn!(%error, "An own message from the phone could not be stored.");
        }
    }

    /// The first parts stand already, so the rest may only be sent as what comes behind them.
    fn give_up(&self, key: &DeliveryKey, ids: Vec<RemoteMessageId>, error: DeliverError) -> DeliverError {
        match error {
            // The next attempt goes on where this one ended.
            again
            @ (DeliverError::Retry { .. } | DeliverError::LoggedOut(_) | DeliverError::Uncertain(_)) => {
                self.progress.keep(&key.key, ids, 0);
                again
            }
            final_ @ (DeliverError::Rejected(_) | DeliverError::Unsupported(_)) if ids.is_empty() => final_,
            DeliverError::Rejected(reason) | DeliverError::Unsupported(reason) => {
                self.progress.forget(&key.key);
                DeliverError::Uncertain(format!("Only the first part of the message is on WeChat. {reason}"))
            }
        }
    }

    /// Takes a message back. Asking twice does no harm.
    async fn recall(&self, parts: &[RemoteMessageId]) -> Result<Delivered, DeliverError> {
        for part in parts {
            let id = part.as_str();
            if id.starts_with(OURS) {
                let words = "The WeChat gateway did not tell which message it became, so it cannot be taken back from here. Take it back on \
                             your phone.";
                return Err(DeliverError::Rejected(words.to_owned()));
            }
            let refused = || {
                let words = "WeChat did not take the message back. It does so for two minutes only; look on your phone.";
                DeliverError::Rejected(words.to_owned())
            };
            match self.world.gateway.ask::<_, Recalled>(call::RECALL, Id { id: id.to_owned() }).await {
                Ok(Recalled { success: true }) => {}
                Ok(Recalled { success: false }) => return Err(refused()),
                Err(status) => {
                    return Err(match fate(&status) {
                        Fate::NotGone(error) => error,
                        Fate::Refused => refused(),
                        Fate::Unclear => DeliverError::Retry {
                            after: None,
                            reason: "The WeChat gateway did not answer.".to_owned(),
                        },
                    });
                }
            }
        }
        Ok(Delivered::default())
    }
}

/// Of which delivery it is which part.
fn part(key: &DeliveryKey, nth: usize) -> String {
    format!("{}/{nth}", key.key)
}
