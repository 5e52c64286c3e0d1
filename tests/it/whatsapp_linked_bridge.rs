//! The WhatsApp bridge as a linked device, a real program between the simulator of WhatsApp and a homeserver.

mod answering;
mod chat;
mod communities;
mod endings;
mod feeds;
mod files;
mod groups;
mod hearing;
mod identity;
mod keeping;
mod past;
mod personal;
mod proxied;
mod signing_in;
mod strangers;
mod talking;

use std::sync::Arc;

use anyhow::Context;
use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver, FakePerson};
use magpie_tests::{
    harness::bridge::Bridge,
    stage::Stage,
    whatsapp_linked::{
        LinkedSim, Phone,
        staged::{PROGRAM, cast, connected, sign_in},
    },
};
use ruma::{OwnedRoomId, RoomId};

const SERVER: &str = "example.org";
const ADMIN: &str = "@admin:example.org";
const BOT: &str = "@whatsappbot:example.org";
const ALICE: &str = "12025550101";
const BOB: &str = "12025550102";
const CAROL: &str = "12025550103";

/// The program on its stage, linked to nobody's phone yet. In Matrix there is the admin, at WhatsApp there are Alice and Bob.
struct Staged {
    sim: LinkedSim,
    /// Whose phone the bridge is linked to.
    alice: Phone,
    bob: Phone,
    homeserver: FakeHomeserver,
    bridge: Bridge,
    /// Its files, which go with it.
    stage: Stage,
}

/// The same, linked to Alice's phone.
struct Linked {
    on: Staged,
    /// The address of the bridge at WhatsApp.
    device: String,
}

impl Staged {
    async fn start() -> anyhow::Result<Self> {
        Self::start_with(PROGRAM, Vec::new()).await
    }

    /// That program, with more environment variables.
    async fn start_with(program: &str, environment: Vec<(String, String)>) -> anyhow::Result<Self> {
        let sim = LinkedSim::start().await?;
        let alice = sim.account(ALICE, "Alice").await?;
        let bob = sim.account(BOB, "Bob").await?;
        let mut cast = cast(&sim, SERVER);
        cast.environment.extend(environment);
        let mut stage = Stage::set(cast)?;
        stage.set_program(program);
        let homeserver = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&homeserver.url());
        let bridge = stage.start().await?;
        Ok(Self { sim, alice, bob, homeserver, bridge, stage })
    }

    /// Nothing may have gone wrong inside the simulator.
    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        assert_eq!(self.sim.errors(), Vec::<serde_json::Value>::new());
        self.sim.stop().await
    }
}

impl Linked {
    async fn start() -> anyhow::Result<Self> {
        Self::of(Staged::start().await?).await
    }

    /// Links it now, when the phones are as a test wants them.
    async fn of(on: Staged) -> anyhow::Result<Self> {
        let device = sign_in(&on.stage.url(), ADMIN, &on.alice).await?;
        connected(&on.sim, &device).await?;
        Ok(Self { on, device })
    }

    /// The room in which somebody of WhatsApp said this, joined by the admin.
    async fn room_with(&self, words: &str) -> (OwnedRoomId, FakePerson) {
        let has_it = |homeserver: &FakeHomeserver| {
            let rooms = homeserver.rooms().into_iter();
            rooms.into_iter().find(|room| homeserver.messages(room).iter().any(|(_, body)| body == words))
        };
        let room = self.on.homeserver.wait_until(has_it).await;
        let admin = self.on.homeserver.person("admin");
        admin.joins(&room);
        (room, admin)
    }

    /// Waits until somebody says something with these words in it.
    async fn hears(&self, room: &RoomId, words: &str) -> Arc<FakeEvent> {
        let fits = |event: &FakeEvent| event.event_type == "m.room.message" && event.body().contains(words);
        self.on.homeserver.wait_for(room, fits).await
    }

    /// How many messages that were encrypted the bridge has counted with this outcome.
    async fn encrypted(&self, direction: &str, outcome: &str) -> anyhow::Result<u64> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let metrics = http.get(format!("{}/metrics", self.on.stage.url())).send().await?.text().await?;
        let line =
            format!("magpie_encrypted_messages_total{{direction=\"{direction}\",outcome=\"{outcome}\"}} ");
        let count = metrics.lines().find_map(|told| told.strip_prefix(line.as_str()));
        Ok(count.with_context(|| format!("{line}is missing:\n{metrics}"))?.parse()?)
    }

    /// Stops the bridge and starts it, with all that it has stored.
    async fn restart(&mut self) -> anyhow::Result<()> {
        let on = &mut self.on;
        assert!(on.bridge.stop().await?.success(), "{}", on.bridge.tail());
        on.bridge = on.stage.start().await?;
        connected(&on.sim, &self.device).await
    }

    async fn end(self) -> anyhow::Result<()> {
        self.on.end().await
    }
}
