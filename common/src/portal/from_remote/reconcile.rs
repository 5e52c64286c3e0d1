//! What happened to messages while nobody listened, found out by what stands now: deletions, reactions put and taken back.
//!
//! Edits come by themselves. Only a stretch of latest messages is looked at, and never more rows than a fixed number.

use std::collections::HashSet;

use super::{
    Stopped,
    change::redact,
    react::{Reacting, take_back},
};
use crate::{
    ids::{RemoteChatId, RemoteMessageId},
    message::Stands,
    platform::Session,
    portal::Portals,
    store::{Direction, JournalId, MessageRow, MessageState, ReactionRow, StoreError},
};

/// When more messages of all chats lie in the same stretch of time, deletions are not looked for.
const ROWS_MAX: usize = 2_000;

/// A chat that is brought in line.
pub(super) struct Reconciling<'a> {
    pub(super) chat: &'a RemoteChatId,
    pub(super) stretch: &'a (RemoteMessageId, RemoteMessageId),
    pub(super) messages: &'a [Stands],
    pub(super) session: Option<&'a dyn Session>,
    /// The work's own number.
    pub(super) work: JournalId,
}

impl Reconciling<'_> {
    /// Takes away what was deleted, puts and takes back reactions.
    pub(super) async fn perform(&self, portals: &Portals) -> Result<(), Stopped> {
        // The records of what this lane has just sent may still be riding along.
        portals.parts.store.settled().await?;
        for id in self.deleted(portals).await? {
            redact(portals, &portals.parts.store.message_by_remote(self.chat, &id).await?).await?;
        }
        for message in self.messages {
            self.react(portals, message).await?;
        }
        Ok(())
    }

    /// The messages in the same stretch that stand no more.
    async fn deleted(&self, portals: &Portals) -> Result<Vec<RemoteMessageId>, StoreError> {
        let (first, last) = self.stretch;
        let length = last.as_str().len();
        let found = portals.parts.store.remote_between((first, last), ROWS_MAX).await?;
        // A database may sort texts by the rules of a language.
        let is_in_stretch = |id: &RemoteMessageId| {
            id.as_str().len() == length && (first.as_str()..=last.as_str()).contains(&id.as_str())
        };
        let standing: HashSet<_> = self.messages.iter().map(|message| &message.id).collect();
        let is_deleted = |row: &MessageRow| {
            row.chat.as_ref() == Some(self.chat)
                && row.state == MessageState::Delivered
                && row.remote_id.as_ref().is_some_and(|id| is_in_stretch(id) && !standing.contains(id))
        };
        Ok(found.into_iter().filter(is_deleted).filter_map(|row| row.remote_id).collect())
    }

    async fn react(&self, portals: &Portals, message: &Stands) -> Result<(), Stopped> {
        let store = &portals.parts.store;
        let Some(reactions) = &message.reactions else { return Ok(()) };
        let known = store.reactions(self.chat, &message.id).await?;
        let theirs = |row: &&ReactionRow| row.origin == Direction::FromRemote;
        let is_known =
            |row: &ReactionRow, (sender, emoji): &(crate::ids::RemoteUserId, crate::message::Emoji)| {
                row.sender == sender.as_str() && row.emoji.key() == emoji.key()
            };
        let gone: Vec<ReactionRow> = known
            .iter()
            .filter(theirs)
            .filter(|row| !reactions.iter().any(|one| is_known(row, one)))
            .cloned()
            .collect();
        take_back(portals, &gone).await?;
        let new = reactions.iter().filter(|one| !known.iter().filter(theirs).any(|row| is_known(row, one)));
        let new: Vec<_> = new.collect();
        if new.is_empty() {
            return Ok(());
        }
        let rows = store.message_by_remote(self.chat, &message.id).await?;
        let shown = rows.iter().rev().find(|row| row.state != MessageState::Gone && row.event_id.is_some());
        let Some(on) = shown else { return Ok(()) };
        for (sender, emoji) in new {
            let (session, work) = (self.session, self.work);
            Reacting { on, sender, emoji, sent_ms: None, session, work }.put(portals).await?;
        }
        Ok(())
    }
}
