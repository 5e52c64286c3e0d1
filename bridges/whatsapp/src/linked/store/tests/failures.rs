//! What the store does when the database fails, and when the session is over.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use magpie_common::platform::NotStored;

use super::*;

/// A store, and how often it raised the alarm.
fn watched(recorder: &Recorder) -> (Kept, Arc<AtomicUsize>) {
    let alarms = Arc::new(AtomicUsize::new(0));
    let sink = EventSink::new(LoginId::new("1"), Arc::new(recorder.clone()));
    let heard = Arc::clone(&alarms);
    let alarm = move |_| {
        heard.fetch_add(1, Ordering::Relaxed);
    };
    (Kept::new(sink.vault(), Clock::fixed(0, 1), Box::new(alarm)), alarms)
}

/// Invariant: after a write that failed nothing is written, so that no key moves on without its message.
#[tokio::test]
async fn after_a_write_that_failed_nothing_is_written() {
    let recorder = Recorder::default();
    let (store, alarms) = watched(&recorder);
    recorder.refuse(true);
    let error = store.put_sessions_batch(&rows(&[(1, 1), (2, 2)])).await.expect_err("the disk is full");
    assert!(matches!(&error, StoreError::Database(cause) if cause.downcast_ref::<NotStored>().is_some()));
    recorder.refuse(false);
    assert!(store.get_session(&name(1)).await.expect("it can be read").is_none(), "no half of a batch");
    let entry = TcTokenEntry { token: vec![1], token_timestamp: 3, sender_timestamp: None };
    store.put_tc_token("jid", &entry).await.expect_err("it is broken");
    assert_eq!(alarms.load(Ordering::Relaxed), 1, "the alarm is told once");
    let anew = kept(&recorder);
    anew.put_tc_token("jid", &entry).await.expect("whoever begins anew goes on");
}

/// Invariant: a read that fails has no answer while the line is up, since the library would refuse a message for it.
#[tokio::test]
async fn a_read_that_fails_has_no_answer_before_the_line_is_down() {
    let recorder = Recorder::default();
    let (store, alarms) = watched(&recorder);
    store.put_session(&name(1), b"session").await.expect("it is stored");
    recorder.hide(true);
    let (one, all) = (name(1), name(2));
    let mut reading = store.get_session(&one);
    let mut listing = store.load_all_signed_prekeys();
    assert!(reading.as_mut().now_or_never().is_none() && listing.as_mut().now_or_never().is_none());
    assert_eq!(alarms.load(Ordering::Relaxed), 1, "the alarm is told once");
    // Nobody waits for a turn behind such a read.
    let mut holders = store.set_sender_key_status(&all, &[("d", true)]);
    assert!(holders.as_mut().now_or_never().expect("it fails at once").is_err());
    store.retire();
    reading.await.expect_err("it cannot be read");
    listing.await.expect_err("they cannot be read");
    recorder.hide(false);
    assert!(kept(&recorder).get_session(&name(1)).await.expect("it can be read").is_some());
}

#[tokio::test]
async fn a_damaged_key_has_no_answer_before_the_line_is_down() {
    let recorder = Recorder::default();
    let (store, alarms) = watched(&recorder);
    store.put("identity", &name(1), b"short").await.expect("it is stored");
    let address = name(1);
    let mut reading = store.load_identity(&address);
    assert!(reading.as_mut().now_or_never().is_none());
    assert_eq!(alarms.load(Ordering::Relaxed), 1);
    store.retire();
    reading.await.expect_err("it is damaged");
}

#[tokio::test]
async fn after_the_session_nothing_is_written_and_nobody_is_alarmed() {
    let recorder = Recorder::default();
    let (store, alarms) = watched(&recorder);
    store.put_session(&name(1), b"of the session").await.expect("it is stored");
    store.retire();
    store.put_session(&name(1), b"of a straggler").await.expect_err("it is over");
    let next = kept(&recorder).get_session(&name(1)).await.expect("it can be read");
    assert_eq!(next.as_deref(), Some(b"of the session".as_slice()));
    assert_eq!(alarms.load(Ordering::Relaxed), 0);
}

/// Whoever takes away waits like whoever reads and then writes, or what was taken away comes back.
#[tokio::test]
async fn what_is_taken_away_waits_for_its_turn() {
    let store = kept(&Recorder::default());
    let turn = store.order().await.expect("a turn");
    let mut waiting = [
        store.clear_sender_key_devices("g"),
        store.clear_all_sender_key_devices(),
        store.delete_tc_token("j"),
    ];
    for taking in &mut waiting {
        assert!(taking.as_mut().now_or_never().is_none());
    }
    drop(turn);
    for taking in waiting {
        taking.await.expect("it has its turn");
    }
}
