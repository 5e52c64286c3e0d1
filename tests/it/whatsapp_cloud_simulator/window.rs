//! The customer service window, on a clock that the test moves.

use magpie_tests::whatsapp_cloud::{Refusals, Status, WINDOW_MS};
use serde_json::json;

use super::{HOUR_MS, Scene, code};

#[tokio::test]
async fn it_closes_a_day_after_the_last_word() {
    let (scene, listener) = Scene::with_listener().await;
    let (sim, alice) = (&scene.sim, scene.alice());
    assert_eq!(sim.window_left_ms(alice), 0, "she never wrote");
    sim.person_says(alice, "Hello");
    assert_eq!(sim.window_left_ms(alice), WINDOW_MS);
    sim.advance_ms(24 * HOUR_MS - 1);
    assert_eq!(sim.window_left_ms(alice), 1);
    let inside = scene.says("Just in time").await;
    assert_eq!(sim.message(&inside).expect("it is there").statuses, [Status::Sent, Status::Delivered]);
    sim.advance_ms(1);
    let outside = scene.says("Too late").await;
    let message = sim.message(&outside).expect("it is there");
    assert_eq!((message.statuses, message.error_code), (vec![Status::Failed], Some(131_047)));
    sim.wait_for_webhooks().await.expect("they go out");
    let failed = listener.statuses().pop().expect("one came");
    assert_eq!((&failed["id"], &failed["status"]), (&json!(outside), &json!("failed")));
    assert_eq!(failed["errors"][0]["code"], 131_047);
    let template =
        json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}});
    let (_, answer) = scene.sends(template).await;
    let id = answer["messages"][0]["id"].as_str().expect("it was taken");
    assert_eq!(sim.message(id).expect("it is there").statuses, [Status::Sent, Status::Delivered]);
    sim.person_reacts(alice, &inside, "👍");
    assert_eq!(sim.window_left_ms(alice), WINDOW_MS, "any word opens it");
    scene.should_be_honest("it_closes_a_day_after_the_last_word");
}

#[tokio::test]
async fn it_belongs_to_one_person_and_may_refuse_at_once() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.small.with_bob(), "Hello");
    scene.sim.refuses(Refusals::InAnswers);
    let (status, answer) = scene.sends(json!({"type": "text", "text": {"body": "x"}})).await;
    assert_eq!((status.as_u16(), code(&answer)), (400, 131_047));
    assert!(scene.sim.sent().is_empty());
    let bob = json!({"type": "text", "text": {"body": "x"}, "to": "16505551235"});
    assert_eq!(scene.sends(bob).await.0, 200);
    scene.should_be_honest("it_belongs_to_one_person_and_may_refuse_at_once");
}
