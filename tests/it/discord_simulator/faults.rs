//! Trouble happens as ordered, once, and the effects tell what really happened.

use std::time::Duration;

use magpie_tests::discord::{EffectKind, Fault, Limit, RateLimitScope};
use reqwest::Method;
use serde_json::{Value, json};

use super::Scene;

const ROUTE: &str = "POST /channels/*/messages";

#[tokio::test]
async fn a_cut_comes_before_or_after_the_effect() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.small.general);
    for (fault, effects) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        scene.sim.fault(ROUTE, fault);
        let cut = scene.request(Method::POST, &path).json(&json!({"content": "hi"})).send().await;
        assert!(cut.is_err(), "the client must get no answer at all: {cut:?}");
        assert_eq!(scene.sim.effects().count(EffectKind::Created), effects);
        assert_eq!(scene.sim.requests().last().and_then(|request| request.status), None);
    }
    assert_eq!(scene.send(Method::POST, &path, json!({"content": "hi"})).await.0, 200);
    scene.should_be_honest("a_cut_comes_before_or_after_the_effect");
}

#[tokio::test]
async fn errors_are_answered_as_ordered() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.small.general);
    scene.sim.fault(ROUTE, Fault::Answer { status: 500, body: Value::Null });
    scene.sim.fault(ROUTE, Fault::AnswerAfter { status: 502 });
    let body = json!({"content": "hi"});
    assert_eq!(scene.send(Method::POST, &path, body.clone()).await.0, 500);
    assert_eq!(scene.sim.effects().all().len(), 0);
    assert_eq!(scene.send(Method::POST, &path, body).await.0, 502);
    assert_eq!(scene.sim.effects().all().len(), 1);
    scene.should_be_honest("errors_are_answered_as_ordered");
}

#[tokio::test]
async fn rate_limits_of_all_scopes_say_how_long_to_wait() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.small.general);
    for (scope, name) in [
        (RateLimitScope::User, "user"),
        (RateLimitScope::Global, "global"),
        (RateLimitScope::Shared, "shared"),
    ] {
        scene.sim.fault(ROUTE, Fault::RateLimited { scope, retry_after_ms: 1500 });
        let refused = scene.request(Method::POST, &path).json(&json!({"content": "hi"})).send().await;
        let refused = refused.expect("the simulator answers");
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["x-ratelimit-scope"], name);
        assert_eq!(refused.headers()["retry-after"], "2");
        assert_eq!(refused.headers().contains_key("x-ratelimit-global"), name == "global");
        let body: Value = refused.json().await.expect("the answer is JSON");
        assert_eq!((&body["retry_after"], &body["global"]), (&json!(1.5), &json!(name == "global")));
    }
    scene.sim.limit(ROUTE, Limit { requests: 1, window_ms: 60_000 });
    assert_eq!(scene.send(Method::POST, &path, json!({"content": "one"})).await.0, 429, "three came before");
    scene.should_be_honest("rate_limits_of_all_scopes_say_how_long_to_wait");
}

#[tokio::test]
async fn a_held_request_has_no_effect_until_it_is_released() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.small.general);
    let gate = scene.sim.hold(ROUTE);
    let sending = scene.send(Method::POST, &path, json!({"content": "late"}));
    let watching = async {
        gate.arrived().await;
        assert_eq!(scene.sim.effects().all().len(), 0);
        gate.release();
    };
    let both = async { tokio::join!(sending, watching) };
    let ((status, _), ()) =
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("it was released");
    assert_eq!(status, 200);
    assert_eq!(scene.sim.effects().all().len(), 1);
}
