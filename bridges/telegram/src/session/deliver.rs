//! Performs what comes from Matrix.
//!
//! Telegram knows no key that makes a repeat harmless, and lets no bot read what it said. So whatever may have happened is never repeated:
//! it is uncertain, and a person decides. Next: `deliver/message`, `deliver/change`, `deliver/react`.

use std::{num::NonZeroUsize, sync::Arc};

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::Outgoing,
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, Progress},
};
use serde::Serialize;
use serde_json::{Value, json};
use teloxide::{
    payloads::{PinChatMessage, SendChatAction, StopPoll, UnpinChatMessage},
    requests::Payload,
    types::{ChatAction, ChatId, MessageId, ThreadId},
};

pub(super) use self::react::Reactions;
use super::{
    api::{Api, ApiError},
    verdict::{verdict, verdict_on_question},
    world::World,
};
use crate::{
    events::migration,
    format::Entity,
    place::{Scope, Spot},
};

mod change;
mod files;
mod message;
mod other;
mod react;

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) api: Arc<Api>,
    pub(super) world: Arc<World>,
    pub(super) progress: Progress,
    pub(super) reactions: Reactions,
    pub(super) sink: EventSink,
}

/// What was said before, or is said of a chat that is not ours.
const OLD_MESSAGE: &str = "The message is from before the group became a supergroup, or another bot's, so it cannot be reached in Telegram.";

impl Deliverer {
    /// Performs one action; those that the limits do not list do not come here.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let spot = self.world.read().own_spot(chat);
        let Some(spot) = spot else {
            let words = "This is no chat to which the bot could write in Telegram.";
            return Err(DeliverError::Rejected(words.to_owned()));
        };
        match outgoing {
            Outgoing::Message(message) => self.message(&spot, message, key).await,
            Outgoing::Edit { parts, new } => self.edit(&spot, (parts, new), key).await,
            Outgoing::Redact { parts, .. } => self.redact(&spot, parts).await,
            Outgoing::React { target, emoji, .. } => self.react(&spot, target, emoji).await,
            Outgoing::Unreact { target, emoji, .. } => self.unreact(&spot, target, emoji).await,
            Outgoing::Typing { active } => self.typing(&spot, *active).await,
            Outgoing::Poll { question, answers, choices_max, .. } => {
                self.poll(&spot, (question, answers, *choices_max), key).await
            }
            Outgoing::ClosePoll { target } => {
                let (chat_id, message_id) = names(&spot, target)?;
                gone_is_done(
                    self.settle(&spot, &StopPoll::new(chat_id, message_id)).await,
                    "already been closed",
                )
            }
            Outgoing::Pin { target } => {
                let (chat_id, message_id) = names(&spot, target)?;
                let mut pin = PinChatMessage::new(chat_id, message_id);
                pin.disable_notification = Some(true);
                done(self.settle(&spot, &pin).await)
            }
            Outgoing::Unpin { target } => {
                let (chat_id, message_id) = names(&spot, target)?;
                let mut unpin = UnpinChatMessage::new(chat_id);
                unpin.message_id = Some(message_id);
                gone_is_done(self.settle(&spot, &unpin).await, "not found")
            }
            Outgoing::Location { latitude, longitude, description, .. } => {
                self.place(&spot, (*latitude, *longitude), description, key).await
            }
            Outgoing::ChatInfo { name, topic } => {
                self.chat_info(&spot, name.as_deref(), topic.as_deref()).await
            }
            Outgoing::Read { .. } | Outgoing::Vote { .. } | Outgoing::Member { .. } => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!("A bot cannot bring {action} to Telegram.")))
            }
        }
    }

    /// `sendChatAction`: Telegram shows it for five seconds and knows no end of it.
    async fn typing(&self, spot: &Spot, active: bool) -> Result<Delivered, DeliverError> {
        if active {
            let mut typing = SendChatAction::new(ChatId(spot.chat), ChatAction::Typing);
            typing.message_thread_id = spot
                .topic
                .and_then(|topic| i32::try_from(topic).ok())
                .map(|topic| ThreadId(MessageId(topic)));
            self.heed(spot, self.api.ask(&typing).await).await.map_err(verdict_on_question)?;
        }
        Ok(Delivered::default())
    }

    /// A request that changes nothing when it is repeated.
    async fn settle<P: Payload + Serialize>(&self, spot: &Spot, request: &P) -> Result<Value, ApiError> {
        self.api.limiter.pass(spot.chat).await.map_err(ApiError::Limited)?;
        self.heed(spot, self.api.ask(request).await).await
    }

    /// The same, by name and fields.
    async fn call(&self, spot: &Spot, method: &str, fields: &Value) -> Result<Value, ApiError> {
        self.api.limiter.pass(spot.chat).await.map_err(ApiError::Limited)?;
        self.heed(spot, self.api.call(method, fields).await).await
    }

    /// Heeds what an answer tells besides: a pause, or that the chat goes on elsewhere.
    async fn heed(&self, spot: &Spot, answer: Result<Value, ApiError>) -> Result<Value, ApiError> {
        match &answer {
            Err(ApiError::Limited(wait)) => self.api.limiter.close(spot.chat, *wait),
            Err(ApiError::Migrated(new)) => {
                if let Scope::Bot(me) = spot.scope {
                    let moved = self.sink.push(migration(spot.chat, *new, me)).await;
                    // The group's own message tells it again.
                    let _ = moved.stored().await;
                }
            }
            _ => {}
        }
        answer
    }
}

