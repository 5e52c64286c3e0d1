//! Messages in. What the library decrypts is mapped, pushed and stored before it is acknowledged to WhatsApp.
//!
//! WhatsApp repeats what was not acknowledged, whole batches at a time; the map of messages knows what is there already. When something
//! cannot be stored the session ends, and the next one is told it again.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use magpie_common::{
    ids::RemoteMessageId,
    message::{Emoji, Message, RemoteEvent, RemoteMessage},
    platform::{ConnectError, EventSink, NotStored},
};
use tracing::{debug, warn};
use wacore::types::{
    events::InboundMessage,
    message::{EditAttribute, MessageCategory, MessageInfo},
};
use whatsapp_rust::{Client, InboundDurabilityHook};

use super::{
    End, phone,
    scene::{self, Scene},
    undecrypted::Undecrypted,
    world::{self, PollMemory, Unread, World},
};
use crate::linked::{
    events::{self, Meaning, Reading, Said, Target},
    place::Writer,
};

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

#[async_trait]
impl InboundDurabilityHook for Intake {
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
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
        let mut tickets = Vec::new();
        let mut replaced = Vec::new();
        for inbound in batch {
            for event in self.map(client, inbound).await? {
                if let RemoteEvent::Edit { new, .. } = &event
                    && self.world.has_placeholder(&new.chat, &new.id)
                {
                    replaced.push((new.chat.clone(), new.id.clone()));
                }
                tickets.push(self.sink.push(event).await);
            }
        }
        for ticket in tickets {
            ticket.stored().await?;
        }
        for (chat, id) in replaced {
            self.world.forget_placeholder(&chat, &id).await?;
        }
        Ok(())
    }

    async fn map(&self, client: &Client, inbound: &InboundMessage) -> Result<Vec<RemoteEvent>, NotStored> {
        let info = &*inbound.info;
        if phone::is_by_phone(&self.world, &info.source) {
            self.world.phone.seen().await;
        }
        // Between the devices of one account: keys, history, settings. The library has seen to it.
        if info.category == MessageCategory::Peer {
            return Ok(Vec::new());
        }
        let Some(scene) = Scene::of(&self.world, client, &info.source).await else {
            debug!(kind = %info.r#type, "A message belongs to no chat that has a room.");
            return Ok(Vec::new());
        };
        self.learn(&scene, info).await?;
        let id = scene.message(&self.world, &info.id);
        self.world.note_seen(&info.id, &scene.chat, &id);
        self.undecrypted.came(&scene.chat, &id);
        let context = inbound.message.message_context_info.as_option();
        let secret = context.and_then(|context| context.message_secret.clone());
        let taken = Taken { sent_ms: info.timestamp.timestamp_millis(), scene, info, id, secret };
        let bearer = taken.scene.bearer(&info.id);
        for jid in events::mentioned(&inbound.message) {
            self.world.list(client, [&jid]).await;
        }
        let names = |jid: &wacore_binary::Jid| (self.world.whom(jid), self.world.label(jid));
        let view_once = self.world.config.linked_view_once;
        let meaning = events::read(&inbound.message, &Reading { bearer: &bearer, names: &names, view_once });
        let raw = || STANDARD_NO_PAD.encode(waproto::codec::message_to_vec(&inbound.message));
        self.events(client, &taken, meaning, raw).await
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
            Meaning::Timer { secs } => self.timer(taken, secs).await?,
        })
    }

    async fn said(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        said: Said,
    ) -> Result<Vec<RemoteEvent>, NotStored> {
        let scene = &taken.scene;
        if let Some(secs) = said.timer_secs {
            self.world.learn_timer(&scene.chat, secs).await?;
        }
        if scene.writer != Writer::Me {
            let participant = scene.other.is_none().then(|| taken.info.source.sender.to_non_ad());
            self.world.note_unread(&scene.chat, Unread { stanza: taken.info.id.clone(), participant });
        }
        if said.message.is_empty() {
            return Ok(Vec::new());
        }
        let message = self.message(client, taken, said, taken.id.clone()).await;
        let Some(message) = message else { return Ok(Vec::new()) };
        Ok(vec![if self.world.has_placeholder(&message.chat, &message.id) {
            RemoteEvent::Edit { new: message, edited_ms: self.world.clock.now_ms() }
        } else {
            RemoteEvent::Message(message)
        }])
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

    /// Everybody takes back what they wrote; in groups admins take back the rest.
    async fn revoke(&self, client: &Client, taken: &Taken<'_>, target: &Target) -> Vec<RemoteEvent> {
        let (world, scene) = (&*self.world, &taken.scene);
        let by = scene.sender_id(world);
        let id = if target.own {
            Some(scene.message(world, &target.stanza))
        } else if self.may_revoke(taken, &by) {
            scene.target(world, client, target).await
        } else {
            None
        };
        let Some(id) = id else {
            warn!("Somebody tried to take back a message that is not theirs.");
            return Vec::new();
        };
        vec![RemoteEvent::Redact { chat: scene.chat.clone(), ids: vec![id], by: Some(by) }]
    }

    /// The server marks what an admin takes back, and we know who is one, once the group was looked at.
    fn may_revoke(&self, taken: &Taken<'_>, by: &magpie_common::ids::RemoteUserId) -> bool {
        let is_group = taken.scene.other.is_none();
        let is_admin = self.world.group(&taken.scene.chat).is_none_or(|group| group.admins.contains(by));
        is_group && taken.info.edit == EditAttribute::AdminRevoke && is_admin
    }

    async fn timer(&self, taken: &Taken<'_>, secs: u32) -> Result<Vec<RemoteEvent>, NotStored> {
        if !self.world.learn_timer(&taken.scene.chat, secs).await? {
            return Ok(Vec::new());
        }
        let words = timer_words(secs);
        let Some(sender) = taken.scene.sender(&self.world) else { return Ok(Vec::new()) };
        Ok(vec![RemoteEvent::Message(RemoteMessage {
            chat: taken.scene.chat.clone(),
            id: taken.id.clone(),
            sender,
            sent_ms: taken.sent_ms,
            message: events::note(&words),
        })])
    }
}

/// What a timer means.
pub(super) fn timer_words(secs: u32) -> String {
    const DAY_SECS: u32 = 24 * 60 * 60;
    match secs {
        0 => "Messages do not disappear any more on WhatsApp. They stay here in any case.".to_owned(),
        _ if secs < 2 * DAY_SECS => {
            format!("Messages disappear on WhatsApp after {} hours. They stay here.", secs.div_ceil(3_600))
        }
        _ => {
            format!("Messages disappear on WhatsApp after {} days. They stay here.", secs.div_ceil(DAY_SECS))
        }
    }
}

/// Who voted.
async fn voter(
    world: &World,
    client: &Client,
    taken: &Taken<'_>,
) -> Option<magpie_common::ids::RemoteUserId> {
    match taken.scene.writer {
        Writer::Me => Some(world.me.clone()),
        Writer::Other(_) => {
            let source = &taken.info.source;
            scene::user(world, client, &source.sender, source.sender_alt.as_ref()).await
        }
    }
}
