//! What a session knows: names, timers of chats, rights in groups, what was read. What must outlive it stands in the vault.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::clean_name,
    platform::{EventSink, Keeping, Kept as Row, NotStored, Vault},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use wacore_binary::Jid;

pub(super) use self::groups::Group;
use self::people::People;
use super::{phone::Phone, unread};
use crate::{
    config::WhatsAppConfig,
    linked::{identity::Person, store::Kept},
};

mod groups;
mod people;
mod reactions;
#[cfg(test)]
pub(super) mod tests;

const NAMES: &str = "name";
const TIMERS: &str = "timer";
const PLACEHOLDERS: &str = "placeholder";
const POLLS: &str = "poll";

/// So many unread messages of a chat are told to have been read at once.
const UNREAD_MAX: usize = 256;
/// So many messages are found by their stanza alone.
const SEEN_MAX: usize = 4_096;

/// What a session knows.
pub(super) struct World {
    /// The account, under the id of its login: it names the account's chats, and stays whatever WhatsApp calls it.
    pub(super) me: RemoteUserId,
    /// Under which addresses WhatsApp knows us.
    pub(super) own: Person,
    pub(super) clock: Clock,
    pub(super) config: Arc<WhatsAppConfig>,
    /// Where is told who turns out to be whom.
    sink: EventSink,
    pub(super) vault: Vault,
    pub(super) store: Kept,
    /// When the phone of the account was seen.
    pub(super) phone: Phone,
    /// Goes off when somebody's message came or was read.
    pub(super) unread_changed: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    names: HashMap<RemoteUserId, Names>,
    timers: HashMap<RemoteChatId, Timer>,
    people: People,
    placeholders: HashSet<(RemoteChatId, RemoteMessageId)>,
    groups: HashMap<RemoteChatId, Group>,
    unread: HashMap<RemoteChatId, VecDeque<Unread>>,
    /// Chats whose unread messages are not kept as they are now.
    unread_dirty: HashSet<RemoteChatId>,
    seen: HashMap<String, (RemoteChatId, RemoteMessageId)>,
    seen_order: VecDeque<String>,
}

/// How somebody is called, by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Names {
    /// In the address book of the phone.
    pub(super) contact: Option<String>,
    /// By themselves.
    pub(super) push: Option<String>,
    /// As a business.
    pub(super) business: Option<String>,
}

/// After how long messages of a chat disappear, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timer {
    /// 0 for never.
    pub(super) secs: u32,
    /// When it was set, in milliseconds since 1970.
    pub(super) set_ms: i64,
}

impl Timer {
    /// As the server tells it, which always counts.
    pub(super) fn by_server(secs: u32) -> Self {
        Self { secs, set_ms: i64::MAX }
    }

    fn of(row: &Row) -> Self {
        let set_ms = row.value.as_slice().try_into().map_or(0, i64::from_be_bytes);
        Self { secs: u32::try_from(row.mark).unwrap_or_default(), set_ms }
    }
}

/// A message that was not told to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unread {
    pub(super) stanza: String,
    /// Who wrote it, in groups.
    pub(super) participant: Option<Jid>,
}

/// What a poll was opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PollMemory {
    pub(super) answers: Vec<String>,
    /// Who opened it.
    pub(super) creator: Jid,
    /// What opens its votes.
    #[serde(default)]
    pub(super) secret: Option<Vec<u8>>,
}

impl Names {
    fn best(&self) -> Option<&String> {
        self.contact.as_ref().or(self.push.as_ref()).or(self.business.as_ref())
    }
}

impl World {
    /// Reads what the vault holds.
    pub(super) async fn load(
        me: RemoteUserId,
        own: Person,
        clock: Clock,
        config: Arc<WhatsAppConfig>,
        (sink, store): (EventSink, Kept),
    ) -> Result<Self, NotStored> {
        let (vault, mut state) = (sink.vault(), State::default());
        for row in vault.all(NAMES).await? {
            if let Ok(names) = serde_json::from_slice(&row.value) {
                state.names.insert(RemoteUserId::new(row.key), names);
            }
        }
        for row in vault.all(TIMERS).await? {
            let timer = Timer::of(&row);
            state.timers.insert(RemoteChatId::new(row.key), timer);
        }
        for shelf in [people::NUMBERS, people::OWNERS, people::WRITERS] {
            vault.all(shelf).await?.iter().for_each(|row| state.people.take(shelf, row));
        }
        reactions::tidy(&vault, clock.now_ms()).await?;
        for row in vault.all(groups::SHELF).await? {
            state.groups.extend(groups::read(row));
        }
        for row in vault.all(PLACEHOLDERS).await? {
            if let Some((chat, id)) = row.key.split_once('\n') {
                state.placeholders.insert((RemoteChatId::new(chat), RemoteMessageId::new(id)));
            }
        }
        state.unread = unread::read(vault.all(unread::SHELF).await?);
        let phone = Phone::load(clock.clone(), vault.clone()).await?;
        let (unread_changed, state) = (Notify::new(), Mutex::new(state));
        Ok(Self { me, own, clock, config, sink, vault, store, phone, unread_changed, state })
    }

