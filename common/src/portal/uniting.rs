//! One person under several ids: told by the network, by the way or on purpose, and acted on here, so that one ghost speaks for them.
//!
//! Which of two ghosts stays is decided purely by [`heir`]. It comes into the rooms of the other before that one leaves. Whatever is done at
//! the homeserver can be repeated and is done first; the database follows in one transaction, after which the same news is no news any more.
//! Next: `naming.rs`, who is meant by an id.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};

use super::{Portals, from_remote::Stopped};
use crate::{
    homeserver::{HomeserverError, tolerate},
    ids::{AliasSet, RemoteUserId},
    message::{ChatKind, RemoteEvent},
    puppet::{Both, Met},
    store::{Identity, PortalRow, StoreError, Union},
};

/// What is logged of a step that the homeserver refuses for good.
const NOT_QUITE: &str = "A ghost does not quite take the place of another.";

/// So many unions are remembered that are told and not carried out yet; of more, what comes after them may be shown before.
const HEARD_MAX: usize = 1_000;

/// Who was told to be one person and may not be yet.
#[derive(Default)]
pub(super) struct Heard {
    /// The id to ask the network by, and the other one; oldest first.
    unions: Mutex<Vec<(RemoteUserId, RemoteUserId)>>,
    /// Whether there are any, so that most events take no lock.
    any: AtomicBool,
}

impl Heard {
    fn add(&self, canonical: RemoteUserId, alias: RemoteUserId) {
        let mut unions = self.unions();
        if unions.len() < HEARD_MAX {
            unions.push((canonical, alias));
            self.any.store(true, Ordering::Release);
        }
    }

    /// The oldest union that concerns somebody.
    fn about(&self, ids: &HashSet<RemoteUserId>) -> Option<(RemoteUserId, RemoteUserId)> {
        let unions = self.unions();
        unions.iter().find(|(canonical, alias)| ids.contains(canonical) || ids.contains(alias)).cloned()
    }

    fn done(&self, canonical: &RemoteUserId, alias: &RemoteUserId) {
        let mut unions = self.unions();
        let is_it = |(one, other): &(RemoteUserId, RemoteUserId)| one == canonical && other == alias;
        if let Some(at) = unions.iter().position(is_it) {
            unions.remove(at);
        }
        self.any.store(!unions.is_empty(), Ordering::Release);
    }

    fn unions(&self) -> MutexGuard<'_, Vec<(RemoteUserId, RemoteUserId)>> {
        self.unions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How it was told that two ids are one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// On purpose: the first id is the one to ask the network by.
    OnPurpose,
    /// Beside something else, so that no id is known to be better than the other.
    ByTheWay,
}

/// What was known before of one of two people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Past {
    /// Whether their id is short enough for a ghost.
    is_nameable: bool,
    /// Whether the homeserver knows their ghost.
    is_registered: bool,
    /// Whether there is a ghost for them at all, or another id of theirs.
    is_known: bool,
    /// In how many rooms their ghost is.
    rooms: usize,
}

/// Whose ghost stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heir {
    /// That of the person whom the network is asked for by the first id.
    First,
    /// The other one.
    Other,
}

/// Decides whose ghost stays: one that can speak before one that can't, then the one in more rooms, and of two in equally many the other one,
/// since the first id is mostly the newer one. An attempt that was interrupted has brought the one that stays into more rooms and the other one
/// into fewer, so the next one decides the same.
fn heir(first: Past, other: Past) -> Heir {
    let rank = |past: Past| (past.is_nameable, past.is_registered, past.is_known, past.rooms);
    match rank(first).cmp(&rank(other)) {
        std::cmp::Ordering::Greater => Heir::First,
        // Whom nobody has met gets a ghost under the id by which the network is asked for them.
        std::cmp::Ordering::Equal if !other.is_known => Heir::First,
        std::cmp::Ordering::Equal | std::cmp::Ordering::Less => Heir::Other,
    }
}

/// A ghost that takes the place of another.
#[derive(Clone, Copy)]
pub(super) struct Succession<'a> {
    /// The one that leaves.
    pub(super) from: &'a UserId,
    /// The one that comes.
    pub(super) to: &'a UserId,
}

