//! The past: after a device is linked, the phone sends what was said before, in large pieces and over minutes.
//!
//! Each message is mapped and kept in the vault as it comes. When the phone has been quiet for a while the chats are told to be there, and
//! their rooms are filled from the vault.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{ChatChange, ChatInfo, ChatKind, RemoteEvent, RemoteMessage},
    platform::{EventSink, Keeping, Kept as Row, NotStored, PlatformError, Until, Vault},
};
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};
use tracing::{info, warn};
use wacore::types::{
    events::{Event, LazyHistorySync},
    message::MessageSource,
};
use wacore_binary::{Jid, JidExt};
use waproto::whatsapp as wa;
use whatsapp_rust::{Client, GroupError, IqError};

use super::{
    groups,
    intake::guarded,
    scene::Scene,
    world::{self, PollMemory, Timer, World},
};
use crate::linked::{
    events::{self, Meaning, Reading},
    identity, place, verdict,
};

/// When the phone says nothing for so long, a piece of the past is whole.
const QUIET: Duration = Duration::from_secs(10);
/// So many messages of a chat are kept to fill its room.
const MESSAGES_MAX: usize = 500;
/// How often is tried to store a part, and how long it takes at first until it is tried again.
const ATTEMPTS_MAX: u32 = 6;
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// A chat that could not be told is tried again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Where what was said stands, a shelf for each chat.
const PAST: &str = "past/";
/// The chats that are to be told.
const CHATS: &str = "past_chat";

/// What was said before. Clones share it.
#[derive(Clone)]
pub(super) struct Past(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    sink: EventSink,
    /// Chats of which more came than was told. All that are to be told stand in the vault.
    fresh: Mutex<BTreeSet<RemoteChatId>>,
    changed: Notify,
}

impl Past {
    pub(super) fn new(world: Arc<World>, sink: EventSink) -> Self {
        Self(Arc::new(Inner { world, sink, fresh: Mutex::default(), changed: Notify::new() }))
    }

    /// Takes pieces in as they come.
    pub(super) async fn listen(self, client: Arc<Client>, mut heard: mpsc::Receiver<Arc<Event>>) {
        while let Some(event) = heard.recv().await {
            if let Event::HistorySync(piece) = &*event {
                // Nobody but the phone has it.
                self.0.world.phone.seen().await;
                self.heard(&client, piece).await;
            }
        }
    }

    /// A piece came. It is told once: what cannot be stored is tried again, and stops nothing that follows.
    async fn heard(&self, client: &Client, piece: &LazyHistorySync) {
        let mut stream = piece.stream();
        loop {
            match stream.next_conversation() {
                Ok(Some(conversation)) => {
                    self.patiently(|| self.conversation(client, &conversation).boxed()).await;
                }
                Ok(None) => break,
                Err(error) => {
                    warn!(%error, "A piece of the past cannot be read.");
                    break;
                }
            }
        }
        if let Ok(rest) = stream.remainder() {
            for name in rest.pushnames {
                self.patiently(|| self.push_name(client, &name).boxed()).await;
            }
        }
        self.0.changed.notify_one();
    }

