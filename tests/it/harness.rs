//! The harness itself: real servers start, restart and stop, people talk, and what is missing is named.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context;
use magpie_tests::harness::{
    bridge::{Bridge, BridgeOptions},
    person::PATIENCE,
    postgres::{Durability, Postgres},
    service::Service,
    synapse::{Database, Synapse, SynapseOptions},
    tools::{Component, Decision, Surroundings, decide, find, kept_logs, need},
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

const REGISTRATION: &str = "{id: nest, url: null, as_token: as-token-of-a-test, hs_token: hs-token-of-a-test, \
    sender_localpart: nestbot, namespaces: {}}";
const CALM: Surroundings = Surroundings { ci: false, quick: false };

#[tokio::test]
async fn real_synapse_on_sqlite_carries_a_conversation() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("registration.yaml");
    fs::write(&file, REGISTRATION)?;
    let options = SynapseOptions { registrations: vec![file], ..SynapseOptions::default() };
    let synapse = Synapse::start(options).await?;
    let url = format!("{}/_matrix/client/v3/account/whoami", synapse.url());
    let http = reqwest::Client::builder().no_proxy().build()?;
    let bot: Value = http.get(url).bearer_auth("as-token-of-a-test").send().await?.json().await?;
    assert_eq!(bot["user_id"], "@nestbot:magpie.test");
    two_people_talk(synapse).await
}

#[tokio::test]
async fn real_synapse_on_postgres_carries_a_conversation() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let postgres = Postgres::start_with(Durability::None).await?;
    let database = Database::Postgres(&postgres);
    let synapse = Synapse::start(SynapseOptions { database, ..SynapseOptions::default() }).await?;
    two_people_talk(synapse).await?;
    postgres.stop().await
}

/// Alice and Bob meet, talk in every way the harness knows, and go on after the homeserver's restart.
async fn two_people_talk(mut synapse: Synapse) -> anyhow::Result<()> {
    let alice = synapse.person("alice").await?;
    let bob = synapse.person("bob").await?;
    assert_eq!(alice.id(), "@alice:magpie.test");
    alice.set_display_name("Alice").await?;
    let picture = alice.upload("a.png", "image/png", vec![1, 2, 3]).await?;
    alice.set_avatar(&picture).await?;
    assert_eq!(bob.profile(alice.id()).await?["displayname"], "Alice");
    assert_eq!(bob.download(&picture).await?, [1, 2, 3]);

    let room = alice.create_room("A nest", &[bob.id()]).await?;
    assert_eq!(bob.wait_for_invite(alice.id()).await?.room, room);
    bob.join(&room).await?;
    let question = alice.send_text(&room, "Is the nest ready?").await?;
    assert_eq!(bob.wait_for_text(&room, "Is the nest ready?").await?.id(), question);
    bob.send_reply(&room, &question, "Nearly.").await?;
    let answer = alice.wait_for_text(&room, "Nearly.").await?;
    assert_eq!(answer.content()["m.relates_to"]["m.in_reply_to"]["event_id"], question.as_str());
    bob.send_html(&room, "Very nearly.", "<em>Very</em> nearly.").await?;
    assert_eq!(alice.wait_for_text(&room, "Very nearly.").await?.html(), "<em>Very</em> nearly.");
    bob.read(&room, &question).await?;
    alice.wait_for(&room, |event| event.kind() == "m.receipt").await?;

    let never = bob.wait_within(Duration::from_millis(1), |event| event.body() == "Goodbye.").await;
    let message = format!("{:#}", never.err().context("nobody said that")?);
    assert!(message.contains("@bob:magpie.test did not see it") && message.contains("Nearly."), "{message}");

    synapse.restart().await?;
    let last = alice.send_text(&room, "Still there?").await?;
    assert_eq!(bob.wait_for_text(&room, "Still there?").await?.id(), last);
    alice.redact(&room, &last).await?;
    bob.wait_for(&room, |event| event.kind() == "m.room.redaction").await?;

    let said: Vec<String> = bob.messages(&room).await?.iter().map(|event| event.body().to_owned()).collect();
    assert_eq!(said, ["Is the nest ready?", "Nearly.", "Very nearly.", ""]);
    assert_eq!(alice.state_of(&room, "m.room.name", "").await?.context("the name")?["name"], "A nest");
    synapse.stop().await
}

