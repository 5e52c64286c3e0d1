//! The way in: the handshake, forgeries, replays, what is not stored.

use std::sync::Arc;

use magpie_common::{
    platform::{DeliverError, EventSink, Platform},
    testkit::platform_suite::Recorder,
};
use magpie_tests::whatsapp_cloud::Forgery;
use serde_json::json;

use super::{Stage, gated::Gated, platform};

#[tokio::test]
async fn the_handshake_wants_the_verify_token() {
    let stage = Stage::new().await;
    let _bridge = stage.platform();
    let url = &stage.door.url;
    stage.sim.subscribe(url).await.expect("the token is right");
    stage.sim.subscribe_with(url, ("magpie-verifie", "123")).await.expect_err("the token is cut");
    stage.sim.subscribe_with(url, ("", "123")).await.expect_err("the token is missing");
}

#[tokio::test]
async fn the_bridge_tells_whatsapp_where_it_is() {
    let stage = Stage::new().await;
    let url = Some(stage.door.url.clone());
    let config =
        magpie_whatsapp::WhatsAppConfig { cloud_webhook_url: url, ..super::config(&stage.sim, &stage.small) };
    let bridge = platform(config, &stage.clock);
    stage.door.lead_to(&bridge);
    let login = bridge.configured_logins().pop().expect("the configuration names a number");
    let session = bridge.connect(&login, stage.sink()).await.expect("it connects");
    stage.sim.person_says(stage.small.with_alice(), "found you");
    stage.arrived("found you").await;
    session.close().await;
    stage.should_be_honest("the_bridge_tells_whatsapp_where_it_is");
}

#[tokio::test]
async fn forged_webhooks_are_refused_and_replayed_ones_change_nothing() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let message = json!({
        "from": "16505551234", "id": "wamid.forged", "timestamp": "1790000000", "type": "text", "text": {"body": "forged"}
    });
    let metadata =
        json!({"display_phone_number": "15550783881", "phone_number_id": stage.small.number.to_string()});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
    let body = body.to_string();
    for forgery in [Forgery::Unsigned, Forgery::OtherSecret, Forgery::OtherBody, Forgery::Garbage] {
        let status = stage
            .sim
            .forges_webhook(&stage.door.url, body.as_bytes(), forgery)
            .await
            .expect("it is answered");
        assert_eq!(status, 401, "{forgery:?}");
    }
    assert_eq!(stage.recorder.events().len(), 0, "nothing was taken in");
    for (body, wanted) in
        [("{", 400), ("[]", 200), ("{\"entry\": 5}", 200), ("{\"entry\": [{\"changes\": [5, {}]}]}", 200)]
    {
        let status = stage
            .sim
            .forges_webhook(&stage.door.url, body.as_bytes(), Forgery::None)
            .await
            .expect("it is answered");
        assert_eq!(status, wanted, "{body}");
    }
    let target = stage.alice_writes().await;
    stage.sim.person_reacts(stage.small.with_alice(), &target, "👍");
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    let before = stage.recorder.events().len();
    for place in 0..stage.sim.webhooks().len() {
        stage.sim.replays_webhook(place);
    }
    stage.sim.wait_for_webhooks().await.expect("all are brought again");
    // A message is pushed again under the same id, by which the bridge's store knows it (`flood`); a deed is not.
    let again: Vec<&str> = stage.recorder.events()[before..].iter().map(|one| one.event.name()).collect();
    assert!(again.iter().all(|name| *name == "message" || *name == "react"), "{again:?}");
    session.close().await;
}

#[tokio::test]
async fn success_is_answered_when_it_is_stored_and_not_before() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.recorder.refuse(true);
    stage.sim.person_says(stage.small.with_alice(), "to a full disk");
    stage.recorder.wait_for("a refusal", |recorder| (recorder.refused() > 0).then_some(())).await;
    session.ended().await;
    stage.recorder.refuse(false);
    drop(session);
    let session = stage.connect().await;
    stage.arrived("to a full disk").await;
    let answers: Vec<_> = stage.sim.webhooks().into_iter().flat_map(|webhook| webhook.answers).collect();
    assert!(answers.contains(&Some(503)), "{answers:?}");
    session.close().await;
}

#[tokio::test]
async fn what_is_said_while_nobody_takes_it_comes_later() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    session.close().await;
    let before = stage.recorder.events().len();
    for nth in 0..3 {
        stage.sim.person_says(stage.small.with_alice(), &format!("while closed, {nth}"));
    }
    stage.sim.wait_for_webhooks().await.expect("all were tried");
    assert_eq!(stage.recorder.events().len(), before, "a closed session pushes nothing");
    let session = stage.connect().await;
    for nth in 0..3 {
        stage.arrived(&format!("while closed, {nth}")).await;
    }
    assert_eq!(stage.recorder.messages().len(), 4, "each once");
    session.close().await;
}

#[tokio::test]
async fn a_number_that_is_away_keeps_no_other_from_being_heard() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let away =
        json!({"field": "messages", "value": {"metadata": {"phone_number_id": "999"}, "messages": []}});
    let message = json!({"from": "16505551234", "id": "wamid.both", "timestamp": "1790000000", "type": "text", "text": {"body": "in good company"}});
    let metadata =
        json!({"display_phone_number": "15550783881", "phone_number_id": stage.small.number.to_string()});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]});
    let body =
        json!({"entry": [{"id": "1", "changes": [away, {"field": "messages", "value": value}]}]}).to_string();
    let status = stage
        .sim
        .forges_webhook(&stage.door.url, body.as_bytes(), Forgery::None)
        .await
        .expect("it is answered");
    assert_eq!(status, 503, "the other one is brought again");
    assert_eq!(stage.recorder.messages().len(), 1, "what could be taken was stored before that was said");
    session.close().await;
}

#[tokio::test]
async fn whoever_hangs_up_is_heard_to_the_end() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let login = platform.configured_logins().pop().expect("the configuration names a number");
    // Storing waits, so that the handler is dropped in the middle of it.
    let gate = Gated::default();
    let sink = EventSink::new(login.id.clone(), Arc::new(gate.clone()));
    let session = platform.connect(&login, sink).await.expect("it connects");
    let value = json!({"metadata": {"phone_number_id": stage.small.number.to_string()}, "messages": [
        {"from": "16505551234", "id": "wamid.1", "timestamp": "1790000000", "type": "text", "text": {"body": "and"}},
        {"from": "16505551235", "id": "wamid.2", "timestamp": "1790000000", "type": "text", "text": {"body": "gone"}},
    ]});
    let body =
        json!({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).to_string();
    let bringing = stage.sim.forges_webhook(&stage.door.url, body.as_bytes(), Forgery::None);
    tokio::select! {
        answer = bringing => panic!("it was answered before it was stored: {answer:?}"),
        () = gate.is_reached.notified() => {}
    }
    gate.opened.notify_one();
    let both = |recorder: &Recorder| (recorder.messages().len() == 2).then_some(());
    gate.recorder.wait_for("both messages", both).await;
    session.close().await;
}

#[tokio::test]
async fn a_session_whose_token_is_refused_goes_on_listening() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.revoke_token();
    let out = session.deliver(&stage.alice(), &super::said("nobody"), &super::key(1)).await;
    assert!(matches!(out, Err(DeliverError::LoggedOut(_))), "{out:?}");
    session.ended().await;
    drop(session);
    stage.sim.person_says(stage.small.with_alice(), "still here");
    stage.arrived("still here").await;
}
