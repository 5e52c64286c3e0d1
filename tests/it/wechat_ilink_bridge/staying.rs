//! Sessions that last, and how they end.

use magpie_common::{
    message::RemoteEvent,
    platform::{ConnectError, Platform},
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_ilink::{Fault, StaleIn};

use super::{Stage, ids, key, said};

#[tokio::test]
async fn a_session_says_that_it_is_there_and_that_it_goes() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    assert!(stage.sim.is_started(stage.bot));
    session.close().await;
    assert!(!stage.sim.is_started(stage.bot));
    stage.should_be_right();
}

#[tokio::test]
async fn polls_that_take_too_long_are_asked_again_with_the_same_cursor() {
    let stage = Stage::new().await;
    // WeChat says that it answers at once, and does not.
    stage.sim.holds_polls(120_000, Some(200));
    let session = stage.connect().await;
    stage.alice_writes().await;
    let polls = stage.sim.request_count("getupdates");
    stage.sim.wait_for_attempts("getupdates", polls + 2).await.expect("the bridge gives up and asks again");
    let asked = stage.sim.requests().into_iter().filter(|it| it.name == "getupdates");
    let cursors: Vec<_> = asked.map(|it| it.body["get_updates_buf"].clone()).collect();
    assert_eq!(cursors[polls], cursors[polls + 1]);
    stage.sim.person_says(stage.bot, "are you there?");
    stage.arrived("are you there?").await;
    // The session lives on, both ways.
    ids(session.deliver(&stage.chat(), &said("I am"), &key(1)).await);
    stage.sim.person_says(stage.bot, "good");
    stage.arrived("good").await;
    let states = |event| match event {
        RemoteEvent::StateChanged(state) => Some(state),
        _ => None,
    };
    let told: Vec<_> = stage.recorder.events().into_iter().filter_map(|it| states(it.event)).collect();
    assert_eq!(told, [], "a quiet poll is no trouble");
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_session_outlives_broken_polls_and_loses_nothing() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (fault, words) in [
        (Fault::CutAfter, "cut off"),
        (Fault::refusal(-1, "system error"), "refused with 200"),
        (Fault::AnswerAfter { status: 502 }, "a bad gateway"),
    ] {
        stage.sim.fault("getupdates", fault);
        // The poll under way brings the first; the next one has the fault, and what it would have brought comes after it.
        stage.sim.person_says(stage.bot, &format!("before: {words}"));
        stage.arrived(&format!("before: {words}")).await;
        stage.sim.person_says(stage.bot, words);
        let came = |recorder: &Recorder| {
            recorder.messages().iter().any(|it| it.message.text.to_plain() == words).then_some(())
        };
        stage.recorder.wait_for(words, came).await;
    }
    // It is the same session that goes on, both ways.
    ids(session.deliver(&stage.chat(), &said("all is well"), &key(1)).await);
    stage.sim.person_says(stage.bot, "good");
    stage.arrived("good").await;
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_token_that_goes_stale_ends_the_session_with_words() {
    for field in [StaleIn::Errcode, StaleIn::Ret] {
        let stage = Stage::new().await;
        let session = stage.connect().await;
        stage.alice_writes().await;
        stage.sim.tells_stale_in(field);
        stage.sim.token_goes_stale(stage.bot);
        let why = session.ended().await;
        assert!(matches!(&why, ConnectError::BadCredentials(words) if words.len() > 10), "{why:?}");
        let again = stage.platform().connect(&stage.login, stage.sink()).await;
        assert!(matches!(again, Err(ConnectError::BadCredentials(_))), "it must be scanned again");
        session.close().await;
        stage.should_be_right();
    }
}
