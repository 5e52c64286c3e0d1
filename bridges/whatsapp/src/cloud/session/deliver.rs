//! Performs what comes from Matrix.
//!
//! WhatsApp knows no key that makes a repeat harmless, but repeats in its statuses what we put beside a message (`sent`): so whatever may have
//! happened is waited for, and never sent again. Next: `deliver/message`, `deliver/other`.

use std::sync::Arc;

use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Emoji, Message, Outgoing, OutgoingMessage},
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, NotStored},
};
use serde_json::{Value, json};
use tracing::warn;

use super::{
    api::{Api, ApiError},
    intake::Intake,
    kept::Kept,
    people::People,
    sent::reaction_key,
    templates::Templates,
    verdict::{Pause, SHUT, Weight, verdict, verdict_on_question, weight},
};
use crate::{
    cloud::{json::text, place},
    ids,
};

pub(super) use self::files::Sort;

mod files;
mod message;
mod other;
mod template;

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) api: Arc<Api>,
    pub(super) number: String,
    pub(super) clock: Clock,
    pub(super) people: Arc<People>,
    /// When the session began.
    pub(super) begun_ms: TimestampMs,
    pub(super) kept: Arc<Kept>,
    pub(super) intake: Arc<Intake>,
    pub(super) templates: Arc<Templates>,
    pub(super) sink: EventSink,
}

/// So long after its end WhatsApp is still asked whether a window is shut.
const SLACK_MS: i64 = 10 * 60 * 1000;

/// WhatsApp does not know the message that is read: it is one of ours, or too old.
const NOT_THEIRS: [i64; 2] = [100, 131_009];

