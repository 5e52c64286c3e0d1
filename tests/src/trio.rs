//! One room that Discord, Telegram and Matrix share: two bridges at one homeserver, and a channel and a group joined to the room of people's
//! own.
//!
//! Shared by the story and the demonstration.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use crate::{
    discord::{self, DiscordSim, staged},
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Synapse, SynapseOptions},
    },
    stage::{Cast, Stage},
    telegram::{self, TelegramSim},
};

/// The homeserver's name.
pub const SERVER: &str = "magpie.test";

/// What has not arrived after so long does not come.
pub const PATIENCE: Duration = Duration::from_secs(60);

const DISCORD_BOT: &str = "@discordbot:magpie.test";
const TELEGRAM_BOT: &str = "@telegrambot:magpie.test";

/// Everything that runs.
pub struct Trio {
    /// The homeserver.
    pub synapse: Synapse,
    /// Discord, and who is there.
    pub discord: (DiscordSim, discord::SmallWorld),
    /// Telegram, and who is there.
    pub telegram: (TelegramSim, telegram::SmallWorld),
    /// Somebody in Matrix who runs both bridges.
    pub alice: Person,
    /// The room.
    pub room: String,
    /// The bridges, Discord's first.
    pub bridges: [Bridge; 2],
    // The bridges' files are in here.
    _stages: [Stage; 2],
}

impl Trio {
    /// Starts everything, and joins Discord's channel `general` and Telegram's group `Birds` to one room.
    ///
    /// # Errors
    /// When something does not start, or a bridge does not do as it is told.
    pub async fn begin() -> anyhow::Result<Self> {
        let (world, small_discord) = discord::World::small();
        let discord = DiscordSim::start(world).await?;
        let (world, small_telegram) = telegram::World::small();
        let telegram = TelegramSim::start(world).await?;
        let section = format!("token: \"{}\"\napi_url: {}\n", telegram.token(), telegram.url());
        let mut stages = [
            Stage::set(staged::cast(SERVER, staged::platform_section(&discord)))?,
            Stage::set(Cast { id: "telegram", ..staged::cast(SERVER, section) })?,
        ];
        let registrations = stages.iter().map(Stage::registration).collect();
        let options =
            SynapseOptions { registrations, server_name: SERVER.to_owned(), ..SynapseOptions::default() };
        let synapse = Synapse::start(options).await?;
        for stage in &mut stages {
            stage.set_homeserver(&synapse.url().parse()?);
        }
        let alice = synapse.person("alice").await?;
        alice.set_display_name("Alice").await?;
        let bridges = [
            stages[0].start().await.context("the Discord bridge did not become ready")?,
            stages[1].start().await.context("the Telegram bridge did not become ready")?,
        ];
        free(&alice, "general").await?;
        let room = own_room(&alice).await?;
        told(&alice, &room, (DISCORD_BOT, &format!("!discord bridge {}", small_discord.general))).await?;
        told(&alice, &room, (TELEGRAM_BOT, &format!("!telegram bridge {}", small_telegram.supergroup)))
            .await?;
        Ok(Self {
            synapse,
            discord: (discord, small_discord),
            telegram: (telegram, small_telegram),
            alice,
            room,
            bridges,
            _stages: stages,
        })
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// When something did not end in order, or was against a platform's description.
    pub async fn end(self) -> anyhow::Result<()> {
        for mut bridge in self.bridges {
            anyhow::ensure!(bridge.stop().await?.success(), "a bridge does not end in order");
        }
        drop(self.alice);
        self.synapse.stop().await?;
        let findings = (self.discord.0.findings(), self.telegram.0.findings());
        anyhow::ensure!(
            findings.0.is_empty() && findings.1.is_empty(),
            "against the descriptions: {findings:#?}"
        );
        self.discord.0.stop().await;
        self.telegram.0.stop().await;
        Ok(())
    }
}

/// Takes the room from a Discord channel that the bridge has made for it.
async fn free(alice: &Person, name: &str) -> anyhow::Result<()> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let invites =
            |event: &Event| event.is_invite_of(alice.id(), DISCORD_BOT) && !seen.contains(&event.room);
        let room = alice.wait_within(PATIENCE, invites).await?.room;
        alice.join(&room).await?;
        let called = alice.state_of(&room, "m.room.name", "").await?.unwrap_or_default();
        if called["name"] == name {
            alice.send_text(&room, "!discord unbridge").await?;
            hears(alice, &room, (DISCORD_BOT, "This room and its chat on Discord go separate ways")).await?;
            return Ok(());
        }
        seen.push(room);
    }
}

/// A room of Alice's own with both bots in it.
async fn own_room(alice: &Person) -> anyhow::Result<String> {
    let request = json!({
        "name": "Three networks", "preset": "private_chat", "invite": [DISCORD_BOT, TELEGRAM_BOT],
        "power_level_content_override": { "users": { DISCORD_BOT: 100, TELEGRAM_BOT: 100 } },
    });
    let room = alice.create_room_with(request).await?;
    for bot in [DISCORD_BOT, TELEGRAM_BOT] {
        let is_inside = |event: &Event| {
            event.kind() == "m.room.member"
                && event.json["state_key"] == bot
                && event.content()["membership"] == "join"
        };
        alice.wait_for(&room, is_inside).await?;
    }
    Ok(room)
}

async fn told(alice: &Person, room: &str, (bot, command): (&str, &str)) -> anyhow::Result<()> {
    alice.send_text(room, command).await?;
    hears(alice, room, (bot, "This room and “")).await.with_context(|| format!("`{command}` did not do it"))
}

async fn hears(alice: &Person, room: &str, (bot, beginning): (&str, &str)) -> anyhow::Result<()> {
    let said = |event: &Event| event.sender() == bot && event.body().starts_with(beginning);
    alice.wait_for(room, said).await.map(drop)
}
