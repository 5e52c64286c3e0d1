//! What is known of people and groups, asked for once and forgotten when the gateway says that it is old.

use std::{
    hash::Hash,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use magpie_common::{
    clock::{Clock, TimestampMs},
    ids::{AliasSet, RemoteUserId},
    message::{ChatInfo, ChatKind, MentionTarget, Person, Sender, UserInfo, clean_name},
    platform::EventSink,
};
use prost::Message;
use tonic::Status;

use super::seen::Seen;
use crate::{
    ids,
    wechaty::{
        account::Own,
        events::mentions::{BLANK, Named},
        file,
        gateway::{Gateway, call},
        wire::{Contact, Member, MemberOf, Room},
    },
};

/// So many people, and as many members of groups, are kept in memory.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
const ROOMS_MAX: NonZeroUsize = NonZeroUsize::new(2_000).unwrap();

/// What a gateway could not tell is not asked for again for so long: each question may take half a minute, in which nothing else is taken in.
const HOPELESS_MS: i64 = 60 * 1000;

/// So much of that is kept in memory.
const HOPELESS_MAX: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// More people in a group are not listed: they come when they speak.
const MEMBERS_MAX: usize = 500;

/// More people are not looked up for one message.
const NAMED_MAX: usize = 50;

/// How a message's list of people calls everybody.
const EVERYBODY: [&str; 2] = ["notify@all", "announcement@all"];

/// How the words call them.
const EVERYBODY_NAMES: [&str; 3] = ["所有人", "All", "all"];

/// One account and what it knows.
pub(super) struct World {
    pub gateway: Gateway,
    pub own: Own,
    pub me: RemoteUserId,
    pub clock: Clock,
    pub sink: EventSink,
    contacts: Known<String, Contact>,
    rooms: Known<String, Room>,
    /// The last messages.
    pub seen: Seen,
    /// By group and person.
    members: Known<(String, String), Member>,
    hopeless: Hopeless,
}

/// What a gateway could not tell, by what was asked and about what.
struct Hopeless(Mutex<LruCache<(&'static str, String), TimestampMs>>);

impl Hopeless {
    fn new() -> Self {
        Self(Mutex::new(LruCache::new(HOPELESS_MAX)))
    }

    fn put(&self, path: &'static str, id: &str, now_ms: TimestampMs) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put((path, id.to_owned()), now_ms);
    }

    fn is(&self, path: &'static str, id: &str, now_ms: TimestampMs) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since_ms = asked.get(&(path, id.to_owned())).copied();
        since_ms.is_some_and(|since_ms| (0..HOPELESS_MS).contains(&now_ms.saturating_sub(since_ms)))
    }

    /// Something has changed, so there is hope again.
    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What was asked for before.
struct Known<K, V>(Mutex<LruCache<K, Arc<V>>>);

impl<K: Hash + Eq, V> Known<K, V> {
    fn new(most: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::new(most)))
    }

    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&value));
        value
    }

    fn forget(&self, is_old: impl Fn(&K) -> bool)
    where
        K: Clone,
    {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old: Vec<K> = known.iter().map(|(key, _)| key).filter(|key| is_old(key)).cloned().collect();
        for key in old {
            known.pop(&key);
        }
    }
}

impl World {
    pub fn new((gateway, own, me): (Gateway, Own, RemoteUserId), clock: Clock, sink: EventSink) -> Self {
        Self {
            gateway,
            own,
            me,
            clock,
            sink,
            contacts: Known::new(PEOPLE_MAX),
            rooms: Known::new(ROOMS_MAX),
            members: Known::new(PEOPLE_MAX),
            hopeless: Hopeless::new(),
            seen: Seen::default(),
        }
    }

    /// Somebody, the account itself among them; `None` when the gateway cannot tell.
    pub async fn contact(&self, native: &str) -> Option<Arc<Contact>> {
        let key = native.to_owned();
        if let Some(known) = self.contacts.get(&key) {
            return Some(known);
        }
        let told: Contact = self.told(call::CONTACT, native).await?;
        Some(self.contacts.put(key, told))
    }

    /// A group.
    pub async fn room(&self, native: &str) -> Option<Arc<Room>> {
        let key = native.to_owned();
        if let Some(known) = self.rooms.get(&key) {
            return Some(known);
        }
        let told: Room = self.told(call::ROOM, native).await?;
        Some(self.rooms.put(key, told))
    }

    async fn member(&self, room: &str, native: &str) -> Option<Arc<Member>> {
        let key = (room.to_owned(), native.to_owned());
        if let Some(known) = self.members.get(&key) {
            return Some(known);
        }
        let asked = MemberOf { id: key.0.clone(), member_id: key.1.clone() };
        let both = format!("{room} {native}");
        let told: Member = self
            .hoped((call::ROOM_MEMBER, both.as_str()), self.gateway.ask(call::ROOM_MEMBER, asked))
            .await?;
        Some(self.members.put(key, told))
    }

