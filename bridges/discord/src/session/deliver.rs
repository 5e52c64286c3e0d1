//! Performs what comes from Matrix.
//!
//! A person in Matrix speaks through the channel's webhook under their own name; without a person the bot speaks. Whatever else is done
//! (reactions, deletions, typing) the bot does. Must never repeat by itself what may have happened and would show.
//! Next: `deliver/message`, `deliver/change`, `deliver/react`.

use std::sync::Arc;

use magpie_common::{
    clock::Clock,
    ids::RemoteChatId,
    message::{Author, Message, Node, Outgoing, OutgoingMessage, RichText},
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, Progress},
};

pub(crate) use self::files::Payload;
use self::name::{WebhookName, webhook_name};
pub(super) use self::spoken::MIME as VOICE_MIME;
use super::{
    api::{Api, ApiError},
    permissions::{SEND_MESSAGES, SEND_MESSAGES_IN_THREADS, VIEW_CHANNEL},
    verdict::explained,
    webhooks::Webhooks,
    world::{Channel, World},
};

mod change;
mod files;
mod message;
mod name;
mod react;
mod reply;
mod spoken;
mod thread;

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub api: Arc<Api>,
    pub world: Arc<World>,
    pub webhooks: Webhooks,
    pub clock: Clock,
    pub progress: Progress,
    pub sink: EventSink,
}

/// Who speaks.
enum Voice {
    /// The bot itself.
    Bot,
    /// A person, through the webhook.
    Person { name: WebhookName, avatar_url: Option<String> },
}

impl Deliverer {
    /// Performs one action. What Discord does not have is unsupported, as the limits say.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        match outgoing {
            Outgoing::Message(message) => self.message(chat, message, key).await,
            Outgoing::Edit { parts, new } => self.edit(chat, (parts, new), key).await,
            Outgoing::Redact { parts, .. } => self.redact(chat, parts).await,
            Outgoing::React { target, emoji, .. } => self.react(chat, target, emoji).await,
            Outgoing::Unreact { target, emoji, .. } => self.unreact(chat, target, emoji).await,
            Outgoing::Typing { active } => self.typing(chat, *active).await,
            Outgoing::Location { latitude, longitude, description, author } => {
                let message = place((*latitude, *longitude), description, author.clone());
                self.message(chat, &message, key).await
            }
            Outgoing::Read { .. }
            | Outgoing::Poll { .. }
            | Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. }
            | Outgoing::ChatInfo { .. }
            | Outgoing::Member { .. } => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!("This bridge does not bring {action} to Discord.")))
            }
        }
    }
}

impl Deliverer {
    /// The error, with what the bot lacks if that is why.
    fn explained(&self, error: ApiError, channel: &str, needed: u64) -> ApiError {
        explained(error, needed, (&self.world, channel))
    }

    /// The permissions that writing in a channel or thread takes.
    fn to_write(&self, channel: &str) -> u64 {
        let is_thread = self.world.read().channels.get(channel).is_some_and(Channel::is_thread);
        VIEW_CHANNEL | if is_thread { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES }
    }
}

impl Voice {
    fn of(author: &Author) -> Self {
        Self::Person { name: webhook_name(&author.name), avatar_url: author.avatar_url.clone() }
    }
}

/// A place as a link to a map: Discord has no places.
fn place((latitude, longitude): (f64, f64), description: &str, author: Option<Author>) -> OutgoingMessage {
    let url = format!(
        "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    );
    let mut text = RichText::plain(&format!("📍 {description}"));
    text.0.push(Node::LineBreak);
    text.0.push(Node::Link { children: vec![Node::Text(url.clone())], url });
    OutgoingMessage { message: Message::text(text), author, sent_ms: 0 }
}
