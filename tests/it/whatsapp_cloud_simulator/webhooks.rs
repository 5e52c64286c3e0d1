//! How webhooks get there: retries with growing pauses, batches, repeats, any order, forgeries, changed numbers.

use magpie_tests::whatsapp_cloud::{Forgery, PayloadAge, Post, Release, Status};
use serde_json::{Value, json};

use super::{Scene, listener::Listener};

fn texts(listener: &Listener) -> Vec<String> {
    let texts = listener.messages();
    texts.iter().map(|message| message["text"]["body"].as_str().expect("it is a text").to_owned()).collect()
}

#[tokio::test]
async fn they_are_tried_until_the_answer_is_200() {
    let (scene, listener) = Scene::with_listener().await;
    listener.answers(&[503, 404, 302]);
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.wait_for_webhooks().await.expect("it is tried");
    for (wait_ms, attempts) in [(4999, 1), (1, 2), (9999, 2), (1, 3), (20_000, 4), (1_000_000, 4)] {
        assert!(listener.bodies().is_empty() || attempts == 4);
        scene.sim.advance_ms(wait_ms);
        scene.sim.wait_for_webhooks().await.expect("it is tried");
        assert_eq!(scene.sim.webhooks()[0].answers.len(), attempts, "after {wait_ms} ms more");
    }
    let webhook = scene.sim.webhooks().remove(0);
    assert_eq!(
        (webhook.answers, webhook.is_waiting),
        (vec![Some(503), Some(404), Some(302), Some(200)], false)
    );
    assert_eq!(texts(&listener), ["Hello"]);
    scene.should_be_honest("they_are_tried_until_the_answer_is_200");
}

#[tokio::test]
async fn a_later_one_overtakes_a_failed_one() {
    let (scene, listener) = Scene::with_listener().await;
    listener.answers(&[500]);
    scene.sim.person_says(scene.alice(), "First");
    scene.sim.person_says(scene.alice(), "Second");
    scene.sim.wait_for_webhooks().await.expect("they are tried");
    scene.sim.advance_ms(5000);
    scene.sim.wait_for_webhooks().await.expect("it is tried again");
    assert_eq!(texts(&listener), ["Second", "First"]);
}

#[tokio::test]
async fn held_ones_come_as_the_test_likes() {
    let (scene, listener) = Scene::with_listener().await;
    let mut posts = 0;
    for (release, new_posts, wanted) in [
        (Release::InOrder, 3, ["a", "b", "c"]),
        (Release::Reversed, 3, ["c", "b", "a"]),
        (Release::InOnePost, 1, ["a", "b", "c"]),
        (Release::Merged, 1, ["a", "b", "c"]),
    ] {
        scene.sim.holds_webhooks();
        for (chat, text) in [(scene.alice(), "a"), (scene.small.with_bob(), "b"), (scene.alice(), "c")] {
            scene.sim.person_says(chat, text);
        }
        assert_eq!(scene.sim.releases_webhooks(release), 3);
        scene.sim.wait_for_webhooks().await.expect("they go out");
        let seen = texts(&listener);
        assert_eq!(seen[seen.len() - 3..], wanted, "{release:?}");
        posts += new_posts;
        assert_eq!(listener.bodies().len(), posts, "{release:?}");
    }
    let merged = listener.values().pop().expect("one came");
    assert_eq!(
        (merged["messages"].as_array().map(Vec::len), merged["contacts"].as_array().map(Vec::len)),
        (Some(3), Some(2))
    );
    scene.should_be_honest("held_ones_come_as_the_test_likes");
}

#[tokio::test]
async fn they_come_twice_and_from_the_past() {
    let (scene, listener) = Scene::with_listener().await;
    scene.sim.repeats_webhooks(1);
    scene.sim.person_says(scene.alice(), "Twice");
    scene.sim.person_says(scene.alice(), "Once");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    assert_eq!(texts(&listener), ["Twice", "Twice", "Once"]);
    scene.sim.advance_ms(3 * 24 * 60 * 60 * 1000);
    scene.sim.replays_webhook(0);
    scene.sim.wait_for_webhooks().await.expect("it goes out");
    let bodies = listener.bodies();
    assert_eq!(bodies[3], bodies[0], "to the letter");
}

