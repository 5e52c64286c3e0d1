//! Two people are linked, one by QR code and one by pair code, and talk.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{LinkedSim, Person, content::text},
};
use serde_json::{Value, json};

use super::{ALICE, BOB, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn real_two_linked_devices_talk() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let asked = scene.alices.say(&scene.bob.lid, "Can you hear me?").await?;
    let heard = scene.bobs.expect_message(&asked).await?;
    assert_eq!(heard["text"], "Can you hear me?");
    assert_eq!(heard["chat"], scene.alice.lid);
    assert_eq!(heard["chatAlt"], scene.alice.jid);
    assert_eq!(heard["name"], "Alice");
    let answered = scene.bobs.say(&scene.alice.lid, "Loud and clear.").await?;
    assert_eq!(scene.alices.expect_message(&answered).await?["text"], "Loud and clear.");
    // Both phones could read both, the own ones as copies.
    for (phone, id, sender) in
        [(&scene.alice, &asked, ALICE), (&scene.bob, &asked, ALICE), (&scene.alice, &answered, BOB)]
    {
        let read = phone.expect(id).await?;
        assert_eq!(read["sender"], sender);
        assert_eq!(read["own"], phone.number == sender);
    }
    let written = scene.bob.send(&scene.alice.lid, text("From the phone.")).await?;
    assert_eq!(scene.alices.expect_message(&written).await?["text"], "From the phone.");
    let copy = scene.bobs.expect_message(&written).await?;
    assert_eq!((&copy["fromMe"], &copy["chat"]), (&true.into(), &scene.alice.lid.clone().into()));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_mistyped_code_links_nothing() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let sim = LinkedSim::start().await?;
    let alice = sim.account(ALICE, "Alice").await?;
    alice.enter_code("ABCD1234").await.expect_err("nobody asked for a code");
    alice.scan("a,b,c,d").await.expect_err("nobody shows this code");
    let alices = Person::start(&sim).await?;
    alices.tell("connect", json!({"phone": ALICE})).await?;
    let shown = alices.expect("code", |_| true).await?;
    alice.enter_code("ABCD1234").await?;
    sim.expect("code-refused", |event| event["phone"] == ALICE).await?;
    assert_eq!(alice.devices().await?, []);
    alice.enter_code(shown["code"].as_str().unwrap_or_default()).await?;
    alices.caught_up().await?;
    assert_eq!(alice.devices().await?.len(), 1);
    alices.stop().await?;
    assert_eq!(sim.errors(), Vec::<Value>::new());
    sim.stop().await
}
