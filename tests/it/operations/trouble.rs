//! Trouble while the bridge runs: strangers, nonsense in a transaction, a stop in the middle of work.

use std::fs;

use magpie_common::testkit::fake_homeserver::{FakeHomeserver, Fault};
use magpie_tests::{
    discord::{DiscordSim, FileBytes, SmallWorld, World},
    harness::bridge::Bridge,
    stage::Stage,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{SERVER, command, desk, get, portal};
use crate::operator::cast;

/// A bridge at work between a homeserver and a Discord.
struct Running {
    bridge: Bridge,
    fake: FakeHomeserver,
    discord: DiscordSim,
    small: SmallWorld,
    stage: Stage,
}

impl Running {
    async fn start() -> anyhow::Result<Self> {
        let (world, small) = World::small();
        let discord = DiscordSim::start(world).await?;
        let mut stage = Stage::set(cast(SERVER, &discord))?;
        let fake = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&fake.url());
        fake.person("alice");
        let bridge = stage.start().await?;
        Ok(Self { bridge, fake, discord, small, stage })
    }

    fn hs_token(&self) -> String {
        let text = fs::read_to_string(self.stage.registration()).expect("the stage wrote it");
        text.lines().find_map(|line| line.strip_prefix("hs_token: ")).expect("it has one").to_owned()
    }

    /// The status and the Matrix error code of a call with this token.
    async fn call(&self, method: Method, path: &str, token: Option<&str>) -> anyhow::Result<(u16, String)> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let request = http.request(method, format!("{}{path}", self.bridge.url())).body(r#"{"events":[]}"#);
        let answer = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = answer.send().await?;
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await?)?;
        Ok((status, body["errcode"].as_str().unwrap_or_default().to_owned()))
    }

    fn contents(&self) -> Vec<String> {
        self.discord.messages(self.small.general).into_iter().map(|message| message.content).collect()
    }
}