#[tokio::test]
async fn forgeries_are_told_apart_by_the_signature() {
    let (scene, listener) = Scene::with_listener().await;
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.wait_for_webhooks().await.expect("it goes out");
    let body = scene.sim.webhooks()[0].body.to_string();
    for (forgery, wanted) in [
        (Forgery::Unsigned, 403),
        (Forgery::OtherSecret, 403),
        (Forgery::OtherBody, 403),
        (Forgery::Garbage, 403),
        (Forgery::None, 200),
    ] {
        let status = scene.sim.forges_webhook(&listener.address, body.as_bytes(), forgery).await;
        assert_eq!(status.expect("somebody answers"), wanted, "{forgery:?}");
    }
    assert_eq!(listener.bodies().len(), 2);
}

#[tokio::test]
async fn a_changed_number_is_told_in_the_words_of_the_age() {
    let (scene, listener) = Scene::with_listener().await;
    let alice = scene.small.alice;
    let told = |nth_last: usize| listener.values().into_iter().nth_back(nth_last).expect("it came");
    scene.sim.writes_in_age(PayloadAge::PhoneNumbers);
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.person_changes_number(alice, "12195555358");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let system = json!({"body": "User Alice changed from 16505551234 to 12195555358", "wa_id": "12195555358", "type": "user_changed_number"});
    assert_eq!((&told(0)["messages"][0]["system"], &told(0)["contacts"]), (&system, &Value::Null));

    scene.sim.writes_in_age(PayloadAge::UserIds);
    let before = scene.sim.person(alice).expect("she is there");
    scene.sim.person_changes_number(alice, "12195550000");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let after = scene.sim.person(alice).expect("she is there");
    let message = told(0)["messages"][0].clone();
    assert_eq!((&message["from"], &message["from_user_id"]), (&json!("12195555358"), &json!(before.user_id)));
    assert_eq!(
        (&message["system"]["wa_id"], &message["system"]["user_id"]),
        (&json!("12195550000"), &json!(after.user_id))
    );
    assert_eq!(message["system"]["previous_user_id"], before.user_id);

    scene.sim.person_takes_username(alice, "alice.w");
    scene.sim.person_changes_number(alice, "12195551111");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let message = told(0)["messages"][0].clone();
    assert_eq!(
        (&message["system"]["type"], &message["from"], &message["from_user_id"]),
        (&json!("user_changed_user_id"), &Value::Null, &Value::Null)
    );
    assert!(!told(0).to_string().contains("12195551111"));
    scene.should_be_honest("a_changed_number_is_told_in_the_words_of_the_age");
}

#[tokio::test]
async fn the_rarer_deeds_are_told() {
    let (scene, listener) = Scene::with_listener().await;
    let (sim, alice) = (&scene.sim, scene.alice());
    let hello = sim.person_says(alice, "Hello");
    sim.person_reacts(alice, &hello, "👍");
    sim.person_unreacts(alice, &hello);
    sim.person_forwards(alice, "Pass it on", 1);
    sim.person_forwards(alice, "Everybody says", 6);
    sim.person_edits(alice, &hello, "Hallo");
    sim.person_deletes(alice, &hello);
    sim.person_opens_chat(alice);
    sim.person_posts(alice, Post::new("hologram", json!({"depth": 3})));
    sim.owner_says(alice, "From my phone");
    sim.wait_for_webhooks().await.expect("they go out");
    let told = listener.messages();
    assert_eq!(told[1]["reaction"], json!({"message_id": hello, "emoji": "👍"}));
    assert_eq!(told[2]["reaction"], json!({"message_id": hello}));
    assert_eq!(
        (&told[3]["context"]["forwarded"], &told[4]["context"]["frequently_forwarded"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        told[5]["edit"],
        json!({"original_message_id": hello, "message": {"type": "text", "text": {"body": "Hallo"}}})
    );
    assert_eq!(told[6]["revoke"], json!({"original_message_id": hello}));
    assert_eq!((&told[7]["type"], &told[8]["hologram"]["depth"]), (&json!("request_welcome"), &json!(3)));
    let echo = listener.values().pop().expect("it came")["message_echoes"][0].clone();
    assert_eq!(
        (&echo["from"], &echo["to"], &echo["text"]["body"]),
        (&json!("15550783881"), &json!("16505551234"), &json!("From my phone"))
    );
    assert!(sim.message(&hello).expect("it is there").is_deleted);
    assert!(!sim.message_gets(&hello, Status::Read), "messages of people have no status");
    scene.should_be_honest("the_rarer_deeds_are_told");
}
