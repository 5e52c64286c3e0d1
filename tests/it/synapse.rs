//! Bridges of ours at a real Synapse: rooms, ghosts, words both ways, on SQLite and on PostgreSQL.

use magpie_tests::{
    harness::{
        person::Person,
        postgres::Postgres,
        synapse::{Database, Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::{Cast, Stage},
};

const SERVER: &str = "magpie.test";

fn cast(database: Option<String>) -> Cast {
    Cast {
        id: "echo",
        server_name: SERVER.to_owned(),
        homeserver: String::new(),
        database,
        durability: "full",
        admin: format!("@alice:{SERVER}"),
        platform: "answer_in: same\nannounce_chats: 1\n".to_owned(),
        environment: Vec::new(),
    }
}

#[tokio::test]
async fn real_synapse_on_sqlite_hops_both_ways() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    story(Database::Sqlite, None).await
}

#[tokio::test]
async fn real_synapse_on_postgres_hops_both_ways() -> anyhow::Result<()> {
    let (Some(_), Some(_)) = (need(Component::Synapse), need(Component::Postgres)) else { return Ok(()) };
    let postgres = Postgres::start().await?;
    let database = postgres.create_database("bridge").await?;
    story(Database::Postgres(&postgres), Some(database)).await?;
    postgres.stop().await
}

async fn story(at: Database<'_>, database: Option<String>) -> anyhow::Result<()> {
    let mut stage = Stage::set(cast(database))?;
    let options = SynapseOptions {
        database: at,
        registrations: vec![stage.registration()],
        server_name: SERVER.to_owned(),
    };
    let synapse = Synapse::start(options).await?;
    stage.set_homeserver(&synapse.url().parse()?);
    let alice = synapse.person("alice").await?;
    let mut bridge = stage.start().await?;

    let room = invited(&alice, "echobot").await?;
    alice.send_html(&room, "one bold word", "one <b>bold</b> word").await?;
    let echo = alice
        .wait_for(&room, |event| event.sender() != alice.id() && event.kind() == "m.room.message")
        .await?;
    assert!(echo.sender().starts_with("@echo_"), "{}", echo.summary());
    assert_eq!(echo.body(), "one bold word");

    let answered = alice.send_text(&room, "!echo status").await?;
    let status = alice.wait_for(&room, |event| event.body().starts_with("Running for")).await?;
    assert_eq!(status.sender(), format!("@echobot:{SERVER}"));
    alice.send_text(&room, &format!("!echo trace {answered}")).await?;
    alice.wait_for(&room, |event| event.body().contains(": delivered")).await?;

    // The room is found again, and what is said while the bridge is away arrives when it is back.
    bridge.kill().await?;
    alice.send_text(&room, "said into the silence").await?;
    bridge.respawn()?;
    alice
        .wait_for(&room, |event| {
            event.body() == "said into the silence" && event.sender().starts_with("@echo_")
        })
        .await?;
    let echoes =
        alice.messages(&room).await?.iter().filter(|event| event.sender().starts_with("@echo_")).count();
    assert_eq!(echoes, 2, "each message has one echo");
    assert!(bridge.stop().await?.success());
    synapse.stop().await?;
    Ok(())
}

/// The first portal that the bridge invites to.
async fn invited(alice: &Person, bot: &str) -> anyhow::Result<String> {
    let invite = alice.wait_for_invite(&format!("@{bot}:{SERVER}")).await?;
    alice.join(&invite.room).await
}
