//! Stories of what work became on the other side, and of our own messages that come back.

use super::{chat, event, event_id, message, open, open_bodies, remote, room, to_matrix, to_remote};
use crate::store::{
    Accepted, Direction, Done, Echo, Links, MessageState, Outcome, PushOrder, Reach, StoreSettings, Stored,
};

pub(super) async fn one_event_becomes_many_messages(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1", "$2"]).await;
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "b", "c"])).await;
    // Recording twice does no harm.
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "b", "c"])).await;
    let store = &opened.store;
    let rows = store.message_by_event(&event_id("$1")).await.expect("the map can be read");
    let found: Vec<_> = rows.iter().map(|row| (row.part, row.remote_id.clone(), row.state)).collect();
    let delivered = |part, id| (part, Some(message(id)), MessageState::Delivered);
    assert_eq!(found, [delivered(0, "a"), delivered(1, "b"), delivered(2, "c")]);
    let rows = store.message_by_remote(&chat(), &message("b")).await.expect("the map can be read");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].event_id, Some(event_id("$1")));
    assert_eq!(rows[0].origin, Direction::FromMatrix);
    for echo in ["a", "b", "c"] {
        assert_eq!(store.push(remote(echo), &PushOrder::default()).await.stored().await, Ok(Stored::Known));
    }
    assert_eq!(store.last_delivered(&chat()).await, Ok(Some(message("c"))));
    assert_eq!(open_bodies(store, Direction::FromMatrix, "!room:example.org").await, ["body of $2"]);
    opened.finish(ids[1], Outcome::Ignored("a bot said it".to_owned()), Links::None).await;
    let rows = store.message_by_event(&event_id("$2")).await.expect("the map can be read");
    assert_eq!(rows[0].state, MessageState::Ignored);
    assert_eq!(rows[0].reason.as_deref(), Some("a bot said it"));
    store.close().await;
}

pub(super) async fn one_message_becomes_many_events(settings: &StoreSettings) {
    let opened = open(settings).await;
    let id = opened.push("a").await;
    let done = Done { id, outcome: Outcome::Delivered, links: to_matrix(&["$1", "$2"]) };
    opened.store.finish_soon(done).await.expect("there is room");
    opened.settled().await;
    let rows = opened.store.message_by_remote(&chat(), &message("a")).await.expect("the map can be read");
    let found: Vec<_> =
        rows.iter().map(|row| (row.part, row.event_id.clone(), row.room_id.clone())).collect();
    assert_eq!(found, [(0, Some(event_id("$1")), Some(room())), (1, Some(event_id("$2")), Some(room()))]);
    let rows = opened.store.message_by_event(&event_id("$2")).await.expect("the map can be read");
    assert_eq!(rows[0].remote_id, Some(message("a")));
    assert_eq!(rows[0].sender.as_deref(), Some("bob"));
    for (prefix, id, found) in [("ch", "a", true), ("", "a", true), ("at", "a", false), ("ch", "b", false)] {
        let chat_of = opened.store.chat_of(prefix, &message(id)).await;
        assert_eq!(chat_of, Ok(found.then(chat)), "{prefix}, {id}");
    }
    assert_eq!(open_bodies(&opened.store, Direction::FromRemote, "chat").await, [""; 0]);
    assert_eq!(opened.store.last_delivered(&chat()).await, Ok(None));
    opened.store.close().await;
}

pub(super) async fn an_echo_that_was_stored_first_goes_away(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1"]).await;
    opened.push("a").await;
    opened.push("b").await;
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "b"])).await;
    assert_eq!(open_bodies(&opened.store, Direction::FromRemote, "chat").await, [""; 0]);
    for echo in ["a", "b"] {
        let rows =
            opened.store.message_by_remote(&chat(), &message(echo)).await.expect("the map can be read");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].event_id, Some(event_id("$1")));
    }
    let next = opened.push("c").await;
    assert!(next > ids[0] && opened.feed.take().is_empty());
    opened.store.close().await;
}

pub(super) async fn an_id_that_is_taken_for_good_is_left_out(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1", "$2"]).await;
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a"])).await;
    opened.finish(ids[1], Outcome::Delivered, to_remote(&["a"])).await;
    let rows = opened.store.message_by_remote(&chat(), &message("a")).await.expect("the map can be read");
    assert_eq!(rows[0].event_id, Some(event_id("$1")));
    let rows = opened.store.message_by_event(&event_id("$2")).await.expect("the map can be read");
    assert_eq!((rows[0].state, rows[0].remote_id.clone()), (MessageState::Delivered, None));
    opened.store.close().await;
}

pub(super) async fn a_returning_event_closes_its_work(settings: &StoreSettings) {
    let opened = open(settings).await;
    opened.push("a").await;
    let echo = |part, reach, id: &str| Echo {
        chat: chat(),
        remote_id: message("a"),
        part,
        reach,
        room_id: room(),
        event_id: event_id(id),
    };
    let store = &opened.store;
    store.confirm(echo(0, Reach::Part, "$1")).await.expect("there is room");
    opened.settled().await;
    assert_eq!(open_bodies(store, Direction::FromRemote, "chat").await, ["body of a"]);
    for _ in 0..2 {
        store.confirm(echo(1, Reach::Whole, "$2")).await.expect("there is room");
        opened.settled().await;
    }
    assert_eq!(open_bodies(store, Direction::FromRemote, "chat").await, [""; 0]);
    let rows = store.message_by_remote(&chat(), &message("a")).await.expect("the map can be read");
    let found: Vec<_> = rows.iter().map(|row| (row.part, row.event_id.clone(), row.state)).collect();
    let delivered = |part, id| (part, Some(event_id(id)), MessageState::Delivered);
    assert_eq!(found, [delivered(0, "$1"), delivered(1, "$2")]);
    let unknown = Echo { remote_id: message("unknown"), ..echo(0, Reach::Whole, "$9") };
    store.confirm(unknown).await.expect("there is room");
    assert_eq!(store.accept(vec![event("$9")]).await, Ok(Accepted { new: 1, known: 0 }));
    store.close().await;
}
