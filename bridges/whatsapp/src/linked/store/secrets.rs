//! The secrets of messages: without them no vote, edit or reaction that answers a message can be read.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wacore::store::{
    error::Result,
    traits::{MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry, merge_msg_secret_message_ts},
};

use super::{Kept, json, key, put};

const SECRET: &str = "message_secret";

/// All shelves of this file.
pub(super) const SHELVES: &[&str] = &[SECRET];

/// A secret as it is kept.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Secret {
    secret: [u8; 32],
    /// Seconds since 1970; 0 for never.
    expires_at: i64,
    /// When the message was sent; 0 when that is not known.
    message_ts: i64,
}

#[async_trait]
impl MsgSecretStore for Kept {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        let _order = self.order().await?;
        let stored = entries.len();
        let mut merged: HashMap<String, Secret> = HashMap::with_capacity(stored);
        for entry in entries {
            let key = key(&[&entry.chat, &entry.sender, &entry.msg_id]);
            let known = match merged.get(&key) {
                Some(known) => Some(*known),
                None => self.json::<Secret>(SECRET, &key).await?,
            };
            let (expires_at, message_ts) = known.map_or((entry.expires_at, entry.message_ts), |known| {
                let expires_at = merge_msg_secret_expiry(known.expires_at, entry.expires_at);
                (expires_at, merge_msg_secret_message_ts(known.message_ts, entry.message_ts))
            });
            merged.insert(key, Secret { secret: entry.secret, expires_at, message_ts });
        }
        let changes = merged.iter().map(|(key, it)| Ok(put(SECRET, key, mark(it.expires_at), json(it)?)));
        self.change(changes.collect::<Result<_>>()?).await?;
        Ok(stored)
    }

    async fn get_msg_secret(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get_msg_secret_with_ts(chat, sender, msg_id).await?.map(|(secret, _)| secret))
    }

    async fn get_msg_secret_with_ts(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<(Vec<u8>, i64)>> {
        let known = self.json::<Secret>(SECRET, &key(&[chat, sender, msg_id])).await?;
        Ok(known.map(|known| (known.secret.to_vec(), known.message_ts)))
    }

    /// The count is for logs alone, and not asked for.
    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.change(vec![super::remove_below(SECRET, cutoff_timestamp.saturating_add(1))]).await?;
        Ok(0)
    }
}

/// What never expires stands behind all that does.
fn mark(expires_at: i64) -> i64 {
    if expires_at == 0 { i64::MAX } else { expires_at }
}
