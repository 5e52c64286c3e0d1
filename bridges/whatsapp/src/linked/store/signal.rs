//! Keys of end-to-end encryption: identities, sessions, one-time keys, sender keys of groups.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use magpie_common::platform::{OneTimeKeys, count_keys};
use wacore::store::{error::Result, traits::SignalStore};

use super::{Kept, put};

const IDENTITY: &str = "identity";
const SESSION: &str = "session";
const PREKEY: &str = "prekey";
const SIGNED_PREKEY: &str = "signed_prekey";
const SENDER_KEY: &str = "sender_key";

/// All shelves of this file.
pub(super) const SHELVES: &[&str] = &[IDENTITY, SESSION, PREKEY, SIGNED_PREKEY, SENDER_KEY];

#[async_trait]
impl SignalStore for Kept {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        self.put(IDENTITY, address, &key).await
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> Result<()> {
        let changes = identities.iter().map(|(address, key)| put(IDENTITY, address, 0, key.to_vec()));
        self.change(changes.collect()).await
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        let Some(bytes) = self.bytes(IDENTITY, address).await? else { return Ok(None) };
        match bytes.try_into() {
            Ok(key) => Ok(Some(key)),
            Err(_) => Err(self.damaged("an identity key").await),
        }
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        self.remove(IDENTITY, address).await
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        Ok(self.bytes(SESSION, address).await?.map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        self.put(SESSION, address, session).await
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.put_all(SESSION, sessions).await
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        self.remove(SESSION, address).await
    }

    /// Whether a key was uploaded is not kept: the library counts that in the device's own row.
    async fn store_prekey(&self, id: u32, record: &[u8], _uploaded: bool) -> Result<()> {
        self.change(vec![put(PREKEY, &id.to_string(), id.into(), record.to_vec())]).await?;
        count_keys(OneTimeKeys::Made, 1);
        Ok(())
    }

    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], _uploaded: bool) -> Result<()> {
        let changes =
            keys.iter().map(|(id, record)| put(PREKEY, &id.to_string(), (*id).into(), record.to_vec()));
        self.change(changes.collect()).await?;
        count_keys(OneTimeKeys::Made, keys.len());
        Ok(())
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        Ok(self.bytes(PREKEY, &id.to_string()).await?.map(Bytes::from))
    }

    /// Makes no row: a key that was used up meanwhile must stay away.
    async fn mark_prekeys_uploaded(&self, _ids: &[u32]) -> Result<()> {
        Ok(())
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.remove(PREKEY, &id.to_string()).await?;
        count_keys(OneTimeKeys::Used, 1);
        Ok(())
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        let newest = self.rows(PREKEY).await?.last().map_or(0, |row| row.mark);
        match u32::try_from(newest) {
            Ok(newest) => Ok(newest),
            Err(_) => Err(self.damaged("a one-time key").await),
        }
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        self.change(vec![put(SIGNED_PREKEY, &id.to_string(), id.into(), record.to_vec())]).await
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.bytes(SIGNED_PREKEY, &id.to_string()).await
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        let rows = self.rows(SIGNED_PREKEY).await?.into_iter();
        let keys = rows.map(|row| u32::try_from(row.mark).map(|id| (id, row.value)));
        match keys.collect::<std::result::Result<_, _>>() {
            Ok(keys) => Ok(keys),
            Err(_) => Err(self.damaged("a signed key").await),
        }
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.remove(SIGNED_PREKEY, &id.to_string()).await
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        self.put(SENDER_KEY, address, record).await
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.put_all(SENDER_KEY, sender_keys).await
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        self.bytes(SENDER_KEY, address).await
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.remove(SENDER_KEY, address).await
    }
}
