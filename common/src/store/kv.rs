//! Small things kept by key: what a session remembers, and which files were moved already.

use ruma::{MxcUri, OwnedMxcUri};

use super::{Store, StoreError, operation::Step};
use crate::ids::LoginId;

pub(super) const KV_GET: &str = "SELECT value FROM session_kv WHERE login = $1 AND key = $2";
const KV_ALL: &str = "SELECT key, value FROM session_kv WHERE login = $1 ORDER BY key";
pub(super) const KV_SET: &str = "INSERT INTO session_kv (login, key, value) VALUES ($1, $2, $3) \
     ON CONFLICT (login, key) DO UPDATE SET value = excluded.value";
pub(super) const MEDIA: &str = "SELECT mxc FROM media WHERE key = $1";
const SAVE_MEDIA: &str = "INSERT INTO media (key, mxc, size_bytes, saved_ms) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (key) DO UPDATE SET mxc = excluded.mxc, size_bytes = excluded.size_bytes, saved_ms = excluded.saved_ms";

impl Store {
    /// One value that a session keeps.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn kv_get(&self, login: &LoginId, key: &str) -> Result<Option<String>, StoreError> {
        let row = self.0.reader.fetch_one(KV_GET, vec![login.as_str().into(), key.into()]).await?;
        row.map(|mut row| row.text()).transpose()
    }

    /// Keeps a value for a session.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn kv_set(&self, login: &LoginId, key: &str, value: &str) -> Result<(), StoreError> {
        let params = vec![login.as_str().into(), key.into(), value.into()];
        self.write(vec![Step { sql: KV_SET, params }]).await.map(drop)
    }

    /// All that a session keeps, ordered by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn kv_all(&self, login: &LoginId) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self.0.reader.fetch(KV_ALL, vec![login.as_str().into()]).await?;
        rows.into_iter().map(|mut row| Ok((row.text()?, row.text()?))).collect()
    }

    /// Where a file was moved to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn media(&self, key: &str) -> Result<Option<OwnedMxcUri>, StoreError> {
        let row = self.0.reader.fetch_one(MEDIA, vec![key.into()]).await?;
        row.map(|mut row| row.text().map(OwnedMxcUri::from)).transpose()
    }

    /// Remembers where a file was moved to, so that it is moved once.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn save_media(&self, key: &str, mxc: &MxcUri, size_bytes: u64) -> Result<(), StoreError> {
        let now_ms = self.0.clock.now_ms();
        let size_bytes = i64::try_from(size_bytes).unwrap_or(i64::MAX);
        let params = vec![key.into(), mxc.as_str().into(), size_bytes.into(), now_ms.into()];
        self.write(vec![Step { sql: SAVE_MEDIA, params }]).await.map(drop)
    }
}
