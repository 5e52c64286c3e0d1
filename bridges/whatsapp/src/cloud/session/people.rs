//! What is remembered of people: their ids, what they are called, when they wrote last. Kept in the database, with the newest in memory.
//!
//! A person is named by the business-scoped user id where one was told, else by the phone number; whoever was known by the number alone and
//! is told by both goes on under the user id. A number that comes with another user id without such news was given to somebody else: it is
//! no id of theirs, since it leads to whoever had it first.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use magpie_common::{
    clock::TimestampMs,
    ids::{AliasSet, RemoteMessageId, RemoteUserId},
    message::UserInfo,
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};

use crate::ids;

/// How long a business may write after the person wrote last
/// (<https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages#customer-service-windows>).
pub(super) const WINDOW_MS: i64 = 24 * 60 * 60 * 1000;

/// So many people are kept in memory.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

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
}

impl Met {
    /// Until when the business may write; `None` where nobody knows.
    pub fn open_until_ms(&self) -> Option<TimestampMs> {
        (self.heard_ms > 0).then(|| self.heard_ms.saturating_add(WINDOW_MS))
    }
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
}

/// How a holder who is not the first is marked where it is kept.
const LATER: char = '~';

impl Holder {
    fn read(kept: &str) -> Self {
        let id = kept.strip_prefix(LATER);
        Self { id: RemoteUserId::new(id.unwrap_or(kept)), is_first: id.is_none() }
    }

    fn written(&self) -> String {
        if self.is_first { self.id.to_string() } else { format!("{LATER}{}", self.id) }
    }
}

pub(super) struct People {
    sink: EventSink,
    known: Mutex<Known>,
}

struct Known {
    met: LruCache<RemoteUserId, Met>,
    /// By phone number.
    phones: LruCache<String, Holder>,
}

impl People {
    pub fn new(sink: EventSink) -> Self {
        let known = Known { met: LruCache::new(PEOPLE_MAX), phones: LruCache::new(PEOPLE_MAX) };
        Self { sink, known: Mutex::new(known) }
    }

    /// Who is meant by a phone number, a user id, or both; `None` where neither is there.
    pub async fn person(&self, phone: &str, user_id: &str) -> Result<Option<Person>, NotStored> {
        let (phone, user_id) = (ids::phone(phone), ids::business_scoped(user_id));
        let Some(phone) = phone else {
            return Ok(user_id.map(|id| Person { ids: AliasSet::single(id), moved: None }));
        };
        let known = self.holder(&phone).await?;
        let told = user_id.clone().unwrap_or_else(|| phone.clone());
        let (holder, moved) = match (user_id, known) {
            // Known by the number alone until now.
            (Some(id), Some(known)) if known.id == phone => {
                (Holder { id, is_first: true }, Some(phone.clone()))
            }
            (Some(id), Some(known)) if known.id == id => (known, None),
            (None, Some(known)) => (known, None),
            (_, known) => {
                let holder = Holder { id: told, is_first: known.is_none() };
                self.sink.remember(self.note_holder(&phone, holder.clone())).await?;
                (holder, None)
            }
        };
        let others = if holder.id == phone || !holder.is_first { Vec::new() } else { vec![phone] };
        Ok(Some(Person { ids: AliasSet { primary: holder.id, others }, moved }))
    }

    /// Whether nobody but the person with some ids has had a number.
    pub async fn is_own(&self, phone: &RemoteUserId, ids: [&RemoteUserId; 2]) -> Result<bool, NotStored> {
        let holder = self.holder(phone).await?;
        Ok(holder.is_none_or(|holder| holder.is_first && (holder.id == *phone || ids.contains(&&holder.id))))
    }

    async fn holder(&self, phone: &RemoteUserId) -> Result<Option<Holder>, NotStored> {
        if let Some(known) = self.lock().phones.get(phone.as_str()) {
            return Ok(Some(known.clone()));
        }
        let stored = self.sink.remembered(&phone_key(phone)).await?;
        let known = stored.map(|kept| Holder::read(&kept));
        if let Some(known) = &known {
            self.lock().phones.put(phone.to_string(), known.clone());
        }
        Ok(known)
    }

    /// From now on whoever has the number is named so; `is_own` tells whether the number was theirs before or nobody's.
    pub fn note_phone(&self, phone: &RemoteUserId, id: &RemoteUserId, is_own: bool) -> Cursor {
        self.note_holder(phone, Holder { id: id.clone(), is_first: is_own })
    }

    fn note_holder(&self, phone: &RemoteUserId, holder: Holder) -> Cursor {
        let value = holder.written();
        self.lock().phones.put(phone.to_string(), holder);
        Cursor { key: phone_key(phone), value }
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
        heard: Option<(TimestampMs, RemoteMessageId)>,
    ) -> Result<Option<Cursor>, NotStored> {
        let before = self.met(&ids.primary).await?;
        let mut met = before.clone();
        met.name = name.or(met.name);
        met.phone = ids.others.first().map(RemoteUserId::to_string).or(met.phone);
        // Webhooks come in any order.
        if let Some((heard_ms, last)) = heard.filter(|(heard_ms, _)| *heard_ms >= met.heard_ms) {
            (met.heard_ms, met.last) = (heard_ms, Some(last));
        }
        if met == before {
            return Ok(None);
        }
        let value = serde_json::to_string(&met).map_err(|error| NotStored(error.to_string()))?;
        self.lock().met.put(ids.primary.clone(), met);
        Ok(Some(Cursor { key: met_key(&ids.primary), value }))
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

fn phone_key(phone: &RemoteUserId) -> String {
    format!("phone/{phone}")
}

fn met_key(person: &RemoteUserId) -> String {
    format!("person/{person}")
}

#[cfg(test)]
mod tests;
