//! What concerns the account's owner alone: marks on chats, what was read, who rang.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{Person, content::text},
};
use ruma::user_id;
use serde_json::json;

use super::{BOB, BOT, Linked};

#[tokio::test(flavor = "multi_thread")]
async fn real_marks_on_chats_are_kept_in_matrix() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let (alice, bob) = (&linked.on.alice, &linked.on.bob);
    bob.send(&alice.lid, text("Hello")).await?;
    let (room, admin) = linked.room_with("Hello").await;
    let desk = admin.creates_direct_chat(user_id!("@whatsappbot:example.org"));
    let homeserver = &linked.on.homeserver;
    let greets =
        |event: &FakeEvent| event.sender == BOT && event.body().starts_with("This is the WhatsApp bridge.");
    homeserver.wait_for(&desk, greets).await;
    admin.sends(&desk, &format!("login-matrix {}", admin.access_token()));
    let is_taken =
        |event: &FakeEvent| event.sender == BOT && event.body().starts_with("From now on what you say");
    homeserver.wait_for(&desk, is_taken).await;
    let kept = |path: String, expected: bool| {
        let admin = &admin;
        async move { homeserver.wait_until(|_| (admin.kept(&path).is_some() == expected).then_some(())).await }
    };
    let (archived, favorite) =
        (format!("rooms/{room}/tags/m.lowpriority"), format!("rooms/{room}/tags/m.favourite"));
    let muted = format!("pushrules/room/{room}");
    for is_on in [true, false] {
        alice.archive(&bob.lid, is_on).await?;
        kept(archived.clone(), is_on).await;
        alice.pin(&bob.lid, is_on).await?;
        kept(favorite.clone(), is_on).await;
        alice.mute(&bob.lid, is_on.then_some(-1)).await?;
        kept(muted.clone(), is_on).await;
        alice.mark_chat(&bob.lid, !is_on).await?;
        let unread = format!("rooms/{room}/account_data/m.marked_unread");
        homeserver.wait_until(|_| (admin.kept(&unread)? == json!({ "unread": is_on })).then_some(())).await;
    }
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_reading_after_a_restart_reads_everything_before_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let mut linked = Linked::start().await?;
    let bobs = Person::linked(&linked.on.sim, &linked.on.bob).await?;
    let mut sent = Vec::new();
    for words in ["one", "two", "three"] {
        sent.push(bobs.say(&linked.on.alice.lid, words).await?);
    }
    let (room, admin) = linked.room_with("three").await;
    linked.restart().await?;
    // What is read while nothing is connected is told nobody; a message waits for the connection.
    admin.sends(&room, "I am back.");
    bobs.expect("message", |event| event["text"] == "I am back.").await?;
    let last = linked.hears(&room, "three").await;
    admin.reads(&room, &last.event_id);
    for id in &sent {
        bobs.expect("status", |event| event["id"] == id.as_str() && event["status"] == "READ").await?;
    }
    bobs.stop().await?;
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_call_is_told_with_a_way_to_call_back() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let (alice, bob) = (&linked.on.alice, &linked.on.bob);
    bob.send(&alice.lid, text("I will call you")).await?;
    let (room, _) = linked.room_with("I will call you").await;
    for (is_video, words) in [(false, "Incoming call on WhatsApp"), (true, "Incoming video call on WhatsApp")]
    {
        let call = bob.call(&alice.lid, is_video).await?;
        let told = linked.hears(&room, words).await;
        assert_eq!(told.content()["msgtype"], "m.notice");
        let html = told.content()["formatted_body"].as_str().unwrap_or_default().to_owned();
        assert!(html.contains(&format!("https://wa.me/{BOB}")), "{html}");
        bob.hang_up(&alice.lid, &call).await?;
    }
    linked.end().await
}
