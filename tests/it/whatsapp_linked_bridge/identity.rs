//! Who is who at the other end of the bridge: whatever addresses a person is told by, they have one room and one ghost.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{Person, content::text, groups::Addressing},
};
use ruma::OwnedUserId;
use serde_json::json;

use super::{CAROL, Linked, RoomId};

impl Linked {
    /// Who said this in a room.
    fn author(&self, room: &RoomId, words: &str) -> Option<OwnedUserId> {
        let said = self.on.homeserver.messages(room).into_iter();
        said.rev().find_map(|(author, body)| (body == words).then_some(author))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_whoever_is_told_by_lid_and_by_number_has_one_room_and_one_ghost() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let (alice, sim) = (&linked.on.alice, &linked.on.sim);
    let carol = sim.account_with(CAROL, json!({"name": "Carol", "hidden": true})).await?;
    // Nobody is told her number.
    carol.send(&alice.lid, text("Guess who.")).await?;
    let (room, admin) = linked.room_with("Guess who.").await;
    let rooms = linked.on.homeserver.rooms().len();
    sim.account_with(CAROL, json!({"hidden": false})).await?;
    carol.send(&alice.lid, text("It is me.")).await?;
    carol.send(&alice.jid, text("By my number.")).await?;
    linked.hears(&room, "By my number.").await;
    alice.tell_mappings(&linked.device).await?;
    carol.send(&alice.lid, text("And again.")).await?;
    linked.hears(&room, "And again.").await;
    let ghost = linked.author(&room, "Guess who.");
    for words in ["It is me.", "By my number.", "And again."] {
        assert_eq!(linked.author(&room, words), ghost, "{words}");
    }
    assert_eq!(linked.on.homeserver.rooms().len(), rooms, "no other room was made");
    admin.sends(&room, "I know.");
    let carols = Person::linked(sim, &carol).await?;
    admin.sends(&room, "Of course.");
    carols.expect("message", |event| event["text"] == "Of course.").await?;
    carols.stop().await?;
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_new_number_and_a_new_lid_keep_the_room_and_the_ghost() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    for (number, lid) in [(Some("12025550122"), None), (Some("12025550133"), Some("99777"))] {
        let linked = Linked::start().await?;
        let (alice, bob) = (&linked.on.alice, linked.on.bob.clone());
        let group = bob.create_group("Birds", &[alice], Addressing::Lid).await?;
        bob.send(&group, text("In the group.")).await?;
        let (birds, _) = linked.room_with("In the group.").await;
        bob.send(&alice.lid, text("Old number.")).await?;
        let (room, admin) = linked.room_with("Old number.").await;
        let rooms = linked.on.homeserver.rooms().len();
        let bob = bob.renumber(number, lid).await?;
        if let Some(lid) = lid {
            // The library hears of such a change beside the messages, not in order with them.
            let account = alice.lid.trim_end_matches("@lid");
            let key = format!("app.magpie.whatsapp://whatsapp/lid-{account}/lid-{lid}");
            linked.on.homeserver.wait_until(|it| it.state(&room, "m.bridge", &key)).await;
        }
        bob.send(&alice.lid, text("New number.")).await?;
        linked.hears(&room, "New number.").await;
        bob.send(&group, text("In the group again.")).await?;
        linked.hears(&birds, "In the group again.").await;
        let ghost = linked.author(&room, "Old number.");
        assert_eq!(linked.author(&room, "New number."), ghost);
        assert_eq!(linked.author(&birds, "In the group again."), ghost);
        assert_eq!(linked.on.homeserver.rooms().len(), rooms, "no other room was made");
        let bobs = Person::linked(&linked.on.sim, &bob).await?;
        admin.sends(&room, "To the new one.");
        bobs.expect("message", |event| event["text"] == "To the new one.").await?;
        bobs.stop().await?;
        linked.end().await?;
    }
    Ok(())
}
