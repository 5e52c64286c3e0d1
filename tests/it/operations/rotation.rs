//! New tokens while people talk: a homeserver that knows the old ones, and then the new ones, goes on and nothing is missed.

use std::{fs, path::PathBuf, time::Duration};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{DiscordSim, SmallWorld, World},
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::Stage,
};
use reqwest::StatusCode;
use serde_json::json;

use super::{PATIENCE, SERVER, bot, portal};
use crate::operator::{call, cast};

/// The tokens of both sides.
const TOKENS: [&str; 2] = ["as_token", "hs_token"];

/// A bridge tries again after 30 s at the latest, and a homeserver takes its time to start.
const AFTER_A_RESTART: Duration = Duration::from_secs(120);

fn token(stage: &Stage, key: &str) -> String {
    let text = fs::read_to_string(stage.registration()).expect("the stage wrote it");
    let found = text.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
    found.unwrap_or_else(|| panic!("no {key} in the registration")).trim_matches('"').to_owned()
}

#[tokio::test]
async fn a_homeserver_that_knows_only_the_old_tokens_is_served_and_asked() -> anyhow::Result<()> {
    let (world, small) = World::small();
    let discord = DiscordSim::start(world).await?;
    let mut stage = Stage::set(cast(SERVER, &discord))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let mut bridge = stage.start().await?;
    let room = portal(&fake).await;
    fs::write(stage.folder().join("config.yaml"), stage.config_text())?;
    let old = TOKENS.map(|key| token(&stage, key));

    let rotated = call(stage.folder(), &["registration", "--rotate"], &[]).await?;
    rotated.must("the rotation", 0, &["Restart the bridge first"]);
    assert!(old.iter().all(|token| !rotated.words.contains(token)));
    assert_eq!(["magpie_previous_as_token", "magpie_previous_hs_token"].map(|key| token(&stage, key)), old);
    assert!(TOKENS.map(|key| token(&stage, key)) != old, "they are new");
    // What is said before the restart waits at the homeserver or is delivered with the old tokens.
    alice.sends(&room, "before");
    assert!(bridge.stop().await?.success());
    alice.sends(&room, "meanwhile");
    bridge.respawn()?;
    bridge.ready().await?;
    alice.sends(&room, "after");
    discord.wait_for_message(small.general, |message| message.content == "after").await?;
    discord.person_sends(small.general, small.bob, "an answer");
    fake.wait_for_body(&room, "an answer").await;
    let said: Vec<_> = discord.messages(small.general).into_iter().map(|message| message.content).collect();
    assert_eq!(said, ["before", "meanwhile", "after", "an answer"]);
    assert!(bridge.log().contains("The homeserver does not know our token"), "{}", bridge.log());
    let again = call(stage.folder(), &["registration", "--rotate"], &[]).await?;
    again.must("a second rotation", 3, &["a rotation is under way"]);
    assert!(bridge.stop().await?.success());
    Ok(())
}

/// A rotation at a real homeserver, which reads a copy of the registration.
struct Story {
    stage: Stage,
    copy: PathBuf,
    synapse: Synapse,
    discord: DiscordSim,
    world: SmallWorld,
    bridge: Bridge,
    alice: Person,
    room: String,
    /// All that was said, in order.
    said: Vec<String>,
}

impl Story {
    async fn begin() -> anyhow::Result<Self> {
        let (world, small) = World::small();
        let discord = DiscordSim::start(world).await?;
        let mut stage = Stage::set(cast(SERVER, &discord))?;
        let copy = stage.folder().join("homeserver.registration.yaml");
        fs::copy(stage.registration(), &copy)?;
        let options = SynapseOptions {
            registrations: vec![copy.clone()],
            server_name: SERVER.to_owned(),
            ..SynapseOptions::default()
        };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        fs::write(stage.folder().join("config.yaml"), stage.config_text())?;
        let alice = synapse.person("alice").await?;
        let bridge = stage.start().await?;
        let room = general(&alice).await?;
        Ok(Self { stage, copy, synapse, discord, world: small, bridge, alice, room, said: Vec::new() })
    }

    async fn says(&mut self, words: &str) -> anyhow::Result<()> {
        self.said.push(words.to_owned());
        self.alice.send_text(&self.room, words).await.map(drop)
    }

    fn bob_says(&mut self, words: &str) {
        self.said.push(words.to_owned());
        self.discord.person_sends(self.world.general, self.world.bob, words);
    }

    async fn discord_shows(&self, words: &str) -> anyhow::Result<()> {
        self.discord.wait_for_message(self.world.general, |message| message.content == words).await.map(drop)
    }

    async fn alice_sees(&self, words: &str) -> anyhow::Result<()> {
        let is_it = |event: &Event| {
            event.room == self.room && event.kind() == "m.room.message" && event.body() == words
        };
        self.alice.wait_within(AFTER_A_RESTART, is_it).await.map(drop)
    }

    async fn both_ways(&mut self, when: &str) -> anyhow::Result<()> {
        let (there, back) = (format!("to Discord, {when}"), format!("to Matrix, {when}"));
        self.says(&there).await?;
        self.discord_shows(&there).await?;
        self.bob_says(&back);
        self.alice_sees(&back).await
    }

