//! What goes wrong, and the words for it.

use std::time::Duration;

use magpie_common::platform::{ConnectError, DeliverError, Platform};
use magpie_tests::telegram::{Fault, Privacy};

use super::{Stage, ids, in_doubt, key, platform, said};

#[tokio::test]
async fn a_pause_that_telegram_asks_for_is_told_and_nothing_is_lost() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    stage.sim.fault("sendMessage", Fault::TooMany { retry_after: 40 });
    let refused = session.deliver(&chat, &said("later"), &key(1)).await;
    let after = Some(Duration::from_secs(40));
    assert!(
        matches!(&refused, Err(DeliverError::Retry { after: told, .. }) if *told == after),
        "{refused:?}"
    );
    // The chat is closed for us, and Telegram is not even asked.
    let sends = || {
        stage
            .sim
            .requests()
            .iter()
            .filter(|request| request.method.eq_ignore_ascii_case("sendMessage"))
            .count()
    };
    let asked = sends();
    assert!(matches!(session.deliver(&chat, &said("later"), &key(1)).await, Err(DeliverError::Retry { .. })));
    assert_eq!(sends(), asked);
    let elsewhere = session.deliver(&stage.id(stage.small.group), &said("now"), &key(2)).await;
    assert_eq!(ids(elsewhere).len(), 1, "another chat is open");
    assert_eq!(stage.sim.texts(stage.small.supergroup), Vec::<String>::new());
    session.close().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_doubt_and_no_second_message() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    for (nth, fault) in [Fault::CutAfter, Fault::AnswerAfter { status: 502 }].into_iter().enumerate() {
        stage.sim.fault("sendMessage", fault);
        let first = session.deliver(&chat, &said("once"), &key(nth)).await;
        assert!(matches!(first, Err(DeliverError::Uncertain(_))), "{first:?}");
        let again = session.deliver(&chat, &said("once"), &in_doubt(nth)).await;
        assert!(matches!(again, Err(DeliverError::Uncertain(_))), "{again:?}");
        assert_eq!(stage.sim.texts(stage.small.supergroup).len(), nth + 1);
    }
    session.close().await;
}

#[tokio::test]
async fn a_failure_that_telegram_admits_is_tried_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.private);
    let failed = Fault::Answer { status: 500, description: "Internal Server Error".to_owned() };
    stage.sim.fault("sendMessage", failed);
    let refused = session.deliver(&chat, &said("hello"), &key(1)).await;
    assert!(matches!(refused, Err(DeliverError::Retry { .. })), "{refused:?}");
    assert_eq!(ids(session.deliver(&chat, &said("hello"), &key(1)).await).len(), 1);
    session.close().await;
}

#[tokio::test]
async fn a_second_poller_is_named() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let second = stage.connect().await;
    let why = session.ended().await;
    assert!(matches!(&why, ConnectError::Transient(words) if words.contains("Another program")), "{why:?}");
    second.close().await;
}

#[tokio::test]
async fn privacy_mode_is_named_by_the_doctor() {
    let stage = Stage::new().await;
    stage.sim.owner_sets_privacy(stage.small.bot, Privacy::On);
    let findings = platform(stage.config()).diagnose().await;
    let fault = findings.iter().find(|finding| finding.check == "privacy mode").expect("it is looked at");
    let fault = fault.result.as_ref().expect_err("it is on");
    assert!(fault.remedy.contains("/setprivacy"), "{fault:?}");
}

#[tokio::test]
async fn a_person_who_blocks_the_bot_is_told_of() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_blocks(stage.small.alice, stage.small.bot);
    let refused = session.deliver(&stage.id(stage.small.private), &said("hello"), &key(1)).await;
    assert!(
        matches!(&refused, Err(DeliverError::Rejected(words)) if words.contains("blocked")),
        "{refused:?}"
    );
    session.close().await;
}

#[tokio::test]
async fn updates_that_come_twice_are_taken_once() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.updates_come_twice(2);
    stage.sim.person_sends(stage.small.supergroup, stage.small.alice, "one");
    stage.sim.person_sends(stage.small.supergroup, stage.small.alice, "two");
    stage.arrived("two").await;
    let words: Vec<_> = stage.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(words, ["one", "two"]);
    session.close().await;
    stage.should_be_honest("updates_that_come_twice_are_taken_once");
}
