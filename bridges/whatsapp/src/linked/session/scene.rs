//! Where a stanza belongs, and who wrote it.

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::Sender,
};
use wacore::types::message::MessageSource;
use wacore_binary::{Jid, JidExt, Server};
use whatsapp_rust::Client;

use super::{feeds, world::World};
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
    /// Reads where a stanza comes from; `None` for what has no room: strangers' lists, and where they are not wanted the status and channels.
    pub(super) async fn of(world: &World, client: &Client, source: &MessageSource) -> Option<Self> {
        let (chat, from_me) = (&source.chat, source.is_from_me || world.own.is(&source.sender));
        if !feeds::is_wanted(&world.config, chat) {
            return None;
        }
        let writer_told = [Some(&source.sender), source.sender_alt.as_ref()];
        if chat.is_group() || chat.is_status_broadcast() || chat.is_newsletter() {
            let person = match from_me {
                true => world.own.clone(),
                false if chat.is_newsletter() => Person::told([chat]),
                false => world.meet(client, writer_told.into_iter().flatten()).await,
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
        let mut other = world.meet(client, other_told.into_iter().flatten()).await;
        if other.address().is_some_and(|address| world.own.is(address)) {
            other = world.own.clone();
        }
        let jid = other.address()?.clone();
        let chat_id = place::direct(&world.me, &world.id_of(&other)?);
        let (writer, person) = match from_me {
            true => (Writer::Me, world.own.clone()),
            false => (Writer::Other(other.id()?), other.clone()),
        };
        Some(Self { chat: chat_id, jid, writer, person, other: Some(other) })
    }

    /// The id of a message of this writer.
    pub(super) fn message(&self, world: &World, stanza: &str) -> RemoteMessageId {
        message(world, &self.chat, &self.writer, stanza)
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
        Some(message(world, &self.chat, &writer, &target.stanza))
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
        Some(message(world, &self.chat, &writer, stanza))
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

    /// The id that a chat of two had by the number of the other side.
    pub(super) fn chat_by_number(&self, world: &World) -> Option<RemoteChatId> {
        let number = crate::linked::identity::id_of(self.other.as_ref()?.phone.as_ref()?)?;
        Some(place::direct(&world.me, &number)).filter(|chat| *chat != self.chat)
    }
}

/// The id of a message of somebody.
pub(super) fn message(world: &World, chat: &RemoteChatId, writer: &Writer, stanza: &str) -> RemoteMessageId {
    let writer = match writer {
        Writer::Me => Writer::Me,
        Writer::Other(id) => Writer::Other(world.writer_name(id)),
    };
    place::message(&world.me, chat, &writer, stanza)
}

/// Who an address is as a writer.
pub(super) async fn writer(world: &World, client: &Client, address: &str) -> Option<Writer> {
    let jid: Jid = address.parse().ok()?;
    if world.own.is(&jid) {
        return Some(Writer::Me);
    }
    world.list(client, [&jid]).await.id().map(Writer::Other)
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
    world.meet(client, [Some(jid), alternate].into_iter().flatten()).await.id()
}