    fn tokens(&self) -> [String; 2] {
        TOKENS.map(|key| token(&self.stage, key))
    }

    /// What the bridge says to somebody who shows this token as the homeserver.
    async fn bridge_answers(&self, hs_token: &str) -> anyhow::Result<StatusCode> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client.post(format!("{}/_matrix/app/v1/ping", self.bridge.url())).bearer_auth(hs_token);
        Ok(request.json(&json!({ "transaction_id": "a ping" })).send().await?.status())
    }

    /// What the homeserver says to somebody who shows this token as the bridge.
    async fn homeserver_answers(&self, as_token: &str) -> anyhow::Result<StatusCode> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/_matrix/client/v3/account/whoami", self.synapse.url());
        Ok(client.get(url).bearer_auth(as_token).send().await?.status())
    }

    /// The bridge starts anew, and somebody writes while it is away.
    async fn restart_bridge(&mut self, meanwhile: &str) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success());
        self.says(meanwhile).await?;
        self.bridge.respawn()?;
        self.bridge.ready().await?;
        self.discord_shows(meanwhile).await
    }

    /// The homeserver starts anew with the registration as it is, and somebody writes while it is away.
    async fn restart_homeserver(&mut self, meanwhile: &str) -> anyhow::Result<()> {
        self.synapse.down().await?;
        self.bob_says(meanwhile);
        fs::copy(self.stage.registration(), &self.copy)?;
        self.synapse.up().await?;
        self.alice_sees(meanwhile).await
    }

    /// The 24 hours are over, as the book tells to end them at once.
    fn end_window(&self) -> anyhow::Result<()> {
        let text = fs::read_to_string(self.stage.registration())?;
        let lines = text.lines().filter(|line| !line.starts_with("magpie_previous_"));
        fs::write(self.stage.registration(), lines.map(|line| format!("{line}\n")).collect::<String>())?;
        Ok(())
    }

    /// Everything came once and in order, on both sides.
    async fn end(mut self) -> anyhow::Result<()> {
        let on_discord = self.discord.messages(self.world.general);
        let on_discord: Vec<_> = on_discord.into_iter().map(|message| message.content).collect();
        assert_eq!(on_discord, self.said);
        let in_matrix = self.alice.messages(&self.room).await?;
        let in_matrix: Vec<_> = in_matrix.iter().map(|event| event.body().to_owned()).collect();
        assert_eq!(in_matrix, self.said);
        assert!(self.bridge.stop().await?.success());
        self.synapse.stop().await
    }
}

/// Alice's room with the channel "general": she looks into each that the bot asks her into.
async fn general(alice: &Person) -> anyhow::Result<String> {
    let mut known: Vec<String> = Vec::new();
    loop {
        let invite = alice
            .wait_within(PATIENCE, |event| {
                event.is_invite_of(alice.id(), bot().as_str()) && !known.contains(&event.room)
            })
            .await?;
        known.push(invite.room.clone());
        alice.join(&invite.room).await?;
        let name = alice.state_of(&invite.room, "m.room.name", "").await?.unwrap_or_default();
        if name["name"] == "general" {
            return Ok(invite.room);
        }
    }
}

#[tokio::test]
async fn real_synapse_goes_on_before_while_and_after_it_reads_new_tokens() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let mut story = Story::begin().await?;
    story.both_ways("before").await?;
    let old = story.tokens();
    let rotated = call(story.stage.folder(), &["registration", "--rotate"], &[]).await?;
    rotated.must("the rotation", 0, &["Restart the bridge first"]);
    let new = story.tokens();
    assert!(new[0] != old[0] && new[1] != old[1], "they are new");
    story.both_ways("when nobody has read them").await?;

    story.restart_bridge("while the bridge is away").await?;
    story.both_ways("when only the bridge has read them").await?;
    let [of_old, of_new] = [story.bridge_answers(&old[1]).await?, story.bridge_answers(&new[1]).await?];
    assert_eq!([of_old, of_new], [StatusCode::OK, StatusCode::OK], "both count for a while");
    assert_eq!(story.bridge_answers("some-token-of-nobody-0123456789abcdef").await?, StatusCode::FORBIDDEN);
    assert_eq!(story.homeserver_answers(&new[0]).await?, StatusCode::UNAUTHORIZED, "it has the old file");

    story.restart_homeserver("while the homeserver is away").await?;
    story.both_ways("when both have read them").await?;
    assert_eq!(story.homeserver_answers(&old[0]).await?, StatusCode::UNAUTHORIZED, "it has the new file");

    story.end_window()?;
    story.restart_bridge("while the bridge is away again").await?;
    story.both_ways("when the old ones count no more").await?;
    let [of_old, of_new] = [story.bridge_answers(&old[1]).await?, story.bridge_answers(&new[1]).await?];
    assert_eq!([of_old, of_new], [StatusCode::FORBIDDEN, StatusCode::OK]);
    story.end().await
}