    /// How somebody is called; the number, when nobody says.
    pub(super) fn name(&self, person: &Person) -> Option<String> {
        let known =
            person.id().and_then(|id| self.state().names.get(&id).and_then(|names| names.best().cloned()));
        known.or_else(|| person.phone.as_ref().map(|phone| format!("+{}", phone.user_base())))
    }

    /// The id of somebody; our own is that of the login.
    pub(super) fn id_of(&self, person: &Person) -> Option<RemoteUserId> {
        let is_me = person.address().is_some_and(|address| self.own.is(address));
        if is_me { Some(self.me.clone()) } else { person.id() }
    }

    /// How whoever is mentioned is called.
    pub(super) fn label(&self, jid: &Jid) -> String {
        let known =
            self.whom(jid).and_then(|id| self.state().names.get(&id).and_then(|names| names.best().cloned()));
        known.unwrap_or_else(|| jid.user_base().to_owned())
    }

    /// Everybody whose name goes with the words.
    pub(super) fn named(&self, words: &str, count_max: usize) -> Vec<(RemoteUserId, String)> {
        let wanted = words.to_lowercase();
        let state = self.state();
        let mut found: Vec<_> = state
            .names
            .iter()
            .filter_map(|(id, names)| Some((id.clone(), names.best()?.clone())))
            .filter(|(id, name)| *id != self.me && name.to_lowercase().contains(&wanted))
            .collect();
        found.sort_by_key(|(_, name)| (!name.to_lowercase().starts_with(&wanted), name.to_lowercase()));
        found.truncate(count_max);
        found
    }

    /// Learns a name; whether it is another one than before.
    pub(super) async fn learn_name(
        &self,
        id: &RemoteUserId,
        learn: impl FnOnce(&mut Names) + Send,
    ) -> Result<bool, NotStored> {
        let (before, names) = {
            let mut state = self.state();
            let names = state.names.entry(id.clone()).or_default();
            let before = names.clone();
            learn(names);
            (before, names.clone())
        };
        if names == before {
            return Ok(false);
        }
        let value = serde_json::to_vec(&names).unwrap_or_default();
        let kept = self.keep(NAMES, id.as_str(), 0, value).await;
        if kept.is_err() {
            // It is another one still, and is stored when it is told again.
            self.state().names.insert(id.clone(), before);
        }
        kept.map(|()| true)
    }

    /// After how many seconds messages of a chat disappear; 0 for never.
    pub(super) fn timer_secs(&self, chat: &RemoteChatId) -> u32 {
        self.state().timers.get(chat).map_or(0, |timer| timer.secs)
    }

    /// Whether a timer is another one than before, and set later.
    pub(super) fn is_new_timer(&self, chat: &RemoteChatId, timer: Timer) -> bool {
        let known = self.state().timers.get(chat).copied().unwrap_or_default();
        known.secs != timer.secs && known.set_ms <= timer.set_ms
    }

    /// Learns a timer; whether it is another one than before.
    pub(super) async fn learn_timer(&self, chat: &RemoteChatId, timer: Timer) -> Result<bool, NotStored> {
        if !self.is_new_timer(chat, timer) {
            return Ok(false);
        }
        self.keep(TIMERS, chat.as_str(), timer.secs.into(), timer.set_ms.to_be_bytes().to_vec()).await?;
        self.state().timers.insert(chat.clone(), timer);
        Ok(true)
    }

    /// Words of ours are about to stand in the place of a message.
    pub(super) fn expect_placeholder(&self, chat: &RemoteChatId, id: &RemoteMessageId) {
        self.state().placeholders.insert((chat.clone(), id.clone()));
    }

    /// Remembers that words of ours stand in the place of a message.
    pub(super) async fn note_placeholder(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
    ) -> Result<(), NotStored> {
        self.state().placeholders.insert((chat.clone(), id.clone()));
        self.keep(PLACEHOLDERS, &format!("{chat}\n{id}"), self.clock.now_ms(), Vec::new()).await
    }

    /// Whether words of ours stand in the place of a message.
    pub(super) fn has_placeholder(&self, chat: &RemoteChatId, id: &RemoteMessageId) -> bool {
        self.state().placeholders.contains(&(chat.clone(), id.clone()))
    }

