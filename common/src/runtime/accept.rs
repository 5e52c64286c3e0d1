//! The way from a transaction into the journal: stored, then acknowledged.

use std::sync::Arc;

use ruma::UserId;

use super::intake;
use crate::{
    appservice::{Handler, NotAccepted, Transaction},
    ids::GhostNames,
    portal::Portals,
    steps::{PlantedFault, Step, has_planted, reached},
    store::{MatrixEvent, Store},
};

/// Takes transactions in.
pub(super) struct Acceptor {
    pub(super) store: Store,
    pub(super) names: Arc<GhostNames>,
    pub(super) portals: Arc<Portals>,
}

impl Handler for Acceptor {
    async fn transaction(&self, transaction: Transaction<'_>) -> Result<(), NotAccepted> {
        let intake = intake::sort(&transaction, &self.names);
        for (room_id, user_id) in &intake.changed_profiles {
            self.portals.forget_member(room_id, user_id);
        }
        for ephemeral in &transaction.ephemeral {
            self.portals.pass_from_matrix(ephemeral);
        }
        if has_planted(PlantedFault::AcknowledgeEarly) {
            tokio::spawn(accept_late(self.store.clone(), intake.events));
            return Ok(());
        }
        if intake.events.is_empty() {
            return Ok(());
        }
        reached(Step::TransactionArrived);
        self.store.accept(intake.events).await.map_err(|error| NotAccepted(error.to_string()))?;
        reached(Step::EventsStored);
        Ok(())
    }

    async fn user_exists(&self, user_id: &UserId) -> bool {
        // Ghosts are registered when they first speak; nobody else is ours.
        user_id == self.names.bot()
    }

    async fn alias_exists(&self, _alias: &str) -> bool {
        false
    }
}

/// What the planted fault does: the homeserver has its answer already.
async fn accept_late(store: Store, events: Vec<MatrixEvent>) {
    reached(Step::TransactionArrived);
    if let Err(error) = store.accept(events).await {
        tracing::error!(%error, "Accepted events were lost, as planted.");
    }
}
