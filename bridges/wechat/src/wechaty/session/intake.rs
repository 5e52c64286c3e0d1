//! Takes in what happens: one thing after the other, each stored before the next. Next: `intake/changes`, what is no
//! message; `intake/roster`, who is in a group; `intake/late`, what the gateway does not hand over at once.

use std::{collections::HashSet, sync::Arc};

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{RemoteEvent, RemoteMessage},
    platform::{ConnectError, Cursor, NotStored},
};
use prost::Message as _;
use tokio::sync::Mutex as AsyncMutex;
use tracing::debug;

use self::late::{NotTaken, Sort, Waiting};
use super::{
    echoes::{Echoes, Print, Taken},
    heard::GoneOn,
    world::World,
};
use crate::{
    ids,
    wechaty::{
        events::{self, Beside, Kind, Meaning},
        gateway::call,
        happening::{Happening, Scan},
        verdict::SIGNED_OUT,
        wire::{Id, MiniProgramOf, PlaceOf, Said, UrlLinkOf},
    },
};

mod changes;
pub(super) mod late;
mod roster;

/// Takes in what happens to one account.
pub(super) struct Intake {
    pub world: Arc<World>,
    pub echoes: Arc<Echoes>,
    /// One push after the other.
    pub order: AsyncMutex<()>,
    /// Groups that were looked at in this session.
    pub told: AsyncMutex<HashSet<String>>,
    /// What the gateway has not handed over yet.
    pub waiting: Waiting,
    /// Chats of which it is noted that something happened behind their last mark.
    pub gone_on: GoneOn,
}

impl Intake {
    /// Takes one thing in; returns when it is stored.
    ///
    /// # Errors
    /// When the session is over with it.
    pub async fn take(&self, happening: Happening) -> Result<(), ConnectError> {
        self.ask_again().await?;
        match happening {
            Happening::Message(id) => self.ask_for(Sort::Message, id).await,
            Happening::Friendship(id) => self.ask_for(Sort::Friendship, id).await,
            Happening::Invited(id) => self.ask_for(Sort::Invitation, id).await,
            Happening::Joined { room, people } => Ok(self.joined(&room, &people).await?),
            Happening::Left { room, people } => Ok(self.left(&room, &people).await?),
            Happening::Topic { room, topic } => Ok(self.topic(&room, &topic).await?),
            Happening::Dirty(dirty) => Ok(self.dirty(&dirty).await?),
            Happening::LoggedIn(me) if self.world.own.is_me(&me) => Ok(()),
            Happening::LoggedIn(_) => {
                let words =
                    "Another account is signed in at the WeChat gateway now. Sign in again: `login wechaty`.";
                Err(ConnectError::BadCredentials(words.to_owned()))
            }
            Happening::LoggedOut | Happening::Scan(Scan::Code(_)) => {
                Err(ConnectError::BadCredentials(SIGNED_OUT.to_owned()))
            }
            // Of a code that is over already.
            Happening::Scan(Scan::Scanned | Scan::Confirmed | Scan::Over) => Ok(()),
            Happening::Heartbeat | Happening::Nothing => {
                self.is_well().await;
                Ok(())
            }
            Happening::Fault => {
                debug!("The gateway tells of a fault of its own.");
                Ok(())
            }
            Happening::Unknown { name, raw } => Ok(self.unknown(None, name, raw).await?),
        }
    }

    /// Pushes what waited until it was known to come from the phone.
    pub async fn release(&self, theirs: Vec<RemoteEvent>) -> Result<(), NotStored> {
        for event in theirs {
            self.push(event, None).await?;
        }
        Ok(())
    }

    /// Pushes an event; returns when it is stored.
    async fn push(&self, event: RemoteEvent, cursor: Option<Cursor>) -> Result<(), NotStored> {
        let chat = event.chat().cloned();
        let next = chat.as_ref().and_then(|chat| self.gone_on.next(chat));
        let ticket = {
            let _order = self.order.lock().await;
            let sink = &self.world.sink;
            match (cursor, next) {
                (None, None) => sink.push(event).await,
                (Some(cursor), None) | (None, Some(cursor)) => sink.push_with_cursor(event, cursor).await,
                (Some(cursor), Some(next)) => {
                    sink.remember(next).await?;
                    sink.push_with_cursor(event, cursor).await
                }
            }
        };
        ticket.stored().await?;
        if let Some(chat) = chat {
            self.gone_on.noted(chat);
        }
        Ok(())
    }

    /// Notes that something goes into a chat, before it goes.
    pub async fn goes_on(&self, chat: &RemoteChatId) -> Result<(), NotStored> {
        if let Some(next) = self.gone_on.next(chat) {
            self.world.sink.remember(next).await?;
            self.gone_on.noted(chat.clone());
        }
        Ok(())
    }

