//! What the bridge says comes back as an event, and is no new message; and what may have gone is never said again.

use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        Fault, FaultKind, Habits, JUDGE,
        content::{FileKind, file, text},
        people::Echo,
    },
};
use serde_json::json;

use super::{
    LI, ME,
    chat::{Chat, PIXEL},
};

#[tokio::test(flavor = "multi_thread")]
async fn real_what_was_said_here_does_not_come_back_whatever_the_puppet_is_like() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    for (nth, (echo, ids)) in (0..).zip([
        (Echo::Before, true),
        (Echo::After, true),
        (Echo::Never, true),
        (Echo::Before, false),
        (Echo::After, false),
        // What becomes of the same words by thumb then is for `echoes` to say.
        (Echo::Never, false),
    ]) {
        println!("{echo:?}, ids: {ids}");
        chat.gateway().has(Habits { echo, ids, ..Habits::default() }).await?;
        // Twice the same, which is two messages.
        for _ in 0..2 {
            chat.says(&format!("word {nth}")).await?;
        }
        let content = json!({
            "msgtype": "m.image", "body": format!("{nth}.png"), "info": {"mimetype": "image/png"},
            "url": chat.homeserver().put_media("image/png", PIXEL),
        });
        chat.admin.sends_content(&chat.room, "m.room.message", &content);
        chat.gateway().expect_sent("file", |event| event["name"] == format!("{nth}.png")).await?;
        chat.li_says(text(&format!("answer {nth}"))).await?;
        chat.hears(&format!("answer {nth}")).await;
        assert_eq!(chat.count(&format!("word {nth}")), 2, "only what the admin said");
        assert_eq!(chat.count(&format!("{nth}.png")), 1, "only what the admin sent");
    }
    // The same words by thumb are another message, once nothing of that kind is on its way.
    chat.gateway().has(Habits::default()).await?;
    chat.says("by thumb?").await?;
    chat.gateway().says(ME, LI, text("by thumb.")).await?;
    chat.hears("by thumb.").await;
    chat.gateway().says(ME, LI, file(FileKind::Attachment, "thumb.txt", b"by thumb")).await?;
    chat.event(|event| event.body() == "thumb.txt").await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_comes_twice_stands_once() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut chat = Chat::begin_in_group().await?;
    let gateway = chat.gateway().clone();
    gateway.has(Habits { again: true, ..Habits::default() }).await?;
    let said = chat.li_says(text("Twice.")).await?;
    gateway.repeats(&said).await?;
    chat.hears("Twice.").await;
    // A puppet that tells all of it again when somebody listens anew.
    gateway.cut().await?;
    gateway.heard_by_nobody().await?;
    gateway.heard_by_somebody().await?;
    chat.li_says(text("Go on.")).await?;
    chat.hears("Go on.").await;
    let on = &mut chat.signed.on;
    on.bridge.kill_and_restart().await?;
    gateway.heard_by_somebody().await?;
    chat.li_says(text("And on.")).await?;
    chat.hears("And on.").await;
    for words in ["Hello.", "Twice.", "Go on.", "And on."] {
        assert_eq!(chat.count(words), 1, "{words}");
    }
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_send_that_is_cut_off_is_said_at_most_once_and_its_fate_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    for (nth, kind, went) in [(0, FaultKind::CutAfter, true), (1, FaultKind::CutBefore, false)] {
        println!("{kind:?}");
        let words = format!("cut {nth}");
        chat.gateway().fault(Fault::of_send(kind)).await?;
        let event = chat.admin.sends(&chat.room, &words);
        chat.gateway().heard_by_nobody().await?;
        chat.gateway().heard_by_somebody().await?;
        // Later words of the same room go when it is settled.
        chat.says(&format!("later {nth}")).await?;
        let times = chat.gateway().texts(LI).into_iter().filter(|(_, said)| *said == words).count();
        assert!(times <= 1, "{words} was said {times} times");
        let is_told = chat.homeserver().events(&chat.room).iter().any(|found| {
            found.sender == super::BOT
                && found.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == event.as_str()
        });
        // What has gone may be known by what came back; what has not is never taken for said.
        assert!(is_told || (went && times == 1), "nothing is told of {words}, said {times} times");
        chat.gateway().clear_faults().await?;
    }
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_the_puppet_refuses_is_told_and_harms_nothing_else() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.gateway().fault(Fault::of_send(FaultKind::Refuse)).await?;
    let event = chat.admin.sends(&chat.room, "refused");
    let is_told = |found: &magpie_common::testkit::fake_homeserver::FakeEvent| {
        found.sender == super::BOT
            && found.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == event.as_str()
    };
    let told = chat.event(is_told).await.body();
    assert!(told.contains("WeChat") && !told.contains("\n    at "), "words, and no stack: {told}");
    assert!(chat.gateway().texts(LI).is_empty(), "it was refused");
    chat.says("taken").await?;
    chat.end().await
}
