//! Where the files of messages are now: their addresses are signed and expire, so they are remembered for a while only, and asked for by
//! reading the message again.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use magpie_common::{
    ids::RemoteFileId,
    platform::{Download, PlatformError},
};
use serde_json::Value;

use super::{api::Api, download::Downloads};
use crate::{events::attachment_addresses, format::is_id};

/// So many addresses are remembered.
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(500).expect("it is not zero");

/// Finds and opens the files of messages.
pub(super) struct Attachments {
    api: Arc<Api>,
    downloads: Downloads,
    addresses: Arc<Addresses>,
}

/// The addresses that messages have told lately.
pub(super) struct Addresses(Mutex<LruCache<String, String>>);

impl Default for Addresses {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ADDRESSES_MAX)))
    }
}

impl Addresses {
    /// Remembers where the files of a message are.
    pub fn note(&self, message: &Value) {
        for (file, address) in attachment_addresses(message) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(file, address);
        }
    }

    fn get(&self, file: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(file).cloned()
    }
}

impl Attachments {
    pub fn new(api: Arc<Api>, downloads: Downloads, addresses: Arc<Addresses>) -> Self {
        Self { api, downloads, addresses }
    }

    /// Opens a file: of a message by its id, anything else by its place.
    pub async fn open(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let Some(place) = file.as_str().strip_prefix("attachment/") else {
            return self.downloads.open(file).await;
        };
        if let Some(address) = self.addresses.get(file.as_str())
            && let Ok(opened) = self.downloads.open(&RemoteFileId::new(address)).await
        {
            return Ok(opened);
        }
        self.look_up(place).await?;
        let gone = || PlatformError("The file is not in Discord any more.".to_owned());
        let address = self.addresses.get(file.as_str()).ok_or_else(gone)?;
        self.downloads.open(&RemoteFileId::new(address)).await
    }

    /// `GET /channels/{id}/messages/{message}`: its files have fresh addresses.
    async fn look_up(&self, place: &str) -> Result<(), PlatformError> {
        let ids: Vec<&str> = place.split('/').collect();
        let [channel, message, _] = ids.as_slice() else {
            return Err(PlatformError("The file has no place in Discord.".to_owned()));
        };
        if !is_id(channel) || !is_id(message) {
            return Err(PlatformError("The file has no place in Discord.".to_owned()));
        }
        let answer = self.api.get(&format!("/channels/{channel}/messages/{message}")).await;
        let answer =
            answer.map_err(|error| PlatformError(format!("The file could not be looked up: {error}.")))?;
        self.addresses.note(&answer);
        Ok(())
    }
}
