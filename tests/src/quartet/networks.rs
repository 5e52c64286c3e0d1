//! The four networks with the people who share the room, and the bridges' files.
//!
//! Everybody is called by another name, so that it shows who is who.

use anyhow::ensure;
use magpie_common::clock::Clock;

use super::SERVER;
use crate::{
    discord::{self, DiscordSim, staged},
    stage::{Cast, Stage},
    telegram::{self, TelegramSim},
    wechaty::{self, Gateway, Habits},
    whatsapp_cloud::{self, Chat, Rates, WhatsAppCloudSim},
};

/// On WeChat: Alice's own account, a friend of hers, and the group of both.
pub(super) const ALICE: &str = "wxid_alice";
pub(super) const LI: &str = "wxid_li";
pub(super) const BIRDS: &str = "1001@chatroom";

/// What a webhook did not bring comes again so soon, and so late at most.
const AGAIN_MS: (i64, i64) = (50, 1_000);

/// The networks.
pub struct Networks {
    /// Discord, and who is there.
    pub discord: (DiscordSim, discord::SmallWorld),
    /// Telegram, and who is there.
    pub telegram: (TelegramSim, telegram::SmallWorld),
    /// WhatsApp, and the talk of Dora with a business whose number the bridge has.
    pub whatsapp: (WhatsAppCloudSim, Chat),
    /// The gateway to WeChat, where Alice and Li Lei are in a group.
    pub wechat: Gateway,
}

impl Networks {
    /// Starts them.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let (world, people) = discord::World::small();
        let discord = (DiscordSim::start(world).await?, people);
        let (world, people) = telegram::World::small();
        let telegram = (TelegramSim::start(world).await?, people);
        Ok(Self { discord, telegram, whatsapp: whatsapp().await?, wechat: wechat().await? })
    }

    /// The bridges' files, in the order of [`super::Place::NETWORKS`].
    pub(super) fn stages(&self) -> anyhow::Result<[Stage; 4]> {
        let cast = |id, platform| Cast { id, ..staged::cast(SERVER, platform) };
        let (whatsapp, talk) = &self.whatsapp;
        let wechat = wechaty::staged::cast(&self.wechat, SERVER)?;
        Ok([
            Stage::set(cast("discord", staged::platform_section(&self.discord.0)))?,
            Stage::set(cast("telegram", telegram::staged::platform_section(&self.telegram.0)))?,
            Stage::set(cast("whatsapp", whatsapp_cloud::staged::platform_section(whatsapp, talk.number)))?,
            Stage::set(Cast { admin: format!("@alice:{SERVER}"), ..wechat })?,
        ])
    }

    /// Ends them in order; fails when something was against a network's description.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let (discord, telegram, whatsapp) = (self.discord.0, self.telegram.0, self.whatsapp.0);
        let findings = [discord.findings(), telegram.findings(), whatsapp.findings()].concat();
        ensure!(findings.is_empty(), "against the descriptions: {findings:#?}");
        discord.stop().await;
        telegram.stop().await;
        whatsapp.stop().await;
        self.wechat.stop().await
    }
}

async fn whatsapp() -> anyhow::Result<(WhatsAppCloudSim, Chat)> {
    let (mut world, small) = whatsapp_cloud::World::small(Clock::system());
    let person = world.person("Dora", "16505551236");
    let sim = WhatsAppCloudSim::start(world).await?;
    sim.brings_again_after_ms(AGAIN_MS.0, AGAIN_MS.1);
    // How fast a business may speak is not what is looked into here.
    sim.sends_at(Rates { per_second: 1_000, burst: 10_000, pause_ms: 1 });
    Ok((sim, Chat { number: small.number, person }))
}

async fn wechat() -> anyhow::Result<Gateway> {
    let gateway = Gateway::start().await?;
    // Gateways keep nothing for a bridge that is away. This one is of those that tell anew what was said since the last time.
    gateway.has(Habits { again: true, ..Habits::default() }).await?;
    gateway.contact(ALICE, "Alice").await?;
    gateway.contact(LI, "Li Lei").await?;
    gateway.room(BIRDS, "Birds", &[LI, ALICE]).await?;
    Ok(gateway)
}
