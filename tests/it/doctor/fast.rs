//! Faults that show without a real homeserver.

use std::fs;

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    discord::{DiscordSim, SmallWorld, World, intents, permissions},
    stage::Stage,
};
use tokio::net::TcpListener;

use crate::operator::{Ended, call, cast, doctor, nowhere, with};

const SERVER: &str = "example.org";

/// A set-up in which everything is in order.
struct Healthy {
    stage: Stage,
    fake: FakeHomeserver,
    discord: DiscordSim,
}

impl Healthy {
    async fn start() -> anyhow::Result<Self> {
        Self::in_world(|_, _| {}).await
    }

    async fn in_world(change: impl FnOnce(&mut World, SmallWorld)) -> anyhow::Result<Self> {
        let (mut world, small) = World::small();
        change(&mut world, small);
        let discord = DiscordSim::start(world).await?;
        let mut stage = Stage::set(cast(SERVER, &discord))?;
        let fake = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&fake.url());
        Ok(Self { stage, fake, discord })
    }

    /// The doctor's words on the configuration with one text in the place of another.
    async fn with(&self, old: &str, new: &str) -> anyhow::Result<Ended> {
        doctor(&self.stage, |text| with(&text, old, new)).await
    }

    fn database(&self) -> String {
        format!("sqlite:{}", self.stage.folder().join("bridge.db").display())
    }

    fn listen(&self) -> String {
        self.stage.url().trim_start_matches("http://").to_owned()
    }
}

#[tokio::test]
async fn a_healthy_set_up_is_in_order_and_left_as_it_was() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let ended = doctor(&healthy.stage, |text| text).await?;
    ended.must("healthy", 0, &["way back from the homeserver: a ping came back", "Everything is in order."]);
    let looks = [
        "clock: the same as",
        "flags of the registration",
        "media of the homeserver",
        "disk of the database",
        "disk for files",
    ];
    ended.must("healthy", 0, &looks);
    for line in ended.words.lines().filter(|line| *line != "Everything is in order.") {
        assert!(line.starts_with("ok    "), "{line}");
    }
    ended.must_not_say("healthy", &healthy.discord.token());
    assert!(!healthy.stage.folder().join("bridge.db").exists(), "the doctor makes no database");
    Ok(())
}

#[tokio::test]
async fn a_wrong_configuration_is_named_with_line_and_column() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let missing = call(healthy.stage.folder(), &["--config", "nowhere.yaml", "doctor"], &[]).await?;
    missing.must("no file", 3, &["nowhere.yaml", "magpie-discord init"]);
    let unknown = healthy.with("durability:", "durabilty:").await?;
    unknown.must("unknown key", 3, &[&place(&healthy, "durability"), "durabilty", "help:", "durability"]);
    let wrong = healthy.with("create_portals: at_start", "create_portals: 7").await?;
    wrong.must("wrong type", 3, &[&place(&healthy, "at_start"), "help:", "at_start"]);
    let both = doctor(&healthy.stage, |text| {
        with(&with(&text, "durability: full", "durability: half"), "level: info", "level: loud")
    });
    both.await?.must("two at once", 3, &["half", "loud", "2 problems"]);
    let url = healthy.with("homeserver:\n  url: http:", "homeserver:\n  url: htp:").await?;
    url.must("bad address", 3, &[&place(&healthy, "http"), "http"]);
    Ok(())
}

#[tokio::test]
async fn a_placeholder_in_the_registration_is_refused() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let file = healthy.stage.registration();
    let text = fs::read_to_string(&file)?;
    let token = text.lines().find_map(|line| line.strip_prefix("hs_token: ")).expect("it has a token");
    fs::write(&file, with(&text, token, "CHANGE_ME_TO_SOMETHING_LONG_AND_RANDOM"))?;
    let ended = doctor(&healthy.stage, |text| text).await?;
    let words = [
        "FAULT registration",
        "`hs_token` is still a placeholder",
        "what to do: Run `magpie-discord registration`",
    ];
    ended.must("placeholder", 3, &words);
    ended.must("the rest is still checked", 3, &["ok    database", "ok    token"]);
    fs::remove_file(&file)?;
    let ended = doctor(&healthy.stage, |text| text).await?;
    ended.must("no registration", 3, &["cannot be read", "`magpie-discord registration`"]);
    Ok(())
}

