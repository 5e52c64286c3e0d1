//! The provisioning API of a running bridge: judged by independent software.

use std::{path::Path, process::Stdio, time::Duration};

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver};
use magpie_tests::{
    harness::tools::{Component, need, project},
    line_server::LineServer,
    stage::{Cast, Stage},
};
use serde_json::{Value, json};
use tokio::process::Command;

const SECRET: &str = "provisioning-secret-of-a-test-0123456789";
const TOKEN: &str = "magpie-7f3a";

/// The same requests in every run.
const SEED: &str = "20260131";

/// So much is parked before, for requests to retry and to drop.
const LOST: usize = 20;

/// So many requests for each operation.
const EXAMPLES: &str = "100";

/// It ends by itself long before.
const JUDGED_WITHIN: Duration = Duration::from_secs(300);

fn cast(server: &LineServer) -> Cast {
    Cast {
        id: "example",
        server_name: "example.org".to_owned(),
        homeserver: String::new(),
        database: None,
        durability: "normal",
        admin: "@alice:example.org".to_owned(),
        platform: format!("server: {}\ntoken: {TOKEN}\n", server.address()),
        environment: [("SECRET", SECRET), ("OPENID", "true"), ("REQUESTS_PER_SECOND_MAX", "1000000")]
            .map(|(name, value)| (format!("MAGPIE_PROVISIONING__{name}"), value.to_owned()))
            .into(),
    }
}

/// A program that shows a token, and acts for somebody.
struct Program {
    client: reqwest::Client,
    base: String,
    token: String,
    user_id: Option<&'static str>,
}

impl Program {
    fn new(url: &str, token: &str, user_id: Option<&'static str>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { client, base: format!("{url}/_matrix/provision/v1"), token: token.to_owned(), user_id }
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.asks(self.client.post(format!("{}/{path}", self.base)).json(body)).await
    }

    async fn asks(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let user_id = self.user_id.map(|user_id| ("user_id", user_id));
        let request = request.bearer_auth(&self.token).query(&user_id.as_slice());
        let response = request.send().await.expect("the bridge answers");
        (response.status().as_u16(), response.json().await.expect("every answer is JSON"))
    }

    /// Signs in with fields; gives how it ended.
    async fn signs_in(&self, flow: &str, answers: &[(&str, &str)]) -> Value {
        let (status, begun) = self.post(&format!("login/start/{flow}"), &json!({})).await;
        assert_eq!((status, &begun["stage"]["type"]), (200, &json!("ask")), "{begun}");
        let path = format!("login/{}/{}", begun["process_id"].as_str().expect("an id"), begun["step"]);
        let answers: serde_json::Map<String, Value> =
            answers.iter().map(|(name, answer)| ((*name).to_owned(), json!(answer))).collect();
        let (status, done) = self.post(&path, &answers.into()).await;
        assert_eq!(status, 200, "{done}");
        done
    }
}

/// Lets schemathesis ask everything that the description allows, and much that it does not.
async fn judged(installed: &Path, url: &str) -> (bool, String) {
    let program = installed.join("bin").join("schemathesis");
    let mut judge = Command::new(program);
    judge
        .arg("--config-file")
        .arg(project().join("tests/judges/schemathesis/schemathesis.toml"))
        .args(["run", &format!("{url}/_matrix/provision/v1/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {SECRET}")])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none"])
        .args(["--request-timeout", "60", "--no-color", "--checks", "all"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(JUDGED_WITHIN, judge.output()).await;
    let output = output.expect("it comes to an end").expect("it starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn real_schemathesis_finds_no_fault_with_the_provisioning_api() {
    let Some(installed) = need(Component::Judge("schemathesis")) else { return };
    println!("The seed is {SEED}.");
    let server = LineServer::start().await.unwrap();
    server.add_account("bridge", "The bridge", TOKEN);
    server.add_account("ada", "Ada", "ada-91c2");
    server.add_chat("lobby", "The lobby");
    let mut stage = Stage::set(cast(&server)).unwrap();
    let fake = FakeHomeserver::start(stage.fake_settings()).await.unwrap();
    stage.set_homeserver(&fake.url());
    let alice = fake.person("alice");
    let mut bridge = stage.start().await.unwrap();
    server.person_says("lobby", "ada", "hello");
    let room = fake.wait_until(|fake| fake.room_named("The lobby")).await;
    // What is parked: the network takes no text as long as this.
    let lost: Vec<_> = (0..LOST).map(|_| alice.sends(&room, &"x".repeat(5_000))).collect();
    let last = lost.last().expect("something is lost");
    let is_told =
        |event: &FakeEvent| event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == last.as_str();
    fake.wait_for(&room, is_told).await;
    let program = Program::new(&stage.url(), SECRET, Some("@alice:example.org"));
    let signed_in = program.signs_in("token", &[("token", "ada-91c2")]).await;
    assert_eq!(signed_in["stage"]["login_id"], "ada", "{signed_in}");
    let (is_good, words) = judged(&installed, &stage.url()).await;
    println!("{words}");
    assert!(is_good, "see above");
    assert!(bridge.stop().await.unwrap().success());
}
