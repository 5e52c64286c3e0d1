//! Performs what comes from Matrix.
//!
//! The id of a message is ours to choose, and is derived from the delivery's key: a message that is sent twice is the same message, for the
//! server and for every device. So whatever was in doubt is simply sent again. It counts as delivered when the server says that it has it.
//!
//! Next: `deliver/message`, `deliver/upload`, `deliver/change`, `deliver/other`.

use std::sync::Arc;

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::Outgoing,
    platform::{DeliverError, Delivered, DeliveryKey, Encrypted, EventSink, count_encrypted},
};
use sha2::{Digest, Sha256};
use tracing::warn;
use wacore_binary::{Jid, JidExt};
use waproto::whatsapp as wa;
use whatsapp_rust::{Client, ClientError, IqError, SendError, SendOptions};

use super::{
    acks::{Acks, Answer},
    world::World,
};
use crate::linked::{
    identity,
    place::{self, Writer},
    verdict::told,
};

mod change;
mod message;
mod other;
mod upload;

/// How ids of WhatsApp Web begin.
const ID_PREFIX: &str = "3EB0";
/// How many bytes follow, as hexadecimal digits.
const ID_BYTES: usize = 9;

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) client: Arc<Client>,
    pub(super) world: Arc<World>,
    pub(super) sink: EventSink,
    pub(super) acks: Acks,
}

/// Where an action goes.
struct Goal<'a> {
    chat: &'a RemoteChatId,
    jid: Jid,
    key: &'a DeliveryKey,
}

