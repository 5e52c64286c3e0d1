//! What the business sends, and what becomes of it.

use magpie_tests::whatsapp_cloud::{PayloadAge, Progress, Rates, Refusals, Side, Status, TYPING_MS};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, answer, code};

fn statuses(all: &[Value], id: &str) -> Vec<String> {
    let own = all.iter().filter(|status| status["id"] == id);
    own.map(|status| status["status"].as_str().expect("it is a word").to_owned()).collect()
}

#[tokio::test]
async fn every_kind_is_taken_and_kept() {
    let scene = Scene::new().await;
    let hello = scene.sim.person_says(scene.alice(), "Hello");
    let id = |number: u64| json!({"link": format!("https://example.org/{number}.bin")});
    let choice =
        |kind: &str, action: Value| json!({"type": kind, "body": {"text": "Which?"}, "action": action});
    let button = json!({"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]});
    let list = json!({"button": "Choose", "sections": [{"title": "All", "rows": [{"id": "a", "title": "A", "description": "The first"}]}]});
    let contents = [
        ("text", json!({"body": "Good day", "preview_url": false})),
        ("image", id(1)),
        ("video", id(2)),
        ("audio", id(3)),
        ("document", id(4)),
        ("sticker", id(5)),
        ("location", json!({"latitude": 37.7, "longitude": -122.4, "name": "HQ"})),
        ("contacts", json!([{"name": {"formatted_name": "Carol", "first_name": "Carol"}}])),
        ("reaction", json!({"message_id": hello, "emoji": "👍"})),
        ("interactive", choice("button", button)),
        ("interactive", choice("list", list)),
        ("template", json!({"name": "hello_world", "language": {"code": "en_US"}})),
    ];
    for (kind, content) in &contents {
        let (status, answer) =
            scene.sends(json!({"type": kind, *kind: content, "context": {"message_id": hello}})).await;
        assert_eq!(status, 200, "{kind}: {answer}");
        assert_eq!(answer["contacts"], json!([{"input": "16505551234", "wa_id": "16505551234"}]));
    }
    let sent: Vec<(String, Value)> = scene.sim.sent().into_iter().map(|it| (it.kind, it.content)).collect();
    assert_eq!(sent, contents.map(|(kind, content)| (kind.to_owned(), content)));
    let kept = scene.sim.message(&hello).expect("it is there");
    assert_eq!((kept.business_reaction.as_deref(), kept.side), (Some("👍"), Side::Person));
    scene.sends(json!({"type": "reaction", "reaction": {"message_id": hello, "emoji": ""}})).await;
    assert_eq!(scene.sim.message(&hello).expect("it is there").business_reaction, None);
    assert!(
        scene
            .sim
            .sent()
            .iter()
            .all(|it| it.kind == "reaction" || it.statuses.ends_with(&[Status::Delivered]))
    );
    scene.should_be_honest("every_kind_is_taken_and_kept");
}

#[tokio::test]
async fn statuses_follow_the_phone() {
    let (scene, listener) = Scene::with_listener().await;
    scene.sim.person_says(scene.alice(), "Hello");
    let sent = json!({"type": "text", "text": {"body": "1"}, "biz_opaque_callback_data": "outbox-17"});
    let first = scene.sends(sent).await.1["messages"][0]["id"].as_str().expect("it is text").to_owned();
    scene.sim.person_goes_offline(scene.small.alice);
    let second = scene.says("2").await;
    scene.sim.wait_for_webhooks().await.expect("they go out");
    assert_eq!(statuses(&listener.statuses(), &first), ["sent", "delivered"]);
    assert_eq!(statuses(&listener.statuses(), &second), ["sent"]);
    scene.sim.person_comes_online(scene.small.alice);
    scene.sim.person_reads(scene.alice());
    scene.sim.wait_for_webhooks().await.expect("they go out");
    assert_eq!(statuses(&listener.statuses(), &first), ["sent", "delivered", "read"]);
    assert_eq!(statuses(&listener.statuses(), &second), ["sent", "delivered", "read"]);
    let all = listener.statuses();
    let opaque =
        |id: &str| all.iter().find(|it| it["id"] == id).map(|it| it["biz_opaque_callback_data"].clone());
    assert_eq!((opaque(&first), opaque(&second)), (Some(json!("outbox-17")), Some(Value::Null)));
    scene.sim.moves_messages(Progress::ByHand);
    let third = scene.says("3").await;
    assert!(
        scene.sim.message_gets(&third, Status::Read) && scene.sim.message_gets(&third, Status::Delivered)
    );
    assert!(scene.sim.message_fails(&second, 131_049));
    scene.sim.wait_for_webhooks().await.expect("they go out");
    assert_eq!(statuses(&listener.statuses(), &third), ["read", "delivered"]);
    let failed = listener.statuses().into_iter().rfind(|it| it["status"] == "failed").expect("one failed");
    assert_eq!((&failed["id"], &failed["errors"][0]["code"]), (&json!(second), &json!(131_049)));
    scene.should_be_honest("statuses_follow_the_phone");
}

#[tokio::test]
async fn mistakes_get_their_codes() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    let text = json!({"body": "x"});
    let body = json!({"type": "body", "parameters": [{"type": "text", "text": "x"}]});
    let one_too_many = json!({"name": "hello_world", "language": {"code": "en_US"}, "components": [body]});
    for (name, fields, wanted) in [
        ("no content", json!({"type": "text"}), 100),
        ("too long", json!({"type": "text", "text": {"body": "x".repeat(4097)}}), 100),
        ("an unknown kind", json!({"type": "smell", "smell": {}}), 100),
        ("a group", json!({"type": "text", "text": text, "recipient_type": "group"}), 100),
        ("no number", json!({"type": "text", "text": text, "to": "Alice"}), 131_009),
        ("itself", json!({"type": "text", "text": text, "to": "15550783881"}), 131_021),
        (
            "an unknown answered message",
            json!({"type": "text", "text": text, "context": {"message_id": "wamid.x"}}),
            131_009,
        ),
        ("an unknown file", json!({"type": "image", "image": {"id": "1"}}), 131_053),
        (
            "an unknown template",
            json!({"type": "template", "template": {"name": "x", "language": {"code": "en"}}}),
            132_001,
        ),
        ("a parameter too many", json!({"type": "template", "template": one_too_many}), 132_000),
        ("an unknown read message", json!({"status": "read", "message_id": "wamid.x"}), 131_009),
        ("another product", json!({"type": "text", "text": text, "messaging_product": "messenger"}), 100),
    ] {
        let (status, answer) = scene.sends(fields).await;
        assert_eq!((code(&answer), status.is_client_error()), (wanted, true), "{name}: {answer}");
    }
    assert!(scene.sim.sent().is_empty());
    assert!(!scene.sim.take_findings().is_empty(), "the description sees some of that too");
    let (status, answer) = scene.post("/106540352242999/messages", &json!({})).await;
    assert_eq!((status.as_u16(), code(&answer), &answer["error"]["error_subcode"]), (400, 100, &json!(33)));
}

#[tokio::test]
async fn bodies_must_be_json_and_say_so() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    let body =
        json!({"messaging_product": "whatsapp", "to": "16505551234", "type": "text", "text": {"body": "x"}});
    let path = format!("/{}/messages", scene.small.number);
    for (media_type, text, wanted) in [
        (None, body.to_string(), 100),
        (Some("text/plain"), body.to_string(), 100),
        (Some("application/json"), "{\"to\":".to_owned(), 100),
        (Some("application/json; charset=utf-8"), body.to_string(), 0),
    ] {
        let mut request = scene.request(Method::POST, &path).body(text);
        if let Some(media_type) = media_type {
            request = request.header("Content-Type", media_type);
        }
        assert_eq!(code(&answer(request).await.1), wanted, "{media_type:?}");
    }
    assert_eq!(scene.sim.sent().len(), 1);
    scene.should_be_honest("bodies_must_be_json_and_say_so");
}

