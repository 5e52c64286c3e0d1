//! Two people are linked, one by QR code and one by pair code, and talk.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::content::text,
};

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
