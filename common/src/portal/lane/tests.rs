//! The lanes over a real SQLite store, with a worker that does as it is told.

use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    store::{Done, Durability, Links, MatrixEvent, Outcome, ParkedRow, PushOrder, RemoteRow, StoreSettings},
};

/// What the worker does with the next attempt at a row, instead of delivering it.
enum Order {
    Again,
    InDoubt,
    Panic,
    /// Says that it failed, a day after the row was accepted.
    AgainLate,
    /// Waits, then delivers.
    Hold(CancellationToken),
}

/// What a lane did: `(body, attempt)`, or the reason for which it gave up.
#[derive(Debug, PartialEq)]
enum Seen {
    Attempt(String, Try),
    GaveUp(String, String),
}

struct Worker {
    store: Store,
    clock: Clock,
    orders: Mutex<HashMap<String, VecDeque<Order>>>,
    seen: mpsc::Sender<Seen>,
    panics_when_giving_up: AtomicBool,
}

impl Worker {
    fn next_order(&self, body: &str) -> Option<Order> {
        self.orders.lock().unwrap().get_mut(body)?.pop_front()
    }

    async fn finish(&self, row: &OpenRow, outcome: Outcome) {
        self.store.finish(Done { id: row.id, outcome, links: Links::None }).await.unwrap();
    }
}

#[async_trait]
impl Work for Worker {
    async fn attempt(&self, row: &OpenRow, try_: Try) -> Attempted {
        self.seen.send(Seen::Attempt(row.body.clone(), try_)).await.unwrap();
        match self.next_order(&row.body) {
            Some(Order::Again) => {
                return Attempted::Again { after: Some(Duration::ZERO), reason: "not yet".to_owned() };
            }
            Some(Order::InDoubt) => return Attempted::InDoubt { reason: "cut off".to_owned() },
            Some(Order::Panic) => panic!("the worker was told to"),
            Some(Order::AgainLate) => {
                self.clock.advance_ms(PATIENCE_MS + 1);
                return Attempted::Again { after: None, reason: "still away".to_owned() };
            }
            Some(Order::Hold(gate)) => gate.cancelled().await,
            None => {}
        }
        self.finish(row, Outcome::Delivered).await;
        Attempted::Done
    }

    async fn give_up(&self, row: &OpenRow, Verdict { reason, .. }: Verdict) {
        self.seen.send(Seen::GaveUp(row.body.clone(), reason.clone())).await.unwrap();
        assert!(!self.panics_when_giving_up.load(Ordering::Relaxed), "the worker was told to");
        self.finish(row, Outcome::Failed(reason)).await;
    }

    async fn stirred(&self) {}

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

/// Lanes at work, and what they did so far.
struct Scene {
    lanes: Lanes,
    store: Store,
    worker: Arc<Worker>,
    seen: mpsc::Receiver<Seen>,
    stop: CancellationToken,
}

impl Scene {
    async fn new(folder: &TempDir) -> Self {
        let (stop, clock) = (CancellationToken::new(), Clock::fixed(1_000, 1));
        let lanes = Lanes::new(stop.clone());
        let store = open(folder, &clock, Arc::new(lanes.clone())).await;
        let (sender, seen) = mpsc::channel(4_096);
        let worker = Arc::new(Worker {
            store: store.clone(),
            clock,
            orders: Mutex::default(),
            seen: sender,
            panics_when_giving_up: AtomicBool::new(false),
        });
        Self { lanes, store, worker, seen, stop }
    }

    async fn begun(folder: &TempDir) -> Self {
        let scene = Self::new(folder).await;
        scene.begin().await;
        scene
    }

    async fn begin(&self) {
        self.lanes.begin(self.store.clone(), self.worker.clone()).await.unwrap();
    }

    fn order(&self, body: &str, orders: impl IntoIterator<Item = Order>) {
        self.worker.orders.lock().unwrap().insert(body.to_owned(), orders.into_iter().collect());
    }

    async fn accept(&self, room: &str, bodies: impl IntoIterator<Item = String>) {
        self.store.accept(bodies.into_iter().map(|body| event(room, body)).collect()).await.unwrap();
    }

    async fn say(&self, room: &str, bodies: &[&str]) {
        self.accept(room, bodies.iter().map(|body| (*body).to_owned())).await;
    }

    async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// The bodies of the next attempts, in order.
    async fn attempts(&mut self, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            match self.next().await {
                Seen::Attempt(body, _) => bodies.push(body),
                Seen::GaveUp(body, reason) => panic!("gave up {body}: {reason}"),
            }
        }
        bodies
    }

    async fn parked(&self) -> Vec<ParkedRow> {
        // Waits for what was submitted before.
        self.store.accept(Vec::new()).await.unwrap();
        self.store.parked(10).await.unwrap()
    }

    async fn end(mut self) {
        self.stop.cancel();
        self.lanes.ended().await;
        self.store.close().await;
        assert!(self.seen.try_recv().is_err(), "nothing was tried twice");
    }
}