#[tokio::test]
async fn who_is_not_there_fails_later() {
    let (scene, listener) = Scene::with_listener().await;
    scene.sim.person_says(scene.small.with_bob(), "Hello");
    let text = json!({"body": "x"});
    let to = |to: &str| json!({"type": "text", "text": text, "to": to});
    let (status, answer) = scene.sends(to("+1 (650) 555-9999")).await;
    assert_eq!((status.as_u16(), &answer["contacts"][0]["wa_id"]), (200, &json!("16505559999")));
    scene.sim.person_blocks(scene.small.bob);
    assert_eq!(scene.sends(to("16505551235")).await.0, 200);
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let failed = listener.statuses();
    let facts: Vec<(&Value, &Value)> =
        failed.iter().map(|it| (&it["recipient_id"], &it["errors"][0]["code"])).collect();
    assert_eq!(facts, [(&json!("16505559999"), &json!(131_026)), (&json!("16505551235"), &json!(131_026))]);
    scene.sim.refuses(Refusals::InAnswers);
    assert_eq!(code(&scene.sends(to("16505551235")).await.1), 131_026);
    scene.should_be_honest("who_is_not_there_fails_later");
}

#[tokio::test]
async fn rates_are_kept() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.sends_at(Rates { per_second: 2, burst: 3, pause_ms: 6000 });
    let text = || scene.sends(json!({"type": "text", "text": {"body": "x"}}));
    let mut seen = Vec::new();
    for wait_ms in [0, 0, 0, 1000, 1000, 4000] {
        scene.sim.advance_ms(wait_ms);
        let (status, answer) = text().await;
        seen.push((status.as_u16(), code(&answer)));
    }
    assert_eq!(seen, [(200, 0), (200, 0), (429, 130_429), (200, 0), (429, 131_056), (200, 0)]);
    scene.should_be_honest("rates_are_kept");
}

