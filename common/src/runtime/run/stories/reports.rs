//! What programs that watch over the bridge learn of logins and messages, and what clients are told by events.

use super::*;
use crate::{
    message::SessionState,
    platform::DeliverError,
    runtime::run::stories::accounts::signs_in,
    testkit::fake_watcher::{FakeWatcher, Trouble},
};

/// A bridge that tells a watcher of messages.
async fn set_with_checkpoints(story: &str, watcher: &FakeWatcher) -> Stage {
    Stage::set_with(story, &format!("  message_send_checkpoint_endpoint: {}\n", watcher.url()), "").await
}

/// What is told of an event, once it is that much: steps, outcomes and words.
async fn told(watcher: &FakeWatcher, event_id: &OwnedEventId, count: usize) -> Vec<[String; 3]> {
    let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let look = |watcher: &FakeWatcher| {
        let all = watcher.checkpoints();
        let about = all.iter().filter(|it| it["event_id"] == event_id.as_str());
        let told: Vec<_> = about.map(|it| ["step", "status", "info"].map(|key| word(it, key))).collect();
        (told.len() >= count).then_some(told)
    };
    watcher.wait_until("the checkpoints are told", look).await
}

#[tokio::test]
async fn each_message_is_told_as_accepted_and_then_what_became_of_it() {
    let watcher = FakeWatcher::start().await;
    let stage = set_with_checkpoints("checkpoints", &watcher).await;
    let (room, _) = stage.room().await;
    let accepted = ["BRIDGE", "SUCCESS", ""];
    let (event_id, _) = stage.says(&room, "hello").await;
    assert_eq!(told(&watcher, &event_id, 2).await, [accepted, ["REMOTE", "SUCCESS", ""]]);
    let first = watcher.checkpoints().remove(0);
    assert_eq!(
        (&first["room_id"], &first["event_type"], &first["message_type"], &first["reported_by"]),
        (&json!(room), &json!("m.room.message"), &json!("m.text"), &json!("BRIDGE"))
    );
    assert_eq!(watcher.posts()[0].authorization, format!("Bearer {AS_TOKEN}"));

    let alice = stage.fake.person("alice");
    let words = || "go away".to_owned();
    for (error, status, tries) in [
        (DeliverError::Rejected(words()), "PERM_FAILURE", 1),
        (DeliverError::Unsupported(words()), "UNSUPPORTED", 1),
        (DeliverError::Uncertain(words()), "TIMEOUT", 2),
    ] {
        stage.network.refuses(vec![error; tries]);
        let event_id = alice.sends(&room, status);
        let waiting = (tries > 1).then_some(["REMOTE", "WILL_RETRY", "go away"]);
        let expected: Vec<_> =
            [accepted].into_iter().chain(waiting).chain([["REMOTE", status, "go away"]]).collect();
        assert_eq!(told(&watcher, &event_id, expected.len()).await, expected);
    }

    let command = alice.sends(&room, "!fake ping");
    assert_eq!(told(&watcher, &command, 2).await, [accepted, ["COMMAND", "SUCCESS", ""]]);
    stage.ends().await;
}

#[tokio::test]
async fn what_waits_is_told_as_tried_again() {
    let watcher = FakeWatcher::start().await;
    let stage = set_with_checkpoints("checkpoints-waiting", &watcher).await;
    let (room, _) = stage.room().await;
    let busy = DeliverError::Retry { after: Some(Duration::from_millis(1)), reason: "busy".to_owned() };
    stage.network.refuses([busy.clone(), busy]);
    let (event_id, _) = stage.says(&room, "later").await;
    let waiting = ["REMOTE", "WILL_RETRY", "busy"];
    assert_eq!(
        told(&watcher, &event_id, 4).await,
        [["BRIDGE", "SUCCESS", ""], waiting, waiting, ["REMOTE", "SUCCESS", ""]]
    );
    let numbers: Vec<_> = watcher.checkpoints().iter().map(|it| it["retry_num"].clone()).collect();
    assert_eq!(numbers, [0, 0, 1, 2]);
    stage.ends().await;
}

