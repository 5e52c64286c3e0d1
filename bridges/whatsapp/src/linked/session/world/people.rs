//! People whom the bridge was told of by number alone, and who they turn out to be.
//!
//! A number that stood for somebody alone names their ghost and their chat. When its hidden id becomes known, by whatever way, that is told
//! before anything else of them: one person, one chat. In the ids of messages of groups the writer goes on under the number, so that what is
//! about an older message still finds it.
//!
//! A number may be given to somebody else. The first hidden id that was told with a number owns it here: whoever comes later with the same
//! number is not taken for the same person, unless WhatsApp says so.

use std::collections::{HashMap, HashSet};

use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::RemoteEvent,
    platform::{Keeping, Kept as Row, NotStored},
};
use tracing::warn;
use wacore_binary::Jid;
use whatsapp_rust::Client;

use super::{NAMES, Names, PLACEHOLDERS, POLLS, State, TIMERS, World, reactions};
use crate::linked::{
    identity::{Person, address_of, id_of},
    place,
};

/// Numbers that stand for somebody alone.
pub(super) const NUMBERS: &str = "number";
/// Numbers with the hidden ids that own them.
pub(super) const OWNERS: &str = "owner";
/// Ids with those under which the ids of messages name them.
pub(super) const WRITERS: &str = "writer";

/// Who is known by which ids.
#[derive(Debug, Default)]
pub(super) struct People {
    numbers: HashSet<RemoteUserId>,
    owners: HashMap<RemoteUserId, RemoteUserId>,
    /// The name as a writer for an id.
    writers: HashMap<RemoteUserId, RemoteUserId>,
    /// And the id for a name.
    written: HashMap<RemoteUserId, RemoteUserId>,
}

/// What is to be done about somebody with both ids.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// It is known, or of no consequence.
    Nothing,
    /// The number is somebody else's.
    Stranger,
    /// The bridge is told.
    Tell { was_alone: bool },
}

/// How somebody is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meeting {
    /// They do something, and may be called by one id alone.
    Acting,
    /// They stand in a list.
    Listed,
}

impl People {
    fn plan(&self, phone: &RemoteUserId, lid: &RemoteUserId, meeting: Meeting) -> Plan {
        let was_alone = self.numbers.contains(phone);
        match self.owners.get(phone) {
            Some(owner) if owner != lid => Plan::Stranger,
            Some(_) => Plan::Nothing,
            None if was_alone || meeting == Meeting::Acting => Plan::Tell { was_alone },
            None => Plan::Nothing,
        }
    }

    /// Takes over what the vault holds.
    pub(super) fn take(&mut self, shelf: &str, row: &Row) {
        let key = RemoteUserId::new(row.key.clone());
        let value = || std::str::from_utf8(&row.value).ok().map(RemoteUserId::new);
        match (shelf, value()) {
            (NUMBERS, _) => {
                self.numbers.insert(key);
            }
            (OWNERS, Some(lid)) => {
                self.owners.insert(key, lid);
            }
            (WRITERS, Some(name)) => self.note_writer(&key, &name),
            _ => {}
        }
    }

    fn note_writer(&mut self, id: &RemoteUserId, name: &RemoteUserId) {
        self.writers.insert(id.clone(), name.clone());
        self.written.insert(name.clone(), id.clone());
    }
}

