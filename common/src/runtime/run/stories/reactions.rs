//! Reactions, typing and receipts, from both sides.

use super::*;
use crate::{
    ids::RemoteFileId,
    message::{Emoji, FileSource, Outgoing, Stands},
    store::Direction,
};

#[tokio::test]
async fn reactions_from_matrix_share_one_voice() {
    let stage = Stage::set("reactions_from_matrix").await;
    let (room, first) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let heart = Emoji::unicode("❤");
    // The selector that some clients leave out makes no other emoji.
    let alices = alice.reacts(&room, &on, "❤");
    let bobs = bob.reacts(&room, &on, "❤️");
    stage.says(&room, "then").await;
    assert_eq!(stage.network.reactions(), [(first.id.clone(), heart.clone())]);
    alice.redacts(&room, &alices);
    stage.says(&room, "later").await;
    assert_eq!(stage.network.reactions(), [(first.id.clone(), heart)], "bob's is still there");
    bob.redacts(&room, &bobs);
    stage.network.wait_until("it goes", |network| network.reactions().is_empty().then_some(())).await;
    // On one of our own, the last part bears it; on what the network does not have, nothing happens.
    let (event_id, ids) = stage.says(&room, "long --- longer").await;
    let nowhere = stage.fake.person("bob").sends_content(&room, "m.room.message", &json!({}));
    alice.reacts(&room, &nowhere, "👍");
    alice.reacts(&room, &event_id, "👍");
    let thumb = (ids[1].clone(), Emoji::unicode("👍"));
    stage
        .network
        .wait_until("it comes", |network| (network.reactions() == [thumb.clone()]).then_some(()))
        .await;
    stage.ends().await;
}

#[tokio::test]
async fn reactions_from_the_network_are_put_and_taken_back() {
    let stage = Stage::set("reactions_from_network").await;
    let (room, first) = stage.room().await;
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let chat = stage.chat.clone();
    let react = |by: &str, emoji: &Emoji| RemoteEvent::React {
        chat: chat.clone(),
        target: first.id.clone(),
        sender: user(by),
        emoji: emoji.clone(),
        sent_ms: None,
    };
    let unreact = |by: Option<&str>, emoji: Option<&Emoji>| RemoteEvent::Unreact {
        chat: chat.clone(),
        target: first.id.clone(),
        sender: by.map(user),
        emoji: emoji.cloned(),
    };
    let standing = || {
        let events = stage.fake.events(&room);
        let is_there = |event: &&Arc<FakeEvent>| {
            event.event_type == "m.reaction"
                && !events.iter().any(|other| other.redacts.as_ref() == Some(&event.event_id))
        };
        let reactions = events.iter().filter(is_there);
        reactions
            .map(|event| {
                let relation = &event.content()["m.relates_to"];
                assert_eq!(relation["event_id"], on.as_str());
                format!("{} {}", event.sender.localpart(), relation["key"].as_str().unwrap_or_default())
            })
            .collect::<Vec<_>>()
    };
    let picture = stage.network.add_file("emoji/7", &b"\x89PNG\r\n\x1a\nnot much of a picture"[..]);
    let source = FileSource::Remote(RemoteFileId::new("emoji/7"));
    let (thumb, wave) = (Emoji::unicode("👍"), Emoji::Custom { name: "wave".to_owned(), source });
    for event in [react("carol", &thumb), react("dave", &thumb), react("dave", &wave), react("carol", &thumb)]
    {
        stage.network.pushes(event).await;
    }
    stage.hears(&room, "dave", "then").await;
    let shown = standing();
    assert_eq!(shown[..2], ["fake_carol 👍", "fake_dave 👍"]);
    assert!(shown[2].starts_with("fake_dave "), "{shown:?}");
    assert_eq!(shown.len(), 3);
    assert_eq!(picture.as_str(), "emoji/7");
    stage.network.pushes(unreact(Some("carol"), Some(&thumb))).await;
    // The same again is a new one.
    stage.network.pushes(react("carol", &thumb)).await;
    stage.network.pushes(unreact(None, Some(&thumb))).await;
    stage.hears(&room, "dave", "later").await;
    assert_eq!(standing().len(), 1);
    stage.fake.person("alice").reacts(&room, &on, "🎉");
    stage.network.wait_until("it comes", |network| (!network.reactions().is_empty()).then_some(())).await;
    stage.says(&room, "recorded").await;
    stage.network.pushes(unreact(None, None)).await;
    stage.hears(&room, "dave", "cleared").await;
    assert_eq!(standing(), [""; 0], "everybody's are gone, those from Matrix among them");
    stage.ends().await;
}

