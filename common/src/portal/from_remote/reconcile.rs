//! What happened to messages while nobody listened, found out by what stands now: deletions, reactions put and taken back.
//!
//! Edits come by themselves. [`deleted`] and [`changed`] decide and are pure; the rest does it.

use std::collections::HashSet;

use super::{
    Stopped,
    change::redact,
    react::{Reacting, take_back},
};
use crate::{
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Emoji, Stands},
    platform::Session,
    portal::Portals,
    store::{Direction, JournalId, MessageRow, MessageState, ReactionRow},
};

#[cfg(test)]
mod tests;

/// Where a chat has more messages in the stretch, deletions are not looked for.
const ROWS_MAX: usize = 5_000;

/// More deletions at once are not believed: somebody else should look.
const DELETIONS_MAX: usize = 500;

/// The oldest and the newest id of what was looked at.
pub(super) type Stretch = (RemoteMessageId, RemoteMessageId);

/// A chat that is brought in line.
pub(super) struct Reconciling<'a> {
    pub(super) chat: &'a RemoteChatId,
    pub(super) stretch: &'a Stretch,
    pub(super) messages: &'a [Stands],
    pub(super) session: Option<&'a dyn Session>,
    /// The work's own number.
    pub(super) work: JournalId,
}

/// Which messages of a chat were deleted: those in the stretch that stand no more.
fn deleted<'a>(
    rows: &'a [MessageRow],
    (first, last): &Stretch,
    standing: &[Stands],
) -> Vec<&'a RemoteMessageId> {
    let standing: HashSet<_> = standing.iter().map(|message| &message.id).collect();
    // A database may sort texts by the rules of a language.
    let stretch = first.as_str()..=last.as_str();
    let is_in_it =
        |id: &RemoteMessageId| id.as_str().len() == last.as_str().len() && stretch.contains(&id.as_str());
    let delivered = rows.iter().filter(|row| row.state == MessageState::Delivered);
    let ids = delivered.filter_map(|row| row.remote_id.as_ref());
    ids.filter(|id| is_in_it(id) && !standing.contains(id)).collect()
}

/// Which reactions of the network are to be taken back, and which to be put.
fn changed<'a>(
    known: &[ReactionRow],
    standing: &'a [(RemoteUserId, Emoji)],
) -> (Vec<ReactionRow>, Vec<&'a (RemoteUserId, Emoji)>) {
    let theirs = || known.iter().filter(|row| row.origin == Direction::FromRemote);
    let is_same = |row: &ReactionRow, (sender, emoji): &(RemoteUserId, Emoji)| {
        row.sender == sender.as_str() && row.emoji.key() == emoji.key()
    };
    let gone = theirs().filter(|row| !standing.iter().any(|one| is_same(row, one))).cloned().collect();
    let new = standing.iter().filter(|one| !theirs().any(|row| is_same(row, one))).collect();
    (gone, new)
}

impl Reconciling<'_> {
    /// Takes away what was deleted, puts and takes back reactions.
    pub(super) async fn perform(&self, portals: &Portals) -> Result<(), Stopped> {
        let Self { chat, stretch, .. } = self;
        let store = &portals.parts.store;
        // The records of what this lane has just sent may still be riding along.
        store.settled().await?;
        match store.remote_between(chat, (&stretch.0, &stretch.1), ROWS_MAX).await? {
            None => tracing::info!(%chat, "Too much was said to look for deletions."),
            Some(rows) => {
                let deleted = deleted(&rows, stretch, self.messages);
                if deleted.len() > DELETIONS_MAX {
                    tracing::warn!(%chat, count = deleted.len(), "So many deletions are not carried out.");
                } else {
                    for id in deleted {
                        redact(portals, &store.message_by_remote(chat, id).await?).await?;
                    }
                }
            }
        }
        for message in self.messages {
            self.react(portals, message).await?;
        }
        Ok(())
    }

    async fn react(&self, portals: &Portals, message: &Stands) -> Result<(), Stopped> {
        let store = &portals.parts.store;
        let Some(standing) = &message.reactions else { return Ok(()) };
        let known = portals.by_ghosts(store.reactions(self.chat, &message.id).await?).await?;
        let (gone, new) = changed(&known, standing);
        forgive(take_back(portals, &gone).await)?;
        if new.is_empty() {
            return Ok(());
        }
        let rows = store.message_by_remote(self.chat, &message.id).await?;
        let shown = rows.iter().rev().find(|row| row.state != MessageState::Gone && row.event_id.is_some());
        let Some(on) = shown else { return Ok(()) };
        for (sender, emoji) in new {
            let (session, work) = (self.session, self.work);
            forgive(Reacting { on, sender, emoji, sent_ms: None, session, work }.put(portals).await)?;
        }
        Ok(())
    }
}

/// One reaction that the homeserver refuses must not keep the others away.
fn forgive(done: Result<(), Stopped>) -> Result<(), Stopped> {
    match done {
        Err(error) if !error.is_transient() => {
            tracing::warn!(%error, "A reaction could not be brought in line.");
            Ok(())
        }
        done => done,
    }
}
