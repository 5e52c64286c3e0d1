//! Reports on their way to a program that takes them, or has trouble.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    ids::LoginId,
    message::SessionState,
    testkit::fake_watcher::{FakeWatcher, Trouble},
};

const TOKEN: &str = "as-token";

/// What the queue holds.
const QUEUE: usize = 4_096;

fn endpoint(watcher: &FakeWatcher) -> Endpoint {
    Endpoint::new(&watcher.url(), &Secret::new(TOKEN)).expect("an endpoint")
}

fn event(nth: usize) -> String {
    json!({ "event_id": format!("$e{nth}"), "room_id": "!r:x", "type": "m.room.message", "content": { "msgtype": "m.text" } })
        .to_string()
}

fn tell(checkpoints: &Checkpoints, nth: usize) {
    let body = event(nth);
    let report = Report {
        step: CheckpointStep::Remote,
        status: CheckpointStatus::WillRetry,
        retry_num: 2,
        info: Some("busy"),
    };
    checkpoints.tell(&Subject::read(&body).expect("a message"), &report);
}

/// A sender at work, and how it is stopped.
fn sending(sender: CheckpointSender) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    (tokio::spawn(sender.send(stop.clone())), stop)
}

fn ids(checkpoints: &[Value]) -> Vec<String> {
    checkpoints.iter().filter_map(|it| it["event_id"].as_str()).map(ToOwned::to_owned).collect()
}

async fn wait_for(watcher: &FakeWatcher, count: usize) -> Vec<Value> {
    let all = |watcher: &FakeWatcher| Some(watcher.checkpoints()).filter(|all| all.len() >= count);
    watcher.wait_until("the checkpoints arrive", all).await
}

#[tokio::test]
async fn checkpoints_go_together_in_the_known_form() {
    let watcher = FakeWatcher::start().await;
    let (checkpoints, sender) = Checkpoints::to(endpoint(&watcher), Clock::fixed(1_234, 1));
    (1..=2).for_each(|nth| tell(&checkpoints, nth));
    let (sent, stop) = sending(sender);
    let expected = |id: &str| {
        json!({
            "event_id": id, "room_id": "!r:x", "step": "REMOTE", "status": "WILL_RETRY", "timestamp": 1_234,
            "event_type": "m.room.message", "reported_by": "BRIDGE", "retry_num": 2, "message_type": "m.text", "info": "busy",
        })
    };
    assert_eq!(wait_for(&watcher, 2).await, [expected("$e1"), expected("$e2")]);
    let posts = watcher.posts();
    assert_eq!((posts.len(), posts[0].authorization.as_str()), (1, "Bearer as-token"));
    stop.cancel();
    sent.await.unwrap();
}

#[tokio::test]
async fn trouble_passes_a_refusal_does_not_and_neither_stops_the_rest() {
    let watcher = FakeWatcher::start().await;
    let (checkpoints, sender) = Checkpoints::to(endpoint(&watcher), Clock::system());
    watcher.meets([Trouble::Status(500), Trouble::Status(429)]);
    tell(&checkpoints, 1);
    let (sent, stop) = sending(sender);
    assert_eq!(ids(&wait_for(&watcher, 1).await), ["$e1"]);
    watcher.meets([Trouble::Status(400)]);
    tell(&checkpoints, 2);
    watcher.wait_until("it is refused", |watcher| (watcher.posts().len() == 4).then_some(())).await;
    tell(&checkpoints, 3);
    assert_eq!(ids(&wait_for(&watcher, 2).await), ["$e1", "$e3"]);
    stop.cancel();
    sent.await.unwrap();
}

#[tokio::test]
async fn a_full_queue_drops_what_comes_and_holds_up_nobody() {
    let watcher = FakeWatcher::start().await;
    let (checkpoints, sender) = Checkpoints::to(endpoint(&watcher), Clock::system());
    (0..QUEUE + 50).for_each(|nth| tell(&checkpoints, nth));
    let (sent, stop) = sending(sender);
    let all = ids(&wait_for(&watcher, QUEUE).await);
    assert_eq!((all.len(), all[QUEUE - 1].as_str()), (QUEUE, "$e4095"));
    assert_eq!(watcher.posts().len(), QUEUE.div_ceil(100));
    stop.cancel();
    sent.await.unwrap();
    assert_eq!(watcher.checkpoints().len(), QUEUE);
}

