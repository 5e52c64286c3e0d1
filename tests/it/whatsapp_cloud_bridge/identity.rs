//! Who is who: payloads of both ages, people who are known by a number first and by a user id later, usernames, changed numbers.

use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteUserId},
    message::{Outgoing, RemoteEvent},
};
use magpie_tests::whatsapp_cloud::{PayloadAge, WINDOW_MS};
use serde_json::{Value, json};

use super::{Stage, ids, key, said};

const NOW_MS: i64 = 1_790_000_000_000;

fn moves(stage: &Stage) -> Vec<(RemoteChatId, RemoteChatId)> {
    let events = stage.recorder.events().into_iter();
    let moved = events.filter_map(|one| match one.event {
        RemoteEvent::Migrated { from, to } => Some((from, to)),
        _ => None,
    });
    moved.collect()
}

fn are_one(stage: &Stage, canonical_id: &str, alias_id: &str) -> bool {
    let is_it = |event: &RemoteEvent| matches!(event, RemoteEvent::SameUser { canonical, alias } if canonical.as_str() == canonical_id && alias.as_str() == alias_id);
    stage.recorder.events().iter().any(|one| is_it(&one.event))
}

#[tokio::test]
async fn a_person_known_by_a_number_goes_on_under_the_user_id() {
    let stage = Stage::new().await;
    let chat = stage.small.with_alice();
    stage.sim.writes_in_age(PayloadAge::PhoneNumbers);
    let session = stage.connect().await;
    stage.sim.person_says(chat, "in the old words");
    let old = stage.arrived("in the old words").await;
    let by_number = RemoteChatId::new(format!("{}/16505551234", chat.number));
    assert_eq!((&old.chat, old.sender.ids.primary.as_str()), (&by_number, "16505551234"));
    ids(session.deliver(&by_number, &said("an answer"), &key(1)).await);

    stage.sim.writes_in_age(PayloadAge::UserIds);
    stage.sim.person_says(chat, "in the new words");
    let new = stage.arrived("in the new words").await;
    assert_eq!((&new.chat, &new.sender.ids.primary), (&stage.alice(), &stage.user(chat)));
    assert!(new.sender.ids.others.iter().any(|id| id.as_str() == "16505551234"), "{:?}", new.sender.ids);
    assert_eq!(moves(&stage), [(by_number, stage.alice())]);
    assert!(are_one(&stage, stage.user(chat).as_str(), "16505551234"));
    ids(session.deliver(&stage.alice(), &said("an answer to the user id"), &key(2)).await);

    // What still comes in the old words, after a restart too, is the same person's.
    session.close().await;
    let session = stage.connect().await;
    stage.sim.writes_in_age(PayloadAge::PhoneNumbers);
    stage.sim.person_says(chat, "in the old words again");
    assert_eq!(stage.arrived("in the old words again").await.chat, stage.alice());
    assert_eq!(moves(&stage).len(), 1);
    session.close().await;
    stage.should_be_honest("a_person_known_by_a_number_goes_on_under_the_user_id");
}

#[tokio::test]
async fn a_person_with_a_username_needs_no_number() {
    let stage = Stage::new().await;
    let chat = stage.small.with_alice();
    stage.sim.person_takes_username(chat.person, "alice.birds");
    let session = stage.connect().await;
    stage.sim.person_says(chat, "guess my number");
    let arrived = stage.arrived("guess my number").await;
    assert_eq!((arrived.chat, arrived.sender.ids.others.len()), (stage.alice(), 0));
    let id = ids(session.deliver(&stage.alice(), &said("no need to"), &key(1)).await).remove(0);
    assert!(stage.sim.message(&id).expect("it is there").by_user_id);
    session.close().await;
    stage.should_be_honest("a_person_with_a_username_needs_no_number");
}

#[tokio::test]
async fn a_changed_number_moves_the_chat() {
    for age in [PayloadAge::UserIds, PayloadAge::PhoneNumbers] {
        let stage = Stage::new().await;
        let chat = stage.small.with_alice();
        stage.sim.writes_in_age(age);
        let session = stage.connect().await;
        stage.sim.person_says(chat, "my old number");
        let before = stage.arrived("my old number").await.chat;
        stage.sim.person_changes_number(chat.person, "16505559999");
        stage.arrived("changed").await;
        stage.sim.person_says(chat, "my new number");
        let after = stage.arrived("my new number").await;
        assert_ne!(before, after.chat, "{age:?}");
        let moves = moves(&stage);
        assert!(
            moves.iter().all(|moved| *moved == (before.clone(), after.chat.clone())),
            "{age:?}: {moves:?}"
        );
        assert!(!moves.is_empty(), "{age:?}");
        ids(session.deliver(&after.chat, &said("noted"), &key(1)).await);
        session.close().await;
        stage.should_be_honest("a_changed_number_moves_the_chat");
    }
}

/// Everything that a number tells of messages.
fn tells(stage: &Stage, mut value: Value) {
    let number = stage.small.number;
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": number.to_string()});
    stage.sim.tells(number, "messages", value);
}

