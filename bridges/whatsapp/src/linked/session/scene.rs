//! Where a stanza belongs, and who wrote it.

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::Sender,
};
use wacore::types::message::MessageSource;
use wacore_binary::{Jid, JidExt, Server};
use whatsapp_rust::Client;

use super::world::World;
use crate::linked::{
    events::Target,
    file::Bearer,
    identity::Person,
    place::{self, Writer},
};

/// Where a stanza belongs, and who wrote it.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// The chat as it is called here.
    pub(super) chat: RemoteChatId,
    /// And as WhatsApp calls it.
    pub(super) jid: Jid,
    /// Who wrote it.
    pub(super) writer: Writer,
    /// All that is known of them.
    pub(super) person: Person,
    /// The other side of a chat of two.
    pub(super) other: Option<Person>,
}

impl Scene {
    /// Reads where a stanza comes from; `None` for what has no room: the status, channels, strangers' lists.
    pub(super) async fn of(world: &World, client: &Client, source: &MessageSource) -> Option<Self> {
        let (chat, from_me) = (&source.chat, source.is_from_me || world.own.is(&source.sender));
        if chat.is_status_broadcast() || chat.is_newsletter() {
            return None;
        }
        let writer_told = [Some(&source.sender), source.sender_alt.as_ref()];
        if chat.is_group() {
            let person = match from_me {
                true => world.own.clone(),
                false => Person::told(writer_told.into_iter().flatten()).completed(client).await,
            };
            let chat_id = place::chat(&world.me, chat, None)?;
            let writer = if from_me { Writer::Me } else { Writer::Other(person.id()?) };
            return Some(Self { chat: chat_id, jid: chat.clone(), writer, person, other: None });
        }
        if from_me && chat.server == Server::Broadcast {
            let chat_id = place::chat(&world.me, chat, None)?;
            let person = world.own.clone();
            return Some(Self { chat: chat_id, jid: chat.clone(), writer: Writer::Me, person, other: None });
        }
        let other_told = match from_me {
            true => [Some(chat), source.recipient_alt.as_ref()],
            false => writer_told,
        };
        let mut other = Person::told(other_told.into_iter().flatten()).completed(client).await;
        if other.address().is_some_and(|address| world.own.is(address)) {
            other = world.own.clone();
        }
        let jid = other.address()?.clone();
        let chat_id = place::direct(&world.me, &own_id(world, &other)?);
        let (writer, person) = match from_me {
            true => (Writer::Me, world.own.clone()),
            false => (Writer::Other(other.id()?), other.clone()),
        };
        Some(Self { chat: chat_id, jid, writer, person, other: Some(other) })
    }

    /// The id of a message of this writer.
    pub(super) fn message(&self, world: &World, stanza: &str) -> RemoteMessageId {
        place::message(&world.me, &self.chat, &self.writer, stanza)
    }

    /// The id of a message that this writer names.
    pub(super) async fn target(
        &self,
        world: &World,
        client: &Client,
        target: &Target,
    ) -> Option<RemoteMessageId> {
        let writer = if target.own {
            self.writer.clone()
        } else {
            match (&target.participant, &self.other) {
                // In a chat of two there is one other.
                (_, Some(_)) => self.opposite()?,
                (Some(participant), None) => writer(world, client, participant).await?,
                (None, None) => return None,
            }
        };
        Some(place::message(&world.me, &self.chat, &writer, &target.stanza))
    }

    /// The id of a message that is quoted here.
    pub(super) async fn quoted(
        &self,
        world: &World,
        client: &Client,
        (stanza, participant): (&str, Option<&str>),
    ) -> Option<RemoteMessageId> {
        let writer = match (participant, &self.other) {
            (Some(participant), _) => writer(world, client, participant).await?,
            (None, Some(other)) => Writer::Other(other.id()?),
            (None, None) => return None,
        };
        Some(place::message(&world.me, &self.chat, &writer, stanza))
    }

    fn opposite(&self) -> Option<Writer> {
        match &self.writer {
            Writer::Me => self.other.as_ref()?.id().map(Writer::Other),
            Writer::Other(_) => Some(Writer::Me),
        }
    }

    /// Whoever wrote it, as events name them.
    pub(super) fn sender(&self, world: &World) -> Option<Sender> {
        match self.writer {
            Writer::Me => {
                let mut ids = AliasSet::single(world.me.clone());
                if let Some(own) = self.person.ids() {
                    ids.merge(&own);
                }
                Some(Sender { ids, name: None, avatar: None })
            }
            Writer::Other(_) => {
                Some(Sender { ids: self.person.ids()?, name: world.name(&self.person), avatar: None })
            }
        }
    }

    /// The id of whoever wrote it.
    pub(super) fn sender_id(&self, world: &World) -> RemoteUserId {
        match &self.writer {
            Writer::Me => world.me.clone(),
            Writer::Other(id) => id.clone(),
        }
    }

    /// The message as WhatsApp finds it.
    pub(super) fn bearer(&self, stanza: &str) -> Bearer {
        let participant = self.other.is_none().then(|| self.person.address().cloned()).flatten();
        Bearer {
            chat: self.jid.clone(),
            stanza: stanza.to_owned(),
            from_me: self.writer == Writer::Me,
            participant,
        }
    }

    /// The id by number that the chat had until now, if it had.
    pub(super) fn migrates_from(&self, world: &World) -> Option<RemoteChatId> {
        let other = self.other.as_ref()?;
        let (phone, _lid) = (other.phone.as_ref()?, other.lid.as_ref()?);
        let from = place::direct(&world.me, &crate::linked::identity::id_of(phone)?);
        (from != self.chat && world.is_phone_chat(&from)).then_some(from)
    }

    /// Whether the chat goes by a number.
    pub(super) fn goes_by_number(&self) -> bool {
        self.other.as_ref().is_some_and(|other| other.lid.is_none() && other.phone.is_some())
    }
}

/// Somebody's id; our own is that of the login.
fn own_id(world: &World, person: &Person) -> Option<RemoteUserId> {
    if *person == world.own { Some(world.me.clone()) } else { person.id() }
}

/// Who an address is as a writer.
pub(super) async fn writer(world: &World, client: &Client, address: &str) -> Option<Writer> {
    let jid: Jid = address.parse().ok()?;
    if world.own.is(&jid) {
        return Some(Writer::Me);
    }
    Person::told([&jid]).completed(client).await.id().map(Writer::Other)
}

/// Who an address is.
pub(super) async fn user(
    world: &World,
    client: &Client,
    jid: &Jid,
    alternate: Option<&Jid>,
) -> Option<RemoteUserId> {
    if world.own.is(jid) {
        return Some(world.me.clone());
    }
    Person::told([Some(jid), alternate].into_iter().flatten()).completed(client).await.id()
}
