//! What goes wrong: tokens that end, addresses that are not trusted, cuts, codes, a busy WeCom.

use std::sync::Arc;

use magpie_common::{
    config::Secret,
    platform::{ConnectError, DeliverError, EventSink, Platform},
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_wecom::Fault;
use magpie_wechat::WeChatConfig;

use super::{Stage, config, in_doubt, key, login, platform, refused, said};

const SEND: &str = "POST /cgi-bin/message/send";

#[tokio::test]
async fn an_ended_token_is_renewed_once_and_nobody_notices() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    // What is asked for at start is over.
    stage.sim.wait_for_requests("/cgi-bin/kf/sync_msg", 1).await.expect("it is pulled at start");
    let before = stage.sim.request_count("/cgi-bin/gettoken");
    stage.sim.ends_tokens();
    let (first, second, (said_first, said_second)) = (key(1), key(2), (said("first"), said("second")));
    let alice = stage.alice();
    let (first, second) = tokio::join!(
        session.deliver(&alice, &said_first, &first),
        session.deliver(&alice, &said_second, &second)
    );
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert_eq!(stage.sim.sent_to(&stage.to_alice()).len(), 2);
    assert_eq!(stage.sim.request_count("/cgi-bin/gettoken"), before + 1, "one new token is enough for all");
    session.close().await;
}

#[tokio::test]
async fn a_fresh_token_that_is_not_taken_is_no_reason_to_sign_out() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for _ in 0..2 {
        stage.sim.fault(SEND, Fault::Refuse(42_001));
    }
    let outcome = session.deliver(&stage.alice(), &said("later"), &key(1)).await;
    assert!(
        matches!(&outcome, Err(DeliverError::Retry { after: Some(_), reason }) if reason.contains("token")),
        "{outcome:?}"
    );
    session.deliver(&stage.alice(), &said("now"), &key(1)).await.expect("it is delivered");
    session.close().await;
}

#[tokio::test]
async fn an_address_that_is_not_trusted_is_told_in_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.trusts_address(false);
    let outcome = session.deliver(&stage.alice(), &said("hello"), &key(1)).await;
    assert!(
        matches!(&outcome, Err(DeliverError::LoggedOut(words)) if words.contains("trusted IPs")),
        "{outcome:?}"
    );
    let why = session.ended().await;
    assert!(matches!(&why, ConnectError::BadCredentials(words) if words.contains("trusted IPs")), "{why:?}");
    // So the runtime does with a session that has ended by itself. Members are heard for as long as it waits then.
    session.close().await;
    stage.sim.member_says(&stage.small.alice, "are you there?");
    stage.arrived("are you there?").await;
    stage.sim.trusts_address(true);
    let session = stage.connect().await;
    stage.sim.member_says(&stage.small.alice, "and now?");
    stage.arrived("and now?").await;
    assert_eq!((stage.count("are you there?"), stage.count("and now?")), (1, 1));
    session.close().await;
    stage.sim.brings_again_after_ms(20, 4);
    stage.sim.member_says(&stage.small.alice, "too late");
    stage.sim.wait_until_all_is_taken().await.expect("WeCom gives up");
    assert_eq!(stage.count("too late"), 0, "something is pushed after a close");
}

#[tokio::test]
async fn a_wrong_secret_of_customer_service_is_named() {
    let stage = Stage::new().await;
    let wrong = WeChatConfig { wecom_kf_secret: Some(Secret::new("wrong")), ..config(&stage.sim) };
    let platform = platform(wrong, &stage.clock);
    let login = login(&platform);
    let sink = EventSink::new(login.id.clone(), Arc::new(Recorder::default()));
    match platform.connect(&login, sink).await {
        Err(ConnectError::BadCredentials(words)) => assert!(words.contains("customer service"), "{words}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it connects with a wrong secret"),
    }
}

