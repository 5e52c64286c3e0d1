//! Five messages in 48 hours, three in a minute: counted, shown, refused with words.

use magpie_common::{
    clock::Clock,
    message::{ChatChange, RemoteEvent},
    platform::{DeliverError, Platform, Session},
};
use magpie_tests::wechat_official::{Fault, PRESSED_MS, SAID_MS};

use super::{SEND, Stage, config, ids, key, platform, refused, said};

const NOW_MS: i64 = 1_790_000_000_000;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// The topics that Alice's room was given.
fn topics(stage: &Stage) -> Vec<String> {
    let events = stage.recorder.events().into_iter();
    let topic = |event: RemoteEvent| match event {
        RemoteEvent::ChatChanged { chat, change: ChatChange::Info(info) } if chat == stage.alice() => {
            info.topic
        }
        _ => None,
    };
    events.filter_map(|one| topic(one.event)).collect()
}

async fn says(stage: &Stage, words: &str) {
    let last = |_: &_| topics(stage).pop().filter(|topic| topic.contains(words));
    stage.recorder.wait_for(words, last).await;
}

#[tokio::test]
async fn five_answers_are_counted_and_the_sixth_is_refused() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    says(&stage, "up to five more messages").await;
    let until = |session: &dyn Session| session.limits(&stage.alice()).open_until_ms;
    assert_eq!(until(&*session), Some(NOW_MS + SAID_MS));
    for (nth, shown) in
        ["up to five", "up to five", "two more", "one more", "no messages"].into_iter().enumerate()
    {
        ids(session.deliver(&stage.alice(), &said(&format!("answer {nth}")), &key(nth)).await);
        says(&stage, shown).await;
    }
    assert_eq!(topics(&stage).len(), 4, "who has enough left is not told each time");
    assert!(until(&*session).is_some_and(|until_ms| until_ms <= NOW_MS), "nothing may go now");
    let words = refused(session.deliver(&stage.alice(), &said("one more"), &key(9)).await);
    assert!(words.contains("five times") && words.contains("until"), "{words}");

    // So it is after a restart, and until Alice writes again.
    session.close().await;
    let session = stage.connect().await;
    refused(session.deliver(&stage.alice(), &said("one more"), &key(10)).await);
    stage.sim.advance_ms(1000);
    stage.alice_writes("go on").await;
    says(&stage, "up to five").await;
    ids(session.deliver(&stage.alice(), &said("thanks"), &key(11)).await);
    session.close().await;
}

#[tokio::test]
async fn what_may_have_gone_counts() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    for nth in 0..3 {
        stage.sim.fault(SEND, Fault::CutAfter);
        let outcome = session.deliver(&stage.alice(), &said("doubtful"), &key(nth)).await;
        assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    }
    says(&stage, "two more").await;
    session.close().await;
}

#[tokio::test]
async fn time_passes_in_the_topic_and_ends_in_words() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    says(&stage, "within 48 hours").await;
    for (minutes, shown) in
        [(45 * 60, "less than 4 hours"), (150, "less than an hour"), (30, "no messages here")]
    {
        stage.sim.advance_ms(minutes * 60_000);
        says(&stage, shown).await;
    }
    // For some minutes WeChat is still asked; its clock may be another.
    let asked = stage.sim.requests().len();
    let words = refused(session.deliver(&stage.alice(), &said("just too late"), &key(1)).await);
    assert!(words.contains("48 hours") && stage.sim.requests().len() > asked, "{words}");
    stage.sim.advance_ms(HOUR_MS);
    let asked = stage.sim.requests().len();
    let words = refused(session.deliver(&stage.alice(), &said("too late"), &key(2)).await);
    assert!(words.contains("Wait until they write"), "{words}");
    assert_eq!(stage.sim.requests().len(), asked, "WeChat is not even asked");
    session.close().await;
}

