//! What is no message: typing, reading, polls, and the looks and members of groups.

use magpie_common::{
    ids::{RemoteMessageId, RemoteUserId},
    message::MemberChange,
    platform::{DeliverError, Delivered, NotStored},
};
use wacore::poll::{compute_option_hash, encrypt_poll_vote_with_secret};
use wacore_binary::{Jid, JidExt};
use waproto::{buffa::MessageField, whatsapp as wa};
use whatsapp_rust::{GroupDescription, GroupError, GroupSubject, PreviousDescription};

use super::{Deliverer, Goal, iq_verdict, message, stanza};
use crate::linked::{
    identity,
    place::{self, Writer},
    session::{
        intake::votes,
        world::{PollMemory, Unread},
    },
    verdict::told,
};

/// More answers than this takes no poll.
const ANSWERS_MAX: usize = 12;
/// The secret of a poll.
const SECRET_BYTES: usize = 32;

impl Deliverer {
    pub(super) async fn typing(&self, goal: &Goal<'_>, active: bool) -> Result<Delivered, DeliverError> {
        let chatstate = self.client.chatstate();
        let told = match active {
            true => chatstate.send_composing(&goal.jid).await,
            false => chatstate.send_paused(&goal.jid).await,
        };
        told.map(|()| Delivered::default()).map_err(|error| again(&error))
    }

    /// Tells that everything up to a message was read.
    pub(super) async fn read(
        &self,
        goal: &Goal<'_>,
        up_to: &RemoteMessageId,
    ) -> Result<Delivered, DeliverError> {
        let (writer, stanza) = self.parts(goal, up_to)?;
        let participant = match &writer {
            Writer::Me => return Ok(Delivered::default()),
            Writer::Other(id) => identity::address_of(id).filter(|_| goal.jid.is_group()),
        };
        let last = Unread { stanza: stanza.to_owned(), participant };
        let mut read = self.world.take_read(goal.chat, last);
        // One receipt for each writer.
        while let Some(participant) = read.first().map(|unread| unread.participant.clone()) {
            let (of_one, others): (Vec<_>, Vec<_>) =
                read.into_iter().partition(|unread| unread.participant == participant);
            let stanzas: Vec<&str> = of_one.iter().map(|unread| unread.stanza.as_str()).collect();
            let told = self.client.mark_as_read(&goal.jid, participant.as_ref(), &stanzas).await;
            if let Err(error) = told {
                self.world.put_unread_back(goal.chat, of_one.into_iter().chain(others).collect());
                return Err(again(&error));
            }
            read = others;
        }
        Ok(Delivered::default())
    }

    pub(super) async fn poll(
        &self,
        goal: &Goal<'_>,
        question: &str,
        (answers, choices_max): (&[String], u32),
    ) -> Result<Delivered, DeliverError> {
        if !(2..=ANSWERS_MAX).contains(&answers.len()) {
            let words = format!("A poll in WhatsApp has from 2 to {ANSWERS_MAX} answers.");
            return Err(DeliverError::Rejected(words));
        }
        let id = stanza(goal.key, "0");
        let message_id = place::message(&self.world.me, goal.chat, &Writer::Me, &id);
        let known = self.world.poll(goal.chat, &message_id).await.map_err(|error| not_kept(&error))?;
        // Sent again, it must open with the same secret.
        let secret = known
            .and_then(|known| known.secret)
            .unwrap_or_else(|| self.world.clock.random_bytes::<SECRET_BYTES>().to_vec());
        let creator = self.own_in(goal).unwrap_or_default();
        let memory = PollMemory { answers: answers.to_vec(), creator, secret: Some(secret.clone()) };
        self.world.note_poll(goal.chat, &message_id, &memory).await.map_err(|error| not_kept(&error))?;
        let option = |answer: &String| wa::message::poll_creation_message::Option {
            option_name: Some(answer.clone()),
            ..wa::message::poll_creation_message::Option::default()
        };
        let is_single = choices_max == 1;
        let all = u32::try_from(answers.len()).unwrap_or(u32::MAX);
        let poll = MessageField::some(wa::message::PollCreationMessage {
            name: Some(question.to_owned()),
            options: answers.iter().map(option).collect(),
            selectable_options_count: Some(if choices_max >= all { 0 } else { choices_max }),
            ..wa::message::PollCreationMessage::default()
        });
        let context =
            wa::MessageContextInfo { message_secret: Some(secret), ..wa::MessageContextInfo::default() };
        let mut message =
            wa::Message { message_context_info: MessageField::some(context), ..wa::Message::default() };
        match is_single {
            true => message.poll_creation_message_v3 = poll,
            false => message.poll_creation_message = poll,
        }
        let sent = self.send(goal, &id, message).await?;
        Ok(Delivered { ids: vec![sent] })
    }

