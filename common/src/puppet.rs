//! Ghosts: the Matrix accounts that stand for remote people, made ready just before they speak.
//!
//! A profile change writes one member event for every room of the ghost, so nothing is written that is known to be so already. A missing
//! picture never holds a message back. Next: `doubles`, the people in Matrix for whom we may act; [`crate::portal`].

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

pub use self::doubles::{DoubleError, Doubles, MARK_KEY};

mod doubles;

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
    cache: Mutex<LruCache<RemoteUserId, Arc<Ghost>>>,
}

/// A ghost that can speak.
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
        Self { store, homeserver, names, cache: Mutex::new(LruCache::new(GHOSTS_CACHED_MAX)) }
    }

    /// The ghost of `sender`: registered, with the name and the picture that came with the message.
    ///
    /// # Errors
    /// When it could not be registered or named; a picture that fails is only logged.
    pub async fn ready(&self, sender: &Sender, looks: &dyn Looks) -> Result<Arc<Ghost>, PuppetError> {
        let known = self.known(sender).await?;
        if let Some(ghost) = &known
            && ghost.is_up_to_date(sender)
        {
            return Ok(ghost.clone());
        }
        let mut row = known.map_or_else(|| unknown(sender), |ghost| ghost.row.clone());
        let user_id = self.names.ghost(&row.user).ok_or(PuppetError::Unnameable)?;
        let intent = self.homeserver.intent(&user_id);
        if !row.registered {
            intent.register().await?;
            row.registered = true;
        }
        let name = self.wanted_name(sender, &row, looks).await;
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
        self.store.add_ghost_aliases(&row.user, &sender.ids.others).await?;
        let ghost = Arc::new(Ghost { user_id, row });
        self.cache().put(sender.ids.primary.clone(), ghost.clone());
        Ok(ghost)
    }

    async fn known(&self, sender: &Sender) -> Result<Option<Arc<Ghost>>, PuppetError> {
        let cached = self.cache().get(&sender.ids.primary).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        for id in sender.ids.all() {
            if let Some(row) = self.store.ghost(id).await? {
                let user_id = self.names.ghost(&row.user).ok_or(PuppetError::Unnameable)?;
                let ghost = Arc::new(Ghost { user_id, row });
                self.cache().put(sender.ids.primary.clone(), ghost.clone());
                return Ok(Some(ghost));
            }
        }
        Ok(None)
    }

    async fn wanted_name(&self, sender: &Sender, row: &GhostRow, looks: &dyn Looks) -> String {
        let told = sender.name.as_deref().map(clean_name).filter(|name| !name.is_empty());
        if let Some(name) = told.or_else(|| row.name.clone()) {
            return name;
        }
        let asked = looks.name(&sender.ids.primary).await;
        let asked = asked.as_deref().map(clean_name).filter(|name| !name.is_empty());
        asked.unwrap_or_else(|| clean_name(sender.ids.primary.as_str()))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, LruCache<RemoteUserId, Arc<Ghost>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(sender: &Sender) -> GhostRow {
    GhostRow {
        user: sender.ids.primary.clone(),
        name: None,
        avatar_source: None,
        avatar_mxc: None,
        registered: false,
    }
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