#[tokio::test]
async fn a_message_that_could_go_only_in_part_does_not_go_at_all() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    for nth in 0..3 {
        ids(session.deliver(&stage.alice(), &said("an answer"), &key(nth)).await);
    }
    let long = said(&"鸟".repeat(2000));
    let words = refused(session.deliver(&stage.alice(), &long, &key(4)).await);
    assert!(words.contains("3 messages") && words.contains("only 2 more"), "{words}");
    let words = refused(session.deliver(&stage.alice(), &said(&"鸟".repeat(5000)), &key(5)).await);
    assert!(words.contains("too long"), "{words}");
    assert_eq!(stage.words().len(), 3);
    session.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_may_be_answered() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    stage.sim.advance_ms(49 * HOUR_MS);
    says(&stage, "no messages").await;
    stage.sim.person_posts(&stage.small.alice, "hologram", &[("Id", "1")]);
    says(&stage, "within 48 hours").await;
    ids(session.deliver(&stage.alice(), &said("an answer"), &key(1)).await);
    session.close().await;
}

#[tokio::test]
async fn a_press_opens_a_minute() {
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.sim.person_presses(&stage.small.alice, "PRICES");
    stage.arrived("PRICES").await;
    // Nobody here knows whether she wrote before.
    assert_eq!(session.limits(&stage.alice()).open_until_ms, None);
    for nth in 0..3 {
        ids(session.deliver(&stage.alice(), &said("prices"), &key(nth)).await);
    }
    let words = refused(session.deliver(&stage.alice(), &said("prices"), &key(4)).await);
    assert!(words.contains("until the person writes"), "{words}");
    stage.sim.advance_ms(PRESSED_MS + HOUR_MS);
    let asked = stage.sim.request_count("/cgi-bin/message/custom/send");
    refused(session.deliver(&stage.alice(), &said("prices"), &key(5)).await);
    assert_eq!(stage.sim.request_count("/cgi-bin/message/custom/send"), asked + 1, "WeChat was not asked");
    session.close().await;
}

#[tokio::test]
async fn every_code_is_told_in_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes("let us talk").await;
    for (nth, (code, part)) in [
        (40_003, "no such follower"),
        (40_007, "does not know the file"),
        (43_004, "does not follow"),
        (43_019, "blocked"),
        (45_002, "too long"),
        (45_015, "48 hours"),
        (45_047, "five times"),
        (45_065, "45065"),
        (48_001, "verified"),
        (50_002, "limited"),
        (87_014, "does not let the content pass"),
    ]
    .into_iter()
    .enumerate()
    {
        stage.sim.fault(SEND, Fault::Refuse(code));
        // WeChat's refusals of before are not believed for ever.
        let words = refused(session.deliver(&stage.alice(), &said("a"), &key(nth)).await);
        assert!(words.contains(part), "{code}: {words}");
    }
    for (nth, code) in [-1, 45_009, 45_011].into_iter().enumerate() {
        stage.sim.fault(SEND, Fault::Refuse(code));
        let outcome = session.deliver(&stage.alice(), &said("a"), &key(20 + nth)).await;
        assert!(matches!(outcome, Err(DeliverError::Retry { after: Some(_), .. })), "{code}: {outcome:?}");
    }
    session.close().await;
}

#[tokio::test]
async fn an_account_that_is_not_let_in_is_told_in_words() {
    let stage = Stage::new().await;
    stage.sim.lists_address(magpie_tests::wechat_official::APP_ID, false);
    let platform = platform(config(&stage.sim), &stage.clock);
    let login = platform.configured_logins().pop().expect("the configuration names an account");
    let sink = magpie_common::platform::EventSink::new(
        login.id.clone(),
        std::sync::Arc::new(stage.recorder.clone()),
    );
    let refused = platform.connect(&login, sink).await.err().expect("it is refused").to_string();
    assert!(refused.contains("IP whitelist"), "{refused}");
    let findings = platform.diagnose().await;
    assert!(findings.iter().any(|finding| finding.result.is_err()), "{findings:?}");
}
