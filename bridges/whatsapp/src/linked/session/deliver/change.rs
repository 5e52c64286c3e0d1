//! Messages changed, taken back, reacted to and pinned.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Emoji, Message, OutgoingMessage},
    platform::{DeliverError, Delivered},
};
use tracing::warn;
use wacore::proto_helpers::build_reaction_message;
use wacore_binary::{Jid, JidExt};
use waproto::{
    buffa::MessageField,
    whatsapp::{self as wa, message::protocol_message::Type},
};

use super::{Deliverer, Goal, message, other::not_kept, stanza};
use crate::linked::{
    identity::{self, Person},
    place::Writer,
};

/// The longest time for which WhatsApp's own clients pin.
const PIN_SECS: u32 = 30 * 24 * 60 * 60;

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
        let written = message::said(&new.message)?;
        // A file that bears no words has them beside it, as a message of their own.
        let words_beside = parts.get(1).filter(|_| has_words_beside(&new.message));
        let (key, content) = match words_beside {
            Some(beside) => (self.key(goal, beside)?, message::text(written, wa::ContextInfo::default())),
            None if new.message.attachments.is_empty() => {
                (key, message::text(written, wa::ContextInfo::default()))
            }
            None => {
                let content = self.captioned(goal, &key, written.text).await?;
                (key, content)
            }
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
        let sent = self.sent(goal, stanza).await.ok_or_else(unknown)?;
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

    /// What was sent under an id, whichever address of the other side it went to.
    async fn sent(&self, goal: &Goal<'_>, stanza: &str) -> Option<Vec<u8>> {
        for address in self.addresses(&goal.jid).await {
            if let Ok(Some(sent)) = self.world.store.sent(&address, stanza).await {
                return Some(sent);
            }
        }
        None
    }

    async fn addresses(&self, jid: &Jid) -> Vec<Jid> {
        let person = Person::told([jid]).completed(&self.client).await;
        let mut addresses = vec![jid.clone()];
        addresses.extend([person.lid, person.phone].into_iter().flatten().filter(|it| it != jid));
        addresses
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
                    self.send(goal, &stanza(goal.key, &format!("revoke{number}")), revoke(key)).await?;
                }
                Writer::Other(id) => {
                    let author = identity::address_of(&id).filter(|_| self.may_take_back(goal));
                    let Some(author) = author else {
                        let words =
                            "In WhatsApp nobody can delete what others wrote, except admins of groups.";
                        return Err(DeliverError::Rejected(words.to_owned()));
                    };
                    let key = wa::MessageKey {
                        remote_jid: Some(goal.jid.to_non_ad_string()),
                        from_me: Some(false),
                        id: Some(target.to_owned()),
                        participant: Some(author.to_non_ad_string()),
                    };
                    self.send(goal, &stanza(goal.key, &format!("revoke{number}")), revoke(key)).await?;
                }
            }
        }
        Ok(Delivered::default())
    }

    /// Whether we are known to be no admin of a group, or whether it is none at all, WhatsApp's server would not tell.
    fn may_take_back(&self, goal: &Goal<'_>) -> bool {
        goal.jid.is_group() && self.world.group(goal.chat, |group| group.am_admin) != Some(false)
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
        self.note_reaction(goal, target, Some(emoji)).await;
        Ok(Delivered::default())
    }

    /// One's reaction is gone, unless another one has taken its place.
    pub(super) async fn unreact(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
        emoji: &Emoji,
    ) -> Result<Delivered, DeliverError> {
        if let Emoji::Unicode(emoji) = emoji {
            let standing = self.world.reaction(goal.chat, target).await.map_err(|error| not_kept(&error))?;
            if standing.is_none_or(|standing| standing == *emoji) {
                self.set_reaction(goal, target, "").await?;
                self.note_reaction(goal, target, None).await;
            }
        }
        Ok(Delivered::default())
    }

    async fn note_reaction(&self, goal: &Goal<'_>, target: &RemoteMessageId, emoji: Option<&str>) {
        if let Err(error) = self.world.note_reaction(goal.chat, target, emoji).await {
            warn!(%error, "Which reaction stands could not be stored.");
        }
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
        let message = pin_message(self.key(goal, target)?, pinned, self.world.clock.now_ms());
        self.send(goal, &stanza(goal.key, "pin"), message).await?;
        Ok(Delivered::default())
    }
}

fn pin_message(key: wa::MessageKey, pinned: bool, now_ms: i64) -> wa::Message {
    use wa::message::pin_in_chat_message::Type as Pin;
    let (sort, lasts) = if pinned { (Pin::PIN_FOR_ALL, PIN_SECS) } else { (Pin::UNPIN_FOR_ALL, 0) };
    let pin = wa::message::PinInChatMessage {
        key: MessageField::some(key),
        r#type: Some(sort),
        sender_timestamp_ms: Some(now_ms),
    };
    let context = wa::MessageContextInfo {
        message_add_on_duration_in_secs: Some(lasts),
        ..wa::MessageContextInfo::default()
    };
    wa::Message {
        pin_in_chat_message: MessageField::some(pin),
        message_context_info: MessageField::some(context),
        ..wa::Message::default()
    }
}

/// Whether a message was sent in two: a file, and words that cannot stand below it.
fn has_words_beside(message: &Message) -> bool {
    message.attachments.first().is_some_and(|file| !message::takes_caption(file.kind))
}

fn revoke(key: wa::MessageKey) -> wa::Message {
    wrapped(wa::message::ProtocolMessage {
        key: MessageField::some(key),
        r#type: Some(Type::REVOKE),
        ..wa::message::ProtocolMessage::default()
    })
}

fn wrapped(protocol: wa::message::ProtocolMessage) -> wa::Message {
    wa::Message { protocol_message: MessageField::some(protocol), ..wa::Message::default() }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::{Attachment, AttachmentKind, FileSource};
    use wacore::types::message::EditAttribute;

    use super::*;

    #[test]
    fn words_stand_beside_what_cannot_bear_them() {
        for (kind, expected) in [
            (AttachmentKind::Voice, true),
            (AttachmentKind::Audio, true),
            (AttachmentKind::Sticker, true),
            (AttachmentKind::Image, false),
            (AttachmentKind::Video, false),
            (AttachmentKind::File, false),
        ] {
            let source = FileSource::Matrix("mxc://example.org/a".into());
            let attachments = vec![Attachment::new(kind, source, "a")];
            let message = Message { attachments, ..Message::default() };
            assert_eq!(has_words_beside(&message), expected, "{kind:?}");
        }
        assert!(!has_words_beside(&Message::default()));
    }

    /// The library tells the server what a message does by what it holds.
    #[test]
    fn the_server_is_told_what_a_message_does() {
        let key = |from_me| wa::MessageKey { from_me: Some(from_me), ..wa::MessageKey::default() };
        for (message, expected) in [
            (revoke(key(true)), EditAttribute::SenderRevoke),
            (revoke(key(false)), EditAttribute::AdminRevoke),
            (pin_message(key(true), true, 7), EditAttribute::PinInChat),
            (pin_message(key(true), false, 7), EditAttribute::PinInChat),
        ] {
            assert_eq!(EditAttribute::infer_from_message(&message), Some(expected));
        }
        let lasts = |pinned| {
            let context = pin_message(key(true), pinned, 7).message_context_info;
            context.as_option().and_then(|context| context.message_add_on_duration_in_secs)
        };
        assert_eq!((lasts(true), lasts(false)), (Some(PIN_SECS), Some(0)));
    }
}
