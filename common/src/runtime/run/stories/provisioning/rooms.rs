//! How programs see the rooms of somebody, and what did not get through.

use super::*;

#[tokio::test]
async fn somebody_sees_their_own_rooms_and_failures_and_an_admin_all() {
    let stage = Stage::set("http_rooms").await;
    let (alice, bob) = (Program::of(&stage, ALICE), Program::of(&stage, BOB));
    bob.signs_in("bobby").await;
    let (room, first) = stage.room().await;
    let town = format!("capabilities?room_id={room}");
    assert_eq!(bob.get("portals").await.body, json!({"portals": [], "next": null}));
    assert_eq!(bob.get(&town).await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(alice.get("portals").await.body["portals"][0]["room_id"], room.as_str());
    stage
        .network
        .refuses([DeliverError::Rejected("No.".to_owned()), DeliverError::Rejected("No.".to_owned())]);
    let lost = stage.fake.person("alice").sends(&room, "refused");
    stage.notice(&room, &lost).await;
    assert_eq!(bob.get("failed").await.body, json!({"failed": [], "more": false}));
    let failed = first_failure(&alice).await;
    assert_eq!((&failed["event_id"], &failed["reason"]), (&json!(lost), &json!("No.")));
    assert_eq!((&failed["state"], &failed["direction"]), (&json!("failed"), &json!("from_matrix")));
    let (retry, drop) = (format!("failed/{}/retry", failed["id"]), format!("failed/{}/drop", failed["id"]));
    assert_eq!(bob.post(&retry, &json!({})).await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(bob.post(&drop, &json!({})).await.errcode(), (404, "M_NOT_FOUND"));

    // As soon as Bob's account is seen in the chat, it is his business.
    stage.network.pushes_to("bobby", RemoteEvent::Message(first)).await;
    let seen = stage.network.message(&stage.chat, "carol", "second");
    stage.network.pushes_to("bobby", RemoteEvent::Message(seen)).await;
    stage.fake.wait_for_body(&room, "second").await;
    let portals = bob.get("portals?limit=1").await.body;
    assert_eq!(portals["portals"][0]["chat"], "town");
    assert_eq!(portals["portals"][0]["logins"], json!(["bobby"]));
    assert_eq!(bob.get(&format!("portals?after={}", "town")).await.body["portals"], json!([]));
    assert_eq!(bob.get("portals?limit=0").await.errcode(), (400, "M_INVALID_PARAM"));
    let carried = bob.get(&town).await.body;
    assert_eq!((&carried["chat"], &carried["login_id"]), (&json!("town"), &json!("bobby")));
    assert_eq!(carried["actions"]["message"], json!({"support": "full"}));
    assert_eq!(bob.get("capabilities?chat=town").await.body, carried);
    assert_eq!(bob.get("capabilities").await.errcode(), (400, "M_MISSING_PARAM"));
    assert_eq!(bob.get("capabilities?chat=moon").await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(bob.get("capabilities?room_id=town").await.errcode(), (400, "M_INVALID_PARAM"));

    // Refused once more, then given up; a number is good for one thing at a time.
    assert_eq!(bob.get("failed").await.body["failed"][0], failed);
    assert_eq!(bob.post(&retry, &json!({})).await.status, 200);
    stage.fake.wait_until(|_| (stage.network.deliveries() >= 2).then_some(())).await;
    first_failure(&alice).await;
    assert_eq!(alice.post(&drop, &json!({})).await.status, 200);
    assert_eq!(alice.post(&drop, &json!({})).await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(alice.post(&retry, &json!({})).await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(alice.post("failed/x/retry", &json!({})).await.errcode(), (400, "M_INVALID_PARAM"));
    stage.ends().await;
}
