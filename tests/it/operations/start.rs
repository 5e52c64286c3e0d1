//! What keeps the bridge from starting, each with its exit code, and what does not.

use std::{fs, time::Duration};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{BOT_TOKEN, DiscordSim, World, intents},
    harness::{
        bridge::{Bridge, BridgeOptions},
        postgres::Postgres,
        tools::{Component, need},
    },
    stage::{Cast, Stage},
};
use sqlx::{Connection, PgConnection};
use tokio::net::TcpListener;

use super::{PATIENCE, SERVER, command, desk, get, must_miss, portal};
use crate::operator::{cast, nowhere, with};

const TAKE_LOCK: &str =
    "SELECT pg_advisory_lock(hashtextextended('magpie ' || COALESCE(current_schema(), ''), 0))";
const WAITERS: &str = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
const END_BRIDGE: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'magpie'";

const ENDS_WITHIN: Duration = Duration::from_secs(30);

async fn small_world() -> anyhow::Result<DiscordSim> {
    DiscordSim::start(World::small().0).await
}

/// `run` with a changed configuration must end with this code and these words.
async fn must_end(
    stage: &Stage,
    change: impl FnOnce(String) -> String,
    ends: (i32, &[&str]),
) -> anyhow::Result<()> {
    let options = stage.options();
    let config = change(options.config.clone());
    let mut bridge = Bridge::spawn(BridgeOptions { config, ..options })?;
    let status = bridge.exited(ENDS_WITHIN).await?;
    assert_eq!(status.code(), Some(ends.0), "{}", bridge.log());
    for words in ends.1 {
        assert!(bridge.log().contains(words), "it does not say “{words}”:\n{}", bridge.log());
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_has_its_exit_code_and_words() -> anyhow::Result<()> {
    let discord = small_world().await?;
    let mut stage = Stage::set(cast(SERVER, &discord))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());

    let unknown = |text: String| with(&text, "listen:", "lisen:");
    must_end(&stage, unknown, (3, &["lisen", "config.yaml:", "Did you mean `listen`?"])).await?;

    let registration = fs::read_to_string(stage.registration())?;
    fs::write(stage.registration(), with(&registration, "hs_token: hs-", "hs_token: changeme-"))?;
    must_end(
        &stage,
        |text| text,
        (3, &["`hs_token` is still a placeholder", "`magpie-discord registration`"]),
    )
    .await?;
    fs::write(stage.registration(), registration)?;

    let database = format!("sqlite:{}", stage.folder().join("bridge.db").display());
    let folder = format!("sqlite:{}", stage.folder().display());
    must_end(&stage, |text| with(&text, &database, &folder), (5, &["cannot be reached", "`database.url`"]))
        .await?;
    let postgres = format!("postgres://magpie:hunter2@{}/magpie", nowhere()?);
    must_end(&stage, |text| with(&text, &database, &postgres), (5, &["a PostgreSQL server must run"]))
        .await?;

    let address = stage.url().trim_start_matches("http://").to_owned();
    let squatter = TcpListener::bind(&address).await?;
    let words = ["cannot listen on", &address, "`appservice.listen`"];
    must_end(&stage, |text| text, (1, &words)).await?;
    drop(squatter);

    let mut bridge = stage.start().await?;
    assert!(bridge.stop().await?.success());
    let file = rusqlite::Connection::open(stage.folder().join("bridge.db"))?;
    file.execute("INSERT INTO schema_version (version) VALUES (999)", [])?;
    drop(file);
    must_end(&stage, |text| text, (5, &["the database has schema 999", "run the newer version again"]))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_second_process_on_sqlite_is_refused_and_the_first_goes_on() -> anyhow::Result<()> {
    refuses_a_second(None).await
}

#[tokio::test]
async fn real_postgres_refuses_a_second_process() -> anyhow::Result<()> {
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let postgres = Postgres::start().await?;
    let database = postgres.create_database("bridge").await?;
    refuses_a_second(Some(database)).await?;
    postgres.stop().await
}

#[tokio::test]
async fn real_postgres_taken_over_by_another_ends_the_bridge() -> anyhow::Result<()> {
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let postgres = Postgres::start().await?;
    let database = postgres.create_database("bridge").await?;
    let discord = small_world().await?;
    let mut stage = Stage::set(Cast { database: Some(database.clone()), ..cast(SERVER, &discord) })?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let mut bridge = stage.start().await?;
    let room = portal(&fake).await;

    // Another process waits in line for the lock, and gets it when the bridge's session ends.
    let mut other = PgConnection::connect(&database).await?;
    let waiting = tokio::spawn(async move {
        sqlx::query(TAKE_LOCK).execute(&mut other).await?;
        sqlx::query("UPDATE lease SET token = token + 1").execute(&mut other).await?;
        anyhow::Ok(other)
    });
    let mut admin = PgConnection::connect(&database).await?;
    while sqlx::query(WAITERS).fetch_all(&mut admin).await?.is_empty() {
        tokio::task::yield_now().await;
    }
    sqlx::query(END_BRIDGE).execute(&mut admin).await?;
    let _other = waiting.await??;
    alice.sends(&room, "to nobody");
    let status = bridge.exited(ENDS_WITHIN).await?;
    assert_eq!(status.code(), Some(4), "{}", bridge.log());
    assert!(bridge.log().contains("another process took it over"), "{}", bridge.log());
    Ok(())
}

async fn refuses_a_second(database: Option<String>) -> anyhow::Result<()> {
    let discord = small_world().await?;
    let mut stage = Stage::set(Cast { database, ..cast(SERVER, &discord) })?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let mut first = stage.start().await?;
    must_end(&stage, |text| text, (4, &["another process already runs on this database"])).await?;
    assert!(get(&first, "/ready").await?.status.is_success());
    assert!(first.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn the_homeserver_may_come_later() -> anyhow::Result<()> {
    let discord = small_world().await?;
    let mut stage = Stage::set(cast(SERVER, &discord))?;
    let address = nowhere()?;
    stage.set_homeserver(&format!("http://{address}").parse()?);
    let mut bridge = stage.spawn()?;
    must_miss(&bridge, "homeserver", "the homeserver cannot be reached").await?;
    assert!(bridge.log().contains("The homeserver does not reach us yet"), "{}", bridge.log());
    let mut settings = stage.fake_settings();
    settings.listen = address;
    let fake = FakeHomeserver::start(settings).await?;
    bridge.ready().await?;
    fake.wait_until(|fake| fake.room_named("general")).await;
    assert!(bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn discord_may_come_later() -> anyhow::Result<()> {
    let address = nowhere()?;
    let platform = format!(
        "token: {BOT_TOKEN}\napi_url: http://{address}\ncdn_url: http://{address}/cdn\ngateway_hosts: [127.0.0.1]\n"
    );
    let placeholder = small_world().await?;
    let mut stage = Stage::set(Cast { platform, ..cast(SERVER, &placeholder) })?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let mut bridge = stage.spawn()?;
    must_miss(&bridge, "platform", "is not connected: ").await?;
    let desk = desk(&fake).await;
    let status = command(&fake, &desk, "status").await;
    assert!(status.contains("not connected, trying again: "), "{status}");
    let _discord = DiscordSim::start_on(World::small().0, address.port()).await?;
    bridge.ready().await?;
    fake.wait_until(|fake| fake.room_named("general")).await;
    assert!(bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_refused_token_is_named_with_its_remedy_everywhere() -> anyhow::Result<()> {
    let discord = small_world().await?;
    let mut cast = cast(SERVER, &discord);
    cast.platform =
        with(&cast.platform, &discord.token(), &format!("{}.of-an-earlier-time", &discord.token()[..26]));
    is_told_everywhere(cast, &["Discord does not take the bot's token", "Reset Token"]).await
}

#[tokio::test]
async fn a_missing_intent_is_named_with_its_remedy_everywhere() -> anyhow::Result<()> {
    let (mut world, _) = World::small();
    world.edit_application().privileged_intents &= !intents::MESSAGE_CONTENT;
    let discord = DiscordSim::start(world).await?;
    is_told_everywhere(cast(SERVER, &discord), &["Message Content Intent is off", "Switch it on"]).await
}

/// In `/ready`, in the log and by the `status` command.
async fn is_told_everywhere(cast: Cast, words: &[&str]) -> anyhow::Result<()> {
    let mut stage = Stage::set(cast)?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let mut bridge = stage.spawn()?;
    for words in words {
        must_miss(&bridge, "platform", words).await?;
        assert!(bridge.log().contains(words), "{}", bridge.log());
    }
    let desk = tokio::time::timeout(PATIENCE, desk(&fake)).await?;
    let status = command(&fake, &desk, "status").await;
    assert!(words.iter().all(|words| status.contains(words)), "{status}");
    assert!(!bridge.log().contains("of-an-earlier-time"), "the log holds no token");
    assert!(bridge.stop().await?.success());
    Ok(())
}
