//! Who is who: payloads of both ages, people who are known by a number first and by a user id later, usernames, changed numbers.

use magpie_common::{ids::RemoteChatId, message::RemoteEvent};
use magpie_tests::whatsapp_cloud::PayloadAge;

use super::{Stage, ids, key, said};

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
