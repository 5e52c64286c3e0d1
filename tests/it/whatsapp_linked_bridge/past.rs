//! What was said before the device was linked, and what could not be read at once.

use magpie_common::testkit::fake_homeserver::{FakeHomeserver, Membership};
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::{self, text},
        faults::{Fault, FaultKind},
        history::{PastChat, PastMessage},
    },
};
use ruma::{OwnedRoomId, user_id};
use serde_json::{Value, json};

use super::{Linked, Staged, chat::Chat};

fn past(id: &str, at: u64, is_own: bool, content: Value) -> PastMessage {
    PastMessage { id: id.to_owned(), is_own, author: None, at, name: Some("Bob".to_owned()), content }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_was_said_before_fills_the_rooms() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let staged = Staged::start().await?;
    let first = past("OLD1", 1_700_000_000, false, text("Long ago."));
    let second = past("OLD2", 1_700_000_060, true, text("Was it?"));
    let poll = past("OLD3", 1_700_000_120, false, content::poll("Lunch?", &["Soup", "Rice"], 1, [7; 32]));
    let chat = PastChat::new(&staged.bob.lid).with(first).with(second).with(poll);
    staged.alice.keep_history(&[chat]).await?;
    let linked = Linked::of(staged).await?;
    // When the phone is quiet for a while, the rooms are made and filled.
    let homeserver = &linked.on.homeserver;
    let is_filled = |homeserver: &FakeHomeserver| {
        let said = |room: &OwnedRoomId| homeserver.messages(room).iter().any(|(_, body)| body == "Long ago.");
        homeserver.rooms().into_iter().find(said)
    };
    let room = homeserver.wait_until(is_filled).await;
    // Nobody was there when it was filled, so that nothing rang.
    let is_asked = |homeserver: &FakeHomeserver| {
        let asked = homeserver.membership(&room, user_id!("@admin:example.org"))?;
        (asked == Membership::Invited).then_some(())
    };
    homeserver.wait_until(is_asked).await;
    linked.on.bob.send(&linked.on.alice.lid, text("Back again.")).await?;
    linked.hears(&room, "Back again.").await;
    let said: Vec<_> = homeserver.messages(&room);
    let words: Vec<_> = said.iter().map(|(_, body)| body.lines().next().unwrap_or_default()).collect();
    assert_eq!(words, ["Long ago.", "Was it?", "📊 Lunch?", "Back again."]);
    assert_eq!(said[0].0, said[3].0, "Bob said both");
    assert_ne!(said[1].0, said[0].0, "Alice did not");
    let times: Vec<i64> = homeserver
        .events(&room)
        .iter()
        .filter(|event| event.event_type == "m.room.message")
        .map(|event| event.origin_server_ts)
        .collect();
    assert_eq!(times[..3], [1_700_000_000_000, 1_700_000_060_000, 1_700_000_120_000]);
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_cannot_be_read_is_awaited_and_then_stands_in_its_place() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let (sim, alice, device) = (chat.sim(), &chat.linked.on.alice, &chat.linked.device);
    // What heals at once leaves no trace.
    sim.inject(Fault::once(FaultKind::Corrupt).of(device)).await?;
    chat.bobs.say(chat.alice(), "Garbled.").await?;
    chat.hears("Garbled.").await;
    assert_eq!(chat.homeserver().messages(&chat.room).len(), 2);
    // What only the phone has waits for the phone.
    alice.set_away(true).await?;
    sim.inject(Fault::once(FaultKind::Unavailable).of(device)).await?;
    chat.bobs.say(chat.alice(), "Where was it?").await?;
    let waiting = chat.hears("could not be decrypted").await;
    assert_eq!((&waiting.sender, &waiting.content()["msgtype"]), (&chat.ghost, &json!("m.notice")));
    alice.set_away(false).await?;
    let healed = chat.event(|event| event.content()["m.new_content"]["body"] == "Where was it?").await;
    assert_eq!(healed.content()["m.relates_to"]["event_id"], waiting.event_id.as_str());
    assert_eq!(healed.sender, chat.ghost);
    // What is counted as not read is counted again once it is.
    let missed = chat.linked.encrypted("from_remote", "unread").await?;
    assert!(missed >= 1, "it was not counted");
    assert_eq!(chat.linked.encrypted("from_remote", "read_late").await?, missed);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_comes_twice_stands_once() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.sim().inject(Fault::once(FaultKind::Duplicate).of(&chat.linked.device)).await?;
    let twice = chat.bobs.say(chat.alice(), "Twice.").await?;
    chat.bobs.say(chat.alice(), "After it.").await?;
    chat.hears("After it.").await;
    assert_eq!(chat.sim().deliveries(&chat.linked.device, &twice), 2);
    let words: Vec<_> = chat.homeserver().messages(&chat.room).into_iter().map(|(_, body)| body).collect();
    assert_eq!(words, ["Hello.", "Twice.", "After it."]);
    chat.end().await
}
