//! Tokens, messages, files, people: WeChat's own codes.

use magpie_tests::wechat_official::{APP_ID, APP_SECRET, Fault, PRESSED_MS, SAID_MS, SentFile};
use serde_json::json;

use super::{Scene, code};

const SEND: &str = "POST /cgi-bin/message/custom/send";

#[tokio::test]
async fn stable_tokens_stay_the_same_and_two_hold_near_the_end() {
    let scene = Scene::new().await;
    let first = scene.good_token().await;
    assert_eq!(scene.good_token().await, first);
    scene.sim.person_says(&scene.small.alice, "hello");
    scene.sim.advance_ms(2 * 60 * 60 * 1000 - 4 * 60 * 1000);
    let second = scene.good_token().await;
    assert_ne!(second, first);
    assert_eq!((scene.says(&first, "a").await, scene.says(&second, "b").await), (0, 0), "both hold");
    scene.sim.advance_ms(5 * 60 * 1000);
    assert_eq!((scene.says(&first, "a").await, scene.says(&second, "b").await), (42_001, 0));
    let forced = scene.token(APP_SECRET, true).await["access_token"].as_str().unwrap_or_default().to_owned();
    assert_eq!((scene.says(&second, "c").await, scene.says(&forced, "d").await), (40_001, 0));
    assert_eq!((scene.says("", "e").await, scene.says("made up", "f").await), (41_001, 40_001));
}

#[tokio::test]
async fn accounts_are_let_in_by_their_secret_and_address() {
    let scene = Scene::new().await;
    assert_eq!(code(&scene.token("wrong", false).await), 40_125);
    scene.sim.lists_address(APP_ID, false);
    let told = scene.token(APP_SECRET, false).await;
    assert!(
        code(&told) == 40_164 && told["errmsg"].as_str().is_some_and(|words| words.contains("invalid ip"))
    );
    scene.sim.lists_address(APP_ID, true);
    let token = scene.good_token().await;
    scene.sim.uses_up_the_day(APP_ID, true);
    assert_eq!(scene.says(&token, "a").await, 45_009);
    scene.sim.uses_up_the_day(APP_ID, false);
    scene.sim.resets_secret(APP_ID);
    assert_eq!(
        (scene.says(&token, "a").await, code(&scene.token(APP_SECRET, false).await)),
        (40_001, 40_125)
    );
}

#[tokio::test]
async fn windows_are_five_in_two_days_and_three_in_a_minute() {
    let scene = Scene::new().await;
    let token = scene.good_token().await;
    let alice = &scene.small.alice;
    assert_eq!(scene.says(&token, "out of the blue").await, 45_015);
    scene.sim.person_says(alice, "hello");
    for nth in 0..5 {
        assert_eq!(scene.says(&token, "an answer").await, 0, "{nth}");
    }
    assert_eq!((scene.says(&token, "one more").await, scene.sim.left(alice)), (45_047, 0));
    scene.sim.person_presses(alice, "PRICES");
    for nth in 0..3 {
        assert_eq!(scene.says(&token, "prices").await, 0, "{nth}");
    }
    assert_eq!(scene.says(&token, "one more").await, 45_047);
    scene.sim.person_presses(alice, "PRICES");
    scene.sim.advance_ms(PRESSED_MS);
    assert_eq!(scene.says(&token, "too late").await, 45_047, "the other window runs still");
    scene.sim.person_pays(alice);
    assert_eq!(scene.says(&token, "thanks").await, 0);
    scene.sim.advance_ms(SAID_MS);
    let token = scene.good_token().await;
    assert_eq!(scene.says(&token, "much too late").await, 45_015);
}

