//! Messages in. What the library decrypts is mapped, pushed and stored before it is acknowledged to WhatsApp.
//!
//! WhatsApp repeats what was not acknowledged, whole batches at a time; the map of messages knows what is there already. When something
//! cannot be stored the session ends, and the next one is told it again.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Emoji, Message, RemoteEvent, RemoteMessage},
    platform::{ConnectError, Encrypted, EventSink, NotStored, count_encrypted},
};
use tracing::{debug, error};
use wacore::types::{
    events::InboundMessage,
    message::{MessageCategory, MessageInfo},
};
use wacore_binary::{Jid, Server};
use whatsapp_rust::{Client, InboundDurabilityHook};

use super::{
    ending::End,
    phone,
    scene::Scene,
    undecrypted::Undecrypted,
    world::{self, PollMemory, Timer, Unread, World},
};
use crate::linked::{
    events::{self, Meaning, Reading, Said},
    place::Writer,
};

pub(super) mod changes;
pub(super) mod votes;

/// Takes messages in.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) world: Arc<World>,
    pub(super) sink: EventSink,
    pub(super) undecrypted: Undecrypted,
    pub(super) end: End,
}

/// A message, and where it belongs.
struct Taken<'a> {
    scene: Scene,
    info: &'a MessageInfo,
    id: RemoteMessageId,
    sent_ms: i64,
    /// What opens the answers to it.
    secret: Option<Vec<u8>>,
}

/// What a message becomes, and what is done once that is stored.
#[derive(Default)]
struct Mapped {
    events: Vec<RemoteEvent>,
    /// It was waited for, under these ids.
    came: Vec<Key>,
    /// Words stood in its place, under these ids.
    replaced: Vec<Key>,
    /// The timer that it set.
    timer: Option<(RemoteChatId, Timer)>,
    /// What to count it as; channels encrypt nothing.
    encrypted: Option<Encrypted>,
}

type Key = (RemoteChatId, RemoteMessageId);

#[async_trait]
impl InboundDurabilityHook for Intake {
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        // All of it comes again, and nothing goes before what could not be stored.
        if self.end.is_near() {
            anyhow::bail!("the session is about to end");
        }
        let stored = self.store(&client, batch).await;
        if let Err(error) = &stored {
            self.end.because(ConnectError::from(error.clone()));
        }
        Ok(stored?)
    }
}

impl Intake {
    /// Maps, pushes and waits until all of it is stored.
    pub(super) async fn store(&self, client: &Client, batch: &[InboundMessage]) -> Result<(), NotStored> {
        let (mut tickets, mut mapped) = (Vec::new(), Vec::new());
        for inbound in batch {
            // A client that outlives its session must acknowledge nothing.
            if self.world.store.is_retired() {
                return Err(NotStored("the session is over".to_owned()));
            }
            let mut told = self.map(client, inbound).await?;
            for event in std::mem::take(&mut told.events) {
                tickets.push(self.sink.push(event).await);
            }
            mapped.push(told);
        }
        for ticket in tickets {
            ticket.stored().await?;
        }
        for told in mapped {
            self.stored(told).await?;
        }
        Ok(())
    }

    /// What it became is stored.
    async fn stored(&self, told: Mapped) -> Result<(), NotStored> {
        told.encrypted.into_iter().for_each(count_encrypted);
        self.undecrypted.stored(&told.came).await?;
        for (chat, id) in told.replaced {
            self.world.forget_placeholder(&chat, &id).await?;
        }
        if let Some((chat, timer)) = told.timer {
            self.world.learn_timer(&chat, timer).await?;
        }
        Ok(())
    }

