//! What is remembered of people: their ids, what they are called, when they wrote last. Kept in the database, with the newest in memory.
//!
//! A person is named by the business-scoped user id where one was told, else by the phone number; whoever was known by the number alone and
//! is told by both goes on under the user id. A number that comes with another user id without such news was given to somebody else: it is
//! no id of theirs, since it leads to whoever had it first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use magpie_common::{
    clock::TimestampMs,
    ids::{AliasSet, RemoteMessageId, RemoteUserId},
    message::{ChatInfo, ChatKind, UserInfo},
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};

use super::{newest::Newest, window::Phase};
use crate::ids;

/// How long a business may write after the person wrote last
/// (<https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages#customer-service-windows>).
pub(super) const WINDOW_MS: i64 = 24 * 60 * 60 * 1000;

/// So many people are kept in memory.
const PEOPLE_MAX: usize = 10_000;

/// So often has somebody moved at most.
const MOVES_MAX: usize = 16;

/// How WhatsApp names somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The phone number.
    pub phone: Option<RemoteUserId>,
    /// The business-scoped user id.
    pub user_id: Option<RemoteUserId>,
}

impl Named {
    /// Reads both; what is none is not there.
    pub fn new(phone: &str, user_id: &str) -> Self {
        Self { phone: ids::phone(phone), user_id: ids::business_scoped(user_id) }
    }

    /// What is not there is taken from another.
    pub fn or(self, other: Self) -> Self {
        Self { phone: self.phone.or(other.phone), user_id: self.user_id.or(other.user_id) }
    }
}

/// What is remembered of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Met {
    /// The name in their profile.
    #[serde(default)]
    pub name: Option<String>,
    /// Their phone number, where the person is named by another id.
    #[serde(default)]
    pub phone: Option<String>,
    /// When they wrote last; 0 where that is not known.
    #[serde(default)]
    pub heard_ms: TimestampMs,
    /// The last message of theirs.
    #[serde(default)]
    pub last: Option<RemoteMessageId>,
    /// What the room says of the time that is left.
    #[serde(default)]
    pub shown: Phase,
    /// By which id the person goes on.
    #[serde(default)]
    became: Option<RemoteUserId>,
    /// When that was told last, or that it is so no more; 0 where nothing was.
    #[serde(default)]
    moved_ms: TimestampMs,
}

impl Met {
    /// Until when the business may write; `None` where nobody knows.
    pub fn open_until_ms(&self) -> Option<TimestampMs> {
        (self.heard_ms > 0).then(|| self.heard_ms.saturating_add(WINDOW_MS))
    }
}

/// Something that opens the window: words, a reaction, a choice, a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// When.
    pub at_ms: TimestampMs,
    /// By which message, where it is one.
    pub message: Option<RemoteMessageId>,
}

/// A person as a webhook names them.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// All ids; the first names the chat.
    pub ids: AliasSet,
    /// The number by which alone the person was known until now. Whoever tells the bridge notes it by [`People::note_phone`].
    pub moved: Option<RemoteUserId>,
}

/// Who has a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    /// The id in use.
    id: RemoteUserId,
    /// Nobody had it before.
    is_first: bool,
    /// When that was told.
    since_ms: TimestampMs,
}

/// How a holder who is not the first is marked where it is kept.
const LATER: char = '~';

impl Holder {
    fn read(kept: &str) -> Self {
        let (kept, since) = kept.split_once(' ').unwrap_or((kept, "0"));
        let id = kept.strip_prefix(LATER);
        let since_ms = since.parse().unwrap_or_default();
        Self { id: RemoteUserId::new(id.unwrap_or(kept)), is_first: id.is_none(), since_ms }
    }

    fn written(&self) -> String {
        let Self { id, is_first, since_ms } = self;
        if *is_first { format!("{id} {since_ms}") } else { format!("{LATER}{id} {since_ms}") }
    }
}

pub(super) struct People {
    sink: EventSink,
    known: Mutex<Known>,
}

struct Known {
    met: Newest<RemoteUserId, Met>,
    /// By phone number.
    phones: Newest<RemoteUserId, Holder>,
}

impl People {
    pub fn new(sink: EventSink) -> Self {
        let known = Known { met: Newest::new(PEOPLE_MAX), phones: Newest::new(PEOPLE_MAX) };
        Self { sink, known: Mutex::new(known) }
    }

