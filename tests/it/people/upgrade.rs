//! A room of a chat that people replace by another at a real Synapse: the chat goes on in the new one.

use magpie_tests::harness::tools::{Component, need};
use serde_json::{Value, json};

use super::{BOT, Event, SERVER, Story, hears};

#[tokio::test]
async fn real_rooms_that_are_upgraded_keep_their_chat() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let story = Story::begin().await?;
    let Story { network, alice, carol, .. } = &story;
    let powers = json!({ "users": { alice.id(): 100, BOT: 100 } });
    let request = json!({
        "room_version": "10", "name": "Ours", "preset": "private_chat", "invite": [BOT, carol.id()],
        "power_level_content_override": powers,
    });
    let mut room = alice.create_room_with(request).await?;
    let is_bot_inside = |event: &Event| {
        event.kind() == "m.room.member"
            && event.json["state_key"] == BOT
            && event.content()["membership"] == "join"
    };
    alice.wait_for(&room, is_bot_inside).await?;
    carol.join(&room).await?;
    alice.send_text(&room, "!example bridge lobby").await?;
    hears(alice, &room, "This room and “The lobby” are one conversation now.").await?;
    network.person_says("lobby", "ada", "in version 10");
    alice.wait_for_text(&room, "in version 10").await?;

    for version in ["11", "12"] {
        let old = room;
        room = alice.upgrade(&old, version).await?;
        let late = format!("too late for the room before {version}");
        alice.send_text(&old, &late).await?;
        network.person_says("lobby", "ada", &format!("while {version} is being made"));
        alice.invite(&room, BOT).await?;
        let here = format!("in version {version}");
        alice.wait_for_text(&room, &format!("while {version} is being made")).await?;
        alice.send_text(&room, &here).await?;
        network.wait_for("lobby", |said| said.iter().any(|it| it.text == here).then_some(())).await?;
        assert!(
            !network.messages("lobby").iter().any(|it| it.text == late),
            "what is said in a closed room stays there"
        );
        let bridge = alice.state(&old).await?.into_iter().find(|event| event.kind() == "m.bridge");
        assert_eq!(bridge.map(|event| event.content().clone()), Some(json!({})), "the old room is no portal");
    }
    // Each was carried over once, as who said it.
    let texts: Vec<String> = network.messages("lobby").into_iter().map(|it| it.text).collect();
    let expected = [
        "in version 10",
        "while 11 is being made",
        "in version 11",
        "while 12 is being made",
        "in version 12",
    ];
    assert_eq!(texts, expected);
    let by = alice.wait_for_text(&room, "while 12 is being made").await?;
    assert_eq!(by.json["sender"], Value::from(format!("@example_ada:{SERVER}")));
    story.end().await
}