impl World {
    /// Somebody who does something, by the addresses that were told with it and those that are known.
    pub(in crate::linked::session) async fn meet<'a>(
        &self,
        client: &Client,
        told: impl IntoIterator<Item = &'a Jid>,
    ) -> Person {
        self.met(Person::told(told).completed(client).await, Meeting::Acting).await
    }

    /// Somebody who is named by the way.
    pub(in crate::linked::session) async fn list<'a>(
        &self,
        client: &Client,
        told: impl IntoIterator<Item = &'a Jid>,
    ) -> Person {
        self.listed(Person::told(told).completed(client).await).await
    }

    /// The same where nobody needs to be asked.
    pub(in crate::linked::session) async fn listed(&self, person: Person) -> Person {
        self.met(person, Meeting::Listed).await
    }

    /// Whether a number stands for somebody alone.
    pub(in crate::linked::session) fn is_number_alone(&self, phone: &RemoteUserId) -> bool {
        self.state().people.numbers.contains(phone)
    }

    /// All numbers that stand for somebody alone.
    pub(in crate::linked::session) fn numbers_alone(&self) -> Vec<RemoteUserId> {
        self.state().people.numbers.iter().cloned().collect()
    }

    /// Whom a mention by one address means.
    pub(in crate::linked::session) fn whom(&self, jid: &Jid) -> Option<RemoteUserId> {
        let id = id_of(jid)?;
        Some(self.state().people.owners.get(&id).cloned().unwrap_or(id))
    }

    /// The name of somebody in the ids of messages that they write.
    pub(in crate::linked::session) fn writer_name(&self, id: &RemoteUserId) -> RemoteUserId {
        self.state().people.writers.get(id).cloned().unwrap_or_else(|| id.clone())
    }

    /// Whoever has that name.
    pub(in crate::linked::session) fn writer_of(&self, name: &RemoteUserId) -> RemoteUserId {
        self.state().people.written.get(name).cloned().unwrap_or_else(|| name.clone())
    }

    /// Learns of somebody, and tells what is news before they are called by another id. What could not be told is told the next time.
    async fn met(&self, mut person: Person, meeting: Meeting) -> Person {
        let Some(phone) = person.phone.as_ref().filter(|phone| !self.own.is(phone)).and_then(id_of) else {
            return person;
        };
        let done = match person.lid.as_ref().and_then(id_of) {
            None => {
                let owner = self.state().people.owners.get(&phone).and_then(address_of);
                person.lid = owner;
                if person.lid.is_none() { self.note_number(&phone).await } else { Ok(()) }
            }
            Some(lid) => {
                let plan = self.state().people.plan(&phone, &lid, meeting);
                match plan {
                    Plan::Nothing => Ok(()),
                    Plan::Stranger => {
                        person.disown_number();
                        Ok(())
                    }
                    Plan::Tell { was_alone } => self.tell(&phone, &lid, was_alone).await,
                }
            }
        };
        if let Err(error) = done {
            warn!(%error, "That two ids are one person could not be stored.");
        }
        person
    }

    /// Must come before anybody else hears of the number.
    async fn note_number(&self, phone: &RemoteUserId) -> Result<(), NotStored> {
        if self.state().people.numbers.insert(phone.clone()) {
            let kept = self.keep(NUMBERS, phone.as_str(), 0, Vec::new()).await;
            if kept.is_err() {
                self.state().people.numbers.remove(phone);
            }
            return kept;
        }
        Ok(())
    }

    async fn tell(&self, phone: &RemoteUserId, lid: &RemoteUserId, was_alone: bool) -> Result<(), NotStored> {
        if was_alone {
            self.go_on(phone, lid).await?;
        } else {
            self.push_same(phone, lid).await?;
        }
        self.keep(OWNERS, phone.as_str(), 0, lid.as_str().into()).await?;
        self.state().people.owners.insert(phone.clone(), lid.clone());
        Ok(())
    }

    /// WhatsApp says that somebody has another number, and perhaps another hidden id.
    pub(in crate::linked::session) async fn number_changed(
        &self,
        (old_phone, old_lid): (Option<RemoteUserId>, Option<RemoteUserId>),
        new: &Person,
    ) -> Result<(), NotStored> {
        let Some(id) = new.id() else { return Ok(()) };
        if let Some(old) = old_lid.filter(|old| *old != id) {
            self.go_on(&old, &id).await?;
            let of_old: Vec<RemoteUserId> = {
                let state = self.state();
                state.people.owners.iter().filter(|(_, lid)| **lid == old).map(|(it, _)| it.clone()).collect()
            };
            for phone in of_old {
                self.own_number(&phone, &id).await?;
            }
        }
        for phone in [old_phone, new.phone.as_ref().and_then(id_of)].into_iter().flatten() {
            if phone == id {
                continue;
            }
            let owner = self.state().people.owners.get(&phone).cloned();
            match owner {
                Some(_) => continue,
                // By its number alone the chat may be known; where it is not, the number is soon somebody else's.
                None if self.is_number_alone(&phone) => self.go_on(&phone, &id).await?,
                None => self.push_same(&phone, &id).await?,
            }
            self.own_number(&phone, &id).await?;
        }
        if id_is_number(&id) { self.note_number(&id).await } else { Ok(()) }
    }

    async fn own_number(&self, phone: &RemoteUserId, id: &RemoteUserId) -> Result<(), NotStored> {
        if id_is_number(id) {
            return Ok(());
        }
        self.keep(OWNERS, phone.as_str(), 0, id.as_str().into()).await?;
        self.state().people.owners.insert(phone.clone(), id.clone());
        Ok(())
    }

    async fn push_same(&self, alias: &RemoteUserId, canonical: &RemoteUserId) -> Result<(), NotStored> {
        let same = RemoteEvent::SameUser { canonical: canonical.clone(), alias: alias.clone() };
        self.sink.push(same).await.stored().await
    }

    /// Somebody who was known by one id alone goes on under another, with their chat and all that is remembered of it.
    async fn go_on(&self, old: &RemoteUserId, new: &RemoteUserId) -> Result<(), NotStored> {
        let (from, to) = (place::direct(&self.me, old), place::direct(&self.me, new));
        let same = RemoteEvent::SameUser { canonical: new.clone(), alias: old.clone() };
        let same = self.sink.push(same).await;
        let moved = self.sink.push(RemoteEvent::Migrated { from: from.clone(), to: to.clone() }).await;
        same.stored().await?;
        moved.stored().await?;
        let name = self.writer_name(old);
        let mut changes = self.moved_rows(&from, &to).await?;
        changes.push(Keeping::Remove { shelf: NUMBERS.to_owned(), key: old.as_str().to_owned() });
        changes.push(put(WRITERS, new.as_str(), 0, name.as_str().into()));
        let names = self.state().names_to_take(old, new);
        if let Some(names) = &names {
            changes.push(put(NAMES, new.as_str(), 0, serde_json::to_vec(names).unwrap_or_default()));
        }
        self.vault.keep(changes).await?;
        let mut state = self.state();
        state.people.numbers.remove(old);
        state.people.note_writer(new, &name);
        if let Some(names) = names {
            state.names.insert(new.clone(), names);
        }
        if let Some(timer) = state.timers.remove(&from) {
            state.timers.entry(to.clone()).or_insert(timer);
        }
        if let Some(unread) = state.unread.remove(&from) {
            state.unread.entry(to.clone()).or_default().extend(unread);
            state.unread_dirty.extend([from.clone(), to.clone()]);
        }
        let there = std::mem::take(&mut state.placeholders);
        let today = |(chat, id)| (if chat == from { to.clone() } else { chat }, id);
        state.placeholders = there.into_iter().map(today).collect();
        for (chat, _) in state.seen.values_mut().filter(|(chat, _)| *chat == from) {
            *chat = to.clone();
        }
        Ok(())
    }

    /// What is kept of a chat, under its new id.
    async fn moved_rows(&self, from: &RemoteChatId, to: &RemoteChatId) -> Result<Vec<Keeping>, NotStored> {
        let mut changes = Vec::new();
        for shelf in [TIMERS, PLACEHOLDERS, POLLS, reactions::SHELF] {
            for row in self.vault.all(shelf).await? {
                let (chat, rest) =
                    row.key.split_once('\n').map_or((row.key.as_str(), None), |(it, rest)| (it, Some(rest)));
                if chat != from.as_str() {
                    continue;
                }
                let key = rest.map_or_else(|| to.to_string(), |rest| format!("{to}\n{rest}"));
                changes.push(Keeping::Remove { shelf: shelf.to_owned(), key: row.key.clone() });
                changes.push(put(shelf, &key, row.mark, row.value));
            }
        }
        Ok(changes)
    }
}

impl State {
    /// How somebody is called, where nobody has said so for the id of today.
    fn names_to_take(&self, old: &RemoteUserId, new: &RemoteUserId) -> Option<Names> {
        if self.names.contains_key(new) { None } else { self.names.get(old).cloned() }
    }
}

fn put(shelf: &str, key: &str, mark: i64, value: Vec<u8>) -> Keeping {
    Keeping::Put { shelf: shelf.to_owned(), row: Row { key: key.to_owned(), mark, value } }
}

/// A number owns no number.
fn id_is_number(id: &RemoteUserId) -> bool {
    crate::ids::digits(id).is_some()
}

#[cfg(test)]
mod tests;
