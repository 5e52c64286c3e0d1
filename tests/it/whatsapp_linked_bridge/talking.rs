//! Two people talk: one in Matrix through the bridge, one at WhatsApp with a client of somebody else.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::Person,
};

use super::Linked;

#[tokio::test(flavor = "multi_thread")]
async fn real_words_go_both_ways_once_and_in_order() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let bobs = Person::linked(&linked.on.sim, &linked.on.bob).await?;
    let asked = bobs.say(&linked.on.alice.lid, "Can you hear me?").await?;
    let (room, admin) = linked.room_with("Can you hear me?").await;
    // It is acknowledged once it is stored, and WhatsApp forgets it then.
    linked.on.sim.expect_acked(&linked.device, &asked).await?;
    let homeserver = &linked.on.homeserver;
    let ghost = homeserver.messages(&room)[0].0.clone();
    let name = homeserver.profile(&ghost).and_then(|profile| profile.display_name);
    assert_eq!(name.as_deref(), Some("Bob"));

    for number in 0..5 {
        admin.sends(&room, &format!("answer {number}"));
    }
    for number in 0..5 {
        let words = format!("answer {number}");
        let heard = bobs.expect("message", |event| event["text"] == words.as_str()).await?;
        // People have two addresses, and either may be told.
        let alice = [&linked.on.alice.lid, &linked.on.alice.jid];
        assert!(alice.iter().any(|address| heard["chat"] == address.as_str()), "{heard}");
        assert_eq!(heard["fromMe"], false);
        // The phone has a copy of what its linked device said.
        let copy = linked.on.alice.expect(heard["id"].as_str().unwrap_or_default()).await?;
        assert_eq!((&copy["text"], &copy["own"]), (&words.into(), &true.into()));
    }
    for number in 0..5 {
        bobs.say(&linked.on.alice.lid, &format!("word {number}")).await?;
    }
    linked.hears(&room, "word 4").await;
    let said = homeserver.messages(&room);
    let words: Vec<_> = said.iter().map(|(_, body)| body.as_str()).collect();
    let numbers = |what: &str| (0..5).map(|number| format!("{what} {number}")).collect::<Vec<_>>();
    let expected = [vec!["Can you hear me?".to_owned()], numbers("answer"), numbers("word")].concat();
    assert_eq!(words, expected, "each once, in order");
    let at_bobs: Vec<_> = bobs.seen("message").into_iter().filter(|event| event["fromMe"] == false).collect();
    assert_eq!(at_bobs.len(), 5, "each once: {at_bobs:#?}");
    assert_eq!(linked.encrypted("from_matrix", "written").await?, 5);
    assert!(linked.encrypted("from_remote", "read").await? >= 6);
    assert_eq!(linked.encrypted("from_remote", "unread").await?, 0);
    bobs.stop().await?;
    linked.end().await
}
