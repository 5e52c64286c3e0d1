//! All that is no message: receipts, typing, names, groups, calls, marks, and how the line stands; and messages that came by a side way.
//!
//! They come on a bounded queue, in order. The library has acknowledged them already; what is lost of them is asked for again when the chat
//! is looked at.

use std::sync::Arc;

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{ChatChange, Personal, RemoteEvent, RemoteMessage, SessionState, UserInfo},
    platform::{ConnectError, EventSink, NotStored},
};
use tokio::sync::mpsc;
use tracing::{debug, warn};
use wacore::types::{
    call::CallAction,
    events::{Event, EventKind, Receipt},
    message::MessageSource,
    presence::{ChatPresence, ReceiptType},
};
use wacore_binary::{Jid, JidExt, Server};
use whatsapp_rust::Client;

use super::{
    ending::End,
    groups,
    intake::Intake,
    phone,
    scene::{self, Scene},
    settings::Settings,
    undecrypted::Undecrypted,
    world::{self, World},
};
use crate::linked::{
    events,
    file::RemoteFile,
    identity::{self, Person},
    place::{self, Writer},
};

/// What is heard by way of the queue.
pub(super) const HEARD: &[EventKind] = &[
    EventKind::Connected,
    EventKind::Disconnected,
    EventKind::Messages,
    EventKind::Receipt,
    EventKind::UndecryptableMessage,
    EventKind::ChatPresence,
    EventKind::PictureUpdate,
    EventKind::PushNameUpdate,
    EventKind::ContactUpdate,
    EventKind::ContactNumberChanged,
    EventKind::GroupUpdate,
    EventKind::IncomingCall,
    EventKind::MissedCall,
    EventKind::HistorySync,
    EventKind::MuteUpdate,
    EventKind::ArchiveUpdate,
    EventKind::PinUpdate,
    EventKind::MarkChatAsReadUpdate,
    EventKind::AppStateSyncFailed,
    // These end the session, and are heard at once.
    EventKind::LoggedOut,
    EventKind::StreamReplaced,
    EventKind::TemporaryBan,
    EventKind::ClientOutdated,
    EventKind::ConnectFailure,
    EventKind::ServerAck,
];

/// For how long somebody is taken to write on, when nobody says that they stopped.
const TYPING_MS: u32 = 25_000;

/// Takes in what happens.
#[derive(Clone)]
pub(super) struct Happenings {
    pub(super) world: Arc<World>,
    pub(super) client: Arc<Client>,
    pub(super) sink: EventSink,
    pub(super) intake: Intake,
    pub(super) undecrypted: Undecrypted,
    pub(super) settings: Settings,
}

impl Happenings {
    /// Runs until nothing can happen any more.
    pub(super) async fn run(self, mut heard: mpsc::Receiver<Arc<Event>>) {
        while let Some(event) = heard.recv().await {
            if let Err(error) = self.take(&event).await {
                // The store is away; messages wait at WhatsApp, and this is asked for again.
                warn!(kind = ?event.kind(), %error, "Something that happened in WhatsApp could not be stored.");
            }
        }
    }

    /// Takes messages in that came by another way than the hook, which are told once. When one cannot be stored the session ends.
    pub(super) async fn messages(self, mut heard: mpsc::Receiver<Arc<Event>>, end: End) {
        while let Some(event) = heard.recv().await {
            let stored = match &*event {
                Event::Messages(batch) => {
                    let found: Vec<_> = batch.iter().cloned().collect();
                    self.intake.store(&self.client, &found).await
                }
                Event::UndecryptableMessage(message) => self.undecrypted.heard(&self.client, message).await,
                _ => Ok(()),
            };
            if let Err(error) = stored {
                end.because(ConnectError::from(error));
            }
        }
    }