#[tokio::test]
async fn flags_that_an_old_registration_lacks_are_named() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let file = healthy.stage.registration();
    let text = fs::read_to_string(&file)?;
    fs::write(&file, with(&text, "receive_ephemeral: true\n", ""))?;
    let ended = doctor(&healthy.stage, |text| text).await?;
    let words = [
        "FAULT flags of the registration: these are missing: receive_ephemeral: true",
        "which keeps the tokens",
        "1 fault found.",
    ];
    ended.must("an old registration", 1, &words);
    Ok(())
}

#[tokio::test]
async fn faults_of_the_homeservers_side_are_told_apart() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let fake_url = healthy.fake.url().as_str().trim_end_matches('/').to_owned();
    let away = healthy.with(&fake_url, &format!("http://{}", nowhere()?)).await?;
    away.must(
        "away",
        1,
        &["FAULT homeserver: ", "cannot be reached", "what to do: See that the homeserver runs"],
    );
    away.must("the rest is still checked", 1, &["ok    database", "ok    token"]);

    let wrong_page = healthy.with(&fake_url, &healthy.discord.origin()).await?;
    wrong_page.must("no homeserver", 1, &["FAULT homeserver: ", "`homeserver.url`"]);

    let other = Stage::set(cast(SERVER, &healthy.discord))?;
    let text = fs::read_to_string(other.registration())?;
    fs::write(other.registration(), with(&text, "as_token: as-", "as_token: another-as-"))?;
    let unknown =
        doctor(&other, |text| with(&text, "http://127.0.0.1:9\n", &format!("{fake_url}\n"))).await?;
    let words =
        ["FAULT registration at the homeserver", "`as_token`", "`app_service_config_files`", "restart"];
    unknown.must("not loaded", 1, &words);

    healthy.fake.set_appservice_url(&format!("http://{}", nowhere()?));
    let deaf = doctor(&healthy.stage, |text| text).await?;
    deaf.must(
        "no way back",
        1,
        &["FAULT way back", "did not come back", "set `appservice.url`", &healthy.listen()],
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_server_name_is_named() -> anyhow::Result<()> {
    let (world, _) = World::small();
    let discord = DiscordSim::start(world).await?;
    let mut stage = Stage::set(cast("wrong.example", &discord))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let ended = doctor(&stage, |text| text).await?;
    let words = [
        "the homeserver's name is example.org, and the configuration says wrong.example",
        "Set `homeserver.server_name` to example.org",
    ];
    ended.must("wrong name", 1, &words);
    Ok(())
}

#[tokio::test]
async fn faults_of_the_database_are_told_apart() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let database = healthy.database();
    let folder = healthy.stage.folder().join("a folder");
    fs::create_dir(&folder)?;
    let taken = healthy.with(&database, &format!("sqlite:{}", folder.display())).await?;
    taken.must(
        "a folder in its place",
        1,
        &["FAULT database: ", "a folder", "what to do: Look at ", "may write to"],
    );
    let missing = healthy.with(&database, &format!("sqlite:{}/gone/bridge.db", folder.display())).await?;
    missing.must("no folder", 1, &["FAULT database: ", "gone", "`database.url`"]);
    let noise = healthy.stage.folder().join("noise.db");
    fs::write(&noise, "this is no database. ".repeat(200))?;
    let damaged = healthy.with(&database, &format!("sqlite:{}", noise.display())).await?;
    damaged.must("damaged", 1, &["FAULT database: the database is damaged", "restore the newest backup"]);
    let postgres = format!("postgres://magpie:hunter2@{}/magpie", nowhere()?);
    let away = healthy.with(&database, &postgres).await?;
    away.must("PostgreSQL away", 1, &["FAULT database: ", "cannot be reached", "See that PostgreSQL runs"]);
    away.must_not_say("PostgreSQL away", "hunter2");

    let mut bridge = healthy.stage.start().await?;
    let held = doctor(&healthy.stage, |text| text).await?;
    held.must("running", 0, &["ok    database: in use by the running bridge", "ok    way back"]);
    assert!(bridge.stop().await?.success());
    let used = doctor(&healthy.stage, |text| text).await?;
    used.must("used before", 0, &["ok    database: opens, and is of this version"]);
    used.must("used before", 0, &["ok    saved accounts: none"]);
    let file = healthy.stage.folder().join("bridge.db");
    let restored = "INSERT INTO login (id, owner, name, secret, saved_ms) VALUES ('1', '@p:example.org', 'P', '1.c2VhbGVk', 1)";
    rusqlite::Connection::open(&file)?.execute(restored, [])?;
    let locked = doctor(&healthy.stage, |text| text).await?;
    locked.must(
        "another key",
        1,
        &[
            "FAULT saved accounts: 1 of 1 were sealed with another key",
            "what to do: Put back the registration",
        ],
    );
    rusqlite::Connection::open(&file)?.execute("INSERT INTO schema_version (version) VALUES (999)", [])?;
    let newer = doctor(&healthy.stage, |text| text).await?;
    newer.must("newer", 1, &["the database has schema 999", "run the newer version again"]);
    Ok(())
}

