//! People in Matrix as a relay introduces them to a network: a clean name and, where one can be given, a public picture.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use ruma::{OwnedUserId, UserId};

use crate::{
    homeserver::{Homeserver, HomeserverError},
    media::PublicMedia,
    message::{Author, clean_name},
};

/// So many profiles are remembered.
const PROFILES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// The profiles of people in Matrix, forgotten as soon as a room says that one changed.
pub(super) struct People {
    homeserver: Homeserver,
    public_media: Option<PublicMedia>,
    cache: Mutex<LruCache<OwnedUserId, Known>>,
}

#[derive(Clone)]
struct Known {
    name: String,
    avatar: Option<ruma::OwnedMxcUri>,
}

impl People {
    pub(super) fn new(homeserver: Homeserver, public_media: Option<PublicMedia>) -> Self {
        Self { homeserver, public_media, cache: Mutex::new(LruCache::new(PROFILES_CACHED_MAX)) }
    }

    /// How a relay introduces `user_id`.
    pub(super) async fn author(&self, user_id: &UserId) -> Result<Author, HomeserverError> {
        let known = match self.cached(user_id) {
            Some(known) => known,
            None => self.ask(user_id).await?,
        };
        let avatar_url = self.public_media.as_ref().zip(known.avatar.as_deref());
        Ok(Author {
            user_id: user_id.to_owned(),
            name: known.name,
            avatar_url: avatar_url.and_then(|(public, mxc)| public.link(mxc)).map(String::from),
        })
    }

    pub(super) fn forget(&self, user_id: &UserId) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).pop(user_id);
    }

    fn cached(&self, user_id: &UserId) -> Option<Known> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(user_id).cloned()
    }

    async fn ask(&self, user_id: &UserId) -> Result<Known, HomeserverError> {
        let known = match self.homeserver.bot().profile(user_id).await {
            Ok(profile) => {
                let profile = profile.unwrap_or_default();
                let name = profile.display_name.as_deref().map(clean_name).filter(|name| !name.is_empty());
                Known {
                    name: name.unwrap_or_else(|| clean_name(user_id.localpart())),
                    avatar: profile.avatar_url,
                }
            }
            Err(error) if error.is_transient() => return Err(error),
            // A server that keeps its profiles to itself must not hold a message back.
            Err(_) => Known { name: clean_name(user_id.localpart()), avatar: None },
        };
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).put(user_id.to_owned(), known.clone());
        Ok(known)
    }
}
