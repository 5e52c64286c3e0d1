//! What only a real homeserver can tell, with files that `init` wrote.

use std::{fs, net::SocketAddr, path::PathBuf};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{DiscordSim, World},
    harness::{
        ports::free_port,
        postgres::Postgres,
        synapse::{Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::{Cast, Stage},
};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::operator::{Ended, call, cast, nowhere, with};

const SERVER: &str = "magpie.test";

/// A bridge whose files the program itself wrote.
struct Own {
    folder: TempDir,
    listen: SocketAddr,
    environment: Vec<(String, String)>,
}

impl Own {
    /// `init` with flags; what it does not ask for comes from the environment, as in a container.
    async fn init(discord: &DiscordSim) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("magpie-init-").tempdir()?;
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let environment = vec![
            ("MAGPIE_APPSERVICE__LISTEN".to_owned(), listen.to_string()),
            ("MAGPIE_DISCORD_TOKEN".to_owned(), discord.token()),
            ("MAGPIE_DISCORD_GATEWAY_HOSTS".to_owned(), "127.0.0.1".to_owned()),
        ];
        let own = Self { folder, listen, environment };
        let api = format!("api_url={}", discord.origin());
        let cdn = format!("cdn_url={}", discord.cdn_url());
        let admin = format!("@alice:{SERVER}");
        let arguments =
            ["init", "--yes", "--server-name", SERVER, "--admin", &admin, "--set", &api, "--set", &cdn];
        let written = own.call(&arguments).await?;
        written.must(
            "init",
            0,
            &["Wrote ", "registration.yaml", "app_service_config_files", "magpie-discord --config"],
        );
        written.must_not_say("init", &discord.token());
        Ok(own)
    }

    fn registration(&self) -> PathBuf {
        self.folder.path().join("registration.yaml")
    }

    async fn call(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        call(self.folder.path(), arguments, &self.environment).await
    }

    /// `doctor`, with one more variable.
    async fn doctor(&self, name: &str, value: &str) -> anyhow::Result<Ended> {
        let mut environment = self.environment.clone();
        environment.push((name.to_owned(), value.to_owned()));
        call(self.folder.path(), &["doctor"], &environment).await
    }

    fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }
}

#[tokio::test]
async fn real_synapse_is_diagnosed_from_the_first_file_to_the_running_bridge() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let (world, _) = World::small();
    let discord = DiscordSim::start(world).await?;
    let mut own = Own::init(&discord).await?;
    own.call(&["check-config"]).await?.must("check-config", 0, &["ok"]);
    own.call(&["init", "--yes"]).await?.must("init again", 2, &["is already there", "--force"]);

    let options = SynapseOptions {
        registrations: vec![own.registration()],
        server_name: SERVER.to_owned(),
        ..SynapseOptions::default()
    };
    let synapse = Synapse::start(options).await?;
    own.set("MAGPIE_HOMESERVER__URL", &synapse.url());
    let healthy = own.call(&["doctor"]).await?;
    healthy.must(
        "healthy",
        0,
        &["a ping came back after", "we are @discordbot:magpie.test", "Everything is in order."],
    );
    for line in healthy.words.lines().filter(|line| *line != "Everything is in order.") {
        assert!(line.starts_with("ok    "), "{line}");
    }

    broken_at_synapse(&own, &discord, &synapse).await?;

    synapse.stop().await?;
    let away = own.call(&["doctor"]).await?;
    away.must("away", 1, &["FAULT homeserver: the homeserver cannot be reached", "`homeserver.url`"]);
    discord.stop().await;
    Ok(())
}

async fn broken_at_synapse(own: &Own, discord: &DiscordSim, synapse: &Synapse) -> anyhow::Result<()> {
    // The homeserver calls the address in the registration, and there nobody is.
    let listen = nowhere()?.to_string();
    let url = format!("http://{}", own.listen);
    let mut moved = own.environment.clone();
    moved.push(("MAGPIE_APPSERVICE__URL".to_owned(), url));
    moved[0].1 = listen;
    let deaf = call(own.folder.path(), &["doctor"], &moved).await?;
    deaf.must(
        "no way back",
        1,
        &["FAULT way back", "did not come back", "set `appservice.url`", "restart the homeserver"],
    );

    let squatter = TcpListener::bind(own.listen).await?;
    let squatting = tokio::spawn(async move {
        while let Ok((stream, _)) = squatter.accept().await {
            drop(stream);
        }
    });
    let taken = own.call(&["doctor"]).await?;
    taken.must("taken", 1, &["something else listens on", "Stop the program that uses"]);
    squatting.abort();
    let _ = squatting.await;

    // Another bridge's registration, which this homeserver never read.
    let mut stage = Stage::set(cast(SERVER, discord))?;
    stage.set_homeserver(&synapse.url().parse()?);
    let unknown = crate::operator::doctor(&stage, |text| text).await?;
    let words = [
        "FAULT registration at the homeserver",
        "does not know our `as_token`",
        "`app_service_config_files`",
    ];
    unknown.must("not loaded", 1, &words);

    // The name is wrong in the configuration, and the registration was written anew from it.
    let kept = fs::read_to_string(own.registration())?;
    fs::write(own.registration(), with(&kept, "magpie\\.test", "magpie\\.example"))?;
    let named = own.doctor("MAGPIE_HOMESERVER__SERVER_NAME", "magpie.example").await?;
    fs::write(own.registration(), &kept)?;
    named.must(
        "wrong name",
        1,
        &["the homeserver's name is magpie.test", "Set `homeserver.server_name` to magpie.test"],
    );

    // The homeserver still has the registration of before.
    let token = kept.lines().find_map(|line| line.strip_prefix("hs_token: ")).expect("it has a token");
    fs::write(own.registration(), with(&kept, token, "\"0123456789abcdef0123456789abcdef0123456789\""))?;
    let stale = own.call(&["doctor"]).await?;
    fs::write(own.registration(), &kept)?;
    stale.must(
        "another hs_token",
        1,
        &["FAULT way back", "the homeserver has read an older file: restart it"],
    );
    Ok(())
}

#[tokio::test]
async fn real_postgres_is_diagnosed_before_while_and_after_it_is_used() -> anyhow::Result<()> {
    let Some(_) = need(Component::Postgres) else { return Ok(()) };
    let mut postgres = Postgres::start().await?;
    let database = postgres.create_database("bridge").await?;
    let (world, _) = World::small();
    let discord = DiscordSim::start(world).await?;
    let mut stage = Stage::set(Cast { database: Some(database.clone()), ..cast("example.org", &discord) })?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let examine = async || crate::operator::doctor(&stage, |text| text).await;
    examine().await?.must("fresh", 0, &["ok    database: is made at the first start"]);
    let mut bridge = stage.start().await?;
    examine().await?.must("running", 0, &["ok    database: in use by the running bridge"]);
    assert!(bridge.stop().await?.success());
    examine().await?.must("used before", 0, &["ok    database: opens, and is of this version"]);

    let mut connection = PgConnection::connect(&database).await?;
    sqlx::query("INSERT INTO schema_version (version) VALUES (999)").execute(&mut connection).await?;
    connection.close().await?;
    examine().await?.must("newer", 1, &["the database has schema 999", "run the newer version again"]);

    let missing =
        crate::operator::doctor(&stage, |text| with(&text, &database, &postgres.url("nowhere"))).await?;
    missing.must("no such database", 1, &["FAULT database: ", "nowhere", "See that PostgreSQL runs"]);
    postgres.down().await?;
    examine().await?.must("away", 1, &["FAULT database: the database cannot be reached", "`database.url`"]);
    Ok(())
}