async fn open(folder: &TempDir, clock: &Clock, feed: Arc<dyn Feed>) -> Store {
    let url = format!("sqlite:{}", folder.path().join("lanes.db").display());
    Store::open(
        &StoreSettings { url, durability: Durability::Normal, key: Secret::new("k") },
        clock.clone(),
        feed,
    )
    .await
    .unwrap()
}

fn event(room: &str, body: String) -> MatrixEvent {
    MatrixEvent {
        event_id: format!("${room}{body}"),
        room_id: room.to_owned(),
        sender: "@a:example.org".to_owned(),
        sent_ms: 1,
        lane: room.into(),
        body,
        parked: None,
    }
}

fn attempt(body: &str, in_doubt: bool, failures: u32) -> Seen {
    Seen::Attempt(body.to_owned(), Try { in_doubt, failures })
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{number}")).collect()
}

#[tokio::test]
async fn each_lane_keeps_its_order_and_no_lane_waits_for_another() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    let gate = CancellationToken::new();
    scene.order("a0", [Order::Hold(gate.clone())]);
    scene.say("!a", &["a0", "a1", "a2"]).await;
    assert_eq!(scene.attempts(1).await, ["a0"]);
    scene.say("!b", &["b0", "b1"]).await;
    assert_eq!(scene.attempts(2).await, ["b0", "b1"], "the other room goes on");
    gate.cancel();
    assert_eq!(scene.attempts(2).await, ["a1", "a2"]);
    scene.end().await;
}

#[tokio::test]
async fn what_does_not_fit_waits_in_the_journal_and_comes_in_order() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    let gate = CancellationToken::new();
    scene.order("0", [Order::Hold(gate.clone())]);
    let many = 3 * LANE_ROWS_MAX + 5;
    scene.accept("!a", numbered(0..10)).await;
    assert_eq!(scene.attempts(1).await, ["0"]);
    scene.accept("!a", numbered(10..many)).await;
    {
        let state = scene.lanes.state();
        let lane = &state.lanes[&(Direction::FromMatrix, Arc::from("!a"))];
        assert_eq!((lane.queue.len(), lane.spilled), (LANE_ROWS_MAX, true), "the queue is bounded");
    }
    gate.cancel();
    assert_eq!(scene.attempts(LANE_ROWS_MAX).await, numbered(1..LANE_ROWS_MAX + 1));
    scene.accept("!a", numbered(many..many + 50)).await;
    assert_eq!(scene.attempts(many + 49 - LANE_ROWS_MAX).await, numbered(LANE_ROWS_MAX + 1..many + 50));
    scene.end().await;
}

#[tokio::test]
async fn a_panic_parks_the_row_visibly_and_the_lane_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    scene.order("bad", [Order::Panic]);
    scene.say("!a", &["bad", "good"]).await;
    assert_eq!(scene.next().await, attempt("bad", false, 0));
    assert_eq!(scene.next().await, Seen::GaveUp("bad".to_owned(), PANICKED.to_owned()));
    assert_eq!(scene.next().await, attempt("good", false, 0));
    let parked = scene.parked().await;
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].reason.as_deref(), Some(PANICKED));
    // A person mends the cause and tries again.
    assert_eq!(scene.store.retry(parked[0].id).await, Ok(true));
    assert_eq!(scene.next().await, attempt("bad", false, 0));
    assert!(scene.parked().await.is_empty());
    scene.end().await;
}

#[tokio::test]
async fn a_panic_while_parking_does_not_stop_the_lane() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    scene.worker.panics_when_giving_up.store(true, Ordering::Relaxed);
    scene.order("bad", [Order::Panic]);
    scene.say("!a", &["bad", "good"]).await;
    assert_eq!(scene.next().await, attempt("bad", false, 0));
    assert!(matches!(scene.next().await, Seen::GaveUp(..)));
    assert_eq!(scene.next().await, attempt("good", false, 0));
    scene.end().await;
}

#[tokio::test]
async fn a_row_that_is_retried_returns_once_into_a_lane_that_has_spilled() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    let gate = CancellationToken::new();
    scene.order("bad", [Order::Panic]);
    scene.order("0", [Order::Hold(gate.clone())]);
    let many = 2 * LANE_ROWS_MAX;
    scene.accept("!a", ["bad".to_owned()].into_iter().chain(numbered(0..many))).await;
    assert_eq!(scene.next().await, attempt("bad", false, 0));
    assert!(matches!(scene.next().await, Seen::GaveUp(..)));
    assert_eq!(scene.attempts(1).await, ["0"]);
    let parked = scene.parked().await;
    assert_eq!(scene.store.retry(parked[0].id).await, Ok(true));
    gate.cancel();
    let mut rest = scene.attempts(many).await;
    let place = rest.iter().position(|body| body == "bad").unwrap();
    rest.remove(place);
    assert_eq!(rest, numbered(1..many), "the others keep their order");
    scene.end().await;
}

