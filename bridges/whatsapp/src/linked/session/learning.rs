//! Whose a number is, learned without anybody doing anything: by a question, from a list, out of the past of the account.
//!
//! The library writes each pair that it learns into its memory, and is overheard there. What it learned while nobody listened is looked up
//! when a session begins, beside everything else.

use std::sync::{Arc, Weak};

use magpie_common::ids::RemoteUserId;
use tokio::sync::mpsc;
use tracing::debug;
use wacore::store::traits::ProtocolStore;
use wacore_binary::Jid;

use super::world::World;
use crate::linked::identity::Person;

/// So many pairs wait to be told; what is more than that is told when somebody does something, or by the next session.
const LEARNED_MAX: usize = 1_024;

/// A number with its hidden id.
type Pair = (String, String);

/// Begins to listen. Only numbers that stand for somebody alone count.
pub(super) fn listen(world: &Arc<World>) -> mpsc::Receiver<Pair> {
    let (learned_in, learned) = mpsc::channel(LEARNED_MAX);
    let here: Weak<World> = Arc::downgrade(world);
    world.store.on_learned(Box::new(move |phone, lid| {
        let counts = here.upgrade().is_some_and(|world| world.is_number_alone(&RemoteUserId::new(phone)));
        if counts && learned_in.try_send((phone.to_owned(), lid.to_owned())).is_err() {
            debug!("More is learned of people than can be told at once.");
        }
    }));
    learned
}

/// Tells what is learned, for ever.
pub(super) async fn run(world: Arc<World>, mut learned: mpsc::Receiver<Pair>) {
    for phone in world.numbers_alone() {
        if let Ok(Some(entry)) = world.store.get_pn_mapping(phone.as_str()).await {
            meet(&world, &entry.phone_number, &entry.lid).await;
        }
    }
    while let Some((phone, lid)) = learned.recv().await {
        meet(&world, &phone, &lid).await;
    }
}

async fn meet(world: &World, phone: &str, lid: &str) {
    world.listed(Person::told(&[Jid::pn(phone), Jid::lid(lid)])).await;
}
