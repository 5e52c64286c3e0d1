//! The Discord bridge on a stage with the simulator.

use anyhow::ensure;
use magpie_common::testkit::fake_homeserver::{FakeHomeserver, FakePerson, Membership};
use ruma::OwnedRoomId;

use super::{Author, DiscordSim, SmallWorld, World};
use crate::{
    harness::bridge::Bridge,
    stage::{Cast, Stage},
};

/// The name of the fake homeserver.
const SERVER: &str = "example.org";

/// The bridge's own process between a fake homeserver and a small Discord.
pub struct Staged {
    /// Discord.
    pub sim: DiscordSim,
    /// Who and what is there.
    pub small: SmallWorld,
    /// The homeserver.
    pub fake: FakeHomeserver,
    /// Somebody who may do everything.
    pub alice: FakePerson,
    /// The bridge.
    pub bridge: Bridge,
    /// The room of the channel `general`, which Alice is in.
    pub room: OwnedRoomId,
    _stage: Stage,
}

impl Staged {
    /// Starts all three, with more lines of the `platform:` section, and waits for the room.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn set((world, small): (World, SmallWorld), more: &str) -> anyhow::Result<Self> {
        let sim = DiscordSim::start(world).await?;
        let mut stage = Stage::set(cast(SERVER, platform_section(&sim) + more))?;
        let fake = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&fake.url());
        let alice = fake.person("alice");
        let bridge = stage.start().await?;
        let joined = Some(Membership::Joined);
        let room = fake
            .wait_until(|fake| {
                fake.room_named("general").filter(|it| fake.membership(it, alice.user_id()) == joined)
            })
            .await;
        Ok(Self { sim, small, fake, alice, bridge, room, _stage: stage })
    }

    /// What ghosts have said in the room, in order.
    pub fn shown(&self) -> Vec<String> {
        let all = self.fake.messages(&self.room);
        let ghosts = all.into_iter().filter(|(sender, _)| sender.as_str().starts_with("@discord_"));
        ghosts.map(|(_, body)| body).collect()
    }

    /// What the bridge has said in the channel once it has said `last`, in order.
    ///
    /// # Errors
    /// When it does not say that.
    pub async fn relayed_until(&self, last: &str) -> anyhow::Result<Vec<String>> {
        self.sim.wait_for_message(self.small.general, |message| message.content == last).await?;
        let all = self.sim.messages(self.small.general).into_iter();
        Ok(all.filter(|it| !matches!(it.author, Author::User(_))).map(|it| it.content).collect())
    }

    /// Stops the bridge in order.
    ///
    /// # Errors
    /// When it does not end in order, or when a request or an answer was against Discord's description.
    pub async fn ends(mut self) -> anyhow::Result<()> {
        ensure!(self.bridge.stop().await?.success(), "it does not end in order:\n{}", self.bridge.tail());
        let findings = self.sim.findings();
        ensure!(findings.is_empty(), "against Discord's description: {findings:?}");
        Ok(())
    }
}

/// The lines of the `platform:` section with which `magpie-discord` talks to `discord` instead of the real one.
pub fn platform_section(discord: &DiscordSim) -> String {
    format!(
        "token: {}\napi_url: {}\ncdn_url: {}\ngateway_hosts: [127.0.0.1]\n",
        discord.token(),
        discord.origin(),
        discord.cdn_url()
    )
}

/// A Discord bridge on SQLite for the homeserver of that name, where alice may do everything.
pub fn cast(server_name: &str, platform: String) -> Cast {
    Cast {
        id: "discord",
        server_name: server_name.to_owned(),
        homeserver: String::new(),
        database: None,
        durability: "full",
        admin: format!("@alice:{server_name}"),
        platform,
        environment: Vec::new(),
    }
}