    /// The message itself stands there now.
    pub(super) async fn forget_placeholder(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
    ) -> Result<(), NotStored> {
        self.state().placeholders.remove(&(chat.clone(), id.clone()));
        let key = format!("{chat}\n{id}");
        self.vault.keep(vec![Keeping::Remove { shelf: PLACEHOLDERS.to_owned(), key }]).await
    }

    /// Remembers what a poll was opened with.
    pub(super) async fn note_poll(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
        poll: &PollMemory,
    ) -> Result<(), NotStored> {
        let value = serde_json::to_vec(poll).unwrap_or_default();
        self.keep(POLLS, &format!("{chat}\n{id}"), self.clock.now_ms(), value).await
    }

    /// What a poll was opened with.
    pub(super) async fn poll(
        &self,
        chat: &RemoteChatId,
        id: &RemoteMessageId,
    ) -> Result<Option<PollMemory>, NotStored> {
        let value = self.vault.get(POLLS, &format!("{chat}\n{id}")).await?;
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    /// A message came in that is not read yet.
    pub(super) fn note_unread(&self, chat: &RemoteChatId, unread: Unread) {
        let mut state = self.state();
        let waiting = state.unread.entry(chat.clone()).or_default();
        waiting.push_back(unread);
        if waiting.len() > UNREAD_MAX {
            waiting.pop_front();
        }
        state.unread_dirty.insert(chat.clone());
        self.unread_changed.notify_one();
    }

    /// What was unread up to a message, with it.
    pub(super) fn take_read(&self, chat: &RemoteChatId, up_to: Unread) -> Vec<Unread> {
        let mut state = self.state();
        let waiting = state.unread.entry(chat.clone()).or_default();
        match waiting.iter().position(|unread| unread.stanza == up_to.stanza) {
            Some(place) => {
                let read = waiting.drain(..=place).collect();
                state.unread_dirty.insert(chat.clone());
                self.unread_changed.notify_one();
                read
            }
            None => vec![up_to],
        }
    }

    /// It could not be told that these were read.
    pub(super) fn put_unread_back(&self, chat: &RemoteChatId, read: Vec<Unread>) {
        let mut state = self.state();
        let waiting = state.unread.entry(chat.clone()).or_default();
        for unread in read.into_iter().rev() {
            waiting.push_front(unread);
        }
        waiting.truncate(UNREAD_MAX);
        state.unread_dirty.insert(chat.clone());
        self.unread_changed.notify_one();
    }

    /// Somebody has read in another device of ours what came up to a message.
    pub(super) fn forget_read(&self, chat: &RemoteChatId, stanza: &str) {
        drop(self.take_read(chat, Unread { stanza: stanza.to_owned(), participant: None }));
    }

    /// All of a chat was read in another device of ours.
    pub(super) fn forget_unread(&self, chat: &RemoteChatId) {
        let mut state = self.state();
        if state.unread.remove(chat).is_some() {
            state.unread_dirty.insert(chat.clone());
            self.unread_changed.notify_one();
        }
    }

    /// The chats of which other messages are unread than are kept, with those.
    pub(super) fn take_unread_changes(&self) -> Vec<(RemoteChatId, Vec<Unread>)> {
        let mut state = self.state();
        let dirty = std::mem::take(&mut state.unread_dirty);
        let unread = |chat: RemoteChatId| {
            let waiting = state.unread.get(&chat).map(|it| it.iter().cloned().collect()).unwrap_or_default();
            (chat, waiting)
        };
        dirty.into_iter().map(unread).collect()
    }

    /// Remembers where a stanza's message stands, for what names only the stanza.
    pub(super) fn note_seen(&self, stanza: &str, chat: &RemoteChatId, id: &RemoteMessageId) {
        let mut state = self.state();
        if state.seen.insert(stanza.to_owned(), (chat.clone(), id.clone())).is_none() {
            state.seen_order.push_back(stanza.to_owned());
            if state.seen_order.len() > SEEN_MAX
                && let Some(oldest) = state.seen_order.pop_front()
            {
                state.seen.remove(&oldest);
            }
        }
    }

    /// Where a stanza's message stands, if it came lately.
    pub(super) fn seen(&self, stanza: &str) -> Option<(RemoteChatId, RemoteMessageId)> {
        self.state().seen.get(stanza).cloned()
    }

    async fn keep(&self, shelf: &str, key: &str, mark: i64, value: Vec<u8>) -> Result<(), NotStored> {
        let row = Row { key: key.to_owned(), mark, value };
        self.vault.keep(vec![Keeping::Put { shelf: shelf.to_owned(), row }]).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as it is kept; none when nothing is left of it.
pub(super) fn name(name: &str) -> Option<String> {
    Some(clean_name(name)).filter(|name| !name.is_empty())
}
