//! A session is over only when its line is down and its memory is fenced off, however it ended and whoever waited.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use magpie_common::{ids::LoginId, platform::EventSink, testkit::platform_suite::Recorder};
use tokio::sync::Notify;
use wacore::store::traits::SignalStore;

use super::*;
use crate::linked::session::world::tests::world;

/// A line that ends and is down when a test says so.
#[derive(Clone, Default)]
struct FakeLine {
    ends: Arc<Notify>,
    is_down: Arc<AtomicBool>,
    goes_down: Arc<Notify>,
}

impl Line for FakeLine {
    async fn over(&mut self) {
        self.ends.notified().await;
    }

    async fn shut_down(self) {
        self.goes_down.notified().await;
        self.is_down.store(true, Ordering::Relaxed);
    }
}

async fn session() -> (FakeLine, Ending, Kept, End) {
    let recorder = Recorder::default();
    let sink = EventSink::new(LoginId::new("linked-lid-1"), Arc::new(recorder.clone()));
    let (world, end, stop) = (Arc::new(world(&recorder).await), End::default(), CancellationToken::new());
    let undecrypted = Undecrypted::load(Arc::clone(&world), sink, (end.clone(), stop.clone()));
    let undecrypted = undecrypted.await.expect("it loads");
    let (line, store) = (FakeLine::default(), world.store.clone());
    let remains = Remains { end: end.clone(), world, stop, tasks: Vec::new(), undecrypted };
    (line.clone(), Ending::awaits(line, remains), store, end)
}

#[tokio::test]
async fn what_ends_by_itself_is_put_away_before_it_is_over() {
    let (line, ending, store, end) = session().await;
    end.because(ConnectError::Transient("the disk was full".to_owned()));
    assert!(ending.over().now_or_never().is_none(), "whoever waits may stop waiting");
    tokio::task::yield_now().await;
    store.put_session("a", b"what the line had on its hands").await.expect("it is stored");
    line.goes_down.notify_one();
    assert_eq!(ending.over().await, ConnectError::Transient("the disk was full".to_owned()));
    assert!(line.is_down.load(Ordering::Relaxed) && store.is_retired());
    store.put_session("a", b"of a straggler").await.expect_err("it is over");
}

#[tokio::test]
async fn a_line_that_ends_by_itself_ends_the_session() {
    let (line, ending, store, _) = session().await;
    line.goes_down.notify_one();
    line.ends.notify_one();
    assert!(matches!(ending.over().await, ConnectError::Transient(_)));
    assert!(store.is_retired());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_does_not_go_down_ends_all_the_same() {
    let (line, ending, store, _) = session().await;
    ending.close().await;
    assert_eq!(ending.over().await, ConnectError::Closed);
    assert!(store.is_retired() && !line.is_down.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_session_that_is_dropped_writes_nothing_any_more() {
    let (_line, ending, store, end) = session().await;
    drop(ending);
    assert!(store.is_retired());
    assert_eq!(end.reason().await, ConnectError::Closed);
}
