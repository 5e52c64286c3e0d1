//! Messages that take several, of which a later one meets trouble.

use magpie_common::platform::{ConnectError, DeliverError, Delivered};
use magpie_tests::{discord::Gate, wechat_official::Fault};

use super::{SEND, Stage, config, ids, key, platform, said, sending::in_doubt};

/// The first part goes, and the second one meets this.
fn behind_first(stage: &Stage, fault: Fault) {
    let open = Gate::default();
    open.release();
    stage.sim.fault(SEND, Fault::HoldAfter(open));
    stage.sim.fault(SEND, fault);
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

#[tokio::test]
async fn why_the_rest_did_not_go_is_told_and_it_is_not_sent_again() {
    for (fault, part, parts) in [
        (Fault::Refuse(45_047), "Only the beginning", 1),
        (Fault::Refuse(87_014), "does not let the content pass", 1),
        (Fault::CutBefore, "nobody knows", 1),
        (Fault::CutAfter, "nobody knows", 2),
    ] {
        println!("{fault:?}");
        let stage = Stage::new().await;
        let session = stage.connect().await;
        stage.alice_writes("let us talk").await;
        behind_first(&stage, fault);
        let first = session.deliver(&stage.alice(), &said(&long()), &key(1)).await;
        assert!(uncertain(&first).contains(part), "{first:?}");
        assert!(uncertain(&first).contains("beginning of the message has gone"), "{first:?}");
        assert_eq!(session.deliver(&stage.alice(), &said(&long()), &in_doubt(1)).await, first);
        assert_eq!(stage.words().len(), parts);
        session.close().await;
    }
}

#[tokio::test]
async fn the_next_session_sends_only_the_rest() {
    let stage = Stage::new().await;
    let platform = platform(config(&stage.sim), &stage.clock);
    let session = stage.connect_by(&platform).await;
    stage.alice_writes("let us talk").await;
    behind_first(&stage, Fault::Refuse(45_011));
    let first = session.deliver(&stage.alice(), &said(&long()), &key(1)).await;
    assert!(uncertain(&first).contains("too much at once"), "{first:?}");
    stage.sim.fault(SEND, Fault::Refuse(45_011));
    let again = session.deliver(&stage.alice(), &said(&long()), &in_doubt(1)).await;
    assert!(matches!(again, Err(DeliverError::Retry { after: Some(_), .. })), "{again:?}");
    session.close().await;
    let session = stage.connect_by(&platform).await;
    let parts = ids(session.deliver(&stage.alice(), &said(&long()), &in_doubt(1)).await);
    assert_eq!((parts.len(), stage.words().len()), (2, 2));
    assert_eq!(stage.words().concat(), long(), "each part stands once");
    session.close().await;
}

#[tokio::test]
async fn an_account_that_is_refused_in_the_middle_hides_no_part() {
    let stage = Stage::new().await;
    let platform = platform(config(&stage.sim), &stage.clock);
    let session = stage.connect_by(&platform).await;
    stage.alice_writes("let us talk").await;
    behind_first(&stage, Fault::Refuse(40_164));
    let first = session.deliver(&stage.alice(), &said(&long()), &key(1)).await;
    let words = uncertain(&first);
    assert!(words.contains("Only the beginning") && words.contains("IP whitelist"), "{words}");
    let why = session.ended().await;
    assert!(matches!(&why, ConnectError::BadCredentials(words) if words.contains("IP whitelist")), "{why:?}");
    session.close().await;
    let session = stage.connect_by(&platform).await;
    ids(session.deliver(&stage.alice(), &said(&long()), &in_doubt(1)).await);
    assert_eq!(stage.words().concat(), long(), "each part stands once");
    session.close().await;
}
