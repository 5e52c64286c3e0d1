//! Messages that take several, of which a later one meets trouble.

use magpie_common::platform::{ConnectError, DeliverError, Delivered};
use magpie_tests::{
    discord::Gate,
    wechat_wecom::{Fault, To},
};

use super::{Stage, ids, in_doubt, key, said};

const SEND: &str = "POST /cgi-bin/message/send";
const ANSWER: &str = "POST /cgi-bin/kf/send_msg";

/// The first part goes, and the second one meets this.
fn behind_first(stage: &Stage, route: &str, fault: Fault) {
    let open = Gate::default();
    open.release();
    stage.sim.fault(route, Fault::HoldAfter(open));
    stage.sim.fault(route, fault);
}

/// Words of two parts.
fn long() -> String {
    "鸟".repeat(1000)
}

fn uncertain(delivered: &Result<Delivered, DeliverError>) -> &str {
    match delivered {
        Err(DeliverError::Uncertain(words)) => words,
        other => panic!("it is not in doubt: {other:?}"),
    }
}

/// The words of what was sent to somebody, each once and in order.
fn sent(stage: &Stage, to: &To) -> Vec<String> {
    stage.sim.sent_to(to).iter().map(|it| it.words().to_owned()).collect()
}

#[tokio::test]
async fn why_the_rest_did_not_go_is_told_and_it_is_not_sent_again() {
    for (fault, part, parts) in [
        (Fault::Refuse(45_002), "too long", 1),
        (Fault::CutBefore, "nobody knows", 1),
        (Fault::CutAfter, "nobody knows", 2),
    ] {
        println!("{fault:?}");
        let stage = Stage::new().await;
        let session = stage.connect().await;
        stage.carol_writes("hello").await;
        for (nth, (chat, to, route)) in
            [(stage.alice(), stage.to_alice(), SEND), (stage.carol(), stage.to_carol(), ANSWER)]
                .into_iter()
                .enumerate()
        {
            behind_first(&stage, route, fault.clone());
            let first = session.deliver(&chat, &said(&long()), &key(nth)).await;
            assert!(uncertain(&first).contains(part), "{first:?}");
            assert!(uncertain(&first).contains("beginning of the message has gone"), "{first:?}");
            assert_eq!(session.deliver(&chat, &said(&long()), &in_doubt(nth)).await, first);
            assert_eq!(sent(&stage, &to).len(), parts);
        }
        session.close().await;
    }
}

#[tokio::test]
async fn the_next_session_sends_only_the_rest() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let session = stage.connect_by(&platform).await;
    behind_first(&stage, SEND, Fault::Refuse(45_009));
    let first = session.deliver(&stage.alice(), &said(&long()), &key(1)).await;
    assert!(uncertain(&first).contains("used up"), "{first:?}");
    session.close().await;
    let session = stage.connect_by(&platform).await;
    let parts = ids(session.deliver(&stage.alice(), &said(&long()), &in_doubt(1)).await);
    let arrived = sent(&stage, &stage.to_alice());
    assert_eq!((parts.len(), arrived.len()), (2, 2));
    assert_eq!(arrived.concat(), long(), "each part stands once");
    session.close().await;
}

#[tokio::test]
async fn an_app_that_is_refused_in_the_middle_hides_no_part() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let session = stage.connect_by(&platform).await;
    behind_first(&stage, SEND, Fault::Refuse(60_020));
    let first = session.deliver(&stage.alice(), &said(&long()), &key(1)).await;
    let words = uncertain(&first);
    assert!(words.contains("Only the beginning") && words.contains("trusted IPs"), "{words}");
    let why = session.ended().await;
    assert!(matches!(&why, ConnectError::BadCredentials(words) if words.contains("trusted IPs")), "{why:?}");
    session.close().await;
    let session = stage.connect_by(&platform).await;
    ids(session.deliver(&stage.alice(), &said(&long()), &in_doubt(1)).await);
    assert_eq!(sent(&stage, &stage.to_alice()).concat(), long(), "each part stands once");
    session.close().await;
}

#[tokio::test]
async fn a_rest_that_may_not_go_any_more_is_told_as_a_rest() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    stage.carol_writes("a question").await;
    behind_first(&stage, ANSWER, Fault::Refuse(45_009));
    let first = session.deliver(&stage.carol(), &said(&long()), &key(1)).await;
    assert!(uncertain(&first).contains("Only the beginning"), "{first:?}");
    stage.sim.advance_ms(49 * 60 * 60 * 1000);
    let late = session.deliver(&stage.carol(), &said(&long()), &in_doubt(1)).await;
    let words = uncertain(&late);
    assert!(words.contains("Only the beginning") && words.contains("48 hours"), "{words}");
    assert_eq!(sent(&stage, &stage.to_carol()).len(), 1);
    session.close().await;
}