    pub(super) async fn vote(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
        answers: &[u32],
    ) -> Result<Delivered, DeliverError> {
        let (_, stanza) = self.parts(goal, target)?;
        let poll = self.world.poll(goal.chat, target).await.map_err(|error| not_kept(&error))?;
        let unknown = || {
            DeliverError::Rejected(
                "The bridge has not seen this poll, so it cannot vote. Vote on your phone.".to_owned(),
            )
        };
        let poll = poll.ok_or_else(unknown)?;
        let secret = votes::secret(&self.world.store, &goal.jid, stanza, &poll).await.ok_or_else(unknown)?;
        let chosen: Vec<String> = answers
            .iter()
            .filter_map(|index| poll.answers.get(usize::try_from(*index).ok()?).cloned())
            .collect();
        let update = wa::message::PollUpdateMessage {
            poll_creation_message_key: MessageField::some(self.key(goal, target)?),
            vote: MessageField::some(self.sealed_vote(stanza, (&secret, &poll.creator), &chosen)?),
            sender_timestamp_ms: Some(self.world.clock.now_ms()),
            ..wa::message::PollUpdateMessage::default()
        };
        let message =
            wa::Message { poll_update_message: MessageField::some(update), ..wa::Message::default() };
        self.send(goal, &super::stanza(goal.key, "vote"), message).await?;
        Ok(Delivered::default())
    }

    /// A vote under the secret of its poll and the addresses of both people, ours in the form of the other one.
    fn sealed_vote(
        &self,
        stanza: &str,
        (secret, creator): (&[u8], &Jid),
        chosen: &[String],
    ) -> Result<wa::message::PollEncValue, DeliverError> {
        let own = &self.world.own;
        let voter = if creator.is_lid() { own.lid.as_ref() } else { own.phone.as_ref() };
        let voter = voter.or(own.address()).map(Jid::to_non_ad_string).unwrap_or_default();
        let sums: Vec<Vec<u8>> = chosen.iter().map(|answer| compute_option_hash(answer).to_vec()).collect();
        let creator = creator.to_non_ad_string();
        let (payload, iv) =
            encrypt_poll_vote_with_secret(&sums, secret, stanza, &creator, &voter).map_err(|error| {
                DeliverError::Rejected(format!("The vote could not be sealed: {}.", told(&error)))
            })?;
        Ok(wa::message::PollEncValue { enc_payload: Some(payload), enc_iv: Some(iv.to_vec()) })
    }

    /// WhatsApp knows no end of a poll; it is said in words.
    pub(super) async fn close_poll(
        &self,
        goal: &Goal<'_>,
        target: &RemoteMessageId,
    ) -> Result<Delivered, DeliverError> {
        let context = self.quote(goal, target)?;
        let words = message::text(message::notice("This poll is closed."), context);
        self.send(goal, &stanza(goal.key, "closed"), words).await?;
        Ok(Delivered::default())
    }

    pub(super) async fn chat_info(
        &self,
        goal: &Goal<'_>,
        name: Option<&str>,
        topic: Option<&str>,
    ) -> Result<Delivered, DeliverError> {
        let groups = self.client.groups();
        let too_long = |error: &dyn std::fmt::Display| {
            DeliverError::Rejected(format!("WhatsApp does not take it: {}.", told(error)))
        };
        if let Some(name) = name {
            let subject = GroupSubject::new(name).map_err(|error| too_long(&error))?;
            groups.set_subject(goal.jid.clone(), subject).await.map_err(|error| group_verdict(&error))?;
        }
        if let Some(topic) = topic {
            let description = match topic.is_empty() {
                true => None,
                false => Some(GroupDescription::new(topic).map_err(|error| too_long(&error))?),
            };
            groups
                .set_description(goal.jid.clone(), description, PreviousDescription::Resolve)
                .await
                .map_err(|error| group_verdict(&error))?;
        }
        Ok(Delivered::default())
    }

    pub(super) async fn member(
        &self,
        goal: &Goal<'_>,
        user: &RemoteUserId,
        change: MemberChange,
    ) -> Result<Delivered, DeliverError> {
        let nobody = || DeliverError::Rejected("That is nobody on WhatsApp.".to_owned());
        let who: [Jid; 1] = [identity::address_of(user).ok_or_else(nobody)?];
        let groups = self.client.groups();
        let answers = match change {
            MemberChange::Joined => groups.add_participants(goal.jid.clone(), &who).await,
            // There is no ban; whoever was removed comes back only by an admin or a link.
            MemberChange::Left | MemberChange::Banned => {
                groups.remove_participants(goal.jid.clone(), &who).await
            }
        };
        let answers = answers.map_err(|error| group_verdict(&error))?;
        match answers.iter().find_map(|answer| answer.error.as_deref()) {
            None => Ok(Delivered::default()),
            // In it already, or not in it any more.
            Some("409" | "404") => Ok(Delivered::default()),
            Some("403" | "408") => Err(DeliverError::Rejected(
                "Their settings do not let you add them. Send them an invitation to the group from your phone.".to_owned(),
            )),
            Some(code) => Err(DeliverError::Rejected(format!("WhatsApp refuses it (code {code})."))),
        }
    }
}

fn group_verdict(error: &GroupError) -> DeliverError {
    match error {
        GroupError::Iq(error) => iq_verdict(error),
        GroupError::InvalidRequest(words) => {
            DeliverError::Rejected(format!("WhatsApp does not take it: {}.", told(words)))
        }
        other => again(other),
    }
}

/// It changes nothing when it is repeated.
fn again(error: &dyn std::fmt::Display) -> DeliverError {
    DeliverError::Retry { after: None, reason: format!("It could not be told to WhatsApp: {}.", told(error)) }
}

pub(super) fn not_kept(error: &NotStored) -> DeliverError {
    DeliverError::Retry { after: None, reason: error.to_string() }
}
