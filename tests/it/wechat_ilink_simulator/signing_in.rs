//! Every way in which a code can go.

use serde_json::json;

use super::Scene;

#[tokio::test]
async fn a_code_is_scanned_and_confirmed() {
    let scene = Scene::new().await;
    let (sim, base) = (&scene.sim, scene.sim.api_url());
    let code = scene.code(json!([])).await;
    // Nobody acts: the poll is held, and says so in the end.
    sim.holds_polls(1, None);
    assert_eq!(scene.status(&base, &code, None).await["status"], "wait");
    sim.holds_polls(25_000, None);
    sim.person_scans(&code);
    assert_eq!(scene.status(&base, &code, None).await["status"], "scaned");
    let bot = sim.person_confirms(&code, scene.small.alice);
    let told = scene.status(&base, &code, None).await;
    assert_eq!(
        told,
        json!({
            "ret": 0, "status": "confirmed", "bot_token": sim.token(bot), "ilink_bot_id": bot.to_string(),
            "ilink_user_id": scene.small.alice.to_string(), "baseurl": base,
        })
    );
    // The same person again, with the token at hand: nothing new is bound.
    let code = scene.code(json!([sim.token(bot)])).await;
    assert_eq!(sim.person_confirms(&code, scene.small.alice), bot);
    assert_eq!(scene.status(&base, &code, None).await["status"], "binded_redirect");
    scene.should_be_right();
}

#[tokio::test]
async fn a_number_is_asked_for_until_it_is_right_or_wrong_too_often() {
    let scene = Scene::new().await;
    let base = scene.sim.api_url();
    let code = scene.code(json!([])).await;
    scene.sim.phone_shows_number(&code, "42");
    assert_eq!(scene.status(&base, &code, None).await["status"], "need_verifycode");
    assert_eq!(scene.status(&base, &code, Some("41")).await["status"], "need_verifycode");
    assert_eq!(scene.status(&base, &code, Some("42")).await["status"], "scaned");
    let code = scene.code(json!([])).await;
    scene.sim.phone_shows_number(&code, "42");
    for expected in ["need_verifycode", "need_verifycode", "verify_code_blocked"] {
        assert_eq!(scene.status(&base, &code, Some("1")).await["status"], expected);
    }
    scene.should_be_right();
}

#[tokio::test]
async fn codes_run_out_and_lead_elsewhere() {
    let scene = Scene::new().await;
    let [first, second] = scene.sim.hosts().map(|host| format!("http://{host}"));
    let code = scene.code(json!([])).await;
    scene.sim.code_expires(&code);
    assert_eq!(scene.status(&first, &code, None).await["status"], "expired");
    let code = scene.code(json!([])).await;
    scene.sim.code_is_redirected(&code);
    let told = scene.status(&first, &code, None).await;
    assert_eq!(
        (&told["status"], &told["redirect_host"]),
        (&json!("scaned_but_redirect"), &json!(scene.sim.hosts()[1]))
    );
    let bot = scene.sim.person_confirms(&code, scene.small.bob);
    assert_eq!(scene.status(&second, &code, None).await["ilink_bot_id"], json!(bot.to_string()));
    scene.should_be_right();
    scene.status(&first, &code, None).await;
    assert_eq!(scene.sim.take_findings().len(), 1, "whoever was sent elsewhere does not come back");
}