/// How Telegram names a message of ours.
fn names(spot: &Spot, target: &RemoteMessageId) -> Result<(ChatId, MessageId), DeliverError> {
    let number = number(spot, target)?;
    let number = i32::try_from(number).map_err(|_| DeliverError::Rejected(OLD_MESSAGE.to_owned()))?;
    Ok((ChatId(spot.chat), MessageId(number)))
}

/// The number of a message in its chat.
fn number(spot: &Spot, target: &RemoteMessageId) -> Result<i64, DeliverError> {
    spot.number(target).ok_or_else(|| DeliverError::Rejected(OLD_MESSAGE.to_owned()))
}

/// The verdict on what changes nothing when it is repeated.
fn done(answer: Result<Value, ApiError>) -> Result<Delivered, DeliverError> {
    answer.map(|_| Delivered::default()).map_err(verdict_on_question)
}

/// The same, where Telegram refuses with these words what is done already.
fn gone_is_done(answer: Result<Value, ApiError>, words: &str) -> Result<Delivered, DeliverError> {
    match answer {
        Err(error) if error.says(words) && !error.says("chat not found") => Ok(Delivered::default()),
        answer => done(answer),
    }
}

/// The id of the message that an answer tells.
fn sent(spot: &Spot, answer: Result<Value, ApiError>) -> Result<RemoteMessageId, DeliverError> {
    let answer = answer.map_err(verdict)?;
    let number = answer["message_id"].as_i64();
    let unnamed = || verdict(ApiError::Unclear("the answer names no message".to_owned()));
    number.map(|number| spot.message(number)).ok_or_else(unnamed)
}

/// The fields of every message: where it goes, and what it answers.
fn head(spot: &Spot, answered: Option<i64>) -> Value {
    let mut fields = json!({"chat_id": spot.chat});
    if let Some(topic) = spot.topic {
        fields["message_thread_id"] = json!(topic);
    }
    if let Some(number) = answered {
        fields["reply_parameters"] = json!({"message_id": number, "allow_sending_without_reply": true});
    }
    fields
}

/// Entities as the Bot API takes them.
fn entities(entities: &[Entity]) -> Value {
    serde_json::to_value(entities).unwrap_or_default()
}

/// So many reactions are remembered.
const REACTIONS_MAX: NonZeroUsize = NonZeroUsize::new(2_000).unwrap();
