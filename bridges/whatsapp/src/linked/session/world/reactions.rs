//! Which reaction of ours stands on a message: a new one takes the place of the last, also of one that is taken back later.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    platform::{Keeping, NotStored, Vault},
};

use super::World;

/// Where they are kept, by chat and message.
pub(super) const SHELF: &str = "reaction";
/// Nobody takes older ones back.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

impl World {
    /// This one stands now, or none.
    pub(in crate::linked::session) async fn note_reaction(
        &self,
        chat: &RemoteChatId,
        target: &RemoteMessageId,
        emoji: Option<&str>,
    ) -> Result<(), NotStored> {
        let key = format!("{chat}\n{target}");
        match emoji {
            Some(emoji) => self.keep(SHELF, &key, self.clock.now_ms(), emoji.as_bytes().to_vec()).await,
            None => self.vault.keep(vec![Keeping::Remove { shelf: SHELF.to_owned(), key }]).await,
        }
    }

    /// Which one stands, as far as that is known.
    pub(in crate::linked::session) async fn reaction(
        &self,
        chat: &RemoteChatId,
        target: &RemoteMessageId,
    ) -> Result<Option<String>, NotStored> {
        let standing = self.vault.get(SHELF, &format!("{chat}\n{target}")).await?;
        Ok(standing.and_then(|emoji| String::from_utf8(emoji).ok()))
    }
}

/// Forgets the old ones.
pub(super) async fn tidy(vault: &Vault, now_ms: i64) -> Result<(), NotStored> {
    let mark = now_ms.saturating_sub(KEPT_MS);
    vault.keep(vec![Keeping::RemoveBelow { shelf: SHELF.to_owned(), mark }]).await
}
