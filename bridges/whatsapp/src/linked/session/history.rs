//! The past: after a device is linked, the phone sends what was said before, in large pieces and over minutes.
//!
//! Each message is mapped and kept in the vault as it comes. When the phone has been quiet for a while the chats are told to be there, and
//! their rooms are filled from the vault.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{ChatChange, ChatInfo, ChatKind, RemoteEvent, RemoteMessage},
    platform::{EventSink, Keeping, Kept as Row, NotStored, Until, Vault},
};
use tokio::{sync::Notify, time::timeout};
use tracing::{info, warn};
use wacore::types::{events::LazyHistorySync, message::MessageSource};
use wacore_binary::{Jid, JidExt};
use waproto::whatsapp as wa;
use whatsapp_rust::Client;

use super::{
    groups,
    scene::Scene,
    world::{self, World},
};
use crate::linked::{
    events::{self, Meaning, Reading},
    identity::{self, Person},
    place,
};

/// When the phone says nothing for so long, a piece of the past is whole.
const QUIET: Duration = Duration::from_secs(10);
/// So many messages of a chat are kept to fill its room.
const MESSAGES_MAX: usize = 500;
/// The device that speaks for an account when none is named.
const PAST: &str = "past/";

/// What was said before. Clones share it.
#[derive(Clone)]
pub(super) struct Past(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    sink: EventSink,
    /// Chats that are to be told.
    chats: Mutex<BTreeSet<RemoteChatId>>,
    changed: Notify,
}

impl Past {
    pub(super) fn new(world: Arc<World>, sink: EventSink) -> Self {
        Self(Arc::new(Inner { world, sink, chats: Mutex::default(), changed: Notify::new() }))
    }

    /// A piece came.
    pub(super) async fn heard(&self, client: &Client, piece: &LazyHistorySync) -> Result<(), NotStored> {
        let mut stream = piece.stream();
        loop {
            let conversation = match stream.next_conversation() {
                Ok(Some(conversation)) => conversation,
                Ok(None) => break,
                Err(error) => {
                    warn!(%error, "A piece of the past cannot be read.");
                    return Ok(());
                }
            };
            self.conversation(client, conversation).await?;
        }
        if let Ok(rest) = stream.remainder() {
            for name in rest.pushnames {
                self.push_name(client, &name).await?;
            }
        }
        self.0.changed.notify_one();
        Ok(())
    }

    /// Tells the chats when the phone is quiet, for ever.
    pub(super) async fn run(self, client: Arc<Client>) {
        loop {
            self.0.changed.notified().await;
            while timeout(QUIET, self.0.changed.notified()).await.is_ok() {}
            let chats = std::mem::take(&mut *self.0.chats.lock().unwrap_or_else(PoisonError::into_inner));
            info!(count = chats.len(), "The past of chats has come from the phone.");
            for chat in chats {
                if let Err(error) = self.tell(&client, &chat).await {
                    warn!(%error, "A chat of the past could not be stored.");
                }
            }
        }
    }

    async fn push_name(&self, client: &Client, name: &wa::Pushname) -> Result<(), NotStored> {
        let jid: Option<Jid> = name.id.as_deref().and_then(|id| id.parse().ok());
        let (Some(jid), Some(push)) = (jid, name.pushname.as_deref().and_then(world::name)) else {
            return Ok(());
        };
        if let Some(id) = Person::told([&jid]).completed(client).await.id() {
            self.0.world.learn_name(&id, |names| names.push = Some(push)).await?;
        }
        Ok(())
    }