#[tokio::test]
async fn strangers_get_nothing() -> anyhow::Result<()> {
    let mut running = Running::start().await?;
    let good = running.hs_token();
    let wrong = format!("{}x", &good[..good.len() - 1]);
    let (put, post) = (|| Method::PUT, || Method::POST);
    let transaction = "/_matrix/app/v1/transactions/1";
    let refused = (403, "M_FORBIDDEN".to_owned());
    for path in [transaction, "/_matrix/app/v1/transactions/%00"] {
        assert_eq!(running.call(put(), path, None).await?, refused, "{path}");
        assert_eq!(running.call(put(), path, Some(&wrong)).await?, refused, "{path}");
        assert_eq!(running.call(put(), path, Some("")).await?, refused, "{path}");
    }
    for path in ["/_matrix/app/v1/users/@discordbot:example.org", "/_matrix/app/v1/rooms/%23a:example.org"] {
        assert_eq!(running.call(Method::GET, path, Some(&wrong)).await?, refused, "{path}");
    }
    assert_eq!(running.call(post(), "/_matrix/app/v1/ping", None).await?, refused);
    assert_eq!(running.call(put(), transaction, Some(&good)).await?, (200, String::new()));

    let nothing = |status| (status, "M_UNRECOGNIZED".to_owned());
    for path in
        ["/", "/admin", "/_matrix/app/v1/thirdparty/protocol/x", "/_matrix/client/versions", "/metrics/x"]
    {
        assert_eq!(running.call(Method::GET, path, Some(&good)).await?, nothing(404), "{path}");
    }
    assert_eq!(running.call(Method::DELETE, transaction, Some(&good)).await?, nothing(405));
    assert_eq!(running.call(post(), "/metrics", Some(&good)).await?, nothing(405));
    assert!(running.bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn an_unreadable_event_is_parked_with_its_reason_and_the_rest_goes_on() -> anyhow::Result<()> {
    let mut running = Running::start().await?;
    let room = portal(&running.fake).await;
    let desk = desk(&running.fake).await;
    let alice = running.fake.person("alice");
    running.fake.pause_pushes();
    alice.sends(&room, "before");
    let odd =
        json!({ "event_id": "$odd", "room_id": room, "sender": 5, "type": "m.room.message", "content": {} });
    running.fake.push_raw(&odd.to_string());
    alice.sends(&room, "after");
    running.fake.resume_pushes();
    let small = running.small;
    running.discord.wait_for_message(small.general, |message| message.content == "after").await?;
    assert_eq!(running.contents(), ["before", "after"]);

    let failed = command(&running.fake, &desk, "failed").await;
    assert!(failed.contains("failed, to Discord") && failed.contains("expected"), "{failed}");
    let trace = command(&running.fake, &desk, "trace $odd").await;
    assert!(trace.contains("from Matrix to Discord, part 0: failed") && trace.contains("parked"), "{trace}");
    let status = command(&running.fake, &desk, "status").await;
    assert!(status.contains("1 parked; `!discord failed` lists them."), "{status}");

    // It can be given up, and then nothing is left.
    let number = failed.lines().nth(1).and_then(|line| line.split(':').next()).expect("it has a number");
    let dropped = command(&running.fake, &desk, &format!("drop {number}")).await;
    assert!(dropped.contains("is given up"), "{dropped}");
    assert_eq!(command(&running.fake, &desk, "failed").await, "Nothing has failed.");
    assert!(running.bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn the_metrics_count_and_name_nobody() -> anyhow::Result<()> {
    let mut running = Running::start().await?;
    let room = portal(&running.fake).await;
    running.fake.person("alice").sends(&room, "to be counted");
    let small = running.small;
    running.discord.wait_for_message(small.general, |message| message.content == "to be counted").await?;
    running.discord.person_sends(small.general, small.bob, "and back");
    running.fake.wait_for_body(&room, "and back").await;
    let metrics = get(&running.bridge, "/metrics").await?;
    assert_eq!(metrics.status, StatusCode::OK);
    for name in [
        "magpie_messages_total{direction=\"from_matrix\",outcome=\"delivered\"}",
        "magpie_remote_events_total{kind=\"message\"}",
        "magpie_logins{state=\"connected\"} 1",
        "magpie_delivery_seconds_count{direction=\"from_matrix\"}",
        "magpie_delivery_seconds_count{direction=\"from_remote\"}",
        "magpie_database_commit_seconds_count",
        "magpie_journal_open{direction=\"from_matrix\"}",
        "magpie_journal_oldest_seconds{direction=\"from_remote\"}",
        "magpie_network_call_seconds_count{verdict=\"delivered\"}",
        "magpie_network_lag_seconds_count",
        "magpie_journal_parked 0",
        "magpie_clock_skew_seconds",
        "magpie_build_info{network=\"discord\",version=",
        "magpie_network_requests_total{outcome=\"ok\"}",
        "magpie_homeserver_call_seconds_count",
        "magpie_database_operations_total",
        "magpie_appservice_events_total{kind=\"readable\"}",
        "magpie_appservice_transactions_total{outcome=\"stored\"}",
        // What has not happened yet is there all the same, so that its first time is an increase.
        "magpie_remote_events_total{kind=\"gap\"} 0",
        "magpie_appservice_transactions_total{outcome=\"not_stored\"} 0",
        "magpie_message_failures_total{direction=\"from_matrix\",reason=\"rejected\"} 0",
        "magpie_encrypted_messages_total{direction=\"from_remote\",outcome=\"unread\"} 0",
        "magpie_homeserver_wait_seconds_total 0",
        "magpie_network_wait_seconds_total",
        "magpie_delivery_retries_total{direction=\"from_matrix\"}",
        "magpie_database_failures_total 0",
    ] {
        assert!(metrics.text.contains(name), "{name} is missing:\n{}", metrics.text);
    }
    let (guild, bob) = (small.guild.to_string(), small.bob.to_string());
    let token = running.discord.token();
    for name in
        ["alice", "example.org", "general", "Birds", "Bob", "counted", room.as_str(), &guild, &bob, &token]
    {
        assert!(!metrics.text.contains(name), "the metrics name {name}:\n{}", metrics.text);
    }
    assert!(running.bridge.stop().await?.success());
    Ok(())
}

/// How often something from the network was tried again.
async fn retries(bridge: &Bridge) -> anyhow::Result<u64> {
    let metrics = get(bridge, "/metrics").await?.text;
    let told = metrics
        .lines()
        .find_map(|line| line.strip_prefix("magpie_delivery_retries_total{direction=\"from_remote\"} "));
    Ok(told.expect("it is told from the start").parse()?)
}

#[tokio::test]
async fn a_homeserver_that_limits_us_and_a_file_are_counted() -> anyhow::Result<()> {
    let mut running = Running::start().await?;
    let room = portal(&running.fake).await;
    let (general, bob) = (running.small.general, running.small.bob);
    running.discord.person_sends(general, bob, "before");
    running.fake.wait_for_body(&room, "before").await;
    // What came while the bridge was still coming up was tried again, too.
    let retries = retries(&running.bridge).await?;
    running.fake.faults().on_send(1, Fault::RateLimited { retry_after_ms: 250 });
    running.discord.person_sends(general, bob, "after a pause");
    running.fake.wait_for_body(&room, "after a pause").await;
    let file = running.discord.file("a.txt", "text/plain", FileBytes::Made { size: 7, byte: b'n' });
    running.discord.person_sends_files(general, bob, "with a file", vec![file]);
    running.fake.wait_for(&room, |event| event.content()["msgtype"] == "m.file").await;
    let metrics = get(&running.bridge, "/metrics").await?.text;
    for line in [
        "magpie_homeserver_calls_total{outcome=\"limited\"} 1",
        "magpie_homeserver_wait_seconds_total 0.25",
        "magpie_media_files_total{outcome=\"moved\"} 1",
        "magpie_media_files_total{outcome=\"failed\"} 0",
        "magpie_media_bytes_total 7",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is missing:\n{metrics}");
    }
    assert_eq!(self::retries(&running.bridge).await?, retries + 1);
    assert!(running.bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn what_is_encrypted_is_refused_told_and_counted() -> anyhow::Result<()> {
    let mut running = Running::start().await?;
    let room = portal(&running.fake).await;
    let content = json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": "y" });
    let alice = running.fake.person("alice");
    alice.sends_content(&room, "m.room.encrypted", &content);
    let file = json!({ "url": "mxc://example.org/a", "key": {}, "iv": "x", "hashes": {}, "v": "v2" });
    alice.sends_content(
        &room,
        "m.room.message",
        &json!({ "msgtype": "m.file", "body": "a.txt", "file": file }),
    );
    for words in ["this room is encrypted", "the file is encrypted"] {
        running.fake.wait_for(&room, |event| event.body().contains(words)).await;
    }
    // It was counted before it was told.
    let metrics = get(&running.bridge, "/metrics").await?.text;
    for line in [
        "magpie_encrypted_messages_total{direction=\"from_matrix\",outcome=\"refused\"} 2",
        "magpie_message_failures_total{direction=\"from_matrix\",reason=\"encrypted\"} 2",
        "magpie_message_failures_total{direction=\"from_matrix\",reason=\"refused\"} 0",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is missing:\n{metrics}");
    }
    assert!(running.contents().is_empty(), "nothing of it reached Discord");
    assert!(running.bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_stop_in_the_middle_of_work_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let mut running = Running::start().await?;
    let room = portal(&running.fake).await;
    let alice = running.fake.person("alice");
    let words: Vec<String> = (0..30).map(|number| format!("message {number}")).collect();
    for words in &words {
        alice.sends(&room, words);
    }
    let general = running.small.general;
    running.discord.wait_for_message(general, |message| message.content == "message 3").await?;
    let ended = running.bridge.stop().await?;
    assert!(ended.success(), "{}", running.bridge.log());
    running.bridge.respawn()?;
    running.bridge.ready().await?;
    running.discord.wait_for_message(general, |message| message.content == "message 29").await?;
    assert_eq!(running.contents(), words);
    assert!(running.bridge.stop().await?.success());
    Ok(())
}