    async fn take(&self, event: &Event) -> Result<(), NotStored> {
        match event {
            Event::Connected(_) => self.push(RemoteEvent::StateChanged(self.world.phone.state())).await,
            Event::Disconnected(_) => {
                let reason = "the connection to WhatsApp broke off; the bridge connects again by itself";
                self.push(RemoteEvent::StateChanged(SessionState::Disconnected { reason: reason.to_owned() }))
                    .await
            }
            Event::Receipt(receipt) => self.receipt(receipt).await,
            Event::ChatPresence(presence) => self.typing(&presence.source, presence.state).await,
            Event::PictureUpdate(update) => {
                let number = update.picture_id.clone().filter(|_| !update.removed);
                self.picture(&update.jid, number).await
            }
            Event::PushNameUpdate(update) => {
                let name = world::name(&update.new_push_name);
                self.renamed(&update.jid, |names| names.push = name).await
            }
            Event::ContactUpdate(update) => {
                let name = update.action.full_name.as_deref().and_then(world::name);
                // Address books go by number; the hidden id stands beside it.
                let hidden: Option<Jid> = update.action.lid_jid.as_deref().and_then(|jid| jid.parse().ok());
                let jid = hidden.as_ref().filter(|jid| jid.is_lid()).unwrap_or(&update.jid);
                if update.from_full_sync {
                    // The whole address book: whoever is in it is named when they speak.
                    return self.learn(jid, |names| names.contact = name).await.map(drop);
                }
                self.renamed(jid, |names| names.contact = name).await
            }
            Event::ContactNumberChanged(change) => self.number_changed(change).await,
            Event::GroupUpdate(update) => groups::updated(self, update).await,
            Event::IncomingCall(_) | Event::MissedCall(_) => self.call(event).await,
            Event::MuteUpdate(_)
            | Event::ArchiveUpdate(_)
            | Event::PinUpdate(_)
            | Event::MarkChatAsReadUpdate(_) => self.personal(event).await,
            Event::AppStateSyncFailed(failed) => {
                if !failed.fatal.is_empty() || !failed.retryable.is_empty() {
                    let (refused, tried_again) = (failed.fatal.len(), failed.retryable.len());
                    warn!(
                        refused,
                        tried_again, "Settings of the account could not be read; names may be missing."
                    );
                }
                self.settings.left_out(&failed.skipped);
                Ok(())
            }
            other => {
                debug!(kind = ?other.kind(), "Something happened that has no meaning here.");
                Ok(())
            }
        }
    }

    pub(super) async fn push(&self, event: RemoteEvent) -> Result<(), NotStored> {
        self.sink.push(event).await.stored().await
    }

    /// Who has read up to where. What was merely delivered is told nobody.
    async fn receipt(&self, receipt: &Receipt) -> Result<(), NotStored> {
        if phone::is_by_phone(&self.world, &receipt.source) {
            self.world.phone.seen().await;
        }
        let is_read = matches!(
            receipt.r#type,
            ReceiptType::Read | ReceiptType::ReadSelf | ReceiptType::Played | ReceiptType::PlayedSelf
        );
        let Some(last) = receipt.message_ids.last().filter(|_| is_read) else { return Ok(()) };
        let source = &receipt.source;
        let own = source.is_from_me || self.world.own.is(&source.sender);
        if own || matches!(receipt.r#type, ReceiptType::ReadSelf | ReceiptType::PlayedSelf) {
            // Another device of ours; it does not always say in which chat.
            let Some((chat, up_to)) = self.world.seen(last) else { return Ok(()) };
            self.world.forget_read(&chat, last);
            return self.push(RemoteEvent::Receipt { chat, reader: self.world.me.clone(), up_to }).await;
        }
        let Some(scene) = Scene::of(&self.world, &self.client, source).await else { return Ok(()) };
        let Writer::Other(reader) = &scene.writer else { return Ok(()) };
        let ours = scene::message(&self.world, &scene.chat, &Writer::Me, last);
        let up_to = self.world.seen(last).filter(|(chat, _)| *chat == scene.chat).map_or(ours, |(_, id)| id);
        self.push(RemoteEvent::Receipt { chat: scene.chat.clone(), reader: reader.clone(), up_to }).await
    }

    async fn typing(&self, source: &MessageSource, state: ChatPresence) -> Result<(), NotStored> {
        let Some(scene) = Scene::of(&self.world, &self.client, source).await else { return Ok(()) };
        let Writer::Other(sender) = scene.writer else { return Ok(()) };
        let timeout_ms = match state {
            ChatPresence::Composing => TYPING_MS,
            ChatPresence::Paused => 0,
        };
        self.push(RemoteEvent::Typing { chat: scene.chat, sender, timeout_ms }).await
    }

    async fn picture(&self, jid: &Jid, number: Option<String>) -> Result<(), NotStored> {
        if jid.is_group() {
            return groups::changed(self, jid).await;
        }
        let person = self.world.meet(&self.client, [jid]).await;
        let Some(ids) = person.ids() else { return Ok(()) };
        let avatar = number.map(|number| RemoteFile::picture(jid, &number));
        let name = self.world.name(&person);
        self.push(RemoteEvent::UserChanged(UserInfo { ids, name, avatar, bot: false })).await
    }

