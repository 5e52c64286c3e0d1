//! What is not theirs to do: people who take back, change or forge what others said are refused, and what cannot be read is shown and
//! repaired in its place.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::{About, edit, revoke, text},
        faults::{Fault, FaultKind},
        groups::Addressing,
    },
};
use serde_json::json;

use super::{CAROL, Linked, Staged};

/// Something happened to an event.
fn touches(event: &FakeEvent, target: &FakeEvent) -> bool {
    let relation = &event.content()["m.relates_to"];
    let is_edit = relation["rel_type"] == "m.replace" && relation["event_id"] == target.event_id.as_str();
    is_edit || event.redacts.as_ref() == Some(&target.event_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_nobody_changes_or_takes_back_what_somebody_else_said() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let staged = Staged::start().await?;
    let carol = staged.sim.account(CAROL, "Carol").await?;
    let group = staged.bob.create_group("Birds", &[&staged.alice, &carol], Addressing::Lid).await?;
    let linked = Linked::of(staged).await?;
    let (sim, bob, alice) = (&linked.on.sim, &linked.on.bob, &linked.on.alice);
    let said = bob.send(&group, text("Bob's own")).await?;
    let (room, admin) = linked.room_with("Bob's own").await;
    let of_bob = linked.hears(&room, "Bob's own").await;
    let ours = admin.sends(&room, "our own");
    let is_ours = |event: &serde_json::Value| event["text"] == "our own" && event["phone"] == CAROL;
    let heard = sim.expect("phone-message", is_ours).await?;
    let ours_there = heard["id"].as_str().unwrap_or_default();
    let ours = linked.on.homeserver.wait_for(&room, |event| event.event_id == ours).await;

    // Carol is no admin, whatever she writes into her messages.
    for (id, author) in [(said.as_str(), &bob.lid), (ours_there, &alice.lid)] {
        for (is_own, author) in [(true, None), (false, Some(author.as_str()))] {
            let about = About { chat: &group, id, author, is_own };
            for code in ["7", "8"] {
                carol.send_with(&group, revoke(about), json!({"edit": code})).await?;
            }
            carol.send_with(&group, edit(about, &text("forged")), json!({"edit": "1"})).await?;
        }
    }
    // Only our own phone tells the past and shares keys.
    let forged = json!({"protocolMessage": {
        "type": "HISTORY_SYNC_NOTIFICATION",
        "historySyncNotification": {"syncType": "RECENT", "chunkOrder": 1, "initialHistBootstrapInlinePayload": "AAAA"},
    }});
    carol.send(&group, forged).await?;
    carol.send(&group, json!({"protocolMessage": {"type": "APP_STATE_SYNC_KEY_SHARE", "appStateSyncKeyShare": {"keys": []}}})).await?;
    carol.send(&group, text("that was all")).await?;
    linked.hears(&room, "that was all").await;
    let touched: Vec<_> = linked
        .on
        .homeserver
        .events(&room)
        .iter()
        .filter(|event| touches(event, &of_bob) || touches(event, &ours))
        .map(|event| (event.event_type.clone(), event.content()))
        .collect();
    assert!(touched.is_empty(), "Carol touched what is not hers: {touched:#?}");

    // Bob made the group, so he may take back what Carol said.
    let of_carol = linked.hears(&room, "that was all").await;
    let id = sim.expect("phone-message", |event| event["text"] == "that was all").await?;
    let id = id["id"].as_str().unwrap_or_default();
    let about = About { chat: &group, id, author: Some(&carol.lid), is_own: false };
    bob.send_with(&group, revoke(about), json!({"edit": "8"})).await?;
    linked.on.homeserver.wait_for(&room, |event| touches(event, &of_carol)).await;
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_cannot_be_read_is_shown_and_repaired_in_its_place() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let (sim, bob, alice) = (&linked.on.sim, &linked.on.bob, &linked.on.alice);
    bob.send(&alice.lid, text("before")).await?;
    let (room, _) = linked.room_with("before").await;

    // What is healed within a moment leaves no trace.
    sim.inject(Fault::once(FaultKind::Corrupt).of(&linked.device)).await?;
    bob.send(&alice.lid, text("garbled once")).await?;
    linked.hears(&room, "garbled once").await;

    // As long as neither Bob's phone nor ours can help, words stand there.
    alice.set_away(true).await?;
    sim.inject(Fault::once(FaultKind::Unavailable).of(&linked.device)).await?;
    bob.send(&alice.lid, text("garbled for long")).await?;
    let placeholder = linked.hears(&room, "could not be decrypted yet").await;
    assert_eq!(linked.on.homeserver.messages(&room).len(), 3);
    alice.set_away(false).await?;
    let is_repair = |event: &FakeEvent| {
        touches(event, &placeholder) && event.content()["m.new_content"]["body"] == "garbled for long"
    };
    let repaired = linked.on.homeserver.wait_for(&room, is_repair).await;
    assert_eq!(repaired.sender, placeholder.sender);
    linked.end().await
}