#[tokio::test]
async fn real_postgres_keeps_its_data_over_a_restart() -> anyhow::Result<()> {
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let mut postgres = Postgres::start().await?;
    let url = postgres.create_database("nest").await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql("CREATE TABLE egg (n INT); INSERT INTO egg VALUES (4)").execute(&mut connection).await?;
    drop(connection);
    postgres.restart().await?;
    let mut connection = PgConnection::connect(&url).await?;
    let (eggs,): (i32,) = sqlx::query_as("SELECT n FROM egg").fetch_one(&mut connection).await?;
    assert_eq!(eggs, 4);
    assert!(postgres.create_database("x; DROP TABLE egg").await.is_err());
    connection.close().await?;
    postgres.stop().await
}

#[tokio::test]
async fn homeserver_that_is_away_is_named() -> anyhow::Result<()> {
    let unreachable = magpie_tests::harness::person::Person::enter("http://127.0.0.1:9", "alice").await;
    let message = format!("{:#}", unreachable.err().context("nobody listens there")?);
    assert!(message.contains("the homeserver cannot be reached"), "{message}");
    Ok(())
}

#[test]
fn missing_component_skips_by_name_and_fails_in_ci() -> anyhow::Result<()> {
    let missing = || find(Component::Judge("no-such-judge"));
    let Decision::Skip(line) = decide("harness::a_test", missing(), CALM) else {
        anyhow::bail!("not skipped")
    };
    assert!(
        line.starts_with("skipped harness::a_test: the judge no-such-judge is not installed in "),
        "{line}"
    );
    assert!(line.ends_with("`cargo xtask test` does that"), "{line}");
    let Decision::Fail(line) = decide("a_test", missing(), Surroundings { ci: true, ..CALM }) else {
        anyhow::bail!("not failed")
    };
    assert!(line.contains("CI=true"), "{line}");
    Ok(())
}

#[test]
fn present_component_is_used_unless_the_run_is_quick() {
    let found = || Ok(PathBuf::from("there"));
    assert_eq!(decide("a_test", found(), CALM), Decision::Use("there".into()));
    let quick = Surroundings { quick: true, ci: true };
    assert!(matches!(decide("a_test", found(), quick), Decision::Skip(line) if line.contains("quick run")));
}

#[tokio::test]
async fn failed_story_leaves_its_log() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("output.log");
    let mut command = Command::new("sh");
    command.args(["-c", "echo this is why; exec sleep 600"]);
    let mut service = Service::spawn("A Story", command, &log)?;
    service.until(PATIENCE, async || fs::read_to_string(&log).is_ok_and(|log| log.contains("why"))).await?;
    let kept = kept_logs().join(format!("a-story-{}.log", service.id().context("it runs")?));
    drop(service);
    assert_eq!(fs::read_to_string(&kept)?, "this is why\n");
    fs::remove_file(kept)?;
    Ok(())
}

#[tokio::test]
async fn service_that_ends_at_its_start_shows_its_log() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such file; exit 3"]);
    let mut service = Service::spawn("A Story", command, &folder.path().join("output.log"))?;
    let message = format!("{:#}", service.until(PATIENCE, async || false).await.err().context("it ended")?);
    assert_eq!(message, "A Story ended at its start (exit status: 3); its log:\nno such file");
    service.exited(PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn program_that_is_not_built_is_named() -> anyhow::Result<()> {
    let options = BridgeOptions { program: "magpie-dodo".into(), ..BridgeOptions::default() };
    let message = format!("{:#}", Bridge::start(options).await.err().context("there is no such program")?);
    assert!(message.contains("magpie-dodo is not built; `cargo build --workspace` does that"), "{message}");
    Ok(())
}
