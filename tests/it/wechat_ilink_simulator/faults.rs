//! What goes wrong on purpose, before and after the effect.

use magpie_tests::wechat_ilink::{Fault, faults::Gate};
use serde_json::{Value, json};

use super::{Scene, text};

#[tokio::test]
async fn a_send_is_cut_off_before_and_after_it_took_effect() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    scene.sim.person_says(bot, "hello");
    let context = scene.receive(bot, "").await["msgs"][0]["context_token"].clone();
    let message = json!({
        "from_user_id": "", "to_user_id": scene.small.alice.to_string(), "client_id": "magpie-1", "message_type": 2,
        "message_state": 2, "item_list": [text("hey")], "context_token": context,
    });
    let base = json!({"channel_version": "0.1.0", "bot_agent": "Magpie/0.1.0"});
    let body = json!({"msg": message, "base_info": base});
    let send = || scene.post("ilink/bot/sendmessage", Some(bot)).json(&body).send();
    for (fault, sent) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        scene.sim.fault("sendmessage", fault);
        send().await.expect_err("there is no answer");
        assert_eq!(scene.sim.sent(bot).len(), sent);
    }
    scene.sim.fault("sendmessage", Fault::AnswerAfter { status: 502 });
    assert_eq!(send().await.expect("there is an answer").status(), 502);
    scene.sim.fault("sendmessage", Fault::refusal(-1, "system error"));
    let refused: Value = send().await.expect("there is an answer").json().await.expect("it is JSON");
    assert_eq!(refused, json!({"ret": -1, "errmsg": "system error"}));
    assert_eq!(scene.sim.sent(bot).len(), 2, "the last one had no effect");
    scene.should_be_right();
}

#[tokio::test]
async fn polls_are_held_and_cut_off() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    let gate = Gate::default();
    scene.sim.fault_of(bot, "getupdates", Fault::HoldAfter(gate.clone()));
    scene.sim.person_says(bot, "hello");
    let (got, ()) = tokio::join!(scene.receive(bot, ""), async {
        gate.arrived().await;
        gate.release();
    });
    assert_eq!(got["msgs"].as_array().map(Vec::len), Some(1));
    scene.sim.cuts_off(bot);
    let base = json!({"channel_version": "0.1.0", "bot_agent": "Magpie/0.1.0"});
    let body = json!({"get_updates_buf": "", "base_info": base});
    let poll = || scene.post("ilink/bot/getupdates", Some(bot)).json(&body).send();
    poll().await.expect_err("there is no answer");
    scene.call(bot, "msg/notifystart", json!({})).await;
    assert!(poll().await.is_ok());
    scene.should_be_right();
}