#[tokio::test]
async fn what_is_left_goes_when_the_bridge_stops_even_past_one_that_hangs() {
    let watcher = FakeWatcher::start().await;
    let (checkpoints, sender) = Checkpoints::to(endpoint(&watcher), Clock::system());
    watcher.meets([Trouble::Silence]);
    tell(&checkpoints, 1);
    let (sent, stop) = sending(sender);
    watcher.wait_until("it hangs", |watcher| (watcher.posts().len() == 1).then_some(())).await;
    tell(&checkpoints, 2);
    stop.cancel();
    sent.await.unwrap();
    assert_eq!(ids(&watcher.checkpoints()), ["$e1", "$e2"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let watcher = FakeWatcher::start().await;
    watcher.meets([Trouble::Status(307)]);
    let posted = endpoint(&watcher).post(b"{}".to_vec()).await;
    assert_eq!(posted, Err(PostError::Status(http::StatusCode::TEMPORARY_REDIRECT)));
    assert_eq!(watcher.posts().len(), 1);
}

/// Logins as a test sets them.
struct Logins {
    states: Arc<Mutex<Vec<State>>>,
    changed: watch::Sender<u64>,
    started: CancellationToken,
}

impl Logins {
    fn new() -> Self {
        Self { states: Arc::default(), changed: watch::Sender::new(0), started: CancellationToken::new() }
    }

    fn watched(&self) -> WatchedLogins {
        let states = self.states.clone();
        let look = Arc::new(move || states.lock().expect("no panic").clone());
        WatchedLogins { started: self.started.clone(), changes: self.changed.subscribe(), look }
    }

    fn set(&self, states: &[(&str, SessionState)]) {
        let account = |id: &str| Account { id: LoginId::new(id), name: id.to_owned(), owner: None };
        *self.states.lock().expect("no panic") =
            states.iter().map(|(id, state)| State::of_login(account(id), state)).collect();
        self.changed.send_modify(|version| *version += 1);
    }
}

fn told(watcher: &FakeWatcher) -> Vec<(String, String)> {
    let word = |body: &Value, key: &str| body[key].as_str().unwrap_or_default().to_owned();
    watcher.taken().iter().map(|body| (word(body, "remote_id"), word(body, "state_event"))).collect()
}

async fn wait_for_states(watcher: &FakeWatcher, states: &[(&str, &str)]) {
    let expected: Vec<_> = states.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect();
    let what = format!("{expected:?} is told");
    watcher.wait_until(&what, |watcher| (told(watcher) == expected).then_some(())).await;
}

#[tokio::test]
async fn each_change_of_a_login_is_told_and_equal_states_once() {
    let (watcher, logins, stop) = (FakeWatcher::start().await, Logins::new(), CancellationToken::new());
    let reporter = StateReporter { endpoint: endpoint(&watcher), clock: Clock::system(), stop: stop.clone() };
    let kept = tokio::spawn(reporter.keep(logins.watched()));
    wait_for_states(&watcher, &[("", "STARTING")]).await;
    logins.started.cancel();
    wait_for_states(&watcher, &[("", "STARTING"), ("", "UNCONFIGURED")]).await;
    logins.set(&[("a", SessionState::Connecting)]);
    let mut all = vec![("", "STARTING"), ("", "UNCONFIGURED"), ("", "RUNNING"), ("a", "CONNECTING")];
    wait_for_states(&watcher, &all).await;
    for (state, word) in [
        (SessionState::Connected, "CONNECTED"),
        (SessionState::Disconnected { reason: "x".to_owned() }, "TRANSIENT_DISCONNECT"),
    ] {
        logins.set(&[("a", state.clone())]);
        logins.set(&[("a", state)]);
        all.push(("a", word));
        wait_for_states(&watcher, &all).await;
    }
    logins.set(&[]);
    all.extend([("", "UNCONFIGURED"), ("a", "LOGGED_OUT")]);
    wait_for_states(&watcher, &all).await;
    stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn an_endpoint_in_trouble_gets_the_last_state_when_it_is_back() {
    let (watcher, logins, stop) = (FakeWatcher::start().await, Logins::new(), CancellationToken::new());
    logins.started.cancel();
    logins.set(&[("a", SessionState::Connecting)]);
    // The start, the bridge twice, and the login twice.
    watcher.meets([Trouble::Status(500); 5]);
    let reporter = StateReporter { endpoint: endpoint(&watcher), clock: Clock::system(), stop: stop.clone() };
    let kept = tokio::spawn(reporter.keep(logins.watched()));
    watcher.wait_until("it has trouble", |watcher| (watcher.posts().len() >= 3).then_some(())).await;
    logins.set(&[("a", SessionState::Connected)]);
    logins.set(&[("a", SessionState::BadCredentials { reason: "changed".to_owned() })]);
    let is_told = |watcher: &FakeWatcher| {
        let told = told(watcher);
        (told.len() == 2).then_some(told)
    };
    let mut told = watcher.wait_until("the last states are told", is_told).await;
    told.sort();
    let expected = [("", "RUNNING"), ("a", "BAD_CREDENTIALS")];
    assert_eq!(told, expected.map(|(id, state)| (id.to_owned(), state.to_owned())));
    stop.cancel();
    kept.await.unwrap();
}
