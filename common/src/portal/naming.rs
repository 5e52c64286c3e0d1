//! Who is meant by an id: people with several are called by one, here by that of their ghost, and to the network by that which it wants.
//!
//! Where nobody has several ids, nothing is looked up. Next: `uniting.rs`, how two ids become one person.

use std::collections::HashMap;

use ruma::{OwnedUserId, UserId};

use super::Portals;
use crate::{
    ids::{LoginId, RemoteUserId},
    message::{Outgoing, RemoteEvent},
    store::{Direction, ReactionRow, StoreError},
};

/// A ghost that somebody in Matrix has named, and who that is today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The ghost that speaks for them.
    pub(super) ghost: OwnedUserId,
    /// The id by which the network is asked for them.
    pub(super) address: RemoteUserId,
}

impl Portals {
    /// Calls everybody in an event by the id that names their ghost.
    pub(super) async fn name_by_ghost(&self, event: &mut RemoteEvent) -> Result<(), StoreError> {
        if !self.ghosts.identities.are_any() {
            return Ok(());
        }
        let mut names = HashMap::new();
        event.each_person(&mut |id| drop(names.insert(id.clone(), None)));
        for (id, ghost) in &mut names {
            *ghost = self.ghosts.identities.of(id).await?.map(|identity| identity.ghost.clone());
        }
        event.each_person(&mut |id| put(id, names.get(id).cloned().flatten()));
        Ok(())
    }

    /// Calls everybody in an action by the id by which the network knows them today.
    pub(super) async fn name_by_address(&self, outgoing: &mut Outgoing) -> Result<(), StoreError> {
        if !self.ghosts.identities.are_any() {
            return Ok(());
        }
        let mut names = HashMap::new();
        outgoing.each_person(&mut |id| drop(names.insert(id.clone(), None)));
        for (id, address) in &mut names {
            *address = self.ghosts.identities.of(id).await?.map(|identity| identity.address.clone());
        }
        outgoing.each_person(&mut |id| put(id, names.get(id).cloned().flatten()));
        Ok(())
    }

    /// The reactions with their senders from the network called by the ids that name their ghosts.
    pub(super) async fn by_ghosts(&self, mut rows: Vec<ReactionRow>) -> Result<Vec<ReactionRow>, StoreError> {
        if self.ghosts.identities.are_any() {
            for row in rows.iter_mut().filter(|row| row.origin == Direction::FromRemote) {
                let sender = RemoteUserId::new(row.sender.as_str());
                if let Some(identity) = self.ghosts.identities.of(&sender).await? {
                    row.sender = identity.ghost.to_string();
                }
            }
        }
        Ok(rows)
    }

    /// The ghost of somebody on the network, whether or not it is there yet; `None` when it would have too long a name.
    pub(super) async fn ghost_of(&self, user: &RemoteUserId) -> Result<Option<OwnedUserId>, StoreError> {
        Ok(self.parts.names.ghost(&self.ghosts.identities.ghost(user).await?))
    }

    /// Who is meant by a ghost; `None` for whoever is none. One that was replaced by another means that other's person.
    pub(super) async fn named(&self, user_id: &UserId) -> Result<Option<Named>, StoreError> {
        let Some(id) = self.parts.names.remote(user_id) else { return Ok(None) };
        let identity = self.ghosts.identities.whole(&id).await?;
        let ghost = self.parts.names.ghost(&identity.ghost);
        Ok(ghost.map(|ghost| Named { ghost, address: identity.address }))
    }

    /// The ghosts that have spoken for somebody before the one that does now.
    pub(super) async fn former_ghosts(&self, user: &RemoteUserId) -> Result<Vec<OwnedUserId>, StoreError> {
        let Some(identity) = self.ghosts.identities.of(user).await? else { return Ok(Vec::new()) };
        let spoke = identity.aliases.iter().filter(|alias| alias.spoke);
        Ok(spoke.filter_map(|alias| self.parts.names.ghost(&alias.id)).collect())
    }

    /// Who in Matrix has signed in as somebody on the network.
    pub(super) async fn person_behind(&self, user: &RemoteUserId) -> Result<Option<OwnedUserId>, StoreError> {
        let logins = &self.parts.logins;
        Ok(match self.ghosts.identities.of(user).await? {
            None => logins.person_behind(user),
            Some(identity) => identity.ids().find_map(|id| logins.person_behind(id)),
        })
    }

    /// The account that is somebody on the network.
    pub(super) async fn account_of(&self, user: &RemoteUserId) -> Result<Option<LoginId>, StoreError> {
        let logins = &self.parts.logins;
        Ok(match self.ghosts.identities.of(user).await? {
            None => logins.account_of(user),
            Some(identity) => identity.ids().find_map(|id| logins.account_of(id)),
        })
    }
}

fn put(id: &mut RemoteUserId, other: Option<RemoteUserId>) {
    if let Some(other) = other {
        *id = other;
    }
}
