//! Where a session keeps bytes of its own: what a protocol must remember and only its own library understands, keys of encryption above all.
//!
//! Rows stand in shelves and are sealed where they are stored. They go with the login.

use std::{fmt, sync::Arc};

use super::{NotStored, SinkPort};
use crate::ids::LoginId;

/// What one login keeps. Clones share it.
#[derive(Clone)]
pub struct Vault {
    login: LoginId,
    port: Arc<dyn SinkPort>,
}

/// A row on a shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its key, unique on the shelf.
    pub key: String,
    /// A number of the session's own: an age, an order.
    pub mark: i64,
    /// What is kept.
    pub value: Vec<u8>,
}

/// One change of what a login keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Puts a row in the place of the one with the same key.
    Put {
        /// On which shelf.
        shelf: String,
        /// The row.
        row: Kept,
    },
    /// Takes a row away, if it is there.
    Remove {
        /// From which shelf.
        shelf: String,
        /// Which row.
        key: String,
    },
    /// Takes the rows away whose mark is smaller.
    RemoveBelow {
        /// From which shelf.
        shelf: String,
        /// The smallest mark that stays.
        mark: i64,
    },
    /// Empties a shelf.
    Clear {
        /// Which.
        shelf: String,
    },
    /// Empties all shelves.
    ClearAll,
}

impl Vault {
    pub(super) fn new(login: LoginId, port: Arc<dyn SinkPort>) -> Self {
        Self { login, port }
    }

    /// One row.
    ///
    /// # Errors
    /// When the database could not be asked.
    pub async fn get(&self, shelf: &str, key: &str) -> Result<Option<Vec<u8>>, NotStored> {
        self.port.kept(&self.login, shelf, key).await
    }

    /// All rows of a shelf, the smallest mark first.
    ///
    /// # Errors
    /// When the database could not be asked.
    pub async fn all(&self, shelf: &str) -> Result<Vec<Kept>, NotStored> {
        self.port.kept_on(&self.login, shelf).await
    }

    /// Makes changes in their order, all or none; returns when they are stored.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn keep(&self, changes: Vec<Keeping>) -> Result<(), NotStored> {
        self.port.keep(&self.login, changes).await
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.login)
    }
}

impl Keeping {
    /// Which shelf it is about; `None` for all.
    pub fn shelf(&self) -> Option<&str> {
        match self {
            Self::Put { shelf, .. }
            | Self::Remove { shelf, .. }
            | Self::RemoveBelow { shelf, .. }
            | Self::Clear { shelf } => Some(shelf),
            Self::ClearAll => None,
        }
    }

    /// Does it to the rows of its shelf, where they are held in memory.
    pub fn apply(self, rows: &mut Vec<Kept>) {
        match self {
            Self::Put { row, .. } => {
                rows.retain(|known| known.key != row.key);
                rows.push(row);
            }
            Self::Remove { key, .. } => rows.retain(|known| known.key != key),
            Self::RemoveBelow { mark, .. } => rows.retain(|known| known.mark >= mark),
            Self::Clear { .. } | Self::ClearAll => rows.clear(),
        }
    }
}
