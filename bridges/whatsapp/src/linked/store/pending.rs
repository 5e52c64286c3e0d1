//! Messages on their way: decrypted ones that are not stored as events yet, and sent ones that a receiver may ask for again.
//!
//! While the library takes in what waited, it gathers messages in memory before it keeps them here. When one of those comes twice, nothing of
//! it is kept yet, and the library would acknowledge it for that: should the bridge die then, nobody would tell it again. So what was taken
//! in is remembered, and of what is neither kept nor taken in the library is told that nobody knows: it acknowledges nothing.

use magpie_common::platform::Keeping;
use wacore::store::{
    error::{Result, StoreError},
    traits::{PendingInboundKey, PendingInboundRow},
};
use wacore_binary::Jid;

use super::{Kept, key, put, remove, remove_below};

const PENDING: &str = "pending";
const TAKEN: &str = "taken";
const SENT: &str = "sent";

/// All shelves of this file.
pub(super) const SHELVES: &[&str] = &[PENDING, TAKEN, SENT];

/// What the library has gathered it keeps much sooner. Whatever is not kept by then, like keys of a group alone, is never kept.
const GATHERED_SECS: i64 = 60;

impl Kept {
    pub(super) async fn keep_pending(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        let now = self.now_secs();
        let row = |row: &PendingInboundRow<'_>| {
            put(PENDING, &key(&[row.chat, row.sender, row.id]), now, row.message.to_vec())
        };
        self.change(rows.iter().map(row).collect()).await
    }

    pub(super) async fn pending(&self, chat: &str, sender: &str, id: &str) -> Result<Option<Vec<u8>>> {
        let key = key(&[chat, sender, id]);
        let kept = self.bytes(PENDING, &key).await?;
        if kept.is_some() {
            return Ok(kept);
        }
        let now = self.now_secs();
        match self.taken_from(&key).await? {
            Some(from) if from <= now => return Ok(None),
            Some(_) => {}
            None => self.change(vec![taken(&key, now, now.saturating_add(GATHERED_SECS))]).await?,
        }
        Err(StoreError::Validation("nobody knows whether this message was taken in".to_owned()))
    }

    /// From when on a message counts as taken in.
    async fn taken_from(&self, key: &str) -> Result<Option<i64>> {
        let bytes = self.bytes(TAKEN, key).await?;
        Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()))
    }

    /// They were taken in.
    pub(super) async fn forget_pending(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        let now = self.now_secs();
        let done = keys.iter().flat_map(|it| {
            let key = key(&[it.chat, it.sender, it.id]);
            [remove(PENDING, &key), taken(&key, now, 0)]
        });
        self.change(done.collect()).await
    }

    pub(super) async fn forget_old_pending(&self, before_secs: i64) -> Result<()> {
        self.change(vec![remove_below(PENDING, before_secs), remove_below(TAKEN, before_secs)]).await
    }

    pub(super) async fn keep_sent(&self, chat: &str, id: &str, payload: &[u8]) -> Result<()> {
        self.change(vec![put(SENT, &key(&[chat, id]), self.now_secs(), payload.to_vec())]).await
    }

    /// What was sent under an id, as long as it is kept; it stays.
    pub(in crate::linked) async fn sent(&self, chat: &Jid, id: &str) -> Result<Option<Vec<u8>>> {
        self.bytes(SENT, &key(&[&chat.to_non_ad_string(), id])).await
    }

    /// It stays, although the library says "take": it puts back what it took, but several devices of a group ask for it at once, and between
    /// the two the bridge can die. Age clears the shelf.
    pub(super) async fn take_sent(&self, chat: &str, id: &str) -> Result<Option<Vec<u8>>> {
        self.bytes(SENT, &key(&[chat, id])).await
    }

    pub(super) async fn forget_old_sent(&self, before_secs: i64) -> Result<()> {
        self.change(vec![remove_below(SENT, before_secs)]).await
    }
}

fn taken(key: &str, now_secs: i64, from_secs: i64) -> Keeping {
    put(TAKEN, key, now_secs, from_secs.to_string().into_bytes())
}
