//! Three people on each side, everything that a conversation needs, on real Synapse: at the end both sides hold the same, whether or not the
//! bridge was killed meanwhile.

mod acts;
mod script;
mod steps;

use std::time::Duration;

use anyhow::{Context, bail};
use magpie_tests::{
    conversation::{difference, discord, matrix},
    discord::{
        DiscordSim, SmallWorld, Snowflake, World,
        staged::{cast, platform_section},
    },
    harness::{
        bridge::Bridge,
        person::Person,
        synapse::{Database, Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::Stage,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{interval, sleep_until, timeout};

const SERVER: &str = "magpie.test";

/// How long both sides may take to hold the same.
const PATIENCE: Duration = Duration::from_secs(90);

/// Between two looks at both sides.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The bridge lives between kills for at most so long, in milliseconds. What is in doubt is looked for twice, a second apart, so it
/// needs a life of a second now and then.
const LIVES_MS_MAX: u64 = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_synapse_and_discord_hold_the_same_conversation_of_every_kind() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let conversation = Conversation::begin().await?;
    conversation.tell().await?;
    conversation.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_synapse_and_discord_hold_the_same_conversation_under_kills() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let mut conversation = Conversation::begin().await?;
    let seed = crate::crash::seed();
    println!("seed: {seed}");
    let mut bridge = conversation.bridge.take().context("the bridge runs")?;
    let mut kills = 0;
    tokio::select! {
        told = conversation.tell() => told?,
        killed = kill(&mut bridge, seed, &mut kills) => killed?,
    }
    println!("kills: {kills}");
    assert!(kills > 0, "the bridge was never killed");
    // The last kill may have been under way.
    bridge.kill_and_restart().await?;
    conversation.bridge = Some(bridge);
    conversation.settle("after the last kill").await?;
    conversation.end().await
}

/// Kills the bridge at random moments, for ever.
async fn kill(bridge: &mut Bridge, seed: u64, kills: &mut u32) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        let lives = Duration::from_millis(random.random_range(0..LIVES_MS_MAX));
        sleep_until(tokio::time::Instant::now() + lives).await;
        bridge.kill_and_restart().await?;
        *kills += 1;
    }
}

/// Both sides of one channel.
struct Conversation {
    synapse: Synapse,
    discord: DiscordSim,
    small: SmallWorld,
    carol: Snowflake,
    wave: Snowflake,
    bridge: Option<Bridge>,
    /// Alice, Dora and Emil.
    people: [Person; 3],
    room: String,
    _stage: Stage,
}

impl Conversation {
    async fn begin() -> anyhow::Result<Self> {
        let (mut world, small) = World::small();
        let carol = world.member(small.guild, "Carol");
        let wave = world.emoji(small.guild, "wave");
        let discord = DiscordSim::start(world).await?;
        let mut stage = Stage::set(cast(SERVER, platform_section(&discord)))?;
        let registrations = vec![stage.registration()];
        let options =
            SynapseOptions { database: Database::Sqlite, registrations, server_name: SERVER.to_owned() };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let people =
            [synapse.person("alice").await?, synapse.person("dora").await?, synapse.person("emil").await?];
        for (person, name) in people.iter().zip(["Alice Matrix", "Dora", "Emil"]) {
            person.set_display_name(name).await?;
        }
        let bridge = stage.start().await?;
        let room = enter_general(&people[0]).await?;
        for person in &people[1..] {
            people[0].invite(&room, person.id()).await?;
            person.join(&room).await?;
        }
        Ok(Self { synapse, discord, small, carol, wave, bridge: Some(bridge), people, room, _stage: stage })
    }

    /// Waits until both sides hold the same, field by field and in order.
    async fn settle(&self, step: &str) -> anyhow::Result<()> {
        let mut looks = interval(LOOK_EVERY);
        let mut last = None;
        let same = async {
            loop {
                looks.tick().await;
                last = match self.differ().await {
                    Ok(None) => return,
                    Ok(difference) => difference,
                    Err(error) => Some(error.to_string()),
                };
            }
        };
        if timeout(PATIENCE, same).await.is_ok() {
            return Ok(());
        }
        let (log, told) = (self.bridge.as_ref().map(Bridge::tail).unwrap_or_default(), self.told().await?);
        bail!("{step}: Matrix and Discord differ at {}\n{told}\n{log}", last.unwrap_or_default())
    }

    /// The last that the bridge itself has told people.
    async fn told(&self) -> anyhow::Result<String> {
        let history = self.people[0].history(&self.room).await?;
        let told = history.iter().filter(|event| event.sender().starts_with("@discordbot:"));
        let told: Vec<&str> = told.map(|event| event.body()).collect();
        Ok(told[told.len().saturating_sub(5)..].join("\n"))
    }

    async fn differ(&self) -> anyhow::Result<Option<String>> {
        let history = self.people[0].history(&self.room).await?;
        let bot = format!("@discordbot:{SERVER}");
        let on_matrix = matrix::read(&history, &bot, &|user| self.name(user));
        let on_discord = discord::read(&self.discord, self.small.general, &|user| self.name_of(user));
        Ok(difference(&on_matrix, &on_discord))
    }

    fn name(&self, user: &str) -> String {
        let ghost = user.strip_prefix("@discord_").and_then(|rest| rest.split(':').next()?.parse().ok());
        match (ghost, user.split(':').next()) {
            (Some(id), _) => self.name_of(id),
            (None, Some("@alice")) => "Alice Matrix".to_owned(),
            (None, Some("@dora")) => "Dora".to_owned(),
            (None, Some("@emil")) => "Emil".to_owned(),
            _ => user.to_owned(),
        }
    }

    fn name_of(&self, user: Snowflake) -> String {
        let SmallWorld { alice, bob, .. } = self.small;
        let names = [(alice, "Alice"), (bob, "Bobby"), (self.carol, "Carol")];
        names.iter().find(|(id, _)| *id == user).map_or("somebody", |(_, name)| name).to_owned()
    }

    async fn end(self) -> anyhow::Result<()> {
        let mut bridge = self.bridge.context("the bridge runs")?;
        assert!(bridge.stop().await?.success());
        self.synapse.stop().await?;
        let findings = self.discord.findings();
        assert!(findings.is_empty(), "against Discord's description: {findings:?}");
        Ok(())
    }
}

/// Follows invitations until one leads into the channel's room.
async fn enter_general(alice: &Person) -> anyhow::Result<String> {
    let bot = format!("@discordbot:{SERVER}");
    let mut known: Vec<String> = Vec::new();
    loop {
        let invite = alice
            .wait_within(PATIENCE, |event| {
                event.is_invite_of(alice.id(), &bot) && !known.contains(&event.room)
            })
            .await?;
        alice.join(&invite.room).await?;
        let name = alice.state_of(&invite.room, "m.room.name", "").await?.unwrap_or_default();
        if name["name"] == "general" {
            return Ok(invite.room);
        }
        known.push(invite.room);
    }
}