#[tokio::test]
async fn messages_are_refused_with_wechats_codes() {
    let scene = Scene::new().await;
    let token = scene.good_token().await;
    let (alice, bob) = (&scene.small.alice, &scene.small.bob);
    scene.sim.person_says(alice, "hello");
    let to_alice = |kind: &str, content: serde_json::Value| json!({"touser": alice.openid, "msgtype": kind, kind: content});
    for (body, wanted) in [
        (json!({"touser": "oNobody", "msgtype": "text", "text": {"content": "a"}}), 40_003),
        (to_alice("text", json!({"content": ""})), 44_004),
        (to_alice("text", json!({"content": "鸟".repeat(683)})), 45_002),
        (to_alice("text", json!({"content": "a \u{1} b"})), 40_033),
        (to_alice("image", json!({"media_id": "nothing"})), 40_007),
        (to_alice("hologram", json!({})), 40_008),
        (to_alice("text", json!({"content": "鸟 \\u0041"})), 0),
    ] {
        assert_eq!(scene.sends(&token, &body).await, wanted, "{body}");
    }
    for wanted in [-1, 45_009, 45_011, 45_065, 50_002, 87_014] {
        scene.sim.fault(SEND, Fault::Refuse(wanted));
        assert_eq!(scene.says(&token, "a").await, wanted);
    }
    scene.sim.person_leaves(alice);
    assert_eq!(scene.says(&token, "a").await, 43_004);
    scene.sim.person_follows(alice, "");
    scene.sim.person_blocks(alice);
    assert_eq!(scene.says(&token, "a").await, 43_019);
    scene.sim.verifies(APP_ID, false);
    assert_eq!(scene.says(&token, "a").await, 48_001);
    assert_eq!((scene.sim.sent_to(alice).len(), scene.sim.sent_to(bob).len()), (1, 0));
}

#[tokio::test]
async fn files_are_kept_for_three_days_and_films_are_an_address() {
    let scene = Scene::new().await;
    let alice = &scene.small.alice;
    let (_, picture) =
        scene.sim.person_sends(alice, &SentFile::new("image", "image/jpeg", &b"a picture"[..]));
    let (_, film) = scene.sim.person_sends(alice, &SentFile::new("video", "video/mp4", &b"a film"[..]));
    let get = async |id: &str| {
        let token = scene.good_token().await;
        let address = format!("{}/cgi-bin/media/get?access_token={token}&media_id={id}", scene.sim.origin());
        let answer = scene.http.get(address).send().await.expect("the simulator answers");
        let mime = answer.headers()["content-type"].to_str().expect("it is words").to_owned();
        (mime, answer.bytes().await.expect("it has an end"))
    };
    assert_eq!(get(&picture).await, ("image/jpeg".to_owned(), (&b"a picture"[..]).into()));
    let (mime, told) = get(&film).await;
    let told: serde_json::Value = serde_json::from_slice(&told).expect("it is JSON");
    assert!(mime.starts_with("application/json"), "{mime}");
    let url = told["video_url"].as_str().expect("it names a place");
    let bytes = scene.http.get(url).send().await.expect("it is there").bytes().await.expect("it has an end");
    assert_eq!(&bytes[..], b"a film");
    scene.sim.advance_ms(3 * 24 * 60 * 60 * 1000);
    let (_, told) = get(&picture).await;
    assert_eq!(code(&serde_json::from_slice(&told).expect("it is JSON")), 40_007);
}

#[tokio::test]
async fn people_have_no_names_but_those_that_staff_gave() {
    let scene = Scene::new().await;
    let token = scene.good_token().await;
    let info = async |openid: &str| {
        let address =
            format!("{}/cgi-bin/user/info?access_token={token}&openid={openid}", scene.sim.origin());
        scene.ask(scene.http.get(address)).await
    };
    let alice = info(&scene.small.alice.openid).await;
    assert_eq!((&alice["remark"], &alice["nickname"]), (&json!("Alice"), &json!("")));
    assert_eq!(alice["unionid"], "o6_bmjrPTlm6_alice");
    assert_eq!(code(&info("oNobody").await), 40_003);
    scene.sim.person_leaves(&scene.small.bob);
    assert_eq!(info(&scene.small.bob.openid).await["subscribe"], 0);
}
