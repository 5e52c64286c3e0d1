//! Several devices of one account follow each other, and what comes while one is away waits for it.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::Person,
};
use serde_json::{Value, json};

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn real_own_devices_follow_each_other() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (first, bobs) = (&scene.alices, &scene.bobs);
    let second = Person::linked(&scene.sim, &scene.alice).await?;
    let said = first.say(&scene.bob.lid, "From my desk.").await?;
    let copy = second.expect_message(&said).await?;
    assert_eq!((&copy["fromMe"], &copy["chat"]), (&json!(true), &json!(scene.bob.lid)));
    let answer = bobs.say(&scene.alice.lid, "To all of you.").await?;
    for device in [first, &second] {
        assert_eq!(device.expect_message(&answer).await?["text"], "To all of you.");
    }
    first.read(&[&answer]).await?;
    second.expect("status", |event| event["id"] == answer.as_str() && event["status"] == "READ").await?;
    first.tell("modify", json!({"chat": scene.bob.lid, "change": {"pin": true}})).await?;
    second.expect("chat", |event| event["pinned"].is_number()).await?;
    second.tell("logout", json!({})).await?;
    let alone = bobs.say(&scene.alice.lid, "To one of you.").await?;
    first.expect_message(&alone).await?;
    assert_eq!(scene.alice.devices().await?.len(), 1);
    second.stop().await?;
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_waits_comes_in_order() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    scene.bobs.tell("leave", json!({})).await?;
    scene.bobs.expect("close", |event| event["isFinal"] == true).await?;
    let mut sent = Vec::new();
    for nth in 0..5 {
        sent.push(json!(scene.alices.say(&scene.bob.lid, &format!("Number {nth}.")).await?));
    }
    // Its phone has all of them, so the server has too.
    scene.bob.expect(sent[4].as_str().unwrap_or_default()).await?;
    scene.bobs.tell("connect", json!({})).await?;
    let mut come: Vec<Value> = Vec::new();
    while come.len() < sent.len() {
        let one = scene.bobs.expect("message", |event| sent.contains(&event["id"])).await?;
        assert_eq!(one["isLive"], false);
        come.push(one["id"].clone());
    }
    assert_eq!(come, sent);
    scene.end().await
}
