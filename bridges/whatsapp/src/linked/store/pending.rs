//! Messages on their way: decrypted ones that are not stored as events yet, and sent ones that a receiver may ask for again.

use wacore::store::{
    error::Result,
    traits::{PendingInboundKey, PendingInboundRow},
};
use wacore_binary::Jid;

use super::{Kept, key, put, remove, remove_below};

const PENDING: &str = "pending";
const SENT: &str = "sent";

/// All shelves of this file.
pub(super) const SHELVES: &[&str] = &[PENDING, SENT];

impl Kept {
    pub(super) async fn keep_pending(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        let now = self.now_secs();
        let row = |row: &PendingInboundRow<'_>| {
            put(PENDING, &key(&[row.chat, row.sender, row.id]), now, row.message.to_vec())
        };
        self.change(rows.iter().map(row).collect()).await
    }

    pub(super) async fn pending(&self, chat: &str, sender: &str, id: &str) -> Result<Option<Vec<u8>>> {
        self.bytes(PENDING, &key(&[chat, sender, id])).await
    }

    pub(super) async fn forget_pending(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        let gone = keys.iter().map(|it| remove(PENDING, &key(&[it.chat, it.sender, it.id])));
        self.change(gone.collect()).await
    }

    pub(super) async fn forget_old_pending(&self, before_secs: i64) -> Result<()> {
        self.change(vec![remove_below(PENDING, before_secs)]).await
    }

    pub(super) async fn keep_sent(&self, chat: &str, id: &str, payload: &[u8]) -> Result<()> {
        self.change(vec![put(SENT, &key(&[chat, id]), self.now_secs(), payload.to_vec())]).await
    }

    /// What was sent under an id, as long as it is kept; it stays.
    pub(in crate::linked) async fn sent(&self, chat: &Jid, id: &str) -> Result<Option<Vec<u8>>> {
        self.bytes(SENT, &key(&[&chat.to_non_ad_string(), id])).await
    }

    /// Whoever asks twice at once gets it once.
    pub(super) async fn take_sent(&self, chat: &str, id: &str) -> Result<Option<Vec<u8>>> {
        let _order = self.order().await?;
        let key = key(&[chat, id]);
        let Some(payload) = self.bytes(SENT, &key).await? else { return Ok(None) };
        self.remove(SENT, &key).await?;
        Ok(Some(payload))
    }

    pub(super) async fn forget_old_sent(&self, before_secs: i64) -> Result<()> {
        self.change(vec![remove_below(SENT, before_secs)]).await
    }
}
