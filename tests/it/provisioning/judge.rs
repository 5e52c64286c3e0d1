//! schemathesis, which knows nothing of us but the served document.

use std::{path::Path, process::Stdio, time::Duration};

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver};
use magpie_tests::{
    harness::tools::{Component, need, project},
    line_server::LineServer,
    stage::Stage,
};
use tokio::process::Command;

use super::{Program, SECRET, TOKEN, cast};

/// The same requests in every run.
const SEED: &str = "20260131";

/// So much is parked before, for requests to retry and to drop.
const LOST: usize = 20;

/// So many requests for each operation.
const EXAMPLES: &str = "100";

/// It ends by itself long before.
const JUDGED_WITHIN: Duration = Duration::from_secs(300);

/// Lets schemathesis ask everything that the description allows, and much that it does not.
async fn judged(installed: &Path, stage: &Stage) -> (bool, String) {
    let program = installed.join("bin").join("schemathesis");
    let mut judge = Command::new(program);
    judge
        .arg("--config-file")
        .arg(project().join("tests/judges/schemathesis/schemathesis.toml"))
        .args(["run", &format!("{}/_matrix/provision/v1/openapi.json", stage.url())])
        .args(["--header", &format!("Authorization: Bearer {SECRET}")])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none"])
        .args(["--request-timeout", "60", "--no-color", "--checks", "all"])
        // It keeps notes where it runs.
        .current_dir(stage.folder())
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
    let mut stage = Stage::set(cast(&server, "example.org")).unwrap();
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
    let (is_good, words) = judged(&installed, &stage).await;
    println!("{words}");
    assert!(is_good, "see above");
    assert!(bridge.stop().await.unwrap().success());
}
