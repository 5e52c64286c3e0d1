//! Ordered trouble with requests.

use magpie_tests::{discord::Gate, whatsapp_cloud::Fault};
use serde_json::json;

use super::{Scene, code};

#[tokio::test]
async fn faults_strike_before_or_after_the_effect() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    let text = || json!({"messaging_product": "whatsapp", "to": "16505551234", "type": "text", "text": {"body": "x"}});
    let path = format!("/{}/messages", scene.small.number);
    let send = || scene.request(reqwest::Method::POST, &path).json(&text()).send();
    for (fault, wanted_status, wanted_sent) in [
        (Fault::Refuse(131_016), Some(503), 0),
        (Fault::Refuse(80_007), Some(429), 0),
        (Fault::Answer { status: 502, body: json!(null) }, Some(502), 0),
        (Fault::AnswerAfter { status: 500 }, Some(500), 1),
        (Fault::CutBefore, None, 1),
        (Fault::CutAfter, None, 2),
        (Fault::FailLater(131_049), Some(200), 3),
    ] {
        scene.sim.fault("POST /*/messages", fault.clone());
        let status = send().await.ok().map(|response| response.status().as_u16());
        assert_eq!((status, scene.sim.sent().len()), (wanted_status, wanted_sent), "{fault:?}");
    }
    let last = scene.sim.sent().pop().expect("one was sent");
    assert_eq!(last.error_code, Some(131_049));
    let gate = Gate::default();
    scene.sim.fault("POST /*/messages", Fault::HoldAfter(gate.clone()));
    let check = async {
        gate.arrived().await;
        let sent = scene.sim.sent().len();
        gate.release();
        sent
    };
    let (answer, sent) = tokio::join!(send(), check);
    assert_eq!((answer.expect("it comes").status().as_u16(), sent), (200, 4));
    scene.sim.fault("GET /*", Fault::CutBefore);
    scene.sim.clear_faults();
    assert_eq!(scene.get(&format!("/{}", scene.small.number)).await.0, 200);
    scene.should_be_honest("faults_strike_before_or_after_the_effect");
}

#[tokio::test]
async fn locked_accounts_send_nothing() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.locks_accounts(true);
    let (status, answer) = scene.sends(json!({"type": "text", "text": {"body": "x"}})).await;
    assert_eq!((status.as_u16(), code(&answer)), (403, 131_031));
    scene.sim.locks_accounts(false);
    scene.says("Free again").await;
    let statuses: Vec<_> = scene.sim.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(403), Some(200)]);
    scene.should_be_honest("locked_accounts_send_nothing");
}
