//! Callbacks: how they are written in each mode, how often they come, and how an address is checked.

use axum::http::StatusCode;
use magpie_tests::wechat_official::{APP_ID, Mode};

use super::{Listener, Scene, field, sealed};

#[tokio::test]
async fn each_mode_signs_and_seals_as_it_should() {
    let scene = Scene::new().await;
    let mut listener = Listener::start(StatusCode::OK, "success").await;
    scene.sim.subscribe(APP_ID, &listener.address).await.expect("it repeats what was made up");
    let envelope = scene.sim.envelope(APP_ID);
    for mode in [Mode::Safe, Mode::Compatible, Mode::Plain] {
        scene.sim.writes_in_mode(mode);
        let id = scene.sim.person_says(&scene.small.alice, "hello <b> & ]]> bye");
        let written = listener.next().await;
        let query = |name: &str| field(&written.query, name);
        let (time, nonce, sealed) = (query("timestamp"), query("nonce"), sealed(&written.body));
        assert_eq!(query("signature"), envelope.sign(&[&time, &nonce]));
        assert_eq!(query("openid"), scene.small.alice.openid);
        let is_open = written.body.contains(&id);
        assert_eq!(is_open, mode != Mode::Safe, "{mode:?}");
        assert_eq!(sealed.is_empty(), mode == Mode::Plain, "{mode:?}");
        if mode != Mode::Plain {
            assert_eq!(query("msg_signature"), envelope.sign(&[&time, &nonce, &sealed]));
            assert!(envelope.open(&sealed).is_some_and(|document| document.contains(&id)));
        }
    }
}

#[tokio::test]
async fn what_is_not_taken_comes_four_times_and_no_more() {
    let scene = Scene::new().await;
    for (status, answer, times) in [
        (StatusCode::OK, "success", 1),
        (StatusCode::OK, "", 1),
        (StatusCode::OK, "<html>", 4),
        (StatusCode::SERVICE_UNAVAILABLE, "", 4),
    ] {
        let listener = Listener::start(status, answer).await;
        scene.sim.was_subscribed(APP_ID, &listener.address);
        scene.sim.brings_again_after_ms(0, 4);
        scene.sim.person_says(&scene.small.alice, "hello");
        scene.sim.wait_until_all_is_taken().await.expect("it ends");
        let told = scene.sim.callbacks().pop().expect("it was told");
        assert_eq!((told.answers.len(), told.is_waiting), (times, false), "{status} {answer}");
    }
}

#[tokio::test]
async fn an_address_that_does_not_repeat_the_words_is_not_taken() {
    let scene = Scene::new().await;
    let nobody = scene.sim.subscribe(APP_ID, "http://127.0.0.1:9/hook").await;
    assert_eq!(nobody, Err("nobody answers there".to_owned()));
    let other = format!("{}/nothing", scene.sim.origin());
    assert!(scene.sim.subscribe(APP_ID, &other).await.is_err());
}