    async fn told<A: Message + Default + 'static>(&self, path: &'static str, id: &str) -> Option<A> {
        self.hoped((path, id), self.gateway.about(path, id)).await
    }

    /// The answer to a question, unless there was none lately.
    async fn hoped<A>(
        &self,
        (path, id): (&'static str, &str),
        asked: impl Future<Output = Result<A, Status>>,
    ) -> Option<A> {
        if self.hopeless.is(path, id, self.clock.now_ms()) {
            return None;
        }
        let told = asked.await.ok();
        if told.is_none() {
            self.hopeless.put(path, id, self.clock.now_ms());
        }
        told
    }

    /// What was told of somebody is old. Says whether anything was.
    pub fn forget_contact(&self, native: &str) -> bool {
        self.hopeless.clear();
        let was_known = self.contacts.get(&native.to_owned()).is_some();
        self.contacts.forget(|known| known == native);
        self.members.forget(|(_, person)| person == native);
        was_known
    }

    /// What was told of a group is old.
    pub fn forget_room(&self, native: &str) {
        self.rooms.forget(|known| known == native);
        self.forget_members(native);
    }

    /// What was told of the people in a group is old.
    pub fn forget_members(&self, room: &str) {
        self.hopeless.clear();
        self.members.forget(|(known, _)| known == room);
    }

    /// How somebody is called: as the account's owner calls them, else as they call themselves in the group, else as everywhere.
    pub async fn name(&self, native: &str, room: Option<&str>) -> Option<String> {
        self.names(native, room).await.into_iter().next()
    }

    /// All that somebody is called, in that order.
    async fn names(&self, native: &str, room: Option<&str>) -> Vec<String> {
        let contact = self.contact(native).await;
        let member = match room {
            Some(room) => self.member(room, native).await,
            None => None,
        };
        let contact = contact.as_deref();
        let member = member.as_deref();
        let names = [
            contact.map(|contact| contact.alias.as_str()),
            member.map(|member| member.room_alias.as_str()),
            contact.map(|contact| contact.name.as_str()),
            member.map(|member| member.name.as_str()),
        ];
        let mut shown: Vec<String> = Vec::new();
        for name in names.into_iter().flatten().map(clean_name) {
            if !name.is_empty() && !shown.contains(&name) {
                shown.push(name);
            }
        }
        shown
    }

    /// What is written behind `@` for somebody in a group: what everybody there sees, which is not what the account's owner calls them.
    pub async fn called_in(&self, room: &str, native: &str) -> Option<String> {
        let member = self.member(room, native).await;
        let contact = self.contact(native).await;
        let names = [
            member.as_deref().map(|member| member.room_alias.as_str()),
            contact.as_deref().map(|contact| contact.name.as_str()),
            member.as_deref().map(|member| member.name.as_str()),
        ];
        let mut called = names.into_iter().flatten().map(|name| clean_name(name).replace(BLANK, " "));
        called.find(|name| !name.is_empty())
    }

    /// Somebody who speaks.
    pub async fn sender(&self, native: &str, room: Option<&str>) -> Option<Sender> {
        let user = self.own.user(native)?;
        let name = self.name(native, room).await;
        let contact = self.contact(native).await;
        let member = match (room, contact.as_deref()) {
            // A stranger in a group is known by the group alone.
            (Some(room), None) => self.member(room, native).await,
            _ => None,
        };
        let picture = contact.as_deref().map(|contact| contact.avatar.as_str());
        let picture = picture.or(member.as_deref().map(|member| member.avatar.as_str()));
        let avatar = picture.map(|picture| file::contact(&self.own.0, native, picture));
        Some(Sender { ids: AliasSet::single(user), name, avatar })
    }

    /// Somebody as they are shown.
    pub async fn user(&self, native: &str) -> Option<UserInfo> {
        let Sender { ids, name, avatar } = self.sender(native, None).await?;
        name.as_ref()?;
        Some(UserInfo { ids, name, avatar, bot: false })
    }

    /// A group or a chat with somebody as it is shown.
    pub async fn chat(&self, native: &str) -> Option<ChatInfo> {
        if !ids::is_room(native) {
            self.contact(native).await?;
            let mut info = ChatInfo::new(ChatKind::Direct, None);
            info.with = self.own.user(native);
            info.private = true;
            return Some(info);
        }
        let room = self.room(native).await?;
        let name = Some(clean_name(&room.topic)).filter(|name| !name.is_empty());
        let mut info = ChatInfo::new(ChatKind::Group, name);
        info.avatar = Some(file::room(&self.own.0, native, &room.avatar));
        info.members = room.member_ids.iter().take(MEMBERS_MAX).filter_map(|id| self.own.user(id)).collect();
        info.private = true;
        Some(info)
    }

    /// Those whom a message names.
    pub async fn named(&self, ids: &[String], room: Option<&str>) -> Vec<Named> {
        let mut named = Vec::new();
        for native in ids.iter().take(NAMED_MAX) {
            if EVERYBODY.contains(&native.as_str()) {
                let names = EVERYBODY_NAMES.map(str::to_owned).to_vec();
                named.push(Named { target: MentionTarget::Everyone, names });
            } else if let Some(user) = self.own.user(native) {
                let target = MentionTarget::Person(Person::Remote(user));
                named.push(Named { target, names: self.names(native, room).await });
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_could_not_tell_is_let_be_for_a_minute_or_until_something_changes() {
        let hopeless = Hopeless::new();
        assert!(!hopeless.is(call::CONTACT, "a", 0));
        hopeless.put(call::CONTACT, "a", 0);
        for (path, id, now_ms, expected) in [
            (call::CONTACT, "a", HOPELESS_MS - 1, true),
            (call::CONTACT, "a", HOPELESS_MS, false),
            (call::CONTACT, "a", -1, false),
            (call::CONTACT, "b", 1, false),
            (call::ROOM, "a", 1, false),
        ] {
            assert_eq!(hopeless.is(path, id, now_ms), expected, "{path} {id} {now_ms}");
        }
        hopeless.clear();
        assert!(!hopeless.is(call::CONTACT, "a", 1));
    }
}