impl Deliverer {
    /// Performs one action; those that the limits do not list do not come here.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some(jid) = place::address(&self.world.me, chat) else {
            let words = "This is no chat of this account in WhatsApp.";
            return Err(DeliverError::Rejected(words.to_owned()));
        };
        let goal = Goal { chat, jid, key };
        if key.in_doubt.is_none() {
            return self.perform(&goal, outgoing).await;
        }
        self.forget_group_key(&goal).await;
        let done = self.perform(&goal, outgoing).await;
        // What WhatsApp had already it may not have handed on again, and the new key with it.
        self.forget_group_key(&goal).await;
        done
    }

    async fn perform(&self, goal: &Goal<'_>, outgoing: &Outgoing) -> Result<Delivered, DeliverError> {
        match outgoing {
            Outgoing::Message(message) => self.message(goal, message).await,
            Outgoing::Edit { parts, new } => self.edit(goal, parts, new).await,
            Outgoing::Redact { parts, .. } => self.redact(goal, parts).await,
            Outgoing::React { target, emoji, .. } => self.react(goal, target, emoji).await,
            Outgoing::Unreact { target, emoji, .. } => self.unreact(goal, target, emoji).await,
            Outgoing::Typing { active } => self.typing(goal, *active).await,
            Outgoing::Read { up_to } => self.read(goal, up_to).await,
            Outgoing::Poll { question, answers, choices_max, .. } => {
                self.poll(goal, question, (answers, *choices_max)).await
            }
            Outgoing::Vote { target, answers } => self.vote(goal, target, answers).await,
            Outgoing::ClosePoll { target } => self.close_poll(goal, target).await,
            Outgoing::Pin { target } => self.pin(goal, target, true).await,
            Outgoing::Unpin { target } => self.pin(goal, target, false).await,
            Outgoing::ChatInfo { name, topic } => {
                self.chat_info(goal, name.as_deref(), topic.as_deref()).await
            }
            Outgoing::Member { user, change } => self.member(goal, user, *change).await,
            Outgoing::Location { latitude, longitude, description, .. } => {
                self.location(goal, (*latitude, *longitude), description).await
            }
        }
    }

    /// Sends a message under an id of ours and waits until the server has it.
    async fn send(
        &self,
        goal: &Goal<'_>,
        stanza: &str,
        message: wa::Message,
    ) -> Result<RemoteMessageId, DeliverError> {
        let waiting = self.acks.wait_for(stanza);
        let mut options = SendOptions::default().with_message_id(stanza);
        let timer_secs = self.world.timer_secs(goal.chat);
        if timer_secs > 0 {
            options = options.with_ephemeral_expiration(timer_secs);
        }
        let sent = self.client.send_message_with_options(goal.jid.clone(), message, options).await;
        sent.map_err(|error| verdict(&error, goal.key))?;
        match waiting.answer().await {
            Some(Answer::Taken) => {
                if !goal.jid.is_newsletter() {
                    count_encrypted(Encrypted::Written);
                }
                let id = place::message(&self.world.me, goal.chat, &Writer::Me, stanza);
                self.world.note_seen(stanza, goal.chat, &id);
                Ok(id)
            }
            Some(Answer::Refused(code)) => {
                self.forget_group_key(goal).await;
                Err(refusal(&code))
            }
            None => {
                self.forget_group_key(goal).await;
                let words =
                    "WhatsApp did not say whether it has the message; it was sent, and may have arrived.";
                Err(in_doubt(goal.key, words.to_owned()))
            }
        }
    }

    /// A message to a group may carry our key of the group to those who have none yet. The library takes it for theirs once the message is
    /// written, but a message that WhatsApp does not have has brought it to nobody: with a new key all of them get it.
    ///
    /// Nothing else may be sent to the group meanwhile, or it would make a key that nobody gets. Each room has one lane, so nothing is.
    async fn forget_group_key(&self, goal: &Goal<'_>) {
        if !goal.jid.is_group() {
            return;
        }
        for own in [self.client.lid(), self.client.pn()].into_iter().flatten() {
            if let Err(error) = self.client.signal().delete_sender_key(&goal.jid, &with_device(&own)).await {
                let error = told(&error);
                warn!(
                    error,
                    "The database did not let go of a group's key; its members may have to ask for messages again."
                );
            }
        }
    }

    /// How WhatsApp names a message of this chat.
    fn key(&self, goal: &Goal<'_>, target: &RemoteMessageId) -> Result<wa::MessageKey, DeliverError> {
        let (writer, stanza) = self.parts(goal, target)?;
        let participant = match &writer {
            _ if !goal.jid.is_group() => None,
            Writer::Me => self.own_in(goal).map(|jid| jid.to_non_ad_string()),
            Writer::Other(id) => identity::address_of(id).map(|jid| jid.to_non_ad_string()),
        };
        Ok(wa::MessageKey {
            remote_jid: Some(goal.jid.to_non_ad_string()),
            from_me: Some(writer == Writer::Me),
            id: Some(stanza.to_owned()),
            participant,
        })
    }

    fn parts<'a>(
        &self,
        goal: &Goal<'_>,
        target: &'a RemoteMessageId,
    ) -> Result<(Writer, &'a str), DeliverError> {
        let (writer, stanza) = place::parts(&self.world.me, goal.chat, target).ok_or_else(|| {
            DeliverError::Rejected("That message is in no chat of this account in WhatsApp.".to_owned())
        })?;
        let today = match writer {
            Writer::Me => Writer::Me,
            Writer::Other(name) => Writer::Other(self.world.writer_of(&name)),
        };
        Ok((today, stanza))
    }

    /// How a chat knows us.
    fn own_in(&self, goal: &Goal<'_>) -> Option<Jid> {
        let own = &self.world.own;
        let is_by_number = self.world.group(goal.chat, |group| group.is_by_number) == Some(true);
        if goal.jid.is_pn() || is_by_number {
            own.phone.clone().or_else(|| own.lid.clone())
        } else {
            own.address().cloned()
        }
    }
}

/// An address whose device outlives being cut off: keys are kept under the whole address, and the library looks for one to delete without the
/// device.
fn with_device(own: &Jid) -> Jid {
    match own.device {
        0 => own.clone(),
        device => Jid::new(format!("{}:{device}", own.user), own.server),
    }
}

/// The id of a part of a delivery: the same for every attempt.
fn stanza(key: &DeliveryKey, part: &str) -> String {
    use std::fmt::Write;
    let sum = Sha256::new().chain_update(&key.key).chain_update([0]).chain_update(part).finalize();
    sum.iter().take(ID_BYTES).fold(ID_PREFIX.to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02X}");
        id
    })
}

/// It may have arrived. From then on it is in doubt, and whatever is in doubt is sent again: under its id that adds nothing.
fn in_doubt(key: &DeliveryKey, words: String) -> DeliverError {
    match key.in_doubt {
        None => DeliverError::Uncertain(words),
        Some(_) => DeliverError::Retry { after: None, reason: words },
    }
}

