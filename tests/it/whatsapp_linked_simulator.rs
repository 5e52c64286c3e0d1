//! The simulator of WhatsApp's linked devices keeps its promises, in the judgment of baileys: two people talk through it.

mod faults;
mod groups;
mod history;
mod identity;
mod login;
mod many;
mod media;
mod messages;
mod own_devices;

use magpie_tests::whatsapp_linked::{LinkedSim, Person, Phone};

const ALICE: &str = "12025550101";
const BOB: &str = "12025550102";
const CAROL: &str = "12025550103";

/// Alice and Bob, each with a phone and a linked client.
struct Scene {
    sim: LinkedSim,
    alice: Phone,
    bob: Phone,
    alices: Person,
    bobs: Person,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let sim = LinkedSim::start().await?;
        let alice = sim.account(ALICE, "Alice").await?;
        let bob = sim.account(BOB, "Bob").await?;
        let alices = Person::linked(&sim, &alice).await?;
        let bobs = Person::linked_by_code(&sim, &bob).await?;
        Ok(Self { sim, alice, bob, alices, bobs })
    }

    /// Nothing may have gone wrong inside the simulator.
    async fn end(self) -> anyhow::Result<()> {
        self.alices.stop().await?;
        self.bobs.stop().await?;
        assert_eq!(self.sim.errors(), Vec::<serde_json::Value>::new());
        self.sim.stop().await
    }
}
