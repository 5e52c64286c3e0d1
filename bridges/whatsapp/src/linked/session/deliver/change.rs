//! Messages changed, taken back, reacted to and pinned.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Emoji, OutgoingMessage},
    platform::{DeliverError, Delivered},
};
use wacore::proto_helpers::build_reaction_message;
use wacore_binary::JidExt;
use waproto::{
    buffa::MessageField,
    whatsapp::{self as wa, message::protocol_message::Type},
};
use whatsapp_rust::{PinDuration, RevokeType};

use super::{Deliverer, Goal, message, stanza, verdict};
use crate::linked::{identity, place::Writer};

impl Deliverer {
    /// The words of a message, or those below its file, are others now.
    pub(super) async fn edit(
        &self,
        goal: &Goal<'_>,
        parts: &[RemoteMessageId],
        new: &OutgoingMessage,
    ) -> Result<Delivered, DeliverError> {
        let Some(first) = parts.first() else { return Ok(Delivered::default()) };
        let key = self.key(goal, first)?;
        if key.from_me != Some(true) {
            let words = "In WhatsApp only whoever wrote a message can change it.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        let written = message::said(&new.message);
        let content = match new.message.attachments.is_empty() {
            true => message::text(written, wa::ContextInfo::default()),
            false => self.captioned(goal, &key, written.text).await?,
        };
        let protocol = wa::message::ProtocolMessage {
            key: MessageField::some(key),
            r#type: Some(Type::MESSAGE_EDIT),
            edited_message: MessageField::some(content),
            timestamp_ms: Some(self.world.clock.now_ms()),
            ..wa::message::ProtocolMessage::default()
        };
        self.send(goal, &stanza(goal.key, "edit"), wrapped(protocol)).await?;
        Ok(Delivered::default())
    }

    /// A file of ours with other words below it, as long as we still know how it was sent.
    async fn captioned(
        &self,
        goal: &Goal<'_>,
        key: &wa::MessageKey,
        caption: String,
    ) -> Result<wa::Message, DeliverError> {
        let unknown = || {
            DeliverError::Rejected(
                "The words below this file cannot be changed any more in WhatsApp.".to_owned(),
            )
        };
        let stanza = key.id.as_deref().unwrap_or_default();
        let sent = self.world.store.sent(&goal.jid, stanza).await.ok().flatten().ok_or_else(unknown)?;
        let mut message = waproto::codec::message_decode(&sent).map_err(|_| unknown())?;
        if let Some(image) = message.image_message.as_option_mut() {
            image.caption = Some(caption);
        } else if let Some(video) = message.video_message.as_option_mut() {
            video.caption = Some(caption);
        } else if let Some(document) = message.document_message.as_option_mut() {
            document.caption = Some(caption);
        } else {
            return Err(unknown());
        }
        message.message_context_info = MessageField::default();
        Ok(message)
    }

    /// Everybody takes back their own; admins of a group take back the rest.
    pub(super) async fn redact(
        &self,
        goal: &Goal<'_>,
        parts: &[RemoteMessageId],
    ) -> Result<Delivered, DeliverError> {
        for (number, part) in parts.iter().enumerate() {
            let (writer, target) = self.parts(goal, part)?;
            match writer {
                Writer::Me => {
                    // The key of one's own message names no participant.
                    let key = wa::MessageKey { participant: None, ..self.key(goal, part)? };
                    let protocol = wa::message::ProtocolMessage {
                        key: MessageField::some(key),
                        r#type: Some(Type::REVOKE),
                        ..wa::message::ProtocolMessage::default()
                    };
                    let id = stanza(goal.key, &format!("revoke{number}"));
                    self.send(goal, &id, wrapped(protocol)).await?;
                }
                Writer::Other(id) => {
                    let author = identity::address_of(&id).filter(|_| goal.jid.is_group());
                    let Some(original_sender) = author else {
                        let words =
                            "In WhatsApp nobody can delete what others wrote, except admins of groups.";
                        return Err(DeliverError::Rejected(words.to_owned()));
                    };
                    let by_admin = RevokeType::Admin { original_sender };
                    self.client
                        .revoke_message(goal.jid.clone(), target, by_admin)
                        .await
                        .map_err(|error| verdict(&error))?;
                }
            }
        }
        Ok(Delivered::default())
    }

    /// One's reaction is this one now.
    pub(super) async fn react(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        let Emoji::Unicode(emoji) = emoji else {
            let words = "WhatsApp knows only emoji of Unicode. React with another one.";
            return Err(DeliverError::Rejected(words.to_owned()));
        };
        self.set_reaction(goal, target, emoji).await?;
        self.reactions.put(goal.chat, target, emoji);
        Ok(Delivered::default())
    }

    /// One's reaction is gone, unless another one has taken its place.
    pub(super) async fn unreact(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        if let Emoji::Unicode(emoji) = emoji
            && !self.reactions.is_replaced(goal.chat, target, emoji)
        {
            self.set_reaction(goal, target, "").await?;
        }
        Ok(Delivered::default())
    }

    async fn set_reaction(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
        emoji: &str,
    ) -> Result<(), DeliverError> {
        let key = self.key(goal, target)?;
        let reaction = build_reaction_message(key, emoji, self.world.clock.now_ms());
        self.send(goal, &stanza(goal.key, "react"), reaction).await.map(drop)
    }

    pub(super) async fn pin(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
        pinned: bool,
    ) -> Result<Delivered, DeliverError> {
        let key = self.key(goal, target)?;
        let chat = goal.jid.clone();
        let done = match pinned {
            true => self.client.pin_message(chat, key, PinDuration::Days30).await,
            false => self.client.unpin_message(chat, key).await,
        };
        done.map(|()| Delivered::default()).map_err(|error| verdict(&error))
    }
}

fn wrapped(protocol: wa::message::ProtocolMessage) -> wa::Message {
    wa::Message { protocol_message: MessageField::some(protocol), ..wa::Message::default() }
}
