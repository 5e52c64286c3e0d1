//! What becomes of messages: statuses, and sends that nobody confirmed.

use magpie_common::{
    clock::Clock,
    ids::RemoteMessageId,
    message::{Emoji, Outgoing, RemoteEvent},
    platform::{DeliverError, DeliveryKey, InDoubt},
};
use magpie_tests::whatsapp_cloud::{Fault, PayloadAge, Progress, Status};
use serde_json::json;

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

#[tokio::test]
async fn an_answer_that_was_not_recorded_is_known() {
    let stage = Stage::new().await;
    stage.sim.moves_messages(Progress::ByHand);
    let session = stage.connect().await;
    stage.alice_writes().await;
    let sent = ids(session.deliver(&stage.alice(), &said("once"), &key(1)).await);
    // No status tells of it, and none is needed: neither for the bridge's own next attempt nor for a person's.
    assert_eq!(ids(session.deliver(&stage.alice(), &said("once"), &in_doubt(1)).await), sent);
    assert_eq!(ids(session.deliver(&stage.alice(), &said("once"), &key(1)).await), sent);
    // Killed between answer and record: the status has told the process before.
    stage.sim.message_gets(&sent[0], Status::Delivered);
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    drop(session);
    let session = stage.connect().await;
    assert_eq!(ids(session.deliver(&stage.alice(), &said("once"), &in_doubt(1)).await), sent);
    // What a person tries again after a restart is not doubled either.
    assert_eq!(ids(session.deliver(&stage.alice(), &said("once"), &key(1)).await), sent);
    assert_eq!(stage.sim.sent().len(), 1);
    session.close().await;
}

#[tokio::test]
async fn an_answer_without_an_id_leaves_a_doubt() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.fault(SEND, Fault::Answer { status: 200, body: json!({"messaging_product": "whatsapp"}) });
    let odd = session.deliver(&stage.alice(), &said("odd"), &key(1)).await;
    assert!(matches!(odd, Err(DeliverError::Uncertain(_))), "{odd:?}");
    let again = session.deliver(&stage.alice(), &said("odd"), &in_doubt(1)).await;
    assert!(matches!(again, Err(DeliverError::Uncertain(_))), "{again:?}");
    session.close().await;
}

#[tokio::test]
async fn after_a_long_absence_statuses_are_waited_for() {
    const NOW_MS: i64 = 1_790_000_000_000;
    let stage = Stage::on_clock(Clock::fixed(NOW_MS, 7)).await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let doubt = InDoubt { after: None, accepted_ms: NOW_MS - 10 * 60 * 1000 };
    let key = DeliveryKey { in_doubt: Some(doubt), ..key(1) };
    let early = session.deliver(&stage.alice(), &said("did it go?"), &key).await;
    assert!(matches!(early, Err(DeliverError::Retry { after: Some(_), .. })), "{early:?}");
    stage.sim.advance_ms(2 * 60 * 1000);
    let late = session.deliver(&stage.alice(), &said("did it go?"), &key).await;
    assert!(matches!(late, Err(DeliverError::Uncertain(_))), "{late:?}");
    assert_eq!(stage.sim.sent().len(), 0);
    session.close().await;
}

#[tokio::test]
async fn messages_of_other_programs_are_no_matter_of_ours() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let before = stage.recorder.events().len();
    let number = stage.small.number;
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": number.to_string()});
    for status in ["delivered", "read", "failed"] {
        let status = json!({"id": "wamid.other", "status": status, "timestamp": "1790000000", "recipient_id": "16505557777",
            "biz_opaque_callback_data": "order-17", "errors": [{"code": 131_026}]});
        stage.sim.tells(
            number,
            "messages",
            json!({"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}),
        );
    }
    stage.sim.wait_for_webhooks().await.expect("all are brought");
    assert_eq!(stage.recorder.events().len(), before);
    let sink = stage.sink();
    assert_eq!(sink.remembered("phone/16505557777").await, Ok(None), "nobody was met");
    session.close().await;
}

#[tokio::test]
async fn a_reaction_that_fails_later_is_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let target = stage.alice_writes().await;
    stage.sim.fault(SEND, Fault::FailLater(131_026));
    let react = Outgoing::React {
        target: RemoteMessageId::new(target.as_str()),
        emoji: Emoji::unicode("👍"),
        author: None,
    };
    session.deliver(&stage.alice(), &react, &key(1)).await.expect("it is taken");
    let words = stage
        .happened("a failure", |event| match event {
            RemoteEvent::Failed { id, words, .. } if id.as_str() == target => Some(words),
            _ => None,
        })
        .await;
    assert!(words.starts_with("Your reaction did not arrive.") && words.contains("blocked"), "{words}");
    session.close().await;
}
