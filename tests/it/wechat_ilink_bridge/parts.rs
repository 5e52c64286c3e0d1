//! Messages that take several, of which a later one meets trouble.

use magpie_common::{
    message::{Attachment, AttachmentKind, FileSource, Message, RichText},
    platform::{ConnectError, DeliverError, Delivered},
};
use magpie_tests::wechat_ilink::{Fault, faults::Gate};
use serde_json::Value;

use super::{Stage, ids, in_doubt, key, message, said};

/// The first part goes, and the second one meets this.
fn behind_first(stage: &Stage, fault: Fault) {
    let open = Gate::default();
    open.release();
    stage.sim.fault("sendmessage", Fault::HoldAfter(open));
    stage.sim.fault("sendmessage", fault);
}

/// Words of two parts.
fn long() -> String {
    "鸟".repeat(5000)
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
        (Fault::refusal(7, "strange words"), "strange words", 1),
        (Fault::CutBefore, "nobody knows", 1),
        (Fault::CutAfter, "nobody knows", 2),
    ] {
        println!("{fault:?}");
        let stage = Stage::new().await;
        let session = stage.connect().await;
        stage.alice_writes().await;
        behind_first(&stage, fault);
        let first = session.deliver(&stage.chat(), &said(&long()), &key(1)).await;
        assert!(uncertain(&first).contains(part), "{first:?}");
        assert!(uncertain(&first).contains("beginning of the message has gone"), "{first:?}");
        assert_eq!(session.deliver(&stage.chat(), &said(&long()), &in_doubt(1)).await, first);
        assert_eq!(stage.sim.texts(stage.bot).len(), parts);
        session.close().await;
        stage.should_be_right();
    }
}

#[tokio::test]
async fn a_quota_that_ends_in_the_middle_is_told_with_what_to_do() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.sets_quota(Some(1));
    stage.alice_writes().await;
    let first = session.deliver(&stage.chat(), &said(&long()), &key(1)).await;
    let words = uncertain(&first);
    assert!(words.contains("Only the beginning") && words.contains("Write to the bot"), "{words}");
    assert_eq!(session.deliver(&stage.chat(), &said(&long()), &in_doubt(1)).await, first);
    assert_eq!(stage.sim.texts(stage.bot).len(), 1);
    // The person writes, and asks for it once more.
    stage.sim.person_says(stage.bot, "go on");
    stage.arrived("go on").await;
    assert_eq!(ids(session.deliver(&stage.chat(), &said(&long()), &key(1)).await).len(), 2);
    assert_eq!(stage.sim.texts(stage.bot).concat(), long(), "only what was missing has gone");
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_message_that_could_go_only_in_part_does_not_go_at_all() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.sets_quota(None);
    stage.alice_writes().await;
    for nth in 0..9 {
        ids(session.deliver(&stage.chat(), &said("an answer"), &key(nth)).await);
    }
    let refused = session.deliver(&stage.chat(), &said(&long()), &key(20)).await;
    let is_told = matches!(&refused, Err(DeliverError::Rejected(words)) if words.contains("about 1 more"));
    assert!(is_told, "{refused:?}");
    assert_eq!(stage.sim.texts(stage.bot).len(), 9);
    ids(session.deliver(&stage.chat(), &said("a short one"), &key(21)).await);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_file_that_cannot_be_brought_behind_its_words_is_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let source = FileSource::Matrix("mxc://example.org/nowhere".into());
    let file = Attachment::new(AttachmentKind::File, source, "birds.txt");
    let outgoing = message(Message { attachments: vec![file], ..Message::text(RichText::plain("see this")) });
    let first = session.deliver(&stage.chat(), &outgoing, &key(1)).await;
    assert!(uncertain(&first).contains("Only the beginning"), "{first:?}");
    assert_eq!(session.deliver(&stage.chat(), &outgoing, &in_doubt(1)).await, first);
    assert_eq!(stage.sim.texts(stage.bot), ["see this"]);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn the_next_session_sends_only_the_rest() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let session = stage.connect_by(&platform).await;
    stage.alice_writes().await;
    behind_first(&stage, Fault::Answer { status: 429, body: Value::Null });
    let first = session.deliver(&stage.chat(), &said(&long()), &key(1)).await;
    assert!(uncertain(&first).contains("Only the beginning"), "{first:?}");
    session.close().await;
    let session = stage.connect_by(&platform).await;
    let parts = ids(session.deliver(&stage.chat(), &said(&long()), &in_doubt(1)).await);
    assert_eq!((parts.len(), stage.sim.texts(stage.bot).len()), (2, 2));
    assert_eq!(stage.sim.texts(stage.bot).concat(), long(), "each part stands once");
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_bot_that_is_refused_in_the_middle_hides_no_part() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let session = stage.connect_by(&platform).await;
    stage.alice_writes().await;
    behind_first(&stage, Fault::refusal(-14, "session timeout"));
    let first = session.deliver(&stage.chat(), &said(&long()), &key(1)).await;
    let words = uncertain(&first);
    assert!(words.contains("Only the beginning") && words.contains("Scan a new code"), "{words}");
    let why = session.ended().await;
    assert!(
        matches!(&why, ConnectError::BadCredentials(words) if words.contains("Scan a new code")),
        "{why:?}"
    );
    session.close().await;
    let session = stage.connect_by(&platform).await;
    ids(session.deliver(&stage.chat(), &said(&long()), &in_doubt(1)).await);
    assert_eq!(stage.sim.texts(stage.bot).concat(), long(), "each part stands once");
    session.close().await;
    stage.should_be_right();
}
