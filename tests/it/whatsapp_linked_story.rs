//! The WhatsApp bridge as a linked device at a real Synapse: a person in Matrix and a person with baileys talk through it, in a direct chat
//! and in a group; and then the bridge is killed at random moments while they go on.

mod kills;
mod talk;

use magpie_tests::{
    harness::{
        bridge::Bridge,
        person::{Event, PATIENCE, Person, Place},
        synapse::{Synapse, SynapseOptions},
    },
    stage::{Cast, Stage},
    whatsapp_linked::{
        LinkedSim, Person as Baileys, Phone,
        groups::Addressing,
        staged::{PROGRAM, cast, connected, sign_in},
    },
};

const SERVER: &str = "magpie.test";
const ALICE: &str = "12025550101";
const BOB: &str = "12025550102";
const CAROL: &str = "12025550103";

struct Story {
    synapse: Synapse,
    sim: LinkedSim,
    /// Alice's phone, to which the bridge is linked.
    phone: Phone,
    /// The bridge, as an address of WhatsApp.
    device: String,
    bob: Phone,
    carol: Phone,
    /// Bob at WhatsApp.
    bobs: Baileys,
    bridge: Bridge,
    /// Alice in Matrix.
    alice: Person,
    // The bridge's files are in here.
    _stage: Stage,
}

/// A chat, as both see it.
struct Chat {
    /// What Bob writes to.
    address: String,
    /// Alice's room.
    room: String,
}

impl Story {
    async fn begin() -> anyhow::Result<Self> {
        let sim = LinkedSim::start().await?;
        let phone = sim.account(ALICE, "Alice").await?;
        let bob = sim.account(BOB, "Bob").await?;
        let carol = sim.account(CAROL, "Carol").await?;
        let bobs = Baileys::linked(&sim, &bob).await?;
        let admin = format!("@alice:{SERVER}");
        let mut stage = Stage::set(Cast { admin: admin.clone(), ..cast(&sim, SERVER) })?;
        stage.set_program(PROGRAM);
        let registrations = vec![stage.registration()];
        let options = SynapseOptions { registrations, ..SynapseOptions::default() };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let alice = synapse.person("alice").await?;
        let bridge = stage.start().await?;
        let device = sign_in(&stage.url(), &admin, &phone).await?;
        connected(&sim, &device).await?;
        Ok(Self { synapse, sim, phone, device, bob, carol, bobs, bridge, alice, _stage: stage })
    }

    /// Bob speaks first, and Alice follows the invitation into the room of that name; gives the id of what he said.
    async fn chat(&self, address: &str, words: &str, name: &str) -> anyhow::Result<(Chat, String)> {
        let said = self.bobs.say(address, words).await?;
        let is_named = |event: &Event| event.place == Place::Invite && event.content()["name"] == name;
        let room = self.alice.wait_within(PATIENCE, is_named).await?.room;
        self.alice.join(&room).await?;
        self.alice.wait_for_text(&room, words).await?;
        Ok((Chat { address: address.to_owned(), room }, said))
    }

    /// A chat of two, and a group with Carol in it.
    async fn chats(&self) -> anyhow::Result<[(Chat, String); 2]> {
        let direct = self.chat(&self.phone.lid, "are you there?", "Bob").await?;
        let group = self.bob.create_group("Birds", &[&self.phone, &self.carol], Addressing::Lid).await?;
        let group = self.chat(&group, "are you all there?", "Birds").await?;
        Ok([direct, group])
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        assert_eq!(self.sim.errors(), Vec::<serde_json::Value>::new());
        self.bobs.stop().await?;
        self.synapse.stop().await?;
        self.sim.stop().await
    }
}
