//! The line to the gateway breaks: another listener, a gateway that dies. What was delivered is not lost or doubled, what was missed is told.

use magpie_common::testkit::fake_watcher::FakeWatcher;
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{Client, Fault, FaultKind, JUDGE, Tls, content::text},
};

use super::{BIRDS, HAN, LI, ME, Signed, Staged, chat::Chat};

/// What rooms say when something may be missing in them.
const GAP: &str = "missing here";

/// A bridge that is watched from its start, signed in.
async fn watched() -> anyhow::Result<(FakeWatcher, Signed)> {
    let watcher = FakeWatcher::start().await;
    let endpoint = ("MAGPIE_HOMESERVER__STATUS_ENDPOINT".to_owned(), watcher.url().to_string());
    let signed = Signed::of(Staged::start_with(Tls::None, vec![endpoint]).await?).await?;
    Ok((watcher, signed))
}

/// Waits until the login is in that state, with these words.
async fn is_told(watcher: &FakeWatcher, state: &str, words: &str) {
    let what = format!("{state}: {words}");
    let told = |watcher: &FakeWatcher| {
        watcher.taken().into_iter().find(|report| {
            report["state_event"] == state && report["message"].as_str().is_some_and(|it| it.contains(words))
        })
    };
    watcher.wait_until(&what, told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_another_listener_is_left_alone_and_followed_when_it_goes() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let (watcher, mut signed) = watched().await?;
    signed.on.gateway.says(LI, ME, text("before")).await?;
    let (room, admin) = signed.room_with("before").await;
    assert!(signed.on.bridge.stop().await?.success());
    signed.on.gateway.heard_by_nobody().await?;
    let client = Client::connect(&signed.on.gateway).await?;
    signed.on.gateway.heard_by_somebody().await?;
    signed.on.bridge = signed.on.stage.start().await?;
    is_told(&watcher, "TRANSIENT_DISCONNECT", "Another program listens").await;
    // Whoever was there first goes on listening.
    signed.on.gateway.says(LI, ME, text("to the other")).await?;
    client.expect("message", |message| message["text"] == "to the other").await?;
    client.stop().await?;
    signed.on.gateway.heard_by_nobody().await?;
    admin.sends(&room, "!wechat reconnect");
    signed.on.gateway.heard_by_somebody().await?;
    signed.on.gateway.says(LI, ME, text("after")).await?;
    signed.hears(&room, "after").await;
    signed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_gateway_that_is_killed_loses_and_doubles_nothing_that_it_had_delivered() -> anyhow::Result<()>
{
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let (watcher, signed) = watched().await?;
    let gateway = signed.on.gateway.clone();
    let chat = Chat::of(signed, LI).await?;
    gateway.says(HAN, BIRDS, text("In the group, before.")).await?;
    let (group, _) = chat.signed.room_with("In the group, before.").await;
    for number in 0..5 {
        chat.li_says(text(&format!("before {number}"))).await?;
    }
    // What the bridge has asked for is delivered.
    let asked = gateway.seen("asked").len();
    assert!(asked >= 1, "nothing was asked for");
    chat.hears("before 4").await;
    gateway.kill().await?;
    is_told(&watcher, "TRANSIENT_DISCONNECT", "broke off").await;
    chat.admin.sends(&chat.room, "said while it was dead");
    gateway.respawn().await?;
    gateway.heard_by_somebody().await?;
    gateway.expect_text(LI, "said while it was dead").await?;
    for room in [&chat.room, &group] {
        chat.signed.hears(room, GAP).await;
    }
    chat.li_says(text("after it")).await?;
    chat.hears("after it").await;
    for number in 0..5 {
        assert_eq!(chat.count(&format!("before {number}")), 1);
    }
    assert_eq!(chat.count("said while it was dead"), 1);
    assert_eq!(gateway.texts(LI).len(), 1, "once, over both lives of the gateway");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_bridge_that_was_away_says_that_something_may_be_missing() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut chat = Chat::begin().await?;
    let on = &mut chat.signed.on;
    on.bridge.kill().await?;
    on.gateway.heard_by_nobody().await?;
    let missed = on.gateway.says_with(LI, ME, text("Nobody hears this.")).await?;
    assert!(!missed.heard, "somebody listens");
    on.bridge.respawn()?;
    on.bridge.ready().await?;
    on.gateway.heard_by_somebody().await?;
    chat.hears(GAP).await;
    chat.li_says(text("And this?")).await?;
    chat.hears("And this?").await;
    assert_eq!(chat.count("Nobody hears this."), 0, "it cannot be had");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_quiet_room_is_told_once_however_often_nobody_listened() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let marks = || {
        let messages = chat.homeserver().messages(&chat.room);
        messages.iter().filter(|(_, body)| body.contains(GAP)).count()
    };
    for times in 1..3 {
        for _ in 0..2 {
            chat.gateway().cut().await?;
            chat.gateway().heard_by_nobody().await?;
            chat.gateway().heard_by_somebody().await?;
        }
        // Whatever was to be marked is marked before this.
        let words = format!("after it, {times}");
        chat.li_says(text(&words)).await?;
        chat.hears(&words).await;
        assert_eq!(marks(), times);
    }
    // What is said from here is behind the mark, too.
    chat.gateway().cut().await?;
    chat.gateway().heard_by_nobody().await?;
    chat.gateway().heard_by_somebody().await?;
    chat.says("from here").await?;
    chat.gateway().cut().await?;
    chat.gateway().heard_by_nobody().await?;
    chat.gateway().heard_by_somebody().await?;
    chat.li_says(text("the last")).await?;
    chat.hears("the last").await;
    assert_eq!(marks(), 4);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_words_wait_while_the_line_is_cut() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    for number in 0..3 {
        chat.gateway().cut().await?;
        chat.gateway().heard_by_nobody().await?;
        chat.gateway().heard_by_somebody().await?;
        chat.says(&format!("number {number}")).await?;
        chat.li_says(text(&format!("answer {number}"))).await?;
        chat.hears(&format!("answer {number}")).await;
    }
    let sent: Vec<_> = chat.gateway().texts(LI).into_iter().map(|(_, words)| words).collect();
    assert_eq!(sent, ["number 0", "number 1", "number 2"]);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_the_gateway_does_not_hand_over_at_once_comes_later() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    // As often as it is asked for at first.
    for _ in 0..3 {
        chat.gateway().fault(Fault { call: "messagePayload", kind: FaultKind::Refuse }).await?;
    }
    chat.li_says(text("It took a while.")).await?;
    chat.hears("It took a while.").await;
    assert_eq!(chat.count("It took a while."), 1);
    chat.end().await
}
