//! Channels and the status: rooms where they are wanted, and nobody's else.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::content::text,
};
use serde_json::json;

use super::{ALICE, Linked, PROGRAM, Staged};

fn wanted() -> Vec<(String, String)> {
    ["CHANNELS", "STATUS"].map(|name| (format!("MAGPIE_PLATFORM__LINKED_{name}"), "true".to_owned())).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_channels_and_the_status_are_rooms_in_which_others_write() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::of(Staged::start_with(PROGRAM, wanted()).await?).await?;
    let (alice, bob) = (&linked.on.alice, &linked.on.bob);
    let channel = bob.create_newsletter("Sightings", "What was seen where").await?;
    alice.follow(&channel).await?;
    bob.publish(&channel, text("A magpie on the roof")).await?;
    let (room, admin) = linked.room_with("A magpie on the roof").await;
    let homeserver = &linked.on.homeserver;
    let state = |what: &str| homeserver.state(&room, what, "").expect("it is there");
    assert_eq!(state("m.room.name")["name"], "Sightings");
    assert_eq!(state("m.room.topic")["topic"], "What was seen where");
    let speaker = homeserver.messages(&room)[0].0.clone();
    let name = homeserver.profile(&speaker).and_then(|profile| profile.display_name);
    assert_eq!(name.as_deref(), Some("Sightings"), "a channel speaks for itself");
    let event = admin.sends(&room, "I saw one, too");
    let is_refusal =
        |notice: &FakeEvent| notice.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == event.as_str();
    homeserver.wait_for(&room, is_refusal).await;

    let audience = json!({"audience": [ALICE]});
    bob.send_with("status@broadcast", text("On holiday"), audience).await?;
    let (status, _) = linked.room_with("On holiday").await;
    let name = homeserver.state(&status, "m.room.name", "").expect("it is there");
    assert_eq!(name["name"], "WhatsApp status updates");
    bob.send(&alice.lid, text("Hello")).await?;
    let (chat, _) = linked.room_with("Hello").await;
    assert_eq!(homeserver.messages(&status)[0].0, homeserver.messages(&chat)[0].0, "it is Bob's ghost");
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_channels_and_the_status_have_no_rooms_unless_they_are_wanted() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let (alice, bob) = (&linked.on.alice, &linked.on.bob);
    let channel = bob.create_newsletter("Sightings", "").await?;
    alice.follow(&channel).await?;
    bob.publish(&channel, text("A magpie on the roof")).await?;
    bob.send_with("status@broadcast", text("On holiday"), json!({"audience": [ALICE]})).await?;
    bob.send(&alice.lid, text("Hello")).await?;
    linked.room_with("Hello").await;
    let homeserver = &linked.on.homeserver;
    let said: Vec<_> = homeserver.rooms().iter().flat_map(|room| homeserver.messages(room)).collect();
    assert!(said.iter().all(|(_, body)| !body.contains("magpie") && !body.contains("holiday")), "{said:?}");
    linked.end().await
}