#[tokio::test]
async fn receipts_and_typing_reach_the_person() {
    let scene = Scene::new().await;
    let first = scene.sim.person_says(scene.alice(), "One");
    scene.sim.advance_ms(1000);
    let second = scene.sim.person_says(scene.alice(), "Two");
    let read = |id: &str, more: Value| {
        let mut body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": id});
        body.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        let path = format!("/{}/messages", scene.small.number);
        let scene = &scene;
        async move { scene.post(&path, &body).await }
    };
    assert_eq!(read(&first, json!({})).await.1, json!({"success": true}));
    let is_read = |id: &str| scene.sim.message(id).expect("it is there").is_marked_read;
    assert!(is_read(&first) && !is_read(&second) && !scene.sim.sees_typing(scene.alice()));
    let typing = json!({"typing_indicator": {"type": "text"}});
    read(&second, typing.clone()).await;
    assert!(is_read(&second) && scene.sim.sees_typing(scene.alice()));
    scene.sim.advance_ms(TYPING_MS);
    assert!(!scene.sim.sees_typing(scene.alice()), "it ends by itself");
    read(&second, typing).await;
    scene.says("Here I am").await;
    assert!(!scene.sim.sees_typing(scene.alice()), "it ends with the answer");
    scene.should_be_honest("receipts_and_typing_reach_the_person");
}

#[tokio::test]
async fn user_ids_are_addresses_too() {
    let (scene, listener) = Scene::with_listener().await;
    scene.sim.person_takes_username(scene.small.alice, "alice.w");
    let user_id = scene.sim.person(scene.small.alice).expect("she is there").user_id;
    scene.sim.person_says(scene.alice(), "Hello");
    let body =
        json!({"messaging_product": "whatsapp", "recipient": user_id, "type": "text", "text": {"body": "x"}});
    let (status, answer) = scene.post(&format!("/{}/messages", scene.small.number), &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["contacts"], json!([{"input": user_id, "user_id": user_id}]));
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let message = &listener.messages()[0];
    assert_eq!((&message["from"], &message["from_user_id"]), (&Value::Null, &json!(user_id)));
    let value = &listener.values()[0];
    let wanted = json!([{"profile": {"name": "Alice", "username": "alice.w"}, "user_id": user_id}]);
    assert_eq!(value["contacts"], wanted);
    let status = &listener.statuses()[0];
    assert_eq!((&status["recipient_id"], &status["recipient_user_id"]), (&Value::Null, &json!(user_id)));
    scene.sim.writes_in_age(PayloadAge::PhoneNumbers);
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let old = listener.values().pop().expect("one came");
    assert_eq!(old["contacts"], json!([{"profile": {"name": "Alice"}, "wa_id": "16505551234"}]));
    assert_eq!(
        (&old["messages"][0]["from"], &old["messages"][0]["from_user_id"]),
        (&json!("16505551234"), &Value::Null)
    );
    scene.should_be_honest("user_ids_are_addresses_too");
}
