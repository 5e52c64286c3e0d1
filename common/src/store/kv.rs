//! Small things kept by key: what a session remembers, and which files were moved already.

use ruma::{MxcUri, OwnedMxcUri};

use super::{Store, StoreError, operation::Step};
use crate::ids::LoginId;

pub(super) const KV_GET: &str = "SELECT value FROM session_kv WHERE login = $1 AND key = $2";
const KV_ALL: &str = "SELECT key, value FROM session_kv WHERE login = $1 ORDER BY key";
pub(super) const KV_SET: &str = "INSERT INTO session_kv (login, key, value) VALUES ($1, $2, $3) \
     ON CONFLICT (login, key) DO UPDATE SET value = excluded.value";
pub(super) const MEDIA: &str = "SELECT mxc, size_bytes, info FROM media WHERE key = $1";
pub(super) const MEDIA_KEYS: &str = "SELECT key FROM media WHERE mxc = $1 LIMIT 8";
const SAVE_MEDIA: &str = "INSERT INTO media (key, mxc, size_bytes, saved_ms, info) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (key) DO UPDATE SET mxc = excluded.mxc, size_bytes = excluded.size_bytes, \
     saved_ms = excluded.saved_ms, info = excluded.info";

/// A file that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRow {
    /// Where to.
    pub mxc: OwnedMxcUri,
    /// Its size.
    pub size_bytes: u64,
    /// How it looks and sounds, in the form of whoever moved it.
    pub info: Option<String>,
}

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
    pub async fn media(&self, key: &str) -> Result<Option<MediaRow>, StoreError> {
        let row = self.0.reader.fetch_one(MEDIA, vec![key.into()]).await?;
        let read = |mut row: super::value::Row| {
            Ok(MediaRow {
                mxc: row.text().map(OwnedMxcUri::from)?,
                size_bytes: u64::try_from(row.int()?).unwrap_or_default(),
                info: row.text_or_null()?,
            })
        };
        row.map(read).transpose()
    }

    /// Under which keys the files were known that are at that place now; a few of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn media_keys(&self, mxc: &MxcUri) -> Result<Vec<String>, StoreError> {
        let rows = self.0.reader.fetch(MEDIA_KEYS, vec![mxc.as_str().into()]).await?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// Remembers where a file was moved to, so that it is moved once.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn save_media(&self, key: &str, file: &MediaRow) -> Result<(), StoreError> {
        let now_ms = self.0.clock.now_ms();
        let size_bytes = i64::try_from(file.size_bytes).unwrap_or(i64::MAX);
        let params =
            vec![key.into(), file.mxc.as_str().into(), size_bytes.into(), now_ms.into(), (&file.info).into()];
        self.write(vec![Step { sql: SAVE_MEDIA, params }]).await.map(drop)
    }
}