impl Deliverer {
    /// Performs one action.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some(person) = place::person(&self.number, chat) else {
            let words = "This is no chat to which this number could write on WhatsApp.";
            return Err(match outgoing {
                Outgoing::Message(_) => DeliverError::Rejected(words.to_owned()),
                _ => DeliverError::Unsupported(words.to_owned()),
            });
        };
        match outgoing {
            Outgoing::Message(OutgoingMessage {
                message: Message { command: Some(command), .. }, ..
            }) => self.command(&person, command, key).await,
            Outgoing::Message(message) => self.message(&person, message, key).await,
            Outgoing::Edit { parts, new } => self.correct(&person, (parts, new), key).await,
            Outgoing::React { target, emoji, .. } => self.react(&person, target, Some(emoji)).await,
            Outgoing::Unreact { target, .. } => self.react(&person, target, None).await,
            Outgoing::Typing { active } => self.typing(&person, *active).await,
            Outgoing::Read { up_to } => self.read(up_to).await,
            Outgoing::Poll { question, answers, .. } => self.poll(&person, (question, answers), key).await,
            Outgoing::Location { latitude, longitude, description, .. } => {
                self.place(&person, (*latitude, *longitude), (description, key)).await
            }
            Outgoing::Redact { .. } => Err(DeliverError::Unsupported(
                "WhatsApp lets no business take a message back. It stays with the person.".to_owned(),
            )),
            Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. }
            | Outgoing::ChatInfo { .. }
            | Outgoing::Member { .. } => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!("A business cannot bring {action} to WhatsApp.")))
            }
        }
    }

    /// Whether the person may be written to now.
    async fn should_be_open(&self, person: &RemoteUserId) -> Result<(), DeliverError> {
        let met = self.people.met(person).await.map_err(not_known)?;
        match met.open_until_ms() {
            Some(until_ms) if until_ms.saturating_add(SLACK_MS) <= self.clock.now_ms() => {
                Err(DeliverError::Rejected(SHUT.to_owned()))
            }
            // WhatsApp itself knows: what the person wrote last may not be told yet, and the clocks differ.
            _ => Ok(()),
        }
    }

    /// Sends one message under a key by which its status is known. Must not be called again for a key that is in doubt.
    async fn send(&self, person: &RemoteUserId, body: Value, key: &str) -> Result<RemoteMessageId, ApiError> {
        self.pass(person).await?;
        self.send_now(person, body, key).await
    }

    /// Waits until a message may go.
    async fn pass(&self, person: &RemoteUserId) -> Result<(), ApiError> {
        self.kept.limiter.pass(person.as_str()).await.map_err(ApiError::Limited)
    }

    /// The same as [`Deliverer::send`] for a message that has waited until it may go.
    async fn send_now(
        &self,
        person: &RemoteUserId,
        mut body: Value,
        key: &str,
    ) -> Result<RemoteMessageId, ApiError> {
        body["biz_opaque_callback_data"] = json!(key);
        self.kept.sent.begin(key);
        match self.heed(person, self.post(&body).await) {
            Ok(answer) => {
                let id = crate::cloud::events::id(&answer["messages"][0]["id"]);
                let id = id.ok_or_else(|| ApiError::Unclear("the answer names no message".to_owned()))?;
                self.kept.sent.answered(key, &id);
                // It is sent, whatever becomes of this.
                if let Err(error) = self.intake.spelled(person, &answer["contacts"][0]).await {
                    warn!(%error, "How WhatsApp spells somebody was not stored.");
                }
                Ok(id)
            }
            Err(error @ ApiError::Unclear(_)) => Err(error),
            Err(error) => {
                self.kept.sent.not_sent(key);
                Err(error)
            }
        }
    }

    /// `POST /{Phone-Number-ID}/messages`
    async fn post(&self, body: &Value) -> Result<Value, ApiError> {
        self.api.post(&format!("{}/messages", self.number), body).await
    }

    /// Heeds a pause that an answer asks for.
    fn heed(&self, person: &RemoteUserId, answer: Result<Value, ApiError>) -> Result<Value, ApiError> {
        if let Err(ApiError::Refused(refusal)) = &answer {
            match weight(refusal) {
                Weight::Later(Pause::All(wait)) => self.kept.limiter.close_all(wait),
                Weight::Later(Pause::Person(wait)) => self.kept.limiter.close(person.as_str(), wait),
                Weight::Final | Weight::SignedOut => {}
            }
        }
        answer
    }

    /// The fields of a template: some go to numbers alone, so that a number is named where it is known and still theirs.
    async fn head_by_number(&self, person: &RemoteUserId) -> Result<Value, NotStored> {
        let phone = self.people.met(person).await?.phone.map(RemoteUserId::new);
        match phone {
            Some(phone) if self.people.holder_of(&phone).await?.as_ref() == Some(person) => Ok(head(&phone)),
            _ => Ok(head(person)),
        }
    }

    /// A reaction, which takes the place of the one before; none takes it back.
    async fn react(
        &self,
        person: &RemoteUserId,
        target: &RemoteMessageId,
        emoji: Option<&Emoji>,
    ) -> Result<Delivered, DeliverError> {
        let emoji = match emoji {
            None => "",
            Some(Emoji::Unicode(emoji)) => emoji,
            Some(Emoji::Custom { name, .. }) => {
                let words = format!("WhatsApp does not have the emoji “{name}”. Use one that everybody has.");
                return Err(DeliverError::Rejected(words));
            }
        };
        self.should_be_open(person).await?;
        self.pass(person).await.map_err(verdict)?;
        let mut body = head(person);
        body["type"] = json!("reaction");
        body["reaction"] = json!({"message_id": target.as_str(), "emoji": emoji});
        // That it is not taken may be told later.
        body["biz_opaque_callback_data"] = json!(reaction_key(target));
        // Reacting again changes nothing.
        let answer = self.heed(person, self.post(&body).await);
        answer.map(|_| Delivered::default()).map_err(verdict_on_question)
    }

    /// Marks everything up to a message as read.
    async fn read(&self, up_to: &RemoteMessageId) -> Result<Delivered, DeliverError> {
        let body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": up_to.as_str()});
        self.tolerated(&body).await
    }

    /// Shows that somebody types, which WhatsApp does only beside a read receipt for the last message, and ends by itself.
    async fn typing(&self, person: &RemoteUserId, active: bool) -> Result<Delivered, DeliverError> {
        let last = self.people.met(person).await.map_err(not_known)?.last;
        let Some(last) = last.filter(|_| active) else { return Ok(Delivered::default()) };
        let body = json!({
            "messaging_product": "whatsapp", "status": "read", "message_id": last.as_str(),
            "typing_indicator": {"type": "text"},
        });
        self.tolerated(&body).await
    }

    /// A receipt for a message of ours, or one that is gone, does no harm.
    async fn tolerated(&self, body: &Value) -> Result<Delivered, DeliverError> {
        match self.post(body).await {
            Ok(_) => Ok(Delivered::default()),
            Err(ApiError::Refused(refusal)) if NOT_THEIRS.contains(&refusal.code) => Ok(Delivered::default()),
            Err(error) => Err(verdict_on_question(error)),
        }
    }
}

/// The fields of every message: whom it is for. A person who is known by a user id may have no number that we know.
fn head(person: &RemoteUserId) -> Value {
    let mut body = json!({"messaging_product": "whatsapp", "recipient_type": "individual"});
    let field = if ids::digits(person).is_some() { "to" } else { "recipient" };
    body[field] = json!(person.as_str());
    body
}

/// What is remembered cannot be read just now.
fn not_known(error: NotStored) -> DeliverError {
    DeliverError::Retry { after: None, reason: error.to_string() }
}

/// The key of one message of several.
fn part_key(key: &DeliveryKey, nth: usize) -> String {
    format!("{}/{nth}", key.key)
}

/// Whether an answer says this of an upload.
fn is_unfit(error: &ApiError) -> bool {
    const CODES: [i64; 4] = [100, 131_051, 131_052, 131_053];
    matches!(error, ApiError::Refused(refusal) if CODES.contains(&refusal.code) || refusal.status == 413)
}

/// The id of a file that was brought.
fn file_id(answer: &Value) -> Result<String, DeliverError> {
    let id = Some(text(&answer["id"])).filter(|id| !id.is_empty()).map(str::to_owned);
    let reason = "WhatsApp does not say under which name it keeps the file.".to_owned();
    id.ok_or(DeliverError::Retry { after: None, reason })
}
