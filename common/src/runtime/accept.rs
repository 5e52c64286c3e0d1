//! The way from a transaction into the journal: stored, then acknowledged.

use std::sync::Arc;

use ruma::UserId;
use serde::Deserialize;
use serde_json::Value;

use super::intake::{self, Intake};
use crate::{
    appservice::{Envelope, Handler, NotAccepted, Transaction},
    convert::Origin,
    ids::GhostNames,
    portal::Portals,
    puppet::{Doubles, MARK_KEY},
    steps::{PlantedFault, Step, has_planted, reached},
    store::{MatrixEvent, Store, StoreError},
};

/// Takes transactions in.
pub(super) struct Acceptor {
    pub(super) store: Store,
    pub(super) names: Arc<GhostNames>,
    pub(super) portals: Arc<Portals>,
    pub(super) doubles: Doubles,
}

impl Handler for Acceptor {
    async fn transaction(&self, transaction: Transaction<'_>) -> Result<(), NotAccepted> {
        let mut intake = intake::sort(&transaction, &self.names, |event| self.is_marked(event));
        if !intake.seem_ours.is_empty() {
            self.leave_out_ours(&mut intake).await.map_err(|error| NotAccepted(error.to_string()))?;
        }
        for (room_id, user_id) in &intake.changed_profiles {
            self.portals.forget_member(room_id, user_id);
        }
        for ephemeral in &transaction.ephemeral {
            self.portals.pass_from_matrix(ephemeral);
        }
        if intake.events.is_empty() {
            return Ok(());
        }
        if has_planted(PlantedFault::AcknowledgeEarly) {
            tokio::spawn(accept_late(self.store.clone(), intake.events));
            return Ok(());
        }
        reached(Step::TransactionArrived);
        self.store.accept(intake.events).await.map_err(|error| NotAccepted(error.to_string()))?;
        reached(Step::EventsStored);
        Ok(())
    }

    async fn user_exists(&self, user_id: &UserId) -> bool {
        user_id == self.names.bot() || self.portals.knows_ghost(user_id).await
    }

    async fn alias_exists(&self, _alias: &str) -> bool {
        false
    }
}

impl Acceptor {
    /// Whether we have sent an event as somebody in Matrix. Most events cost a search for one word.
    fn is_marked(&self, event: &Envelope<'_>) -> bool {
        #[derive(Deserialize)]
        struct Content {
            content: Value,
        }
        event.raw.get().contains(MARK_KEY)
            && serde_json::from_str::<Content>(event.raw.get())
                .is_ok_and(|it| self.doubles.is_marked(&it.content, &event.room_id, &event.sender))
    }

    /// Leaves out what we sent. Clients that forward a message copy all of its content, our mark among it: such a copy is a new message,
    /// which shows by the original being known under another id.
    async fn leave_out_ours(&self, intake: &mut Intake) -> Result<(), StoreError> {
        let mut ours = Vec::with_capacity(intake.seem_ours.len());
        for place in &intake.seem_ours {
            let event = &intake.events[*place];
            if !self.is_copy(event).await? {
                ours.push(event.event_id.clone());
            }
        }
        intake.events.retain(|event| !ours.contains(&event.event_id));
        Ok(())
    }

    async fn is_copy(&self, event: &MatrixEvent) -> Result<bool, StoreError> {
        #[derive(Deserialize)]
        struct Whole {
            #[serde(rename = "type")]
            event_type: String,
            content: Value,
        }
        let Ok(Whole { event_type, content }) = serde_json::from_str(&event.body) else { return Ok(false) };
        let relation = content.get("m.relates_to").and_then(|relation| relation.get("rel_type"));
        let origin = Origin::read(&content).filter(|_| event_type != "m.reaction" && relation.is_none());
        let Some(origin) = origin else { return Ok(false) };
        // The record of what was sent may still be riding along.
        self.store.settled().await?;
        let rows = self.store.message_by_remote(&self.portals.today(&origin.chat), &origin.id).await?;
        let is_settled = !rows.is_empty() && rows.iter().all(|row| row.event_id.is_some());
        Ok(is_settled && rows.iter().all(|row| row.event_id.as_ref().is_some_and(|id| *id != event.event_id)))
    }
}

/// What the planted fault does: the homeserver has its answer already.
async fn accept_late(store: Store, events: Vec<MatrixEvent>) {
    reached(Step::TransactionArrived);
    if let Err(error) = store.accept(events).await {
        tracing::error!(%error, "Accepted events were lost, as planted.");
    }
}
