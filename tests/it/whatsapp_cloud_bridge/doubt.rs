//! What becomes of messages: statuses, and sends that nobody confirmed.

use magpie_common::{
    message::RemoteEvent,
    platform::{DeliverError, DeliveryKey},
};
use magpie_tests::whatsapp_cloud::{Fault, PayloadAge, Progress};

use super::{Stage, ids, in_doubt, key, said};

const SEND: &str = "POST /*/messages";

#[tokio::test]
async fn a_send_without_an_answer_is_settled_by_its_status() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.fault(SEND, Fault::CutAfter);
    let cut = session.deliver(&stage.alice(), &said("did it go?"), &key(1)).await;
    assert!(matches!(cut, Err(DeliverError::Uncertain(_))), "{cut:?}");
    let settled = ids(session.deliver(&stage.alice(), &said("did it go?"), &in_doubt(1)).await);
    let sent: Vec<String> = stage.sim.sent().into_iter().map(|message| message.id).collect();
    assert_eq!(settled, sent, "it went once");

    // The bridge may have been killed in between.
    stage.sim.fault(SEND, Fault::CutAfter);
    let cut = session.deliver(&stage.alice(), &said("and this?"), &key(2)).await;
    assert!(matches!(cut, Err(DeliverError::Uncertain(_))), "{cut:?}");
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    drop(session);
    let session = stage.connect().await;
    let settled = ids(session.deliver(&stage.alice(), &said("and this?"), &in_doubt(2)).await);
    assert_eq!(settled[0], stage.sim.sent()[1].id);
    session.close().await;
}

#[tokio::test]
async fn what_no_status_tells_of_stays_uncertain() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.fault(SEND, Fault::CutBefore);
    let cut = session.deliver(&stage.alice(), &said("it did not go"), &key(1)).await;
    assert!(matches!(cut, Err(DeliverError::Uncertain(_))), "{cut:?}");
    let again = session.deliver(&stage.alice(), &said("it did not go"), &in_doubt(1)).await;
    assert!(matches!(again, Err(DeliverError::Uncertain(_))), "{again:?}");
    assert_eq!(stage.sim.sent().len(), 0, "it was not sent behind anybody's back");
    session.close().await;
}

#[tokio::test]
async fn the_rest_of_a_long_message_goes_on_where_the_doubt_was() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let long = said(&"word ".repeat(2_000));
    stage.sim.fault(SEND, Fault::CutAfter);
    let cut = session.deliver(&stage.alice(), &long, &key(1)).await;
    assert!(matches!(cut, Err(DeliverError::Uncertain(_))), "{cut:?}");
    assert_eq!(stage.sim.sent().len(), 1, "only the first part");
    let outcome = session.deliver(&stage.alice(), &long, &in_doubt(1)).await;
    // The first part is found; what this bridge has not sent yet cannot be in doubt.
    assert_eq!(ids(outcome).len(), stage.sim.sent().len());
    assert_eq!(stage.sim.sent().len(), 3);
    session.close().await;
}

#[tokio::test]
async fn statuses_tell_what_was_read_and_what_failed() {
    let stage = Stage::new().await;
    stage.sim.moves_messages(Progress::ByHand);
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    stage.alice_writes().await;
    let read = ids(session.deliver(&stage.alice(), &said("read me"), &key(1)).await).remove(0);
    stage.sim.person_reads(chat);
    stage
        .happened("a receipt", |event| match event {
            RemoteEvent::Receipt { chat, reader, up_to } => {
                assert_eq!((chat, reader), (stage.alice(), stage.user(stage.small.with_alice())));
                (up_to.as_str() == read).then_some(())
            }
            _ => None,
        })
        .await;
    let lost = ids(session.deliver(&stage.alice(), &said("lose me"), &key(2)).await).remove(0);
    stage.sim.repeats_webhooks(1);
    stage.sim.message_fails(&lost, 131_026);
    stage.sim.person_says(chat, "after it");
    stage.arrived("after it").await;
    let failed = stage.recorder.events().into_iter().filter_map(|one| match one.event {
        RemoteEvent::Failed { id, words, .. } if id.as_str() == lost => Some(words),
        _ => None,
    });
    let failed: Vec<String> = failed.collect();
    assert_eq!(failed.len(), 1, "told twice, pushed once");
    assert!(failed[0].contains("blocked this number"), "{failed:?}");
    session.close().await;
    stage.should_be_honest("statuses_tell_what_was_read_and_what_failed");
}

#[tokio::test]
async fn statuses_of_failure_say_why_in_words() {
    let stage = Stage::new().await;
    stage.sim.moves_messages(Progress::ByHand);
    let session = stage.connect().await;
    stage.alice_writes().await;
    for (nth, (code, part)) in [
        (131_047, "24 hours"),
        (131_026, "blocked this number"),
        (131_031, "locked"),
        (131_049, "advertising"),
        (131_051, "kind of message"),
        (131_052, "could not fetch the file"),
        (131_053, "does not take the file"),
        (368, "blocked the business account"),
        (130_429, "too many messages"),
        (131_056, "to this person at once"),
        (131_048, "blocked or reported"),
        (131_000, "trouble of its own"),
        (131_016, "trouble of its own"),
        (4, "asked WhatsApp too often"),
        (80_007, "asked WhatsApp too often"),
        (999, "code 999"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = ids(session.deliver(&stage.alice(), &said("lose me"), &key(nth)).await).remove(0);
        assert!(stage.sim.message_fails(&id, code));
        let words = stage
            .happened("a failure", |event| match event {
                RemoteEvent::Failed { id: failed, words, .. } if failed.as_str() == id => Some(words),
                _ => None,
            })
            .await;
        assert!(words.to_lowercase().contains(&part.to_lowercase()), "{code}: {words}");
    }
    session.close().await;
}

#[tokio::test]
async fn what_reached_a_phone_is_told_in_the_words_of_either_year() {
    for age in [PayloadAge::PhoneNumbers, PayloadAge::UserIds] {
        let stage = Stage::new().await;
        stage.sim.writes_in_age(age);
        let session = stage.connect().await;
        stage.sim.person_says(stage.small.with_alice(), "let us talk");
        let heard = stage.arrived("let us talk").await;
        let id = ids(session.deliver(&heard.chat, &said("for you"), &key(1)).await).remove(0);
        stage
            .happened("an arrival", |event| match event {
                RemoteEvent::Arrived { chat, id: arrived, at } if arrived.as_str() == id => {
                    assert_eq!((&chat, &at), (&heard.chat, &heard.sender.ids.primary), "{age:?}");
                    Some(())
                }
                _ => None,
            })
            .await;
        session.close().await;
    }
}

#[tokio::test]
async fn a_key_that_is_not_ours_settles_nothing() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    ids(session.deliver(&stage.alice(), &said("another one"), &key(1)).await);
    let other = DeliveryKey { key: "sample-key-nobody-has-".to_owned(), ..in_doubt(9) };
    let outcome = session.deliver(&stage.alice(), &said("never sent"), &other).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    session.close().await;
}
