//! JSON log lines: each is one object, and those about an event say which.

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{DiscordSim, World},
    harness::bridge::{Bridge, BridgeOptions},
    stage::Stage,
};
use serde_json::Value;

use super::{SERVER, command, desk, portal};
use crate::operator::{cast, with};

#[tokio::test]
async fn json_lines_about_an_event_bear_its_row() -> anyhow::Result<()> {
    let discord = DiscordSim::start(World::small().0).await?;
    let mut stage = Stage::set(cast(SERVER, &discord))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    fake.person("alice");
    let options = stage.options();
    let config = with(&options.config, "level: info\n", "level: info\n  format: json\n");
    let mut bridge = Bridge::start(BridgeOptions { config, ..options }).await?;
    portal(&fake).await;
    let desk = desk(&fake).await;
    let log = bridge.log();
    let lines: Vec<Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let made = lines.iter().find(|line| line["fields"]["message"] == "Made a room for a chat.");
    let span = &made.unwrap_or_else(|| panic!("no room was made:\n{log}"))["span"];
    assert_eq!((&span["name"], &span["direction"]), (&"event".into(), &"from_remote".into()), "{span}");
    let listening = lines.iter().find(|line| line["fields"]["message"] == "Listening for the homeserver.");
    assert!(listening.expect("it listens").get("span").is_none(), "that is about no event");
    let row = span["row"].as_i64().expect("a number");
    let trace = command(&fake, &desk, &format!("trace #{row}")).await;
    assert!(trace.contains("from Discord to Matrix"), "{trace}");
    assert!(bridge.stop().await?.success());
    Ok(())
}
