//! New tokens while people talk: the homeserver still knows the old ones, and nothing is missed.

use std::fs;

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{DiscordSim, World},
    stage::Stage,
};

use super::{SERVER, portal};
use crate::operator::{call, cast};

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
    let old = ["as_token", "hs_token"].map(|key| token(&stage, key));

    let rotated = call(stage.folder(), &["registration", "--rotate"], &[]).await?;
    rotated.must("the rotation", 0, &["Restart the bridge first"]);
    assert!(old.iter().all(|token| !rotated.words.contains(token)));
    assert_eq!(["magpie_previous_as_token", "magpie_previous_hs_token"].map(|key| token(&stage, key)), old);
    assert!(["as_token", "hs_token"].map(|key| token(&stage, key)) != old, "they are new");
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
