//! How programs find people for somebody, and open chats with them.

use super::*;

#[tokio::test]
async fn somebody_finds_people_and_opens_a_chat_with_one() {
    let stage = Stage::set("http_directory").await;
    connected(&stage, "fake").await;
    let (alice, bob) = (Program::of(&stage, ALICE), Program::of(&stage, BOB));
    for person in ["carol", "carl", "dave"] {
        stage.network.add_person(person, person);
    }
    let found = bob.get("search?query=car").await.body;
    let carol = json!({"remote_user_id": "carol", "name": "carol", "is_bot": false, "ghost": ghost("carol")});
    assert_eq!(found["people"].as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(found["people"][1], carol);
    assert_eq!(bob.get("search?query=car&limit=1").await.body["people"].as_array().map(Vec::len), Some(1));
    assert_eq!(bob.get("search?query=nobody").await.body, json!({"people": []}));
    assert_eq!(bob.get("search").await.errcode(), (400, "M_MISSING_PARAM"));
    assert_eq!(
        bob.get(&format!("search?query={}", "x".repeat(201))).await.errcode(),
        (400, "M_INVALID_PARAM")
    );
    assert_eq!(bob.get("search?query=car&login_id=fake").await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(bob.get("resolve/carol").await.body, carol);
    assert_eq!(bob.get("resolve/car").await.errcode(), (404, "M_NOT_FOUND"));
    // The bridge's own account is not Bob's to write with.
    assert_eq!(bob.post("direct-chats/carol", &json!({})).await.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    bob.signs_in("bobby").await;
    connected(&stage, "bobby").await;
    assert_eq!(alice.get("resolve/carol?login_id=bobby").await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(bob.post("direct-chats/nobody", &json!({})).await.errcode(), (404, "M_NOT_FOUND"));
    let opened = bob.post("direct-chats/carol?login_id=bobby", &json!({})).await.body;
    assert_eq!((&opened["chat"], &opened["with"]), (&json!("bobby/carol"), &carol));
    let room = OwnedRoomId::try_from(opened["room_id"].as_str().expect("a room")).expect("a room id");
    assert_eq!(stage.fake.room_named("carol"), Some(room.clone()));
    assert_eq!(bob.post("direct-chats/carol", &json!({})).await.body, opened, "asked again it is the same");
    let bobs = stage.fake.person("bob");
    stage
        .fake
        .wait_until(|fake| fake.membership(&room, bobs.user_id()).filter(|it| *it == Membership::Joined))
        .await;
    bobs.sends(&room, "hello Carol");
    let said = stage.network.wait_for_texts(&RemoteChatId::new("bobby/carol"), &["hello Carol"]).await;
    assert_eq!(said[0].by.as_str(), "bobby");
    stage.ends().await;
}
