//! A look at a database without changing it, for the `doctor` command.
//!
//! Makes no file, no table and no lease: whoever looks may be another user than the bridge's, and the bridge may not be meant to
//! move the database to a new version yet.

use std::path::Path;

use super::{StoreError, StoreSettings, postgres, schema, sqlite};

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

/// Looks whether the bridge could use this database, and changes nothing.
///
/// # Errors
/// The same as opening it would give, [`StoreError::Held`] while a bridge runs on it.
pub async fn examine(settings: &StoreSettings) -> Result<Examined, StoreError> {
    let url = settings.url.as_str();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned();
        return tokio::task::spawn_blocking(move || sqlite::examine(&path))
            .await
            .unwrap_or(Err(StoreError::Closed));
    }
    postgres::examine(url).await
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
