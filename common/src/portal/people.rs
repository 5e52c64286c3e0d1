//! People in Matrix as a relay introduces them to a network: a clean name that is nobody else's, and a public picture where one can be given.
//!
//! The names are those of the room, asked for once for all who are in it, and forgotten when somebody comes, goes or changes there. How a
//! name is shown is decided in `people/name.rs`.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use ruma::{OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};

use crate::{
    homeserver::{Homeserver, HomeserverError, Profile},
    ids::GhostNames,
    media::PublicMedia,
    message::Author,
};

mod name;

/// So many profiles are remembered.
const PROFILES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// So many rooms are remembered, with so many people in all of them together.
const ROOMS_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(500).expect("it is not zero");
const MEMBERS_CACHED_MAX: usize = 20_000;

/// In a room of more people than this nobody is compared with anybody: everyone is shown with their id.
const MEMBERS_COMPARED_MAX: usize = 2_000;

/// How people in Matrix show themselves.
pub(super) struct People {
    homeserver: Homeserver,
    names: Arc<GhostNames>,
    public_media: Option<PublicMedia>,
    profiles: Mutex<LruCache<OwnedUserId, Known>>,
    rooms: Mutex<Rooms>,
}

#[derive(Clone)]
struct Known {
    /// As it is shown.
    name: String,
    avatar: Option<OwnedMxcUri>,
}

/// The people in a room.
type Members = HashMap<OwnedUserId, Known>;

struct Rooms {
    cache: LruCache<OwnedRoomId, Arc<Members>>,
    members: usize,
    /// How often anything was forgotten: what was asked for before that may be old.
    forgotten: u64,
}

impl People {
    pub(super) fn new(
        homeserver: Homeserver,
        names: Arc<GhostNames>,
        public_media: Option<PublicMedia>,
    ) -> Self {
        let rooms = Rooms { cache: LruCache::new(ROOMS_CACHED_MAX), members: 0, forgotten: 0 };
        let profiles = Mutex::new(LruCache::new(PROFILES_CACHED_MAX));
        Self { homeserver, names, public_media, profiles, rooms: Mutex::new(rooms) }
    }

    /// How a relay introduces `user_id` for what they said in a room.
    pub(super) async fn author(&self, room_id: &RoomId, user_id: &UserId) -> Result<Author, HomeserverError> {
        let members = self.members(room_id).await?;
        let known = match members.get(user_id) {
            Some(known) => known.clone(),
            None => self.profile(user_id).await?,
        };
        let avatar_url = self.public_media.as_ref().zip(known.avatar.as_deref());
        Ok(Author {
            user_id: user_id.to_owned(),
            name: known.name,
            avatar_url: avatar_url.and_then(|(public, mxc)| public.link(mxc)).map(String::from),
        })
    }

    /// Something about somebody is different in a room.
    pub(super) fn forget(&self, room_id: &RoomId, user_id: &UserId) {
        self.profiles().pop(user_id);
        self.rooms().forget(room_id);
    }

    async fn members(&self, room_id: &RoomId) -> Result<Arc<Members>, HomeserverError> {
        let forgotten = {
            let mut rooms = self.rooms();
            if let Some(members) = rooms.cache.get(room_id) {
                return Ok(members.clone());
            }
            rooms.forgotten
        };
        let profiles = match self.homeserver.bot().member_profiles(room_id).await {
            Ok(profiles) => profiles,
            Err(error) if error.is_transient() => return Err(error),
            // A room that cannot be looked into must not hold a message back.
            Err(error) => {
                tracing::warn!(%error, room = %room_id, "Who is in a room is not known.");
                Default::default()
            }
        };
        let people = profiles.into_iter().filter(|(user_id, _)| !self.names.is_ours(user_id));
        let members = Arc::new(compared(people.collect()));
        let mut rooms = self.rooms();
        if rooms.forgotten == forgotten {
            rooms.put(room_id, &members);
        }
        Ok(members)
    }

    /// Who is gone since, or in a crowd, is compared with nobody, and is shown with their id.
    async fn profile(&self, user_id: &UserId) -> Result<Known, HomeserverError> {
        let cached = self.profiles().get(user_id).cloned();
        if let Some(known) = cached {
            return Ok(known);
        }
        let profile = match self.homeserver.bot().profile(user_id).await {
            Ok(profile) => profile.unwrap_or_default(),
            Err(error) if error.is_transient() => return Err(error),
            // A server that keeps its profiles to itself must not hold a message back.
            Err(_) => Profile::default(),
        };
        let name = name::clean(profile.display_name.as_deref(), user_id);
        let known = Known { name: name::shown(&name, user_id, true), avatar: profile.avatar_url };
        self.profiles().put(user_id.to_owned(), known.clone());
        Ok(known)
    }

    fn profiles(&self) -> MutexGuard<'_, LruCache<OwnedUserId, Known>> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rooms {
    fn put(&mut self, room_id: &RoomId, members: &Arc<Members>) {
        self.members += members.len();
        let replaced = self.cache.push(room_id.to_owned(), members.clone());
        self.members -= replaced.map_or(0, |(_, members)| members.len());
        while self.members > MEMBERS_CACHED_MAX {
            let Some((_, oldest)) = self.cache.pop_lru() else { return };
            self.members -= oldest.len();
        }
    }

    fn forget(&mut self, room_id: &RoomId) {
        self.forgotten += 1;
        self.members -= self.cache.pop(room_id).map_or(0, |members| members.len());
    }
}

/// The people of a room. Who of them looks like another is shown with their id.
fn compared(profiles: Vec<(OwnedUserId, Profile)>) -> Members {
    if profiles.len() > MEMBERS_COMPARED_MAX {
        return Members::new();
    }
    let mut bearers: HashMap<String, usize> = HashMap::new();
    let mut people = Vec::with_capacity(profiles.len());
    for (user_id, profile) in profiles {
        let name = name::clean(profile.display_name.as_deref(), &user_id);
        let looks = name::looks(&name);
        *bearers.entry(looks.clone()).or_default() += 1;
        people.push((user_id, Known { name, avatar: profile.avatar_url }, looks));
    }
    let shown = |(user_id, Known { name, avatar }, looks): (OwnedUserId, Known, String)| {
        let name = name::shown(&name, &user_id, bearers[&looks] > 1);
        (user_id, Known { name, avatar })
    };
    people.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests;
