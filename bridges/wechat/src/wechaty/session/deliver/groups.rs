//! Groups that are changed from Matrix: another name, people who are asked in or sent out. Only what the account itself may do in the group works,
//! and each goes with the pauses of a person.

use magpie_common::{
    ids::RemoteUserId,
    message::{MemberChange, clean_name},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use tonic::Status;

use super::Deliverer;
use crate::{
    ids,
    wechaty::{
        gateway::call,
        verdict::{Fate, fate},
        wire::{Nothing, RoomAdd, RoomDel, RoomTopic},
    },
};

const NO_GROUP: &str = "On WeChat a chat with one person has no name and no members of its own.";
const NO_TOPIC: &str = "A group on WeChat has a name, and no topic.";
const NOT_RENAMED: &str = "WeChat did not take the name. In a large group only its owner may change it.";
const NOT_ASKED_IN: &str = "WeChat did not ask the person in. They must be a friend of the account, and some groups let only their owner do it.";
const NOT_KNOWN: &str = "The WeChat gateway did not say whether the person was asked in. Look on your phone.";
const NOT_SENT_OUT: &str = "WeChat did not send the person out. Only the owner of a group may do so.";

impl Deliverer {
    /// `RoomTopic`: another name. Told twice it is the same.
    pub(super) async fn rename(&self, peer: &str, name: Option<&str>) -> Result<Delivered, DeliverError> {
        should_be_group(peer)?;
        let topic = clean_name(name.unwrap_or_default());
        if topic.is_empty() {
            return Err(DeliverError::Rejected(NO_TOPIC.to_owned()));
        }
        self.pace.wait().await;
        let asked = RoomTopic { id: peer.to_owned(), topic: Some(topic) };
        let done = self.world.gateway.ask::<_, Nothing>(call::ROOM_TOPIC, asked).await;
        self.changed(peer, done, (NOT_RENAMED, again()))
    }

    /// `RoomAdd`, `RoomDel`: somebody is asked in or sent out.
    pub(super) async fn move_member(
        &self,
        peer: &str,
        (user, change): (&RemoteUserId, MemberChange),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        should_be_group(peer)?;
        let Some(native) = self.world.own.native(user.as_str()).filter(|native| !ids::is_room(native)) else {
            let words = "Only people whom this account knows can be in its groups on WeChat.";
            return Err(DeliverError::Rejected(words.to_owned()));
        };
        // A large group shows an invitation, and would show a second one.
        let unclear = || DeliverError::Uncertain(NOT_KNOWN.to_owned());
        if change == MemberChange::Joined && key.in_doubt.is_some() {
            return Err(unclear());
        }
        self.pace.wait().await;
        let (id, contact_id) = (peer.to_owned(), native.to_owned());
        let gateway = &self.world.gateway;
        match change {
            MemberChange::Joined => {
                let asked = RoomAdd { id, contact_id };
                let done = gateway.ask::<_, Nothing>(call::ROOM_ADD, asked).await;
                self.changed(peer, done, (NOT_ASKED_IN, unclear()))
            }
            MemberChange::Left | MemberChange::Banned => {
                let asked = RoomDel { id, contact_id };
                let done = gateway.ask::<_, Nothing>(call::ROOM_DEL, asked).await;
                self.changed(peer, done, (NOT_SENT_OUT, again()))
            }
        }
    }

    /// What became of a change, with what is said where WeChat refuses it and where nobody knows.
    fn changed(
        &self,
        peer: &str,
        done: Result<Nothing, Status>,
        (refused, unclear): (&str, DeliverError),
    ) -> Result<Delivered, DeliverError> {
        self.world.forget_room(peer);
        match done {
            Ok(Nothing {}) => Ok(Delivered::default()),
            Err(status) => Err(match fate(&status) {
                Fate::NotGone(error) => error,
                Fate::Refused => DeliverError::Rejected(refused.to_owned()),
                Fate::Unclear => unclear,
            }),
        }
    }
}

fn should_be_group(peer: &str) -> Result<(), DeliverError> {
    if ids::is_room(peer) { Ok(()) } else { Err(DeliverError::Unsupported(NO_GROUP.to_owned())) }
}

/// What does no harm when it is done twice.
fn again() -> DeliverError {
    DeliverError::Retry { after: None, reason: "The WeChat gateway did not answer.".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_groups_have_names_and_members() {
        assert_eq!(should_be_group("7@chatroom"), Ok(()));
        assert!(matches!(should_be_group("wxid_li"), Err(DeliverError::Unsupported(_))));
    }
}
