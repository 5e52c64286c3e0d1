//! App state: how far each collection of settings is known, and the keys that open it.

use std::collections::HashMap;

use async_trait::async_trait;
use wacore::{
    appstate::{hash::HashState, processor::AppStateMutationMAC},
    store::{
        error::Result,
        traits::{AppStateSyncKey, AppSyncStore},
    },
};

use super::{Kept, clear, hex, json, put, remove};

const KEY: &str = "app_state_key";
const LATEST: &str = "app_state_latest";
const VERSION: &str = "app_state_version";
/// All collections that WhatsApp has.
const COLLECTIONS: [&str; 5] =
    ["critical_block", "critical_unblock_low", "regular_high", "regular", "regular_low"];

/// All shelves of this file.
pub(super) fn shelves() -> impl Iterator<Item = String> {
    [KEY, LATEST, VERSION].map(str::to_owned).into_iter().chain(COLLECTIONS.into_iter().map(macs))
}

#[async_trait]
impl AppSyncStore for Kept {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        self.json(KEY, &hex(key_id)).await
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let latest = put(LATEST, LATEST, 0, key_id.to_vec());
        self.change(vec![put(KEY, &hex(key_id), 0, json(&key)?), latest]).await
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        Ok(self.json(VERSION, name).await?.unwrap_or_default())
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        self.put_json(VERSION, name, &state).await
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        _version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> Result<()> {
        let shelf = macs(name);
        let changes = mutations.iter().map(|it| put(&shelf, &hex(&it.index_mac), 0, it.value_mac.clone()));
        self.change(changes.collect()).await
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        self.bytes(&macs(name), &hex(index_mac)).await
    }

    async fn get_mutation_macs(
        &self,
        name: &str,
        index_macs: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<u8>>> {
        let rows = self.rows(&macs(name)).await?.into_iter();
        let mut known: HashMap<String, Vec<u8>> = rows.map(|row| (row.key, row.value)).collect();
        Ok(index_macs.iter().filter_map(|index| Some((*index, known.remove(&hex(index))?))).collect())
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        let shelf = macs(name);
        self.change(index_macs.iter().map(|index| remove(&shelf, &hex(index))).collect()).await
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        self.change(vec![clear(&macs(name))]).await
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        self.bytes(LATEST, LATEST).await
    }
}

/// Each collection has a shelf, so that it can be emptied alone.
fn macs(collection: &str) -> String {
    format!("app_state_mac/{collection}")
}