#[tokio::test]
async fn an_endpoint_that_is_silent_holds_up_no_message() {
    let watcher = FakeWatcher::start().await;
    watcher.meets([Trouble::Silence]);
    let stage = set_with_checkpoints("checkpoints-silent", &watcher).await;
    let (room, _) = stage.room().await;
    let mut said = Vec::new();
    for nth in 0..3 {
        said.push(stage.says(&room, &format!("message {nth}")).await.0);
    }
    assert!(watcher.taken().is_empty());
    stage.ends().await;
    // What was left went when the bridge stopped.
    for event_id in &said {
        assert_eq!(told(&watcher, event_id, 2).await.len(), 2);
    }
}

/// The states that are told, by login.
async fn wait_for_state(watcher: &FakeWatcher, login: &str, states: &[&str]) -> Value {
    let what = format!("{login:?} is {states:?}");
    let look = |watcher: &FakeWatcher| {
        let of_login =
            |body: &Value| body.get("remote_id").map_or("", |id| id.as_str().unwrap_or("")) == login;
        let told: Vec<_> = watcher.taken().into_iter().filter(of_login).collect();
        let is_all = told
            .iter()
            .map(|body| body["state_event"].as_str().unwrap_or_default())
            .eq(states.iter().copied());
        told.last().filter(|_| is_all).cloned()
    };
    watcher.wait_until(&what, look).await
}

#[tokio::test]
async fn the_states_of_the_bridge_and_its_logins_are_told() {
    // Nobody listens yet when the bridge starts.
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let endpoint = format!("  status_endpoint: http://{address}/states\n");
    let stage = Stage::set_with("states", &endpoint, "").await;
    let (room, _) = stage.room().await;
    let watcher = FakeWatcher::start_at(address).await;
    wait_for_state(&watcher, "", &["RUNNING"]).await;
    wait_for_state(&watcher, "fake", &["CONNECTED"]).await;
    let mut states = vec!["CONNECTED"];
    for (state, word) in [
        (SessionState::Connecting, "CONNECTING"),
        (SessionState::Connected, "CONNECTED"),
        (SessionState::BadCredentials { reason: "the token was changed".to_owned() }, "BAD_CREDENTIALS"),
    ] {
        stage.network.pushes(RemoteEvent::StateChanged(state)).await;
        states.push(word);
        let told = wait_for_state(&watcher, "fake", &states).await;
        assert_eq!(told["message"].as_str(), (word == "BAD_CREDENTIALS").then_some("the token was changed"));
    }
    stage.says(&room, "all the same").await;

    watcher.meets([Trouble::Status(500), Trouble::Status(500)]);
    let bob = stage.fake.person("bob");
    let desk = signs_in(&stage, &bob, "bobby").await;
    let newest = |watcher: &FakeWatcher| {
        let taken = watcher.taken();
        let of_bobby = taken.iter().rfind(|body| body["remote_id"] == "bobby")?;
        Some(of_bobby.clone()).filter(|body| body["state_event"] == "CONNECTED")
    };
    let told = watcher.wait_until("bobby is connected", newest).await;
    assert_eq!(
        (&told["user_id"], &told["remote_name"]),
        (&json!("@bob:example.org"), &json!("bobby on Fake"))
    );
    bob.sends(&desk, "logout bobby");
    let gone = |watcher: &FakeWatcher| {
        let last = watcher.taken().pop()?;
        (last["remote_id"] == "bobby" && last["state_event"] == "LOGGED_OUT").then_some(())
    };
    watcher.wait_until("bobby is signed out", gone).await;
    let before = watcher.posts().len();
    stage.ends().await;
    assert_eq!(watcher.posts().len(), before, "a bridge that stops signs nobody out");
}

/// The events that tell clients what became of an event, once there are so many.
async fn status_events(
    stage: &Stage,
    room: &OwnedRoomId,
    event_id: &OwnedEventId,
    count: usize,
) -> Vec<Value> {
    let look = |fake: &FakeHomeserver| {
        let events = fake.events(room);
        let about = |content: &Value| content["m.relates_to"]["event_id"] == event_id.as_str();
        let statuses = events.iter().filter(|event| event.event_type == "com.beeper.message_send_status");
        let told: Vec<_> = statuses.map(|event| event.content()).filter(about).collect();
        (told.len() >= count).then_some(told)
    };
    tokio::time::timeout(PATIENCE, stage.fake.wait_until(look)).await.expect("the status events come")
}

