//! Trouble happens as ordered, once, and the effects tell what really happened.

use magpie_tests::telegram::{EffectKind, Fault, FloodLimit};
use serde_json::{Value, json};

use super::Scene;

#[tokio::test]
async fn a_cut_comes_before_or_after_the_effect() {
    let scene = Scene::new().await;
    let body = json!({"chat_id": scene.small.supergroup, "text": "hi"});
    for (fault, effects) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        scene.sim.fault("sendMessage", fault);
        let cut = scene.http.post(scene.method("sendMessage")).json(&body).send().await;
        assert!(cut.is_err(), "the client must get no answer at all: {cut:?}");
        assert_eq!(scene.sim.effects().count(EffectKind::Created), effects);
        assert_eq!(scene.sim.requests().last().and_then(|request| request.status), None);
    }
    scene.call("sendMessage", body).await;
    scene.should_be_honest("a_cut_comes_before_or_after_the_effect");
}

#[tokio::test]
async fn errors_are_answered_as_ordered() {
    let scene = Scene::new().await;
    let body = json!({"chat_id": scene.small.supergroup, "text": "hi"});
    let words = "Internal Server Error".to_owned();
    scene.sim.fault("sendMessage", Fault::Answer { status: 500, description: words });
    scene.sim.fault("sendMessage", Fault::AnswerAfter { status: 502 });
    scene.sim.fault("sendMessage", Fault::TooMany { retry_after: 3 });
    assert_eq!(scene.ask("sendMessage", body.clone()).await["error_code"], 500);
    assert_eq!(scene.sim.effect_count(), 0);
    let bad = scene.http.post(scene.method("sendMessage")).json(&body).send().await.expect("it answers");
    assert_eq!(bad.status(), 502);
    assert!(bad.json::<Value>().await.is_err(), "a gateway answers no JSON");
    assert_eq!(scene.sim.effect_count(), 1);
    let flood = scene.ask("sendMessage", body).await;
    assert_eq!((&flood["error_code"], &flood["parameters"]["retry_after"]), (&json!(429), &json!(3)));
    assert_eq!(scene.sim.effect_count(), 1);
    scene.should_be_honest("errors_are_answered_as_ordered");
}

#[tokio::test]
async fn a_flood_is_dammed_in_its_chat_only() {
    let scene = Scene::new().await;
    scene.sim.settings(|settings| settings.flood = Some(FloodLimit { messages: 2, window_ms: 60_000 }));
    let to = |chat| json!({"chat_id": chat, "text": "hi"});
    scene.call("sendMessage", to(scene.small.group)).await;
    scene.call("sendMessage", to(scene.small.group)).await;
    let dammed = scene.ask("sendMessage", to(scene.small.group)).await;
    let seconds = dammed["parameters"]["retry_after"].as_u64().expect("it says how long");
    assert!((50..=60).contains(&seconds), "{dammed}");
    scene.call("sendMessage", to(scene.small.supergroup)).await;
    scene.call("getChat", json!({"chat_id": scene.small.group})).await;
    scene.sim.settings(|settings| settings.clock_skew_ms = 60_001);
    scene.call("sendMessage", to(scene.small.group)).await;
    scene.should_be_honest("a_flood_is_dammed_in_its_chat_only");
}

#[tokio::test]
async fn unknown_updates_pass_through_as_they_are() {
    let mut scene = Scene::new().await;
    scene.sim.raw_update(scene.small.bot, json!({"guest_thought": {"text": "hm"}}));
    assert_eq!(scene.update("guest_thought").await, json!({"text": "hm"}));
    scene.should_be_honest("unknown_updates_pass_through_as_they_are");
}

#[tokio::test]
async fn a_revoked_token_is_refused() {
    let scene = Scene::new().await;
    let old = scene.method("getMe");
    let polls = scene.sim.polls(scene.small.bot);
    let polling = scene.ask("getUpdates", json!({"timeout": 50}));
    let revoking = async {
        scene.sim.wait_for_poll(scene.small.bot, polls).await.expect("it polls");
        scene.sim.owner_revokes_token(scene.small.bot)
    };
    let (polled, new) = tokio::join!(polling, revoking);
    assert_eq!(polled["error_code"], 401);
    assert_eq!(scene.http.get(old).send().await.expect("it answers").status(), 401);
    assert_eq!(scene.sim.token(), new);
    assert_eq!(scene.call("getMe", json!({})).await["is_bot"], true);
}

#[tokio::test]
async fn the_effects_tell_of_every_change_in_order() {
    let scene = Scene::new().await;
    let (chat, bot) = (scene.small.supergroup, scene.small.bot);
    let sent = scene.call("sendMessage", json!({"chat_id": chat, "text": "hi"})).await;
    let place = json!({"chat_id": chat, "message_id": sent["message_id"]});
    let with = |name: &str, value: Value| {
        let mut place = place.clone();
        place[name] = value;
        place
    };
    scene.call("editMessageText", with("text", json!("ho"))).await;
    scene.call("setMessageReaction", with("reaction", json!([{"type": "emoji", "emoji": "👍"}]))).await;
    scene.call("deleteMessage", place.clone()).await;
    let effects = scene.sim.effects();
    let seen: Vec<_> = effects.all().iter().map(|it| (it.kind, it.author, it.text.as_str())).collect();
    let wanted = [
        (EffectKind::Created, bot, "hi"),
        (EffectKind::Edited, bot, "ho"),
        (EffectKind::Reacted, bot, "👍"),
        (EffectKind::Deleted, bot, "ho"),
    ];
    assert_eq!(seen, wanted);
    scene.should_be_honest("the_effects_tell_of_every_change_in_order");
}

#[tokio::test]
async fn telegrams_clock_can_be_wrong() {
    let mut scene = Scene::new().await;
    let (chat, alice) = (scene.small.private, scene.small.alice);
    scene.sim.person_sends(chat, alice, "now");
    let now = scene.update("message").await["date"].as_i64().expect("it is a number");
    scene.sim.settings(|settings| settings.clock_skew_ms = 3_600_000);
    scene.sim.person_sends(chat, alice, "later");
    let later = scene.update("message").await["date"].as_i64().expect("it is a number");
    assert!((3600..3700).contains(&(later - now)), "{now} {later}");
}
