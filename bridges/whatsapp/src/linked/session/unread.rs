//! What was not read yet outlives a session: whoever reads in Matrix after a restart has read everything before that, too.
//!
//! Messages come often and are read at once mostly, so it is written down a moment later, for all chats together. What a crash loses of that
//! is told to be read with the next message only.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use magpie_common::{
    ids::RemoteChatId,
    platform::{Keeping, Kept as Row},
};
use tracing::warn;

use super::world::{Unread, World};

/// Where it is kept, by chat.
pub(super) const SHELF: &str = "unread";

/// It is written so much later.
const WRITE_AFTER: Duration = Duration::from_secs(3);

/// Writes changes down, for ever.
pub(super) async fn run(world: Arc<World>) {
    loop {
        world.unread_changed.notified().await;
        tokio::time::sleep(WRITE_AFTER).await;
        write(&world).await;
    }
}

/// Writes down what has changed.
pub(super) async fn write(world: &World) {
    let changes: Vec<Keeping> = world.take_unread_changes().into_iter().map(keeping).collect();
    if !changes.is_empty()
        && let Err(error) = world.vault.keep(changes).await
    {
        warn!(%error, "What was not read yet could not be stored.");
    }
}

fn keeping((chat, waiting): (RemoteChatId, Vec<Unread>)) -> Keeping {
    let (shelf, key) = (SHELF.to_owned(), chat.to_string());
    if waiting.is_empty() {
        return Keeping::Remove { shelf, key };
    }
    let value = serde_json::to_vec(&waiting).unwrap_or_default();
    Keeping::Put { shelf, row: Row { key, mark: 0, value } }
}

/// What is kept; a row that cannot be read is left out.
pub(super) fn read(rows: Vec<Row>) -> HashMap<RemoteChatId, VecDeque<Unread>> {
    let read = |row: Row| Some((RemoteChatId::new(row.key), serde_json::from_slice(&row.value).ok()?));
    rows.into_iter().filter_map(read).collect()
}
