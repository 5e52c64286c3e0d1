//! New messages: words, files, places.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Message, OutgoingMessage, RichText, Tone},
    platform::{DeliverError, Delivered},
};
use wacore::proto_helpers::{MessageBuilderExt, MessageExt};
use waproto::{buffa::MessageField, whatsapp as wa};

use super::{Deliverer, Goal, stanza};
use crate::linked::{
    identity,
    markup::{self, TEXT_CHARS_MAX},
    place::Writer,
};

impl Deliverer {
    pub(super) async fn message(
        &self,
        goal: &Goal<'_>,
        outgoing: &OutgoingMessage,
    ) -> Result<Delivered, DeliverError> {
        let message = &outgoing.message;
        let mut context = self.context(goal, message)?;
        let mut ids = Vec::new();
        let mut words = Some(said(message)?);
        for (part, file) in message.attachments.iter().enumerate() {
            // The words stand below the first file, and only it answers.
            let written = words.take().unwrap_or_default();
            context.mentioned_jid = mentioned(&written);
            let mut built = self.file(file, written.text.clone()).await?;
            set_context(&mut built, std::mem::take(&mut context));
            ids.push(self.send(goal, &stanza(goal.key, &part.to_string()), built).await?);
            if !takes_caption(file.kind) && !written.text.is_empty() {
                let below = stanza(goal.key, "words");
                ids.push(self.send(goal, &below, text(written, wa::ContextInfo::default())).await?);
            }
        }
        if let Some(written) = words {
            ids.push(self.send(goal, &stanza(goal.key, "0"), text(written, context)).await?);
        }
        Ok(Delivered { ids })
    }

    pub(super) async fn location(
        &self,
        goal: &Goal<'_>,
        (latitude, longitude): (f64, f64),
        description: &str,
    ) -> Result<Delivered, DeliverError> {
        let location = wa::message::LocationMessage {
            degrees_latitude: Some(latitude),
            degrees_longitude: Some(longitude),
            name: Some(description.to_owned()).filter(|words| !words.is_empty()),
            ..wa::message::LocationMessage::default()
        };
        let message =
            wa::Message { location_message: MessageField::some(location), ..wa::Message::default() };
        let id = self.send(goal, &stanza(goal.key, "0"), message).await?;
        Ok(Delivered { ids: vec![id] })
    }

    /// What a message answers.
    fn context(&self, goal: &Goal<'_>, message: &Message) -> Result<wa::ContextInfo, DeliverError> {
        let Some(target) = message.reply_to.as_ref().or(message.thread.as_ref()) else {
            return Ok(wa::ContextInfo::default());
        };
        self.quote(goal, target)
    }

    /// A reply to a message. What it says is not repeated: the receivers have it.
    pub(super) fn quote(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
    ) -> Result<wa::ContextInfo, DeliverError> {
        let (writer, stanza) = self.parts(goal, target)?;
        let participant = match &writer {
            Writer::Me => self.own_in(goal),
            Writer::Other(id) => identity::address_of(id),
        };
        let quoted = wa::Message { conversation: Some(String::new()), ..wa::Message::default() };
        Ok(wa::ContextInfo {
            stanza_id: Some(stanza.to_owned()),
            participant: participant.map(|jid| jid.to_non_ad_string()),
            quoted_message: MessageField::some(quoted),
            ..wa::ContextInfo::default()
        })
    }
}

/// The words of a message as WhatsApp writes them.
pub(super) fn said(message: &Message) -> Result<markup::Written, DeliverError> {
    let mut written = markup::write(&message.text);
    if message.tone == Tone::Emote {
        written.text.insert_str(0, "* ");
    }
    if written.text.chars().count() > TEXT_CHARS_MAX {
        let words = format!(
            "The message is too long: WhatsApp takes at most {TEXT_CHARS_MAX} characters. Send it in parts."
        );
        return Err(DeliverError::Rejected(words));
    }
    Ok(written)
}

/// Words, with what they answer and whom they mention.
pub(super) fn text(written: markup::Written, mut context: wa::ContextInfo) -> wa::Message {
    context.mentioned_jid = mentioned(&written);
    if context == wa::ContextInfo::default() {
        return wa::Message::text(written.text);
    }
    wa::Message::text_with_context(written.text, context)
}

fn mentioned(written: &markup::Written) -> Vec<String> {
    written.mentions.iter().map(wacore_binary::Jid::to_non_ad_string).collect()
}

fn set_context(message: &mut wa::Message, context: wa::ContextInfo) {
    if context != wa::ContextInfo::default() {
        message.set_context_info(context);
    }
}

/// Whether words can stand below a file of this kind.
pub(super) fn takes_caption(kind: magpie_common::message::AttachmentKind) -> bool {
    use magpie_common::message::AttachmentKind as Kind;
    matches!(kind, Kind::Image | Kind::Video | Kind::File)
}

/// Words of the bridge itself below a message.
pub(super) fn notice(words: &str) -> markup::Written {
    markup::write(&RichText::plain(words))
}
