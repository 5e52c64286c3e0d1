//! What can go wrong goes wrong as it should, and heals.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::text,
        faults::{Fault, FaultKind, Refusal, StreamEnd},
    },
};
use serde_json::{Value, json};

use super::Scene;

/// Alice's and Bob's linked devices.
async fn devices(scene: &Scene) -> anyhow::Result<(String, String)> {
    Ok((scene.alice.devices().await?[0].jid.clone(), scene.bob.devices().await?[0].jid.clone()))
}

fn is_cut(event: &Value) -> bool {
    // 515 is the end of linking.
    event["code"] != 515
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_cannot_be_read_is_asked_for_again() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (_, bobs_device) = devices(&scene).await?;
    let phone = format!("{}:0@s.whatsapp.net", scene.bob.number);
    // The client asks the other client, the client asks the phone, the phone asks the client.
    scene.sim.inject(Fault::once(FaultKind::Corrupt).of(&bobs_device)).await?;
    let said = scene.alices.say(&scene.bob.lid, "Garbled.").await?;
    assert_eq!(scene.bobs.expect_message(&said).await?["text"], "Garbled.");
    scene.sim.expect("receipt", |event| event["type"] == "retry" && event["ids"] == json!([said])).await?;
    scene.sim.inject(Fault::once(FaultKind::Corrupt).of(&bobs_device)).await?;
    let thumbed = scene.alice.send(&scene.bob.lid, text("Garbled by phone.")).await?;
    assert_eq!(scene.bobs.expect_message(&thumbed).await?["text"], "Garbled by phone.");
    scene.sim.inject(Fault::once(FaultKind::Corrupt).of(&phone)).await?;
    let said = scene.alices.say(&scene.bob.lid, "Garbled for the phone.").await?;
    assert_eq!(scene.bob.expect(&said).await?["text"], "Garbled for the phone.");
    // Without any content the own phone is asked.
    scene.sim.inject(Fault::once(FaultKind::Unavailable).of(&bobs_device)).await?;
    let said = scene.alices.say(&scene.bob.lid, "Where is it?").await?;
    scene
        .bobs
        .expect("message", |event| event["id"] == said.as_str() && event["stub"] == "CIPHERTEXT")
        .await?;
    assert_eq!(scene.bobs.expect_message(&said).await?["text"], "Where is it?");
    scene.sim.expect("peer-request", |event| event["type"] == "PLACEHOLDER_MESSAGE_RESEND").await?;
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_groups_heal_too() -> anyhow::Result<()> {
    use magpie_tests::whatsapp_linked::groups::Addressing;

    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (_, bobs_device) = devices(&scene).await?;
    let group = scene.alice.create_group("Choir", &[&scene.bob], Addressing::Lid).await?;
    for (nth, from_phone) in [(0, true), (1, false), (2, true)] {
        scene.sim.inject(Fault::once(FaultKind::Corrupt).of(&bobs_device)).await?;
        let words = format!("Garbled {nth}.");
        let id = if from_phone {
            scene.alice.send(&group, text(&words)).await?
        } else {
            scene.alices.say(&group, &words).await?
        };
        assert_eq!(scene.bobs.expect_message(&id).await?["text"], words);
    }
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_messages_are_lost_doubled_refused_and_held() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices_device, bobs_device) = devices(&scene).await?;
    let (sim, alices, bobs, bob) = (&scene.sim, &scene.alices, &scene.bobs, &scene.bob.lid);

    sim.inject(Fault::once(FaultKind::Duplicate).of(&bobs_device)).await?;
    let twice = alices.say(bob, "Twice.").await?;
    bobs.expect_message(&twice).await?;
    assert_eq!(sim.deliveries(&bobs_device, &twice), 2);

    sim.hold(&bobs_device, true).await?;
    let held = alices.say(bob, "Held.").await?;
    scene.bob.expect(&held).await?;
    assert!(scene.bob.devices().await?[0].queued > 0);
    sim.hold(&bobs_device, false).await?;
    bobs.expect_message(&held).await?;
    sim.expect_acked(&bobs_device, &held).await?;

    sim.inject(Fault::once(FaultKind::DropAck).of(&alices_device)).await?;
    let silent = alices.say(bob, "No ack.").await?;
    bobs.expect_message(&silent).await?;

    sim.inject(Fault::once(FaultKind::RefuseMessage(479)).of(&alices_device)).await?;
    let refused = alices.say(bob, "Refused.").await?;
    alices.expect("status", |event| event["id"] == refused.as_str() && event["status"] == "ERROR").await?;

    sim.inject(Fault::once(FaultKind::Swallow).of(&alices_device)).await?;
    let lost = alices.say(bob, "Lost.").await?;
    alices.expect("close", is_cut).await?;
    alices.expect("caught-up", |_| true).await?;
    sim.inject(Fault::once(FaultKind::CutAfter).of(&alices_device)).await?;
    let cut = alices.say(bob, "Cut.").await?;
    bobs.expect_message(&cut).await?;
    alices.expect("close", is_cut).await?;
    alices.expect("caught-up", |_| true).await?;
    for id in [&lost, &refused] {
        assert_eq!(sim.deliveries(&bobs_device, id), 0);
    }

    // What comes while a device is away waits for it.
    scene.bob.set_away(true).await?;
    sim.cut(&bobs_device).await?;
    let missed = alices.say(bob, "Are you there?").await?;
    assert_eq!(bobs.expect_message(&missed).await?["text"], "Are you there?");
    assert!(
        sim.seen("phone-message").iter().all(|event| event["id"] != missed.as_str() || event["own"] == true)
    );
    scene.bob.set_away(false).await?;
    scene.bob.expect(&missed).await?;
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_connections_end_with_words() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (_, device) = devices(&scene).await?;
    let (sim, bobs) = (&scene.sim, &scene.bobs);
    let is_final = |event: &Value| event["isFinal"] == true;

    sim.end_stream(&device, StreamEnd::Unavailable).await?;
    assert_eq!(bobs.expect("close", is_cut).await?["code"], 503);
    bobs.caught_up().await?;

    scene.bob.refuse_logins(Refusal::Banned { code: 101, seconds: 3600 }, 1).await?;
    sim.cut(&device).await?;
    assert_eq!(bobs.expect("close", is_final).await?["code"], 402);
    bobs.tell("connect", json!({})).await?;
    bobs.caught_up().await?;

    sim.set_oldest_version(u32::MAX).await?;
    sim.cut(&device).await?;
    assert_eq!(bobs.expect("close", is_final).await?["code"], 405);
    sim.set_oldest_version(0).await?;
    bobs.tell("connect", json!({})).await?;
    bobs.caught_up().await?;

    sim.end_stream(&device, StreamEnd::Replaced).await?;
    assert_eq!(bobs.expect("close", is_final).await?["code"], 440);
    bobs.tell("connect", json!({})).await?;
    bobs.caught_up().await?;

    sim.unlink(&device).await?;
    assert_eq!(bobs.expect("close", is_final).await?["code"], 401);
    assert_eq!(scene.bob.devices().await?, []);
    // The others know at once: nothing is written for it any more.
    let said = scene.alices.say(&scene.bob.lid, "Only your phone?").await?;
    scene.bob.expect(&said).await?;
    assert_eq!(sim.deliveries(&device, &said), 0);
    scene.alices.tell("logout", json!({})).await?;
    scene.alices.expect("close", is_final).await?;
    assert_eq!(scene.alice.devices().await?, []);
    scene.end().await
}