    async fn map(&self, client: &Client, inbound: &InboundMessage) -> Result<Mapped, NotStored> {
        let info = &*inbound.info;
        if phone::is_by_phone(&self.world, &info.source) {
            self.world.phone.seen().await;
        }
        // Between the devices of one account: keys, history, settings. The library has seen to it.
        if info.category == MessageCategory::Peer {
            return Ok(Mapped::default());
        }
        let Some(scene) = Scene::of(&self.world, client, &info.source).await else {
            debug!(kind = %info.r#type, "A message belongs to no chat that has a room.");
            let raw = || STANDARD_NO_PAD.encode(waproto::codec::message_to_vec(&inbound.message));
            let unknown = |name| RemoteEvent::Unknown { chat: None, name, raw: raw() };
            let events = unknown_sort(&info.source.chat).map(unknown).into_iter().collect();
            return Ok(Mapped { events, ..Mapped::default() });
        };
        let mut mapped = Mapped::default();
        self.learn(&scene, info).await?;
        let id = scene.message(&self.world, &info.id);
        self.world.note_seen(&info.id, &scene.chat, &id);
        // Words for it may stand under the id that the chat had.
        for chat in [Some(scene.chat.clone()), scene.chat_by_number(&self.world)].into_iter().flatten() {
            let key = (chat, id.clone());
            if self.undecrypted.came(&key.0, &key.1) {
                mapped.came.push(key.clone());
            }
            if self.world.has_placeholder(&key.0, &key.1) {
                mapped.replaced.push(key);
            }
        }
        let is_late = !mapped.came.is_empty() || !mapped.replaced.is_empty();
        let is_encrypted = info.source.chat.server != Server::Newsletter;
        let read = if is_late { Encrypted::ReadLate } else { Encrypted::Read };
        mapped.encrypted = is_encrypted.then_some(read);
        let context = inbound.message.message_context_info.as_option();
        let secret = context.and_then(|context| context.message_secret.clone());
        let taken = Taken { sent_ms: info.timestamp.timestamp_millis(), scene, info, id, secret };
        let bearer = taken.scene.bearer(&info.id);
        for jid in events::mentioned(&inbound.message) {
            self.world.list(client, [&jid]).await;
        }
        let names = |jid: &wacore_binary::Jid| (self.world.whom(jid), self.world.label(jid));
        let view_once = self.world.config.linked_view_once;
        let reading = Reading { bearer: &bearer, names: &names, view_once };
        let meaning = guarded(|| events::read(&inbound.message, &reading));
        if let Meaning::Timer { timer } = &meaning {
            mapped.timer = self.new_timer(&taken, *timer);
        }
        let raw = || STANDARD_NO_PAD.encode(waproto::codec::message_to_vec(&inbound.message));
        let told = self.events(client, &taken, meaning, raw).await?;
        mapped.events.extend(match mapped.replaced.is_empty() {
            true => told,
            false => changes::in_place(&self.world, &taken, told),
        });
        Ok(mapped)
    }

    /// The names that came with a message.
    async fn learn(&self, scene: &Scene, info: &MessageInfo) -> Result<(), NotStored> {
        let Writer::Other(id) = &scene.writer else { return Ok(()) };
        let push = world::name(&info.push_name);
        let business =
            info.verified_name.as_ref().and_then(|verified| world::name(verified.name.as_deref()?));
        if push.is_some() || business.is_some() {
            self.world
                .learn_name(id, |names| {
                    names.push = push.or(names.push.take());
                    names.business = business.or(names.business.take());
                })
                .await?;
        }
        Ok(())
    }

    async fn events(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        meaning: Meaning,
        raw: impl Fn() -> String,
    ) -> Result<Vec<RemoteEvent>, NotStored> {
        let (world, scene) = (&*self.world, &taken.scene);
        let chat = scene.chat.clone();
        Ok(match meaning {
            Meaning::Nothing => Vec::new(),
            Meaning::Unknown { name } => vec![RemoteEvent::Unknown { chat: Some(chat), name, raw: raw() }],
            Meaning::Said(said) => self.said(client, taken, said).await?,
            Meaning::Poll { said, answers, choices_max } => {
                self.poll(client, taken, said, (answers, choices_max)).await?
            }
            // Only whoever wrote a message changes it, whatever the key says.
            Meaning::Edit { target, new, edited_ms } => {
                let id = scene.message(world, &target.stanza);
                let edited_ms = edited_ms.filter(|ms| *ms > 0).unwrap_or(taken.sent_ms);
                let new = self.message(client, taken, new, id).await;
                new.map(|new| RemoteEvent::Edit { new, edited_ms }).into_iter().collect()
            }
            Meaning::Revoke { target } => self.revoke(client, taken, &target).await,
            Meaning::React { target, emoji, sent_ms } => {
                let Some(target) = scene.target(world, client, &target).await else { return Ok(Vec::new()) };
                let sender = scene.sender_id(world);
                if scene.writer == Writer::Me {
                    world.note_reaction(&chat, &target, emoji.as_deref()).await?;
                }
                // Everybody has one; a new one takes the place of the last.
                let gone = RemoteEvent::Unreact {
                    chat: chat.clone(),
                    target: target.clone(),
                    sender: Some(sender.clone()),
                    emoji: None,
                };
                let sent_ms = sent_ms.or(Some(taken.sent_ms));
                let new = emoji.map(|emoji| RemoteEvent::React {
                    chat,
                    target,
                    sender,
                    emoji: Emoji::unicode(&emoji),
                    sent_ms,
                });
                [gone].into_iter().chain(new).collect()
            }
            Meaning::Vote { target, payload, iv } => {
                let vote = self.vote(client, taken, &target, (&payload, &iv)).await?;
                vec![vote.unwrap_or_else(|| RemoteEvent::Unknown {
                    chat: Some(chat),
                    name: "vote".to_owned(),
                    raw: raw(),
                })]
            }
            Meaning::Pin { target, pinned } => {
                let target = scene.target(world, client, &target).await;
                target.map(|target| RemoteEvent::Pin { chat, target, pinned }).into_iter().collect()
            }
            Meaning::Timer { timer } => self.timer(taken, timer).into_iter().collect(),
        })
    }

    async fn said(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        said: Said,
    ) -> Result<Vec<RemoteEvent>, NotStored> {
        let scene = &taken.scene;
        if let Some((chat, timer)) = said.timer.and_then(|timer| self.new_timer(taken, timer)) {
            self.world.learn_timer(&chat, timer).await?;
        }
        if scene.writer != Writer::Me {
            let participant = scene.other.is_none().then(|| taken.info.source.sender.to_non_ad());
            self.world.note_unread(&scene.chat, Unread { stanza: taken.info.id.clone(), participant });
        }
        if said.message.is_empty() {
            return Ok(Vec::new());
        }
        let message = self.message(client, taken, said, taken.id.clone()).await;
        Ok(message.map(RemoteEvent::Message).into_iter().collect())
    }

    async fn poll(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        said: Said,
        (answers, choices_max): (Vec<String>, u32),
    ) -> Result<Vec<RemoteEvent>, NotStored> {
        let creator = taken.info.source.sender.to_non_ad();
        let memory = PollMemory { answers: answers.clone(), creator, secret: taken.secret.clone() };
        self.world.note_poll(&taken.scene.chat, &taken.id, &memory).await?;
        let message = self.message(client, taken, said, taken.id.clone()).await;
        let poll = message.map(|message| RemoteEvent::Poll { message, answers, choices_max });
        Ok(poll.into_iter().collect())
    }

    /// The message as it is told, with what it answers.
    async fn message(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        said: Said,
        id: RemoteMessageId,
    ) -> Option<RemoteMessage> {
        let (world, scene) = (&*self.world, &taken.scene);
        let mut message: Message = said.message;
        if let Some(quoted) = said.answers {
            let named = (quoted.stanza.as_str(), quoted.participant.as_deref());
            message.reply_to = scene.quoted(world, client, named).await;
        }
        let sender = scene.sender(world)?;
        Some(RemoteMessage { chat: scene.chat.clone(), id, sender, sent_ms: taken.sent_ms, message })
    }
}

/// A sort of chat that nobody here knows.
fn unknown_sort(chat: &Jid) -> Option<String> {
    let is_person =
        matches!(chat.server, Server::Pn | Server::Lid | Server::Hosted | Server::HostedLid | Server::Bot);
    let is_known = is_person || matches!(chat.server, Server::Group | Server::Broadcast | Server::Newsletter);
    (!is_known).then(|| format!("chat of {}", chat.server.as_str()))
}

/// What a message means; one that cannot be read at all stops no other.
pub(super) fn guarded(read: impl FnOnce() -> Meaning) -> Meaning {
    std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        error!("A message of WhatsApp could not be read. This is a fault of the bridge; please report it.");
        Meaning::Unknown { name: "unreadable".to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_cannot_be_read_stops_no_other() {
        let meaning = guarded(|| panic!("a fault"));
        assert_eq!(meaning, Meaning::Unknown { name: "unreadable".to_owned() });
        assert_eq!(guarded(|| Meaning::Nothing), Meaning::Nothing);
    }

    #[test]
    fn what_comes_from_another_sort_of_chat_is_told() {
        for (chat, expected) in [
            ("22@lid", None),
            ("1-2@g.us", None),
            ("status@broadcast", None),
            ("1@newsletter", None),
            ("1@interop", Some("chat of interop")),
            ("1@msgr", Some("chat of msgr")),
        ] {
            let chat: Jid = chat.parse().expect("an address");
            assert_eq!(unknown_sort(&chat).as_deref(), expected, "{chat}");
        }
    }
}