/// What a failure to send means. Only what surely left nothing at WhatsApp is sent again at once; the rest is in doubt.
fn verdict(error: &SendError, key: &DeliveryKey) -> DeliverError {
    let again = |reason: String| DeliverError::Retry { after: None, reason };
    match error {
        SendError::NotLoggedIn | SendError::Client(ClientError::NotConnected | ClientError::NotLoggedIn) => {
            again("The bridge is not connected to WhatsApp just now.".to_owned())
        }
        SendError::InvalidRequest(words) => {
            DeliverError::Rejected(format!("WhatsApp does not take this message: {}.", told(words)))
        }
        SendError::Iq(error) => iq_verdict(error),
        // It may have been written already.
        other => {
            let words = format!("Sending the message broke off, and it may have arrived: {}.", told(other));
            in_doubt(key, words)
        }
    }
}

/// What a refused question means.
fn iq_verdict(error: &IqError) -> DeliverError {
    match error {
        IqError::ServerError { code: 401 | 403, .. } => DeliverError::Rejected(
            "WhatsApp does not allow it: you are no admin of the group, or not in it.".to_owned(),
        ),
        IqError::ServerError { code: 404 | 410, .. } => {
            DeliverError::Rejected("WhatsApp does not know this chat any more.".to_owned())
        }
        IqError::ServerError { code: 429, backoff, .. } => DeliverError::Retry {
            after: backoff.map(|secs| std::time::Duration::from_secs(secs.into())),
            reason: "WhatsApp wants fewer messages just now.".to_owned(),
        },
        IqError::ServerError { code, text, .. } if (400..500).contains(code) => {
            DeliverError::Rejected(format!("WhatsApp refuses it ({code} {}).", told(text)))
        }
        other => {
            DeliverError::Retry { after: None, reason: format!("WhatsApp gave no answer: {}.", told(other)) }
        }
    }
}

/// What a refused message means.
fn refusal(code: &str) -> DeliverError {
    match code {
        "463" => DeliverError::Rejected(
            "WhatsApp does not let this account write to new people for a while. Write to them from your phone, or wait.".to_owned(),
        ),
        "429" => {
            DeliverError::Retry { after: None, reason: "WhatsApp wants fewer messages just now.".to_owned() }
        }
        // The devices of the chat are not what we think; the library asks for them anew.
        "409" | "479" => {
            DeliverError::Retry { after: None, reason: "The devices of the chat have changed.".to_owned() }
        }
        "500" | "503" => DeliverError::Retry { after: None, reason: "WhatsApp is out of order.".to_owned() },
        code => DeliverError::Rejected(format!("WhatsApp refuses the message (code {code}).")),
    }
}

#[cfg(test)]
mod tests {
    use wacore::types::jid::JidExt as _;

    use super::*;

    #[test]
    fn what_may_have_been_written_is_in_doubt() {
        let broke_off = || anyhow::anyhow!("the connection to 4915112345 broke off");
        for (error, is_doubtful) in [
            (SendError::NotLoggedIn, false),
            (SendError::Client(ClientError::NotConnected), false),
            (SendError::InvalidRequest("no".to_owned()), false),
            (SendError::Client(ClientError::Internal(broke_off())), true),
            (SendError::Internal(broke_off()), true),
        ] {
            let told = verdict(&error, &DeliveryKey { key: "abc".to_owned(), in_doubt: None });
            assert_eq!(matches!(&told, DeliverError::Uncertain(_)), is_doubtful, "{error:?}");
            assert!(!format!("{told:?}").contains("4915112345"));
        }
    }

    #[test]
    fn a_key_is_looked_for_under_the_whole_address() {
        for own in ["4915112345:7@s.whatsapp.net", "22:7@lid", "22@lid"] {
            let own: Jid = own.parse().expect("an address");
            let looked_for = with_device(&own).to_non_ad().to_protocol_address();
            assert_eq!(looked_for.as_str(), own.to_protocol_address().as_str());
        }
    }

    #[test]
    fn an_id_is_the_same_for_every_attempt_and_has_the_shape_of_web() {
        let key = |key: &str| DeliveryKey { key: key.to_owned(), in_doubt: None };
        let one = stanza(&key("abc"), "0");
        assert_eq!(one, stanza(&key("abc"), "0"));
        assert_ne!(one, stanza(&key("abc"), "1"));
        assert_ne!(one, stanza(&key("abd"), "0"));
        assert_eq!(one.len(), 22);
        assert!(
            one.starts_with("3EB0") && one.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
        );
    }
}