    async fn patiently<'a>(&self, store: impl Fn() -> BoxFuture<'a, Result<(), NotStored>> + Send) {
        let mut pause = PAUSE_MIN;
        for attempt in 1..=ATTEMPTS_MAX {
            let Err(error) = store().await else { return };
            if attempt == ATTEMPTS_MAX {
                warn!(%error, "A part of the past could not be stored.");
                return;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Tells the chats when the phone is quiet, for ever; first those that the session before left.
    pub(super) async fn run(self, client: Arc<Client>) {
        loop {
            let is_done = match self.tell_all(&client).await {
                Ok(is_done) => is_done,
                Err(error) => {
                    warn!(%error, "The chats of the past cannot be read.");
                    false
                }
            };
            match is_done {
                true => self.0.changed.notified().await,
                false => drop(timeout(AGAIN_AFTER, self.0.changed.notified()).await),
            }
            while timeout(QUIET, self.0.changed.notified()).await.is_ok() {}
        }
    }

    /// Whether all chats were told.
    async fn tell_all(&self, client: &Client) -> Result<bool, NotStored> {
        let vault = &self.0.world.vault;
        let mut chats = std::mem::take(&mut *self.fresh());
        chats.extend(vault.all(CHATS).await?.into_iter().map(|row| RemoteChatId::new(row.key)));
        if !chats.is_empty() {
            info!(count = chats.len(), "The past of chats has come from the phone.");
        }
        let mut is_done = true;
        for chat in chats {
            if let Err(error) = self.tell(client, &chat).await {
                warn!(%error, "A chat of the past cannot be told yet.");
                is_done = false;
            } else if !self.fresh().contains(&chat) {
                let key = chat.to_string();
                vault.keep(vec![Keeping::Remove { shelf: CHATS.to_owned(), key }]).await?;
            }
        }
        Ok(is_done)
    }

    fn fresh(&self) -> MutexGuard<'_, BTreeSet<RemoteChatId>> {
        self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn push_name(&self, client: &Client, name: &wa::Pushname) -> Result<(), NotStored> {
        let jid: Option<Jid> = name.id.as_deref().and_then(|id| id.parse().ok());
        let (Some(jid), Some(push)) = (jid, name.pushname.as_deref().and_then(world::name)) else {
            return Ok(());
        };
        if let Some(id) = self.0.world.list(client, [&jid]).await.id() {
            self.0.world.learn_name(&id, |names| names.push = Some(push)).await?;
        }
        Ok(())
    }

    async fn conversation(&self, client: &Client, conversation: &wa::Conversation) -> Result<(), NotStored> {
        let world = &*self.0.world;
        let Ok(jid) = conversation.id.parse::<Jid>() else { return Ok(()) };
        let alternates = [conversation.pn_jid.as_deref(), conversation.lid_jid.as_deref()];
        let alternate =
            alternates.into_iter().flatten().filter_map(|jid| jid.parse().ok()).find(|it| *it != jid);
        let mut rows = Vec::new();
        let mut chat_id = None;
        for kept in conversation.messages.iter().take(MESSAGES_MAX) {
            let Some(told) = kept.message.as_option() else { continue };
            let Some(message) = self.message(client, (&jid, alternate.as_ref()), told).await? else {
                continue;
            };
            chat_id.get_or_insert_with(|| message.chat.clone());
            let value = serde_json::to_vec(&message).unwrap_or_default();
            let row = Row { key: message.id.as_str().to_owned(), mark: message.sent_ms, value };
            rows.push(Keeping::Put { shelf: shelf(&message.chat), row });
        }
        let Some(chat) = chat_id else { return Ok(()) };
        if let Some(secs) = conversation.ephemeral_expiration {
            let set_secs = conversation.ephemeral_setting_timestamp.unwrap_or_default();
            world.learn_timer(&chat, Timer { secs, set_ms: set_secs.saturating_mul(1_000) }).await?;
        }
        let row = Row { key: chat.to_string(), mark: 0, value: Vec::new() };
        rows.push(Keeping::Put { shelf: CHATS.to_owned(), row });
        self.fresh().insert(chat);
        world.vault.keep(rows).await
    }

    /// A message of the past; `None` for what is none, and for changes of others, which the phone has applied already.
    async fn message(
        &self,
        client: &Client,
        (chat, alternate): (&Jid, Option<&Jid>),
        told: &wa::WebMessageInfo,
    ) -> Result<Option<RemoteMessage>, NotStored> {
        let world = &*self.0.world;
        let (Some(key), Some(message)) = (told.key.as_option(), told.message.as_option()) else {
            return Ok(None);
        };
        let Some(stanza) = key.id.as_deref().filter(|id| !id.is_empty()) else { return Ok(None) };
        let from_me = key.from_me == Some(true);
        let participant = told.participant.as_deref().or(key.participant.as_deref());
        let participant: Option<Jid> = participant.and_then(|jid| jid.parse().ok());
        let own = world.own.address().cloned().unwrap_or_default();
        let sender = match (from_me, chat.is_group(), participant) {
            (true, ..) => own,
            (false, true, Some(participant)) => participant,
            (false, true, None) => return Ok(None),
            (false, false, _) => chat.clone(),
        };
        let source = MessageSource {
            chat: chat.clone(),
            sender,
            is_from_me: from_me,
            is_group: chat.is_group(),
            sender_alt: alternate.cloned().filter(|_| !from_me && !chat.is_group()),
            recipient_alt: alternate.cloned().filter(|_| from_me),
            ..MessageSource::default()
        };
        let Some(scene) = Scene::of(world, client, &source).await else { return Ok(None) };
        let bearer = scene.bearer(stanza);
        let names = |jid: &Jid| (world.whom(jid), world.label(jid));
        let view_once = world.config.linked_view_once;
        let id = scene.message(world, stanza);
        let reading = Reading { bearer: &bearer, names: &names, view_once };
        let said = match guarded(|| events::read(message, &reading)) {
            Meaning::Said(said) => said,
            // What was voted is not told with it, so it stands there in words; but votes go on.
            Meaning::Poll { said, answers, .. } => {
                let context = message.message_context_info.as_option();
                let secret = context.and_then(|context| context.message_secret.clone());
                let secret = secret.or_else(|| told.message_secret.clone());
                let memory = PollMemory { answers, creator: source.sender.to_non_ad(), secret };
                world.note_poll(&scene.chat, &id, &memory).await?;
                said
            }
            _ => return Ok(None),
        };
        let (mut message, answers) = (said.message, said.answers);
        let Some(sender) = scene.sender(world).filter(|_| !message.is_empty()) else { return Ok(None) };
        if let Some(quoted) = answers {
            let named = (quoted.stanza.as_str(), quoted.participant.as_deref());
            message.reply_to = scene.quoted(world, client, named).await;
        }
        let sent_secs = i64::try_from(told.message_timestamp.unwrap_or_default()).unwrap_or_default();
        Ok(Some(RemoteMessage { chat: scene.chat, id, sender, sent_ms: sent_secs * 1_000, message }))
    }

    /// Says that a chat is there, and up to where its past is known.
    async fn tell(&self, client: &Client, kept: &RemoteChatId) -> Result<(), PlatformError> {
        let world = &*self.0.world;
        let names = names_of(world, client, kept).await;
        // What came under a number belongs to the hidden id, once that is known.
        let chat = names.first().unwrap_or(kept).clone();
        let newest =
            rows(&world.vault, &names).await.map_err(words)?.pop().map(|row| RemoteMessageId::new(row.key));
        let Some(jid) = place::address(&world.me, &chat) else { return Ok(()) };
        let mut info = if jid.is_group() {
            match client.groups().get_metadata(&jid).await {
                Ok(group) => groups::info(world, client, &group).await,
                // A group that we left long ago has no room.
                Err(GroupError::Iq(IqError::ServerError { code: 401 | 403 | 404, .. })) => return Ok(()),
                Err(error) => return Err(words(verdict::told(&error))),
            }
        } else {
            direct(world, client, &jid).await
        };
        info.newest = newest;
        let change = ChatChange::Present(Box::new(info));
        self.0.sink.push(RemoteEvent::ChatChanged { chat, change }).await.stored().await.map_err(words)
    }
}

fn words(error: impl std::fmt::Display) -> PlatformError {
    PlatformError(error.to_string())
}

/// All ids that a chat may have been kept under, the one of today first.
pub(super) async fn names_of(world: &World, client: &Client, chat: &RemoteChatId) -> Vec<RemoteChatId> {
    let other = place::with(&world.me, chat).and_then(|id| identity::address_of(&id));
    let Some(jid) = other.filter(|jid| !world.own.is(jid)) else { return vec![chat.clone()] };
    match world.list(client, [&jid]).await.ids() {
        Some(ids) => ids.all().map(|id| place::direct(&world.me, id)).collect(),
        None => vec![chat.clone()],
    }
}

/// What is kept under some ids, the oldest first.
async fn rows(vault: &Vault, names: &[RemoteChatId]) -> Result<Vec<Row>, NotStored> {
    let mut rows = Vec::new();
    for name in names {
        rows.extend(vault.all(&shelf(name)).await?);
    }
    rows.sort_by_key(|row| row.mark);
    Ok(rows)
}

/// A chat of two as it is shown.
pub(super) async fn direct(world: &World, client: &Client, jid: &Jid) -> ChatInfo {
    let person = world.list(client, [jid]).await;
    let is_me = world.own.is(jid);
    let id = if is_me { Some(world.me.clone()) } else { person.id() };
    let name = if is_me { Some("Notes to yourself".to_owned()) } else { world.name(&person) };
    ChatInfo {
        with: id.clone().filter(|_| !is_me),
        members: id.into_iter().collect(),
        private: true,
        ..ChatInfo::new(ChatKind::Direct, name)
    }
}

/// The newest messages of a chat up to a bound, oldest first. The chat is given with all ids that it had, the one of today first.
pub(super) async fn messages(
    vault: &Vault,
    names: &[RemoteChatId],
    until: &Until,
    count: usize,
) -> Result<Vec<RemoteMessage>, NotStored> {
    let mut rows = rows(vault, names).await?;
    let place = |id: &RemoteMessageId| rows.iter().position(|row| row.key == id.as_str());
    let end = match until {
        // What is not of the past comes after it.
        Until::Before(id) => place(id).unwrap_or(rows.len()),
        Until::Including(id) => place(id).map_or(rows.len(), |place| place + 1),
    };
    rows.truncate(end);
    let skipped = rows.len().saturating_sub(count);
    let read = |row: Row| {
        let mut message: RemoteMessage = serde_json::from_slice(&row.value).ok()?;
        message.chat = names.first()?.clone();
        Some(message)
    };
    Ok(rows.into_iter().skip(skipped).filter_map(read).collect())
}

fn shelf(chat: &RemoteChatId) -> String {
    format!("{PAST}{chat}")
}

#[cfg(test)]
mod tests;