#[tokio::test]
async fn an_address_that_cannot_be_listened_on_is_named() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let listen = healthy.listen();
    let elsewhere = format!("listen: 192.0.2.1:29334\n  url: http://{listen}");
    let foreign = healthy.with(&format!("listen: {listen}"), &elsewhere).await?;
    foreign.must(
        "not of this machine",
        1,
        &["cannot listen on 192.0.2.1:29334", "an address of this machine"],
    );

    let squatter = TcpListener::bind(&listen).await?;
    let squatting = tokio::spawn(async move {
        // Whoever calls is turned away without a word.
        while let Ok((stream, _)) = squatter.accept().await {
            drop(stream);
        }
    });
    let taken = doctor(&healthy.stage, |text| text).await?;
    taken.must(
        "taken",
        1,
        &["something else listens on", "Stop the program that uses", "`appservice.listen`"],
    );
    squatting.abort();
    Ok(())
}

#[tokio::test]
async fn discord_away_and_a_token_that_it_refuses_are_told_apart() -> anyhow::Result<()> {
    let healthy = Healthy::start().await?;
    let origin = healthy.discord.origin();
    let away =
        healthy.with(&format!("api_url: {origin}"), &format!("api_url: http://{}", nowhere()?)).await?;
    away.must("away", 1, &["FAULT API: ", "what to do: Check that this machine reaches http://127.0.0.1"]);
    let token = healthy.discord.token();
    let old = format!("token: {token}");
    let refused = healthy.with(&old, &format!("token: {}.of-an-earlier-time", &token[..26])).await?;
    refused.must(
        "refused",
        1,
        &["FAULT token: Discord does not take the bot's token", "Reset Token", "`platform.token`"],
    );
    refused.must_not_say("refused", "of-an-earlier-time");
    let placeholder = healthy.with(&old, "token: your-token").await?;
    placeholder.must("placeholder", 3, &["`token` is still a placeholder", "developers/applications"]);
    Ok(())
}

#[tokio::test]
async fn what_the_bot_lacks_on_discord_is_named() -> anyhow::Result<()> {
    let blind = Healthy::in_world(|world, _| {
        world.edit_application().privileged_intents &= !intents::MESSAGE_CONTENT;
    });
    let ended = doctor(&blind.await?.stage, |text| text).await?;
    ended.must("intent", 1, &["FAULT intents: ", "switch on Message Content Intent", "developer portal"]);

    let lonely = Healthy::in_world(|world, _| *world = World::new());
    let ended = doctor(&lonely.await?.stage, |text| text).await?;
    ended.must(
        "no server",
        1,
        &["FAULT servers: the bot is in no server", "https://discord.com/oauth2/authorize?client_id="],
    );

    let weak = Healthy::in_world(|world, small| {
        for role in world.edit_guild(small.guild).roles.values_mut() {
            role.permissions &= !permissions::MANAGE_WEBHOOKS;
        }
    });
    let weak = weak.await?;
    let ended = doctor(&weak.stage, |text| text).await?;
    ended.must(
        "permission",
        1,
        &[
            "FAULT permissions in Birds: the bot lacks Manage Webhooks",
            "give the bot's role: Manage Webhooks",
        ],
    );

    let elsewhere = weak.with("gateway_hosts:", "guilds: [\"123456789012345678\"]\n  gateway_hosts:").await?;
    elsewhere.must("another server", 1, &["FAULT servers: ", "`platform.guilds`"]);
    Ok(())
}

/// Line and column of the first appearance of `text` in the configuration, as a complaint writes them.
fn place(healthy: &Healthy, text: &str) -> String {
    let config = healthy.stage.config_text();
    let (above, _) = config.split_once(text).expect("it is in the configuration");
    let column = above.rsplit('\n').next().unwrap_or_default().len() + 1;
    format!("examined.yaml:{}:{column}: ", above.matches('\n').count() + 1)
}