    async fn conversation(&self, client: &Client, conversation: wa::Conversation) -> Result<(), NotStored> {
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
        if names_of(world, client, &chat).await.len() == 1 && jid.is_pn() {
            world.note_phone_chat(&chat).await?;
        }
        if let Some(secs) = conversation.ephemeral_expiration {
            world.learn_timer(&chat, secs).await?;
        }
        world.vault.keep(rows).await?;
        self.0.chats.lock().unwrap_or_else(PoisonError::into_inner).insert(chat);
        Ok(())
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
        let names = |jid: &Jid| world.label(jid);
        let view_once = world.config.linked_view_once;
        let reading = Reading { bearer: &bearer, names: &names, view_once };
        let (Meaning::Said(said) | Meaning::Poll { said, .. }) = events::read(message, &reading) else {
            return Ok(None);
        };
        let (mut message, answers) = (said.message, said.answers);
        let Some(sender) = scene.sender(world).filter(|_| !message.is_empty()) else { return Ok(None) };
        if let Some(quoted) = answers {
            let named = (quoted.stanza.as_str(), quoted.participant.as_deref());
            message.reply_to = scene.quoted(world, client, named).await;
        }
        let id = scene.message(world, stanza);
        let sent_secs = i64::try_from(told.message_timestamp.unwrap_or_default()).unwrap_or_default();
        Ok(Some(RemoteMessage { chat: scene.chat, id, sender, sent_ms: sent_secs * 1_000, message }))
    }

    /// Says that a chat is there, and up to where its past is known.
    async fn tell(&self, client: &Client, kept: &RemoteChatId) -> Result<(), NotStored> {
        let world = &*self.0.world;
        let names = names_of(world, client, kept).await;
        // What came under a number belongs to the hidden id, once that is known.
        let chat = names.first().unwrap_or(kept).clone();
        let newest = rows(&world.vault, &names).await?.pop().map(|row| RemoteMessageId::new(row.key));
        let Some(jid) = place::address(&world.me, &chat) else { return Ok(()) };
        let mut info = if jid.is_group() {
            match client.groups().get_metadata(&jid).await {
                Ok(group) => groups::info(world, client, &group).await,
                // A group that we left long ago has no room.
                Err(_) => return Ok(()),
            }
        } else {
            direct(world, client, &jid).await
        };
        info.newest = newest;
        let change = ChatChange::Present(Box::new(info));
        self.0.sink.push(RemoteEvent::ChatChanged { chat, change }).await.stored().await
    }
}

/// All ids that a chat may have been kept under, the one of today first.
pub(super) async fn names_of(world: &World, client: &Client, chat: &RemoteChatId) -> Vec<RemoteChatId> {
    let other = place::with(&world.me, chat).and_then(|id| identity::address_of(&id));
    let Some(jid) = other.filter(|jid| !world.own.is(jid)) else { return vec![chat.clone()] };
    match Person::told([&jid]).completed(client).await.ids() {
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
    let person = Person::told([jid]).completed(client).await;
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
mod tests {
    use magpie_common::{
        ids::{AliasSet, LoginId, RemoteUserId},
        message::{Message, RichText, Sender},
        testkit::platform_suite::Recorder,
    };

    use super::*;

    #[tokio::test]
    async fn the_newest_messages_up_to_a_bound_come_oldest_first() {
        let vault = EventSink::new(LoginId::new("1"), Arc::new(Recorder::default())).vault();
        let chat = RemoteChatId::new("1/2");
        for (id, sent_ms) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
            let message = RemoteMessage {
                chat: chat.clone(),
                id: RemoteMessageId::new(id),
                sender: Sender { ids: AliasSet::single(RemoteUserId::new("2")), name: None, avatar: None },
                sent_ms,
                message: Message::text(RichText::plain(id)),
            };
            let row =
                Row { key: id.to_owned(), mark: sent_ms, value: serde_json::to_vec(&message).expect("JSON") };
            vault.keep(vec![Keeping::Put { shelf: shelf(&chat), row }]).await.expect("it is stored");
        }
        let cases = [
            (Until::Before(RemoteMessageId::new("d")), 2, vec!["b", "c"]),
            (Until::Including(RemoteMessageId::new("d")), 2, vec!["c", "d"]),
            (Until::Before(RemoteMessageId::new("new")), 9, vec!["a", "b", "c", "d"]),
            (Until::Before(RemoteMessageId::new("a")), 9, vec![]),
        ];
        for (until, count, wanted) in cases {
            let found =
                messages(&vault, std::slice::from_ref(&chat), &until, count).await.expect("they can be read");
            assert_eq!(found.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), wanted, "{until:?}");
        }
    }
}
