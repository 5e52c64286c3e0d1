//! Nothing that is missing is forgotten, and nothing that came leaves words behind.

use std::time::Duration;

use magpie_common::{
    ids::{AliasSet, LoginId, RemoteUserId},
    message::Sender,
    testkit::platform_suite::Recorder,
};
use tokio::time::timeout;

use super::*;
use crate::linked::session::world::tests::world;

async fn undecrypted(recorder: &Recorder) -> (Undecrypted, End) {
    let sink = EventSink::new(LoginId::new("linked-lid-1"), Arc::new(recorder.clone()));
    let (end, world) = (End::default(), Arc::new(world(recorder).await));
    let setup = (end.clone(), CancellationToken::new());
    (Undecrypted::load(world, sink, setup).await.expect("it loads"), end)
}

fn words(id: &str) -> RemoteMessage {
    let sender = Sender { ids: AliasSet::single(RemoteUserId::new("lid-2")), name: None, avatar: None };
    let (chat, id) = (RemoteChatId::new("lid-1/lid-2"), RemoteMessageId::new(id));
    RemoteMessage { chat, id, sender, sent_ms: 7, message: events::waiting() }
}

fn told(recorder: &Recorder) -> Vec<String> {
    recorder.messages().iter().map(|message| message.id.to_string()).collect()
}

async fn a_while() {
    tokio::time::sleep(WORDS_AFTER + Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_missing_before_a_crash_gets_its_words_after_it() {
    let recorder = Recorder::default();
    let (before, _) = undecrypted(&recorder).await;
    before.missing("A", words("them/A"), false).await.expect("it is stored");
    // The process is gone: its timers never go off.
    before.0.stop.cancel();
    a_while().await;
    assert_eq!(told(&recorder), Vec::<String>::new());
    let (after, _) = undecrypted(&recorder).await;
    a_while().await;
    assert_eq!(told(&recorder), ["them/A"]);
    let key = (words("them/A").chat, words("them/A").id);
    assert!(after.0.world.has_placeholder(&key.0, &key.1));
    assert_eq!(after.0.world.vault.all(MISSING).await, Ok(Vec::new()), "its words are told once");
}

#[tokio::test(start_paused = true)]
async fn what_came_in_time_leaves_nothing_behind() {
    let recorder = Recorder::default();
    let (undecrypted, _) = undecrypted(&recorder).await;
    undecrypted.missing("A", words("them/A"), false).await.expect("it is stored");
    let key = (words("them/A").chat, words("them/A").id);
    assert!(undecrypted.came(&key.0, &key.1) && !undecrypted.came(&key.0, &key.1));
    assert_eq!(undecrypted.0.world.vault.all(MISSING).await.expect("rows").len(), 1, "it is not stored yet");
    undecrypted.stored(std::slice::from_ref(&key)).await.expect("it is");
    a_while().await;
    assert_eq!(told(&recorder), Vec::<String>::new());
    assert_eq!(undecrypted.0.world.vault.all(MISSING).await, Ok(Vec::new()));
    undecrypted.0.world.note_seen("B", &key.0, &words("them/B").id);
    undecrypted.missing("B", words("them/B"), false).await.expect("it is there already");
    a_while().await;
    assert_eq!(told(&recorder), Vec::<String>::new(), "a late report of what came");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_puts_words_at_once() {
    let recorder = Recorder::default();
    let (undecrypted, _) = undecrypted(&recorder).await;
    undecrypted.missing("A", words("them/A"), false).await.expect("it is stored");
    undecrypted.0.stop.cancel();
    undecrypted.ended().await;
    assert_eq!(told(&recorder), ["them/A"]);
}

#[tokio::test(start_paused = true)]
async fn words_that_cannot_be_stored_end_the_session_and_come_later() {
    let recorder = Recorder::default();
    let (before, end) = undecrypted(&recorder).await;
    before.missing("A", words("them/A"), false).await.expect("it is stored");
    recorder.refuse(true);
    let why = timeout(WORDS_AFTER * 2, end.reason()).await.expect("it ends");
    assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    recorder.refuse(false);
    let (_after, _) = undecrypted(&recorder).await;
    a_while().await;
    assert_eq!(told(&recorder), ["them/A"]);
}