    /// Who is meant by a phone number, a user id, or both, in words of that time; `None` where neither is there.
    pub async fn person(&self, named: &Named, at_ms: TimestampMs) -> Result<Option<Person>, NotStored> {
        let Named { phone, user_id } = named;
        let Some(phone) = phone else {
            let Some(id) = user_id else { return Ok(None) };
            return Ok(Some(Person { ids: AliasSet::single(self.today(id).await?), moved: None }));
        };
        // Who has gone on under another number has given this one up.
        let is_given_up = self.met(phone).await?.became.is_some();
        let (holder, moved) = match (user_id.clone(), self.holder(phone).await?) {
            // Known by the number alone until now.
            (Some(id), Some(known)) if known.id == *phone && !is_given_up => {
                (Holder { id, is_first: true, since_ms: at_ms }, Some(phone.clone()))
            }
            (Some(id), Some(known)) if known.id == id => (known, None),
            (None, Some(known)) => (known, None),
            // Who has the number now was told later than this.
            (Some(id), Some(known)) if at_ms < known.since_ms => {
                (Holder { id, is_first: false, since_ms: at_ms }, None)
            }
            (id, known) => {
                let id = id.unwrap_or_else(|| phone.clone());
                let holder = Holder { id, is_first: known.is_none(), since_ms: at_ms };
                self.sink.remember(self.note_holder(phone, holder.clone())).await?;
                (holder, None)
            }
        };
        let is_own = holder.is_first && holder.id != *phone;
        let primary = if moved.is_some() { holder.id } else { self.today(&holder.id).await? };
        let others = if is_own && primary != *phone { vec![phone.clone()] } else { Vec::new() };
        Ok(Some(Person { ids: AliasSet { primary, others }, moved }))
    }

    /// By which id somebody goes on today.
    pub async fn today(&self, id: &RemoteUserId) -> Result<RemoteUserId, NotStored> {
        let mut id = id.clone();
        for _ in 0..MOVES_MAX {
            let became = match self.met(&id).await?.became {
                Some(became) => Some(became),
                None => self.holder_of(&id).await?.filter(|holder| *holder != id),
            };
            match became {
                Some(became) => id = became,
                None => break,
            }
        }
        Ok(id)
    }

    /// Who has a number, where it is one and somebody is known to have it.
    pub async fn holder_of(&self, phone: &RemoteUserId) -> Result<Option<RemoteUserId>, NotStored> {
        if ids::digits(phone).is_none() {
            return Ok(None);
        }
        Ok(self.holder(phone).await?.map(|holder| holder.id))
    }

    /// Whether somebody with some ids may be known by a number, too: nobody else has had it.
    pub async fn is_own(&self, phone: &RemoteUserId, ids: [&RemoteUserId; 2]) -> Result<bool, NotStored> {
        let holder = self.holder(phone).await?;
        Ok(holder.is_none_or(|holder| holder.is_first && (holder.id == *phone || ids.contains(&&holder.id))))
    }

    /// Whether it was told only after that time who has a number.
    pub async fn is_told_after(&self, phone: &RemoteUserId, at_ms: TimestampMs) -> Result<bool, NotStored> {
        Ok(self.holder(phone).await?.is_some_and(|holder| holder.since_ms >= at_ms && holder.since_ms > 0))
    }

    async fn holder(&self, phone: &RemoteUserId) -> Result<Option<Holder>, NotStored> {
        if let Some(known) = self.lock().phones.get(phone) {
            return Ok(Some(known.clone()));
        }
        let stored = self.sink.remembered(&phone_key(phone)).await?;
        let known = stored.map(|kept| Holder::read(&kept));
        if let Some(known) = &known {
            self.lock().phones.put(phone.clone(), known.clone());
        }
        Ok(known)
    }

    /// From that time on whoever has the number is named so; `is_own` tells whether the number was theirs before or nobody's.
    pub fn note_phone(
        &self,
        phone: &RemoteUserId,
        (id, is_own): (&RemoteUserId, bool),
        at_ms: TimestampMs,
    ) -> Cursor {
        self.note_holder(phone, Holder { id: id.clone(), is_first: is_own, since_ms: at_ms })
    }

    fn note_holder(&self, phone: &RemoteUserId, holder: Holder) -> Cursor {
        let value = holder.written();
        self.lock().phones.put(phone.clone(), holder);
        Cursor { key: phone_key(phone), value }
    }

    /// Whether it is news, at that time, that somebody goes on under another id.
    pub async fn is_move_news(
        &self,
        before: &RemoteUserId,
        now: &RemoteUserId,
        at_ms: TimestampMs,
    ) -> Result<bool, NotStored> {
        let Met { became, moved_ms, .. } = self.met(before).await?;
        let is_older = moved_ms > 0 && moved_ms >= at_ms;
        let is_known = became.as_ref() == Some(now) || self.holder_of(before).await?.as_ref() == Some(now);
        Ok(before != now && !is_older && !is_known)
    }