#[tokio::test]
async fn typing_and_receipts_are_passed_on() {
    let stage = Stage::set("typing").await;
    let (room, first) = stage.room().await;
    let carol = UserId::parse(ghost("carol")).unwrap();
    let typing = RemoteEvent::Typing { chat: stage.chat.clone(), sender: user("carol"), timeout_ms: 5_000 };
    stage.network.pushes(typing).await;
    stage.fake.wait_until(|fake| fake.is_typing(&room, &carol).then_some(())).await;
    let (event_id, _) = stage.says(&room, "hello").await;
    let id = stage.network.said(&stage.chat)[0].id.clone();
    stage.hears(&room, "carol", "recorded").await;
    let receipt = RemoteEvent::Receipt { chat: stage.chat.clone(), reader: user("carol"), up_to: id };
    stage.network.pushes(receipt).await;
    let read = Some(event_id.to_string());
    stage.fake.wait_until(|fake| (fake.read_up_to(&room, &carol) == read).then_some(())).await;
    stage.fake.person("alice").types(&room, true);
    let passed = |wanted: Outgoing| {
        let network = stage.network.clone();
        async move {
            network
                .wait_until("it is passed on", |network| network.passed().contains(&wanted).then_some(()))
                .await;
        }
    };
    passed(Outgoing::Typing { active: true }).await;
    let first_event = stage.fake.wait_for_body(&room, "first").await;
    stage.fake.person("alice").reads(&room, &first_event.event_id);
    passed(Outgoing::Read { up_to: first.id.clone() }).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_is_read_before_it_is_recorded_is_shown_as_read() {
    let stage = Stage::set("read-at-once").await;
    let (room, _) = stage.room().await;
    let carol = UserId::parse(ghost("carol")).unwrap();
    stage.network.holds_answers();
    let (event_id, ids) = stage.says(&room, "read at once").await;
    let up_to = ids[0].clone();
    stage
        .network
        .pushes(RemoteEvent::Receipt { chat: stage.chat.clone(), reader: user("carol"), up_to })
        .await;
    stage.hears(&room, "carol", "looked for in vain by now").await;
    stage.network.answers();
    let read = Some(event_id.to_string());
    stage.fake.wait_until(|fake| (fake.read_up_to(&room, &carol) == read).then_some(())).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_stands_on_a_message_that_is_not_recorded_yet_is_put_all_the_same() {
    let stage = Stage::set("stands-at-once").await;
    let (room, _) = stage.room().await;
    stage.network.holds_answers();
    let (event_id, ids) = stage.says(&room, "liked at once").await;
    let reactions = Some(vec![(user("carol"), Emoji::unicode("🎉"))]);
    let (chat, id) = (stage.chat.clone(), ids[0].clone());
    let messages = vec![Stands { id: id.clone(), reactions }];
    let standing = RemoteEvent::Standing { chat: chat.clone(), stretch: (id.clone(), id), messages };
    stage.network.pushes(standing).await;
    // It is looked for in vain, while nobody knows that the network has the message.
    let store = &stage.running.parts.store;
    loop {
        let rows = store.lane_rows(Direction::FromRemote, chat.as_str(), None, 1).await.expect("it is read");
        if rows.first().is_none_or(|row| row.attempts > 0) {
            break;
        }
        tokio::task::yield_now().await;
    }
    stage.network.answers();
    let reaction = stage.fake.wait_for(&room, |event| event.event_type == "m.reaction").await;
    assert_eq!(reaction.sender.as_str(), ghost("carol"));
    assert_eq!(reaction.content()["m.relates_to"]["event_id"], event_id.as_str());
    stage.ends().await;
}