    /// Learns a name; who it is, if it is another one than before.
    async fn learn(
        &self,
        jid: &Jid,
        learn: impl FnOnce(&mut world::Names) + Send,
    ) -> Result<Option<Person>, NotStored> {
        let person = self.world.list(&self.client, [jid]).await;
        let Some(id) = person.id() else { return Ok(None) };
        Ok(self.world.learn_name(&id, learn).await?.then_some(person))
    }

    async fn renamed(
        &self,
        jid: &Jid,
        learn: impl FnOnce(&mut world::Names) + Send,
    ) -> Result<(), NotStored> {
        let renamed = self.learn(jid, learn).await?.filter(|_| !self.world.own.is(jid));
        let Some((person, ids)) = renamed.and_then(|person| Some((person.clone(), person.ids()?))) else {
            return Ok(());
        };
        let name = self.world.name(&person);
        self.push(RemoteEvent::UserChanged(UserInfo { ids, name, avatar: None, bot: false })).await
    }

    /// The person is the same, and so is the chat.
    async fn number_changed(
        &self,
        change: &wacore::types::events::ContactNumberChanged,
    ) -> Result<(), NotStored> {
        let new = Person::told([Some(&change.new_jid), change.new_lid.as_ref()].into_iter().flatten());
        let new = new.completed(&self.client).await;
        let old = (identity::id_of(&change.old_jid), change.old_lid.as_ref().and_then(identity::id_of));
        self.world.number_changed(old, &new).await?;
        let Some(ids) = new.id().map(AliasSet::single) else { return Ok(()) };
        let name = self.world.name(&new);
        self.push(RemoteEvent::UserChanged(UserInfo { ids, name, avatar: None, bot: false })).await
    }

    async fn call(&self, event: &Event) -> Result<(), NotStored> {
        let (from, call_id, at, (is_video, is_missed)) = match event {
            Event::IncomingCall(call) => match &call.action {
                CallAction::Offer { call_id, is_video, group_jid: None, .. } => {
                    (&call.from, call_id, call.timestamp, (*is_video, false))
                }
                // The rest is how a call goes on, and calls of groups are shown on the phone.
                _ => return Ok(()),
            },
            Event::MissedCall(call) => (&call.from, &call.call_id, call.timestamp, (false, true)),
            _ => return Ok(()),
        };
        let source =
            MessageSource { chat: from.to_non_ad(), sender: from.clone(), ..MessageSource::default() };
        let Some(scene) = Scene::of(&self.world, &self.client, &source).await else { return Ok(()) };
        let Some(sender) = scene.sender(&self.world) else { return Ok(()) };
        let id = scene.message(&self.world, &format!("call-{call_id}"));
        let sent_ms = at.timestamp_millis();
        let number = scene.person.phone.as_ref().map(|phone| phone.user_base());
        let message = events::call(is_video, is_missed, number);
        let message = RemoteMessage { chat: scene.chat, id, sender, sent_ms, message };
        self.push(RemoteEvent::Message(message)).await
    }

    /// What the account's owner keeps about a chat for themselves.
    async fn personal(&self, event: &Event) -> Result<(), NotStored> {
        let (jid, personal) = match event {
            Event::MuteUpdate(update) => {
                (&update.jid, Personal { muted: update.action.muted, ..Personal::default() })
            }
            Event::ArchiveUpdate(update) => {
                (&update.jid, Personal { archived: update.action.archived, ..Personal::default() })
            }
            Event::PinUpdate(update) => {
                (&update.jid, Personal { favorite: update.action.pinned, ..Personal::default() })
            }
            Event::MarkChatAsReadUpdate(update) => {
                let unread = update.action.read.map(|read| !read);
                (&update.jid, Personal { unread, ..Personal::default() })
            }
            _ => return Ok(()),
        };
        let Some(chat) = self.chat(jid).await else { return Ok(()) };
        if personal.unread == Some(false) {
            self.world.forget_unread(&chat);
        }
        self.push(RemoteEvent::ChatChanged { chat, change: ChatChange::Personal(personal) }).await
    }

    /// The chat that an address names.
    pub(super) async fn chat(&self, jid: &Jid) -> Option<RemoteChatId> {
        if jid.is_group() || jid.is_newsletter() || jid.server == Server::Broadcast {
            return place::chat(&self.world.me, jid, None);
        }
        let id: RemoteUserId = scene::user(&self.world, &self.client, jid, None).await?;
        Some(place::direct(&self.world.me, &id))
    }
}