#[tokio::test]
async fn who_is_not_named_as_the_sender_moves_all_the_same() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let chat = stage.small.with_alice();
    stage.sim.person_takes_username(chat.person, "alice.birds");
    let session = stage.connect().await;
    stage.sim.person_says(chat, "before");
    let before = stage.arrived("before").await;
    stage.sim.advance_ms(60_000);
    stage.sim.person_changes_number(chat.person, "16505559999");
    stage.arrived("changed").await;
    assert_eq!(moves(&stage), [(before.chat.clone(), stage.alice())]);
    assert!(are_one(&stage, stage.user(chat).as_str(), before.sender.ids.primary.as_str()));
    let limits = session.limits(&stage.alice());
    assert_eq!(limits.open_until_ms, Some(NOW_MS + WINDOW_MS), "the window goes with her");
    ids(session.deliver(&stage.alice(), &Outgoing::Typing { active: true }, &key(1)).await);
    assert!(stage.sim.sees_typing(chat), "so does her last message");

    // Told again, and by a field of its own as others have seen it, it is no news.
    let told = stage.sim.webhooks().len();
    (0..told).for_each(|place| stage.sim.replays_webhook(place));
    let number = stage.small.number;
    let update = json!({"user_id": {"previous": before.sender.ids.primary.as_str(), "current": stage.user(chat).as_str()}, "timestamp": (NOW_MS / 1000).to_string()});
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": number.to_string()});
    stage.sim.tells(
        number,
        "user_id_update",
        json!({"messaging_product": "whatsapp", "metadata": metadata, "user_id_update": [update]}),
    );
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    assert_eq!(moves(&stage).len(), 1);
    session.close().await;
}

#[tokio::test]
async fn a_move_that_names_the_old_number_alone_is_of_whom_it_was() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let before = stage.alice();
    let moved = json!({"from": "16505551234", "id": "wamid.moved", "timestamp": (NOW_MS / 1000 + 60).to_string(), "type": "system",
        "system": {"type": "user_changed_number", "wa_id": "16505559999", "user_id": "US.77", "body": "Alice has moved"}});
    tells(&stage, json!({"messages": [moved]}));
    let notice = stage.arrived("Alice has moved").await;
    let after = RemoteChatId::new(format!("{}/US.77", stage.small.number));
    assert_eq!((moves(&stage), &notice.chat), (vec![(before, after.clone())], &after));

    // An old message that is brought again changes nothing.
    stage.sim.replays_webhook(0);
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    let last = stage.recorder.messages().pop().expect("it came again");
    assert_eq!((last.message.text.to_plain(), last.chat), ("let us talk".to_owned(), after.clone()));
    assert_eq!(moves(&stage).len(), 1);
    let directory = session.directory().expect("people are found");
    let new = RemoteUserId::new("16505559999");
    assert_eq!(directory.direct_chat(&new).await.expect("it is a number"), after);
    session.close().await;
}

#[tokio::test]
async fn a_number_that_is_given_to_somebody_else_makes_nobody_one() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let (alice, bob) = (stage.small.with_alice(), stage.small.with_bob());
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.advance_ms(60_000);
    stage.sim.person_changes_number(alice.person, "16505559999");
    stage.arrived("changed").await;
    stage.sim.advance_ms(60_000);
    stage.sim.person_gets_number(bob.person, "16505551234");
    stage.sim.person_says(bob, "I am new here");
    let new = stage.arrived("I am new here").await;
    assert_eq!(
        (&new.chat, new.sender.ids.others.len()),
        (&stage.id(bob), 0),
        "the number stays an id of hers"
    );
    assert_eq!(moves(&stage).len(), 1);
    // What she has said with it before comes again, and is hers.
    stage.sim.replays_webhook(0);
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    let directory = session.directory().expect("people are found");
    let number = RemoteUserId::new("16505551234");
    assert_eq!(directory.direct_chat(&number).await.expect("it is a number"), stage.id(bob));
    let found = directory.resolve("+1 650 555 1234").await.expect("it is asked").expect("somebody has it");
    assert_eq!(found.name.as_deref(), Some("Bob"));
    session.close().await;
}

#[tokio::test]
async fn a_number_that_whatsapp_spells_otherwise_moves_the_chat() {
    let stage = Stage::new().await;
    let chat = stage.small.with_alice();
    stage.sim.writes_in_age(PayloadAge::PhoneNumbers);
    stage.sim.number_is_spelled("16509995551234", "16505551234");
    stage.sim.person_says(chat, "before the bridge was there");
    let session = stage.connect().await;
    let dialed = RemoteChatId::new(format!("{}/16509995551234", chat.number));
    ids(session.deliver(&dialed, &said("hello"), &key(1)).await);
    let spelled = RemoteChatId::new(format!("{}/16505551234", chat.number));
    assert_eq!(moves(&stage), [(dialed.clone(), spelled.clone())]);
    ids(session.deliver(&dialed, &said("once more"), &key(2)).await);
    assert_eq!(moves(&stage).len(), 1, "it is told once");
    let directory = session.directory().expect("people are found");
    let opened = directory.direct_chat(&RemoteUserId::new("16509995551234")).await.expect("it is a number");
    assert_eq!(opened, spelled);
    session.close().await;
}

#[tokio::test]
async fn a_status_that_tells_the_user_id_first_moves_the_chat() {
    let stage = Stage::new().await;
    let chat = stage.small.with_alice();
    stage.sim.writes_in_age(PayloadAge::PhoneNumbers);
    let session = stage.connect().await;
    stage.sim.person_says(chat, "in the old words");
    let old = stage.arrived("in the old words").await.chat;
    stage.sim.writes_in_age(PayloadAge::UserIds);
    ids(session.deliver(&old, &said("for you"), &key(1)).await);
    stage
        .happened("an arrival", |event| match event {
            RemoteEvent::Arrived { chat, .. } => (chat == stage.alice()).then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(moves(&stage), [(old, stage.alice())]);
    assert!(session.limits(&stage.alice()).open_until_ms.is_some(), "the window goes with her");
    session.close().await;
}
