//! The way in: the check of the address, forgeries, replays, repeats, and what is not stored.

use magpie_tests::{
    wechat_envelope::Envelope,
    wechat_wecom::{AES_KEY, CORP_ID, TOKEN, Written},
};

use super::{Stage, key, said};

const FIELDS: [(&str, &str); 5] = [
    ("FromUserName", "alice.liddell"),
    ("CreateTime", "1790000000"),
    ("MsgType", "text"),
    ("Content", "forged"),
    ("MsgId", "1"),
];

/// Brings something to the app's address. Gives the status.
async fn bring(stage: &Stage, Written { query, body }: &Written) -> u16 {
    let address = format!("{}?{query}", stage.door.callback());
    let answer = reqwest::Client::new().post(address).body(body.clone()).send().await;
    answer.expect("somebody answers").status().as_u16()
}

#[tokio::test]
async fn the_address_is_checked_before_the_app_is_connected() {
    let stage = Stage::new().await;
    let _bridge = stage.platform();
    stage.sim.subscribe(&stage.door.callback()).await.expect("the secrets are right");
    let other = stage.door.callback().replace("1000002", "1000003");
    assert_eq!(stage.sim.subscribe(&other).await, Err("the status is 404 Not Found".to_owned()));
    let answer = reqwest::get(format!("{}?echostr=x", stage.door.callback())).await.expect("it is answered");
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn forged_callbacks_are_refused_and_nothing_else_is_harmed() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let good = stage.sim.written(&FIELDS);
    let (head, tail) = good.query.split_at(good.query.find('&').expect("there are several"));
    let other_key = Envelope::new(TOKEN, &AES_KEY.replace('6', "7"), CORP_ID).seal("<xml/>", [7; 16]);
    let other_corp = Envelope::new(TOKEN, AES_KEY, "ww0").seal("<xml/>", [7; 16]);
    let signed = |sealed: &str| {
        let at = (stage.clock.now_ms() / 1000).to_string();
        let signature = Envelope::new(TOKEN, AES_KEY, CORP_ID).sign(&[&at, "1", sealed]);
        Written {
            query: format!("msg_signature={signature}&timestamp={at}&nonce=1"),
            body: format!("<xml><Encrypt>{sealed}</Encrypt></xml>"),
        }
    };
    let old = {
        let signature = Envelope::new(TOKEN, AES_KEY, CORP_ID).sign(&["1", "1", "x"]);
        let query = format!("msg_signature={signature}&timestamp=1&nonce=1");
        Written { query, body: "<xml><Encrypt>x</Encrypt></xml>".to_owned() }
    };
    let plain = Written { query: good.query.clone(), body: "<xml><MsgType>text</MsgType></xml>".to_owned() };
    let bomb = "<!DOCTYPE x [<!ENTITY a \"a\">]><xml><Encrypt>&a;</Encrypt></xml>".to_owned();
    for (what, forged) in [
        ("unsigned", Written { query: tail.trim_start_matches('&').to_owned(), ..good.clone() }),
        ("signed otherwise", Written { query: format!("{head}0{tail}"), ..good.clone() }),
        (
            "another body",
            Written { body: good.body.replace("<Encrypt><![CDATA[", "<Encrypt><![CDATA[A"), ..good.clone() },
        ),
        ("another key", signed(&other_key)),
        ("another company", signed(&other_corp)),
        ("an old time", old),
        ("in the open", plain),
        ("an entity", Written { body: bomb, ..good.clone() }),
        ("nothing", Written { body: String::new(), ..good.clone() }),
    ] {
        assert_eq!(bring(&stage, &forged).await, 401, "{what}");
    }
    let no_xml = signed(&Envelope::new(TOKEN, AES_KEY, CORP_ID).seal("words", [7; 16]));
    assert_eq!(bring(&stage, &no_xml).await, 400);
    assert!(stage.recorder.events().is_empty(), "nothing was taken in");
    stage.sim.member_says(&stage.small.alice, "and still it works");
    stage.arrived("and still it works").await;
    session.close().await;
}

#[tokio::test]
async fn repeats_and_replays_bear_the_same_id() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.repeats_callbacks(1);
    let id = stage.sim.member_says(&stage.small.alice, "twice");
    stage.sim.wait_until_all_is_taken().await.expect("all is taken");
    stage.sim.replays_callback(0);
    stage.sim.wait_until_all_is_taken().await.expect("all is taken");
    let messages = stage.recorder.messages();
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| message.id.as_str() == id), "the store knows it by its id");
    session.close().await;
}

#[tokio::test]
async fn what_is_not_stored_is_brought_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.brings_again_after_ms(50, 100);
    stage.recorder.refuse(true);
    stage.sim.member_says(&stage.small.alice, "not lost");
    session.ended().await;
    session.close().await;
    stage.recorder.refuse(false);
    let session = stage.connect().await;
    stage.arrived("not lost").await;
    stage.sim.wait_until_all_is_taken().await.expect("all is taken");
    assert_eq!(stage.count("not lost"), 1);
    // The chat works on.
    session.deliver(&stage.alice(), &said("hello"), &key(1)).await.expect("it is delivered");
    session.close().await;
}
