//! `magpie-discord run` as an operator meets it: what stops it, what it waits for, and what it says meanwhile.

mod logs;
mod restore;
mod rotation;
mod start;
mod trouble;

use std::time::Duration;

use anyhow::Context;
use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver, Membership};
use magpie_tests::harness::bridge::Bridge;
use reqwest::StatusCode;
use ruma::{OwnedRoomId, UserId, user_id};
use serde_json::Value;

const SERVER: &str = "example.org";

/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at something that only HTTP tells.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An answer of one of the bridge's routes.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    text: String,
}

async fn get(bridge: &Bridge, path: &str) -> anyhow::Result<Answer> {
    let answer = reqwest::Client::builder().no_proxy().build()?.get(format!("{}{path}", bridge.url()));
    let answer = answer.send().await?;
    Ok(Answer { status: answer.status(), text: answer.text().await? })
}

/// Asks until the answer is as it is wanted.
async fn get_until(bridge: &Bridge, path: &str, wanted: impl Fn(&Answer) -> bool) -> anyhow::Result<Answer> {
    let mut last = None;
    let asking = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            if let Ok(answer) = get(bridge, path).await {
                if wanted(&answer) {
                    return answer;
                }
                last = Some(answer);
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.with_context(|| format!("{path} answers {last:?}; the log:\n{}", bridge.log()))
}

/// `/ready` says no, and names the condition with these words.
async fn must_miss(bridge: &Bridge, condition: &str, words: &str) -> anyhow::Result<()> {
    get_until(bridge, "/ready", |answer| {
        let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        answer.status == StatusCode::SERVICE_UNAVAILABLE
            && body["missing"][condition].as_str().is_some_and(|missing| missing.contains(words))
    })
    .await?;
    assert_eq!(get(bridge, "/live").await?.status, StatusCode::OK, "it lives nevertheless");
    Ok(())
}

/// The room of the channel "general". Alice, who accepts every invitation, is in it if she was there before the bridge.
async fn portal(fake: &FakeHomeserver) -> OwnedRoomId {
    let alice = fake.person("alice");
    let joined = Some(Membership::Joined);
    fake.wait_until(|fake| {
        fake.room_named("general").filter(|room| fake.membership(room, alice.user_id()) == joined)
    })
    .await
}

/// Alice's room with the bot, for commands.
async fn desk(fake: &FakeHomeserver) -> OwnedRoomId {
    let room = fake.person("alice").creates_direct_chat(bot());
    fake.wait_until(|fake| (fake.membership(&room, bot()) == Some(Membership::Joined)).then_some(())).await;
    room
}

/// The bot's answer to a command of Alice.
async fn command(fake: &FakeHomeserver, desk: &OwnedRoomId, words: &str) -> String {
    let asked = fake.person("alice").sends(desk, words);
    let is_answer = |event: &FakeEvent| {
        let relation = &event.content()["m.relates_to"];
        event.sender == bot() && relation["m.in_reply_to"]["event_id"] == asked.as_str()
    };
    fake.wait_for(desk, is_answer).await.body()
}

fn bot() -> &'static UserId {
    user_id!("@discordbot:example.org")
}