#[tokio::test]
async fn what_an_earlier_process_left_is_in_doubt_where_it_may_have_been_sent() {
    let folder = TempDir::new().unwrap();
    let earlier = Scene::new(&folder).await;
    earlier.say("!a", &["m0", "m1", "m2"]).await;
    for body in ["r0", "r1"] {
        let row = RemoteRow {
            lane: "chat".into(),
            guard: None,
            sender: None,
            sent_ms: 1,
            body: body.to_owned(),
            cursor: None,
            held: false,
        };
        earlier.store.push(row, &PushOrder::default()).await.stored().await.unwrap();
    }
    earlier.store.close().await;
    drop(earlier);

    let mut scene = Scene::begun(&folder).await;
    let (mut from_matrix, mut from_remote) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        match scene.next().await {
            seen @ Seen::Attempt(..) if matches!(&seen, Seen::Attempt(body, _) if body.starts_with('m')) => {
                from_matrix.push(seen);
            }
            seen => from_remote.push(seen),
        }
    }
    assert_eq!(from_matrix, [attempt("m0", true, 0), attempt("m1", false, 0), attempt("m2", false, 0)]);
    assert_eq!(from_remote, [attempt("r0", true, 0), attempt("r1", true, 0)]);
    scene.end().await;
}

#[tokio::test]
async fn a_row_stays_at_the_head_until_it_is_done_and_doubt_is_remembered() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    scene.order("0", [Order::Again, Order::InDoubt, Order::Again]);
    scene.say("!a", &["0", "1"]).await;
    for expected in [(false, 0), (false, 1), (true, 2), (true, 3)] {
        assert_eq!(scene.next().await, attempt("0", expected.0, expected.1));
    }
    assert_eq!(scene.next().await, attempt("1", false, 0));
    scene.end().await;
}

#[tokio::test]
async fn a_row_that_fails_for_a_day_is_parked_with_its_last_reason() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    scene.order("0", [Order::AgainLate]);
    scene.say("!a", &["0", "1"]).await;
    assert_eq!(scene.next().await, attempt("0", false, 0));
    assert_eq!(scene.next().await, Seen::GaveUp("0".to_owned(), "still away".to_owned()));
    assert_eq!(scene.next().await, attempt("1", false, 0));
    assert_eq!(scene.parked().await[0].reason.as_deref(), Some("still away"));
    scene.end().await;
}

#[tokio::test]
async fn a_stop_leaves_what_is_not_done_in_the_journal() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    let gate = CancellationToken::new();
    scene.order("0", [Order::Hold(gate.clone())]);
    scene.say("!a", &["0", "1"]).await;
    assert_eq!(scene.attempts(1).await, ["0"]);
    scene.stop.cancel();
    gate.cancel();
    scene.lanes.ended().await;
    let left = scene.store.lane_rows(Direction::FromMatrix, "!a", None, 10).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|row| row.body).collect();
    assert_eq!(left, ["1"], "what was under way ended, the rest waits for the next start");
    scene.end().await;
}

#[test]
fn after_a_restart_the_head_and_what_was_tried_before_are_in_doubt() {
    let row = |id, direction, attempts| OpenRow {
        id: JournalId::new(id),
        direction,
        lane: "lane".into(),
        body: String::new(),
        attempts,
        accepted_ms: 1,
        sent_ms: 1,
    };
    let doubts = |direction, attempts: &[u32]| -> Vec<bool> {
        let rows = (1..).zip(attempts).map(|(id, attempts)| row(id, direction, *attempts)).collect();
        doubtful(rows).into_iter().map(|queued| queued.in_doubt).collect()
    };
    assert_eq!(doubts(Direction::FromMatrix, &[0, 0, 0]), [true, false, false]);
    assert_eq!(
        doubts(Direction::FromMatrix, &[1, 0, 0]),
        [true, true, false],
        "a retried row may stand before the head"
    );
    assert_eq!(doubts(Direction::FromRemote, &[0, 0]), [true, true], "its record rides along later");
}

#[tokio::test]
async fn a_row_that_is_committed_but_not_handed_over_is_not_read_ahead() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::begun(&folder).await;
    let gate = CancellationToken::new();
    scene.order("0", [Order::Hold(gate.clone())]);
    scene.accept("!a", numbered(0..LANE_ROWS_MAX + 10)).await;
    assert_eq!(scene.attempts(1).await, ["0"]);
    // As if the writer had committed the last five and were about to hand them over.
    let newest = scene.lanes.state().fed.unwrap();
    scene.lanes.state().fed = Some(JournalId::new(newest.get() - 5));
    gate.cancel();
    scene.attempts(LANE_ROWS_MAX + 4).await;
    let late =
        scene.store.lane_rows(Direction::FromMatrix, "!a", Some(JournalId::new(newest.get() - 5)), 9).await;
    scene.lanes.stored(late.unwrap());
    let all: Vec<String> = numbered(LANE_ROWS_MAX + 5..LANE_ROWS_MAX + 10);
    assert_eq!(scene.attempts(5).await, all, "each once");
    scene.end().await;
}