    /// All that is remembered of somebody is remembered under another id, too. Gives their name.
    pub async fn carry(
        &self,
        before: &RemoteUserId,
        (now, own_phone): (&RemoteUserId, Option<&RemoteUserId>),
        at_ms: TimestampMs,
    ) -> Result<Option<String>, NotStored> {
        let (old, mut met) = (self.met(before).await?, self.met(now).await?);
        met.name = met.name.or(old.name);
        met.phone = own_phone.map(RemoteUserId::to_string).or(met.phone);
        if old.heard_ms > met.heard_ms {
            (met.heard_ms, met.last, met.shown) = (old.heard_ms, old.last, old.shown);
        }
        if met.became.take().is_some() {
            met.moved_ms = at_ms;
        }
        let name = met.name.clone();
        let cursor = self.keep(now, met)?;
        self.sink.remember(cursor).await?;
        Ok(name)
    }

    /// Somebody goes on under another id. Gives what is to be stored with the news.
    pub async fn note_move(
        &self,
        before: &RemoteUserId,
        now: &RemoteUserId,
        at_ms: TimestampMs,
    ) -> Result<Cursor, NotStored> {
        let met = Met { became: Some(now.clone()), moved_ms: at_ms, ..self.met(before).await? };
        self.keep(before, met)
    }

    fn keep(&self, person: &RemoteUserId, met: Met) -> Result<Cursor, NotStored> {
        let value = serde_json::to_string(&met).map_err(|error| NotStored(error.to_string()))?;
        self.lock().met.put(person.clone(), met);
        Ok(Cursor { key: met_key(person), value })
    }

    /// What is remembered of somebody; nothing of whom was never met.
    pub async fn met(&self, person: &RemoteUserId) -> Result<Met, NotStored> {
        if let Some(met) = self.cached(person) {
            return Ok(met);
        }
        let stored = self.sink.remembered(&met_key(person)).await?;
        let met: Met = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        self.lock().met.put(person.clone(), met.clone());
        Ok(met)
    }

    /// The same from memory alone.
    pub fn cached(&self, person: &RemoteUserId) -> Option<Met> {
        self.lock().met.get(person).cloned()
    }

    /// Notes what a webhook tells of somebody. Gives what is to be stored with it, where it is news.
    pub async fn note(
        &self,
        ids: &AliasSet,
        name: Option<String>,
        heard: Option<Heard>,
    ) -> Result<Option<Cursor>, NotStored> {
        let before = self.met(&ids.primary).await?;
        let mut met = before.clone();
        met.name = name.or(met.name);
        met.phone = ids.others.first().map(RemoteUserId::to_string).or(met.phone);
        // Webhooks come in any order.
        if let Some(Heard { at_ms, message }) = heard.filter(|heard| heard.at_ms >= met.heard_ms) {
            (met.heard_ms, met.last) = (at_ms, message.or(met.last));
        }
        if met == before {
            return Ok(None);
        }
        self.keep(&ids.primary, met).map(Some)
    }

    /// From now on the room says this. Gives what is to be stored with it.
    pub async fn show(&self, person: &RemoteUserId, shown: Phase) -> Result<Cursor, NotStored> {
        let met = Met { shown, ..self.met(person).await? };
        self.keep(person, met)
    }

    /// How somebody is shown.
    pub async fn info(&self, person: &RemoteUserId) -> Result<UserInfo, NotStored> {
        let met = self.met(person).await?;
        let phone = ids::digits(person).map(str::to_owned).or(met.phone);
        let name = met.name.or_else(|| phone.as_ref().map(|digits| format!("+{digits}")));
        let others = phone.map(RemoteUserId::new).filter(|phone| phone != person).into_iter().collect();
        Ok(UserInfo { ids: AliasSet { primary: person.clone(), others }, name, avatar: None, bot: false })
    }

    /// People in memory whose name goes with the words.
    pub fn search(&self, query: &str, count_max: usize) -> Vec<RemoteUserId> {
        let query = query.trim().to_lowercase();
        if query.is_empty() {
            return Vec::new();
        }
        let fits = |met: &Met| met.name.as_ref().is_some_and(|name| name.to_lowercase().contains(&query));
        let known = self.lock();
        known.met.iter().filter(|(_, met)| fits(met)).map(|(id, _)| id.clone()).take(count_max).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of the chat with somebody.
pub(super) fn chat_info(person: &RemoteUserId, phase: Phase) -> ChatInfo {
    let mut info = ChatInfo::new(ChatKind::Direct, None);
    info.with = Some(person.clone());
    info.private = true;
    info.topic = phase.topic();
    info
}

fn phone_key(phone: &RemoteUserId) -> String {
    format!("phone/{phone}")
}

fn met_key(person: &RemoteUserId) -> String {
    format!("person/{person}")
}

#[cfg(test)]
mod tests;