impl Portals {
    /// Learns whether anybody has several ids. Must be called before anything is worked on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_identities(&self) -> Result<(), StoreError> {
        self.ghosts.identities.load().await
    }

    /// The network tells that two ids are one person. It has a place in the account's own lane; whatever is told of them after this waits for
    /// it all the same, or carries it out itself.
    pub fn hear_of_union(&self, event: &RemoteEvent) {
        if let RemoteEvent::SameUser { canonical, alias } = event {
            self.heard.add(canonical.clone(), alias.clone());
        }
    }

    /// Carries out what was told of the people in an event. What fails for good is left to its own place.
    pub(super) async fn unite_heard(&self, event: &mut RemoteEvent) -> Result<(), Stopped> {
        if !self.heard.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut ids = HashSet::new();
        event.each_person(&mut |id| {
            ids.insert(id.clone());
        });
        while let Some((canonical, alias)) = self.heard.about(&ids) {
            match self.unite_told(&canonical, &alias).await {
                Err(stopped) if stopped.is_transient() => return Err(stopped),
                Err(_) => self.heard.done(&canonical, &alias),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Lets two ids be one person, as it was told on purpose. Whether that was news.
    pub(super) async fn unite_told(
        &self,
        canonical: &RemoteUserId,
        alias: &RemoteUserId,
    ) -> Result<bool, Stopped> {
        let is_news = self.unite((canonical, alias), Told::OnPurpose).await?;
        self.heard.done(canonical, alias);
        Ok(is_news)
    }

    /// Sees to it that ids which were told together lead to one ghost. Costs nothing when that is known.
    pub(super) async fn recognize(&self, told: &AliasSet) -> Result<(), Stopped> {
        for other in self.ghosts.identities.news(told).await? {
            self.unite((&told.primary, other), Told::ByTheWay).await?;
        }
        Ok(())
    }

    /// Lets two ids be one person. Whether that was news.
    async fn unite(
        &self,
        (first, other): (&RemoteUserId, &RemoteUserId),
        told: Told,
    ) -> Result<bool, Stopped> {
        if first == other {
            return Ok(false);
        }
        let identities = &self.ghosts.identities;
        let both = match identities.close(first, other).await? {
            Met::Two(both) => both,
            Met::Same(identity) => {
                // Old news told again must not bring an old address back.
                let is_news = told == Told::OnPurpose && identity.address == *other;
                if is_news {
                    identities.set_address(&identity, first).await?;
                }
                return Ok(is_news);
            }
        };
        let (stays, leaves, spoke) = self.settle_rooms(&both).await?;
        // What was told of the first id before may have named an even newer one.
        let (stays, leaves, address) = (&stays.ghost, &leaves.ghost, &both.one.address);
        identities.unite(&both, Union { stays, leaves, spoke, address }).await?;
        self.ghosts.forget(leaves);
        tracing::info!("Two ids turned out to be one person.");
        Ok(true)
    }

    /// Lets one ghost take the place of the other in its rooms; gives who stays, who leaves, and whether the latter could speak.
    async fn settle_rooms<'a>(&self, both: &'a Both) -> Result<(&'a Identity, &'a Identity, bool), Stopped> {
        let (first, first_rooms) = self.past(&both.one).await?;
        let (other, other_rooms) = self.past(&both.other).await?;
        let (stays, leaves, left, rooms) = match heir(first, other) {
            Heir::First => (&both.one, &both.other, other, other_rooms),
            Heir::Other => (&both.other, &both.one, first, first_rooms),
        };
        let names = &self.parts.names;
        if let (true, Some((from, to))) =
            (left.is_registered, names.ghost(&leaves.ghost).zip(names.ghost(&stays.ghost)))
        {
            for room_id in &rooms {
                self.hand_over(Succession { from: &from, to: &to }, room_id).await?;
            }
        }
        Ok((stays, leaves, left.is_registered))
    }

    /// What was known of somebody before, and the rooms of their ghost.
    async fn past(&self, identity: &Identity) -> Result<(Past, Vec<OwnedRoomId>), Stopped> {
        let user_id = self.parts.names.ghost(&identity.ghost);
        let is_nameable = user_id.is_some();
        let Some(row) = self.parts.store.ghost(&identity.ghost).await? else {
            return Ok((Past { is_nameable, ..Past::default() }, Vec::new()));
        };
        let user_id = user_id.filter(|_| row.registered);
        let rooms = match &user_id {
            Some(user_id) => match self.parts.homeserver.intent(user_id).joined_rooms().await {
                Err(error) if error.is_transient() => return Err(error.into()),
                rooms => rooms.unwrap_or_default(),
            },
            None => Vec::new(),
        };
        let past = Past { is_nameable, is_registered: user_id.is_some(), is_known: true, rooms: rooms.len() };
        Ok((past, rooms))
    }

    /// Brings one ghost into a room, then lets the other one leave.
    async fn hand_over(&self, succession: Succession<'_>, room_id: &RoomId) -> Result<(), Stopped> {
        tolerate(self.come_in_for(succession, room_id).await, NOT_QUITE)?;
        if let Some(portal) = self.by_room(room_id).await?
            && portal.kind == ChatKind::Direct
        {
            self.list_direct_chat(succession, (&portal, room_id)).await?;
        }
        let left = self.parts.homeserver.intent(succession.from).leave(room_id).await;
        Ok(tolerate(left, NOT_QUITE)?)
    }

    /// Brings one ghost in by the bot's invitation or, where the bot is not, by that of the other ghost.
    pub(super) async fn come_in_for(
        &self,
        Succession { from, to }: Succession<'_>,
        room_id: &RoomId,
    ) -> Result<(), HomeserverError> {
        let homeserver = &self.parts.homeserver;
        for host in [homeserver.bot(), homeserver.intent(from)] {
            match host.invite(room_id, to).await {
                Ok(()) => break,
                Err(error) if error.is_transient() => return Err(error),
                // Already invited or already inside; or this host may not, and the next one may.
                Err(_) => {}
            }
        }
        homeserver.intent(to).join_via(room_id, &[self.parts.names.server_name()]).await
    }

    /// Lists a direct chat of somebody for whom we may act as one with the ghost that stays.
    async fn list_direct_chat(
        &self,
        Succession { from, to }: Succession<'_>,
        (portal, room_id): (&PortalRow, &RoomId),
    ) -> Result<(), Stopped> {
        let owners = self.parts.store.chat_logins(&portal.chat).await?.into_iter();
        let owners: Vec<OwnedUserId> =
            owners.filter_map(|login| self.parts.logins.status(&login.login)?.owner).collect();
        for owner in owners {
            if let Some(double) = self.parts.doubles.of(&owner).await? {
                let intent = self.parts.homeserver.double(&double);
                let moved = intent.move_direct_chat((from, to), room_id).await;
                self.acted(&double, moved, "A direct chat is not listed as one.")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