#[tokio::test]
async fn without_the_secret_of_customer_service_the_app_works_alone() {
    let stage = Stage::new().await;
    let alone = WeChatConfig { wecom_kf_secret: None, ..config(&stage.sim) };
    let platform = platform(alone, &stage.clock);
    stage.door.lead_to(&platform);
    let login = login(&platform);
    let sink = EventSink::new(login.id.clone(), Arc::new(stage.recorder.clone()));
    let session = platform.connect(&login, sink).await.expect("it connects");
    stage.sim.was_subscribed(&stage.door.callback());
    stage.sim.customer_says(&stage.small.carol, "does anybody hear?");
    stage.sim.member_says(&stage.small.alice, "I do");
    stage.arrived("I do").await;
    let words = refused(session.deliver(&stage.carol(), &said("no"), &key(1)).await);
    assert!(words.contains("customer service"), "{words}");
    session.close().await;
}

#[tokio::test]
async fn what_may_have_gone_is_never_said_again() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.carol_writes("hello").await;
    for (nth, (chat, route, fault, arrives)) in [
        (stage.alice(), SEND, Fault::CutBefore, 0),
        (stage.alice(), SEND, Fault::CutAfter, 1),
        (stage.alice(), SEND, Fault::AnswerAfter { status: 502 }, 1),
        (stage.carol(), "POST /cgi-bin/kf/send_msg", Fault::CutAfter, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let before = stage.sim.sent_count();
        stage.sim.fault(route, fault);
        let first = session.deliver(&chat, &said("doubtful"), &key(nth)).await;
        assert!(matches!(first, Err(DeliverError::Uncertain(_))), "{nth}: {first:?}");
        let again = session.deliver(&chat, &said("doubtful"), &in_doubt(nth)).await;
        assert!(matches!(again, Err(DeliverError::Uncertain(_))), "{nth}: {again:?}");
        assert_eq!(stage.sim.sent_count(), before + arrives, "{nth}");
    }
    session.close().await;
}

#[tokio::test]
async fn codes_become_words_and_a_busy_wecom_is_asked_three_times() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, (code, part)) in [
        (81_013, "no such member"),
        (40_007, "does not know the file"),
        (45_002, "too long"),
        (99_999, "99999"),
    ]
    .into_iter()
    .enumerate()
    {
        stage.sim.fault(SEND, Fault::Refuse(code));
        let words = refused(session.deliver(&stage.alice(), &said("hello"), &key(nth)).await);
        assert!(words.contains(part), "{code}: {words}");
    }
    stage.sim.fault(SEND, Fault::Refuse(45_009));
    let outcome = session.deliver(&stage.alice(), &said("hello"), &key(10)).await;
    assert!(matches!(outcome, Err(DeliverError::Retry { after: Some(_), .. })), "{outcome:?}");
    stage.sim.fault(SEND, Fault::Refuse(-1));
    session.deliver(&stage.alice(), &said("in the end"), &key(11)).await.expect("the second time it goes");
    let before = stage.sim.request_count("/cgi-bin/message/send");
    for _ in 0..3 {
        stage.sim.fault(SEND, Fault::Refuse(-1));
    }
    let words = refused(session.deliver(&stage.alice(), &said("hello"), &key(12)).await);
    assert!(words.contains("busy"), "{words}");
    assert_eq!(stage.sim.request_count("/cgi-bin/message/send"), before + 3);
    session.close().await;
}

#[tokio::test]
async fn members_are_heard_while_wecom_does_not_let_us_in() {
    let stage = Stage::new().await;
    stage.connect().await.close().await;
    stage.sim.trusts_address(false);
    let platform = platform(config(&stage.sim), &stage.clock);
    stage.door.lead_to(&platform);
    let login = login(&platform);
    let sink = || EventSink::new(login.id.clone(), Arc::new(stage.recorder.clone()));
    let refused = platform.connect(&login, sink()).await.err();
    assert!(matches!(refused, Some(ConnectError::BadCredentials(_))), "{refused:?}");
    stage.sim.member_says(&stage.small.alice, "is anybody there?");
    stage.arrived("is anybody there?").await;
    stage.sim.customer_says(&stage.small.carol, "I wait");
    stage.sim.wait_until_all_is_taken().await.expect("all is taken");
    // The next session goes on, pulls what waits, and nothing comes twice.
    stage.sim.trusts_address(true);
    let session = platform.connect(&login, sink()).await.expect("it is let in");
    stage.arrived("I wait").await;
    assert_eq!((stage.count("is anybody there?"), stage.count("I wait")), (1, 1));
    session.close().await;
}
