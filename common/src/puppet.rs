//! Ghosts: the Matrix accounts that stand for remote people, made ready just before they speak.
//!
//! A profile change writes one member event for every room of the ghost, so nothing is written that is known to be so already. A missing
//! picture never holds a message back. Next: `identities`, who is one person under several ids; `doubles`, the people in Matrix for whom we may
//! act; [`crate::portal`].

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use lru::LruCache;
use ruma::{OwnedMxcUri, OwnedUserId};

use crate::{
    homeserver::{Homeserver, HomeserverError},
    ids::{GhostNames, RemoteFileId, RemoteUserId},
    message::{Sender, clean_name},
    store::{GhostRow, Store, StoreError},
};

pub use self::{
    doors::{Closed, Doors, Inside},
    doubles::{DoubleError, Doubles, MARK_KEY},
    identities::{Both, Identities, Met},
};

mod doors;
mod doubles;
mod identities;

/// So many ghosts are remembered; the others are in the database.
const GHOSTS_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(2_000).expect("it is not zero");

/// What can be found out about a remote person while their ghost is made ready. Nothing found is no fault.
#[async_trait]
pub trait Looks: Send + Sync {
    /// How the network calls them. Asked only when nobody has said it yet.
    async fn name(&self, user: &RemoteUserId) -> Option<String>;

    /// The homeserver's copy of a picture. Asked once for each picture.
    async fn picture(&self, file: &RemoteFileId) -> Option<OwnedMxcUri>;
}

/// All ghosts of this bridge.
pub struct Ghosts {
    store: Store,
    homeserver: Homeserver,
    names: Arc<GhostNames>,
    /// Who is one person.
    pub identities: Identities,
    /// By the id that names the ghost.
    cache: Mutex<LruCache<RemoteUserId, Arc<Ghost>>>,
}

/// A ghost that can speak, and is its person's as long as this is held.
pub struct Ready {
    ghost: Arc<Ghost>,
    _inside: Inside,
}

impl std::ops::Deref for Ready {
    type Target = Ghost;

    fn deref(&self) -> &Ghost {
        &self.ghost
    }
}

/// A ghost as it was left.
#[derive(Debug)]
pub struct Ghost {
    /// Its Matrix id.
    pub user_id: OwnedUserId,
    row: GhostRow,
}

/// Why a ghost could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PuppetError {
    /// The remote id has no Matrix spelling.
    #[error("the sender's id is too long for a Matrix account")]
    Unnameable,
    /// The homeserver did not do it.
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ghosts {
    /// Ghosts under these names.
    pub fn new(store: Store, homeserver: Homeserver, names: Arc<GhostNames>) -> Self {
        let (identities, cache) =
            (Identities::new(store.clone()), Mutex::new(LruCache::new(GHOSTS_CACHED_MAX)));
        Self { store, homeserver, names, identities, cache }
    }

    /// The ghost of `sender`: registered, with the name and the picture that came with the message. It is found by the first id; that the
    /// others are the same person's is for the caller to see to.
    ///
    /// # Errors
    /// When it could not be registered or named; a picture that fails is only logged.
    pub async fn ready(&self, sender: &Sender, looks: &dyn Looks) -> Result<Ready, PuppetError> {
        let (user, inside) = self.identities.enter(&sender.ids.primary).await?;
        let ghost = self.made_ready(&user, sender, looks).await?;
        Ok(Ready { ghost, _inside: inside })
    }

    /// Forgets what is remembered of a ghost that is nobody's any more.
    pub fn forget(&self, user: &RemoteUserId) {
        self.cache().pop(user);
    }

    async fn made_ready(
        &self,
        user: &RemoteUserId,
        sender: &Sender,
        looks: &dyn Looks,
    ) -> Result<Arc<Ghost>, PuppetError> {
        let known = self.known(user).await?;
        if let Some(ghost) = &known
            && ghost.is_up_to_date(sender)
        {
            return Ok(ghost.clone());
        }
        let mut row = known.map_or_else(|| unknown(user), |ghost| ghost.row.clone());
        let user_id = self.names.ghost(user).ok_or(PuppetError::Unnameable)?;
        let intent = self.homeserver.intent(&user_id);
        if !row.registered {
            intent.register().await?;
            row.registered = true;
        }
        let name = self.wanted_name(sender, &row, looks).await?;
        if row.name.as_ref() != Some(&name) {
            intent.set_display_name(&name).await?;
            row.name = Some(name);
        }
        if let Some(avatar) = &sender.avatar
            && row.avatar_source.as_deref() != Some(avatar.as_str())
        {
            let mxc = looks.picture(avatar).await;
            if let Some(mxc) = &mxc {
                intent.set_avatar_url(Some(mxc)).await?;
            }
            row.avatar_mxc = mxc.map(String::from);
            // Tried once for each picture: one that cannot be had must not cost a request with every message.
            row.avatar_source = Some(avatar.as_str().to_owned());
        }
        self.store.save_ghost(&row).await?;
        let ghost = Arc::new(Ghost { user_id, row });
        self.cache().put(user.clone(), ghost.clone());
        Ok(ghost)
    }

    async fn known(&self, user: &RemoteUserId) -> Result<Option<Arc<Ghost>>, PuppetError> {
        let cached = self.cache().get(user).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        let Some(row) = self.store.ghost(user).await? else { return Ok(None) };
        let user_id = self.names.ghost(user).ok_or(PuppetError::Unnameable)?;
        let ghost = Arc::new(Ghost { user_id, row });
        self.cache().put(user.clone(), ghost.clone());
        Ok(Some(ghost))
    }

    async fn wanted_name(
        &self,
        sender: &Sender,
        row: &GhostRow,
        looks: &dyn Looks,
    ) -> Result<String, StoreError> {
        let told = sender.name.as_deref().map(clean_name).filter(|name| !name.is_empty());
        if let Some(name) = told.or_else(|| row.name.clone()) {
            return Ok(name);
        }
        let asked = looks.name(&self.identities.address(&row.user).await?).await;
        let asked = asked.as_deref().map(clean_name).filter(|name| !name.is_empty());
        Ok(asked.unwrap_or_else(|| clean_name(sender.ids.primary.as_str())))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, LruCache<RemoteUserId, Arc<Ghost>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(user: &RemoteUserId) -> GhostRow {
    GhostRow { user: user.clone(), name: None, avatar_source: None, avatar_mxc: None, registered: false }
}

impl Ghost {
    fn is_up_to_date(&self, sender: &Sender) -> bool {
        let same_name = sender.name.as_deref().is_none_or(|name| {
            let clean = clean_name(name);
            clean.is_empty() || self.row.name.as_deref() == Some(&*clean)
        });
        let same_avatar = sender
            .avatar
            .as_ref()
            .is_none_or(|avatar| self.row.avatar_source.as_deref() == Some(avatar.as_str()));
        self.row.registered && self.row.name.is_some() && same_name && same_avatar
    }
}