    async fn unknown(&self, chat: Option<RemoteChatId>, name: String, raw: String) -> Result<(), NotStored> {
        self.push(RemoteEvent::Unknown { chat, name, raw }, None).await
    }

    async fn message(&self, id: String) -> Result<(), NotTaken> {
        let mut said: Said = self.world.gateway.about(call::MESSAGE, &id).await?;
        said.id = id;
        let room = Some(said.room_id.as_str()).filter(|room| !room.is_empty());
        let own = &self.world.own;
        let is_mine = own.is_me(&said.talker_id);
        let peer = match room {
            Some(room) => room,
            None if is_mine => said.listener_id.as_str(),
            None => said.talker_id.as_str(),
        };
        // Something of a group that nobody in it said: the group is told of by other events, too.
        let talker = if said.talker_id.is_empty() { peer } else { said.talker_id.as_str() };
        let placed = own.chat(peer).zip(own.user(talker)).filter(|_| is_message_id(&said.id));
        let Some((chat, by)) = placed.filter(|_| room.is_none() || ids::is_room(peer)) else {
            let raw = format!("kind {}", said.kind);
            return Ok(self.unknown(None, "message of nobody".to_owned(), raw).await?);
        };
        let named = self.world.named(&said.mention_ids, room).await;
        let beside = self.beside(&said).await;
        let event = match events::read(&said, &beside, (&own.0, &named)) {
            Meaning::Recalled(target) => {
                RemoteEvent::Redact { chat, ids: vec![RemoteMessageId::new(target)], by: Some(by) }
            }
            Meaning::Unknown { name, raw } => RemoteEvent::Unknown { chat: Some(chat), name, raw },
            Meaning::Said(message) => {
                let Some(sender) = self.world.sender(talker, room).await else { return Ok(()) };
                let sent_ms = events::sent_ms(&said).unwrap_or_else(|| self.world.clock.now_ms());
                self.world.seen.put(&said.id, sender.name.as_deref(), &message);
                let id = RemoteMessageId::new(said.id.as_str());
                RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message })
            }
        };
        let taken = match is_mine {
            true => self.echoes.heard((peer, &said.id), Print::of(&said).as_ref(), event),
            false => Taken::Theirs(Box::new(event)),
        };
        if let Taken::Theirs(event) = taken {
            self.push(*event, None).await?;
        }
        match room.zip(own.chat(peer)) {
            Some((room, chat)) => Ok(self.look_at(room, &chat).await?),
            None => Ok(()),
        }
    }

    /// What has to be asked for besides. Without an answer the text of the message may tell it.
    async fn beside(&self, said: &Said) -> Beside {
        let gateway = &self.world.gateway;
        let beside = match Kind::of(said.kind) {
            Kind::Contact => match gateway.about::<Id>(call::MESSAGE_CONTACT, &said.id).await {
                Ok(card) => self.world.name(&card.id, None).await.map(Beside::Card),
                Err(_) => None,
            },
            Kind::Url => {
                let told = gateway.about::<UrlLinkOf>(call::MESSAGE_URL, &said.id).await;
                told.ok().and_then(|told| told.link).map(Beside::Link)
            }
            Kind::MiniProgram => {
                let told = gateway.about::<MiniProgramOf>(call::MESSAGE_MINI_PROGRAM, &said.id).await;
                told.ok().and_then(|told| told.program).map(Beside::Program)
            }
            Kind::Location => {
                let told = gateway.about::<PlaceOf>(call::MESSAGE_LOCATION, &said.id).await;
                told.ok().and_then(|told| told.place).map(Beside::Place)
            }
            Kind::Attachment
            | Kind::Audio
            | Kind::ChatHistory
            | Kind::Emoticon
            | Kind::Image
            | Kind::Text
            | Kind::GroupNote
            | Kind::Transfer
            | Kind::RedEnvelope
            | Kind::Recalled
            | Kind::Video
            | Kind::Unknown(_) => None,
        };
        beside.filter(|beside| !is_hollow(beside)).unwrap_or_default()
    }
}

/// Whether nothing was told after all.
fn is_hollow(beside: &Beside) -> bool {
    match beside {
        Beside::Nothing => true,
        Beside::Card(name) => name.is_empty(),
        Beside::Link(link) => link.encoded_len() == 0,
        Beside::Program(program) => program.encoded_len() == 0,
        Beside::Place(place) => place.encoded_len() == 0,
    }
}

/// Whether it can be the id of a message.
pub(super) fn is_message_id(id: &str) -> bool {
    const BYTES_MAX: usize = 512;
    (1..=BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
