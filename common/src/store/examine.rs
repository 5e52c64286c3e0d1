//! A look at a database without changing it, for the `doctor` command.
//!
//! Makes no file, no table and no lease: whoever looks may be another user than the bridge's, and the bridge may not be meant to
//! move the database to a new version yet.

use std::path::{Path, PathBuf};

use super::{StoreError, StoreSettings, login::place, postgres, schema, seal::Seal, sqlite};
use crate::ids::LoginId;

/// What a look at a database found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examined {
    /// Nothing is there yet; the bridge makes it at its first start.
    Fresh,
    /// It is of an older version; the bridge brings it up to date at its next start.
    Older,
    /// It is of this version.
    Current,
}

pub(super) const SEALED_LOGINS: &str = "SELECT id, secret FROM login ORDER BY id";

/// The accounts that people have signed in with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SavedLogins {
    /// How many there are.
    pub all: usize,
    /// How many of them the key does not open.
    pub locked: usize,
}

/// Tries the key of the settings on every saved account. Reads only, also beside a running bridge.
///
/// # Errors
/// When the database cannot be read.
pub async fn saved_logins(settings: &StoreSettings) -> Result<SavedLogins, StoreError> {
    let sealed = match sqlite_path(settings) {
        Some(path) => {
            let reading = tokio::task::spawn_blocking(move || sqlite::sealed_logins(&path));
            reading.await.unwrap_or(Err(StoreError::Closed))?
        }
        None => postgres::sealed_logins(&settings.url).await?,
    };
    let seal = Seal::new(&settings.key);
    let is_locked =
        |(id, secret): &&(String, String)| seal.open(&place(&LoginId::new(id.as_str())), secret).is_none();
    Ok(SavedLogins { all: sealed.len(), locked: sealed.iter().filter(is_locked).count() })
}

/// Where a SQLite database is; `None` for PostgreSQL.
pub(super) fn sqlite_path(settings: &StoreSettings) -> Option<PathBuf> {
    let path = settings.url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned())
}

/// Looks whether the bridge could use this database, and changes nothing.
///
/// # Errors
/// The same as opening it would give, [`StoreError::Held`] while a bridge runs on it.
pub async fn examine(settings: &StoreSettings) -> Result<Examined, StoreError> {
    if let Some(path) = sqlite_path(settings) {
        return tokio::task::spawn_blocking(move || sqlite::examine(&path))
            .await
            .unwrap_or(Err(StoreError::Closed));
    }
    postgres::examine(&settings.url).await
}

/// Compares the version that was found with the newest that this binary knows.
pub(super) fn compare(found: i64) -> Result<Examined, StoreError> {
    let known = schema::known(schema::MIGRATIONS);
    match found {
        found if found > known => Err(StoreError::Newer { found, known }),
        found if found < known => Ok(Examined::Older),
        _ => Ok(Examined::Current),
    }
}
