//! Checks of what a session pushes.

use std::collections::BTreeMap;

use super::{Recorded, Recorder, Subject, connected, within};
use crate::{message::RemoteEvent, platform::ConnectError};

/// A hundred messages reach the sink once each, in order, whole, and no cursor goes back.
pub async fn a_hundred_messages_arrive_once_in_order<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let session = connected(subject, &recorder).await;
    let mut expected = Vec::new();
    for nth in 0..100 {
        let text = format!("message {nth}: 喜鹊 👍 done");
        expected.push((subject.person_says(&text).await, text));
    }
    let enough = |recorder: &Recorder| (recorder.messages().len() >= expected.len()).then_some(());
    recorder.wait_for("a hundred messages", enough).await;
    session.close().await;
    let messages = recorder.messages();
    let arrived: Vec<_> = messages.iter().map(|m| (m.id.clone(), m.message.text.to_plain())).collect();
    assert_eq!(arrived, expected, "messages are missing, doubled, changed or out of order");
    for message in &messages {
        assert_eq!(message.chat, subject.chat(), "a message is pushed into another chat");
        assert!(message.sender.ids.contains(&subject.person()), "somebody else speaks: {:?}", message.sender);
        assert!(message.sent_ms > 0, "a message has no time");
    }
    assert_cursors_go_on(&recorder.events());
}

/// When the store refuses an event, the platform's cursor stays and the event comes again.
pub async fn what_was_not_stored_is_pushed_again<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let mut session = connected(subject, &recorder).await;
    let first = subject.person_says("stored").await;
    let stored = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == first).map(|_| ());
    recorder.wait_for("the first message", stored).await;
    recorder.refuse(true);
    let second = subject.person_says("refused at first").await;
    recorder.wait_for("a refused push", |recorder| (recorder.refused() > 0).then_some(())).await;
    recorder.refuse(false);
    let third = subject.person_says("stored again").await;
    // Either the session pushes it again by itself, or it ends and the next one does.
    let arrived = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == third).map(|_| ());
    let all_there = |recorder: &Recorder| {
        arrived(recorder).filter(|()| recorder.messages().iter().any(|m| m.id == second))
    };
    let ended = within("the refused message, or the end of the session", async {
        tokio::select! {
            biased;
            () = recorder.wait_for("the refused message", all_there) => false,
            why = session.ended() => {
                assert!(matches!(why, ConnectError::Transient(_)), "a full disk ends the session with {why:?}");
                true
            }
        }
    })
    .await;
    if ended {
        session = connected(subject, &recorder).await;
        recorder.wait_for("the refused message, after a reconnect", all_there).await;
    }
    session.close().await;
    let mut order: Vec<_> = recorder.messages().into_iter().map(|message| message.id).collect();
    order.dedup();
    let mut expected = [first, second, third];
    if subject.comes_late() {
        order.sort();
        expected.sort();
    }
    assert_eq!(order, expected, "a message that was not stored is lost or out of order");
}

/// Every stream's cursor changes with each event; where cursors are numbers, they grow.
fn assert_cursors_go_on(events: &[Recorded]) {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for Recorded { event, cursor } in events {
        let Some(cursor) = cursor else { continue };
        assert!(!matches!(event, RemoteEvent::Typing { .. }), "what is not stored cannot carry a cursor");
        let Some(before) = last.insert(&cursor.key, &cursor.value) else { continue };
        match (before.parse::<u64>(), cursor.value.parse::<u64>()) {
            (Ok(before), Ok(now)) => {
                assert!(now > before, "cursor {} went from {before} to {now}", cursor.key)
            }
            _ => assert_ne!(before, cursor.value, "cursor {} stands still", cursor.key),
        }
    }
}