#[tokio::test]
async fn what_the_network_took_and_did_not_bring_is_told_as_failed() {
    let watcher = FakeWatcher::start().await;
    let stage = set_with_checkpoints("late-failure", &watcher).await;
    let (room, _) = stage.room().await;
    let (event_id, ids) = stage.says(&room, "hello").await;
    told(&watcher, &event_id, 2).await;
    let words = "they are gone".to_owned();
    stage
        .network
        .pushes(RemoteEvent::Failed { chat: stage.chat.clone(), id: ids[0].clone(), words: words.clone() })
        .await;
    let (_, notice) = stage.notice(&room, &event_id).await;
    assert!(notice.contains("but it did not arrive: they are gone"), "{notice}");
    assert_eq!(told(&watcher, &event_id, 3).await[2], ["REMOTE", "DELIVERY_FAILED", &words]);
    stage.ends().await;
}

#[tokio::test]
async fn clients_are_told_by_events_where_that_is_wanted() {
    let stage = Stage::set_with("status-events", "", "  message_status_events: true\n").await;
    let (room, _) = stage.room().await;
    let expected = |event_id: &OwnedEventId, more: Value| {
        let mut content =
            json!({ "m.relates_to": { "rel_type": "m.reference", "event_id": event_id }, "network": "fake" });
        content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        content
    };
    let (event_id, _) = stage.says(&room, "hello").await;
    assert_eq!(
        status_events(&stage, &room, &event_id, 1).await,
        [expected(&event_id, json!({ "status": "SUCCESS" }))]
    );

    // It reaches somebody's device before the network itself has confirmed it.
    stage.network.holds_answers();
    let (early, ids) = stage.says(&room, "early").await;
    let (chat, at) = (stage.chat.clone(), user("carol"));
    stage.network.pushes(RemoteEvent::Arrived { chat, id: ids[0].clone(), at }).await;
    stage.hears(&room, "carol", "looked for in vain by now").await;
    stage.network.answers();
    let arrived = json!({ "status": "SUCCESS", "delivered_to_users": [ghost("carol")] });
    let told = status_events(&stage, &room, &early, 2).await;
    assert_eq!(told, [expected(&early, json!({ "status": "SUCCESS" })), expected(&early, arrived)]);

    let alice = stage.fake.person("alice");
    stage.network.refuses([DeliverError::Rejected("go away".to_owned())]);
    let refused = alice.sends(&room, "refused");
    let words = json!({ "status": "FAIL_RETRIABLE", "reason": "m.event_not_handled", "message": "go away" });
    assert_eq!(status_events(&stage, &room, &refused, 1).await, [expected(&refused, words)]);
    let (notice, _) = stage.notice(&room, &refused).await;
    alice.reacts(&room, &notice, "🔁");
    let told = status_events(&stage, &room, &refused, 2).await;
    assert_eq!(told[1], expected(&refused, json!({ "status": "SUCCESS" })));

    let busy = DeliverError::Retry { after: Some(Duration::from_millis(1)), reason: "busy".to_owned() };
    stage.network.refuses([busy.clone(), busy]);
    let (waited, _) = stage.says(&room, "later").await;
    let told = status_events(&stage, &room, &waited, 2).await;
    assert_eq!([&told[0]["status"], &told[1]["status"]], ["PENDING", "SUCCESS"]);
    stage.ends().await;
}

#[tokio::test]
async fn nobody_is_told_by_events_where_nothing_is_said_about_it() {
    let stage = Stage::set("no-status-events").await;
    let (room, _) = stage.room().await;
    stage.says(&room, "hello").await;
    stage.hears(&room, "carol", "hello yourself").await;
    let events = stage.fake.events(&room);
    assert!(events.iter().all(|event| !event.event_type.starts_with("com.beeper.message_send_status")));
    stage.ends().await;
}
