//! Who is who: numbers and LIDs change, are hidden or come to light; phones are installed anew.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{Person, content::text},
};
use serde_json::{Value, json};

use super::{CAROL, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn real_a_new_number_keeps_the_chat() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let before = scene.alices.say(&scene.bob.lid, "Old number?").await?;
    scene.bobs.expect_message(&before).await?;
    let old = scene.bob.jid.clone();
    let bob = scene.bob.clone().renumber(Some("12025550122"), None).await?;
    assert_eq!((&*bob.jid, &bob.lid), ("12025550122@s.whatsapp.net", &scene.bob.lid));
    let alices = scene.alice.devices().await?[0].jid.clone();
    let is_told = |event: &Value| event["to"] == alices.as_str() && event["type"] == "contacts";
    assert_eq!(scene.sim.expect("delivered", is_told).await?["from"], old);
    let after = scene.alices.say(&bob.lid, "New number?").await?;
    assert_eq!(scene.bobs.expect_message(&after).await?["text"], "New number?");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_hidden_numbers_come_to_light() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let carol = scene.sim.account_with(CAROL, json!({"name": "Carol", "hidden": true})).await?;
    let said = carol.send(&scene.alice.lid, text("Guess who.")).await?;
    let heard = scene.alices.expect_message(&said).await?;
    assert_eq!((&heard["chat"], heard.get("chatAlt")), (&json!(carol.lid), None));
    scene.sim.account_with(CAROL, json!({"hidden": false})).await?;
    let said = carol.send(&scene.alice.lid, text("It is me.")).await?;
    assert_eq!(scene.alices.expect_message(&said).await?["chatAlt"], json!(carol.jid));
    let device = scene.alice.devices().await?[0].jid.clone();
    scene.alice.tell_mappings(&device).await?;
    let told = "/message/protocolMessage/type";
    let is_told = |event: &Value| event.pointer(told) == Some(&json!("LID_MIGRATION_MAPPING_SYNC"));
    scene.alices.expect("message", is_told).await?;
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_phone_is_installed_anew() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let before = scene.alices.say(&scene.bob.lid, "Nice phone.").await?;
    scene.bobs.expect_message(&before).await?;
    scene.bob.reinstall().await?;
    scene.bobs.expect("close", |event| event["isFinal"] == true).await?;
    let after = scene.alices.say(&scene.bob.lid, "A new one?").await?;
    assert_eq!(scene.bob.expect(&after).await?["text"], "A new one?");
    let answer = scene.bob.send(&scene.alice.lid, text("Yes.")).await?;
    assert_eq!(scene.alices.expect_message(&answer).await?["text"], "Yes.");
    let again = Person::linked(&scene.sim, &scene.bob).await?;
    let said = scene.alices.say(&scene.bob.lid, "And linked again?").await?;
    assert_eq!(again.expect_message(&said).await?["text"], "And linked again?");
    again.stop().await?;
    scene.end().await
}
