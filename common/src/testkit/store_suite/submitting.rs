//! Stories of work that is accepted.

use super::{Opened, chat, event, message, open, open_bodies, remote, room};
use crate::{
    ids::{LoginId, RemoteChatId},
    message::ChatKind,
    store::{
        Accepted, Cursor, Direction, MatrixEvent, PortalRow, PushOrder, RemoteRow, StoreError, StoreSettings,
        Stored,
    },
};

pub(super) async fn order_is_kept_and_duplicates_are_known(settings: &StoreSettings) {
    let Opened { store, feed, .. } = open(settings).await;
    let accepted = store.accept(vec![event("$1"), event("$2"), event("$1")]).await;
    assert_eq!(accepted, Ok(Accepted { new: 2, known: 1 }));
    let accepted = store.accept(vec![event("$2"), event("$3")]).await;
    assert_eq!(accepted, Ok(Accepted { new: 1, known: 1 }));
    assert_eq!(feed.bodies(), ["body of $1", "body of $2", "body of $3"]);

    let tickets = [
        store.push(remote("a"), &PushOrder::default()).await,
        store.push(remote("b"), &PushOrder::default()).await,
        store.push(remote("a"), &PushOrder::default()).await,
        store.push(RemoteRow { guard: None, ..remote("typing") }, &PushOrder::default()).await,
        store.push(RemoteRow { guard: None, ..remote("typing") }, &PushOrder::default()).await,
        store
            .push(
                RemoteRow { guard: Some((RemoteChatId::new("other"), message("a"))), ..remote("a") },
                &PushOrder::default(),
            )
            .await,
    ];
    let mut found = Vec::new();
    for ticket in tickets {
        found.push(ticket.stored().await.expect("the event is stored"));
    }
    assert_eq!(found, [Stored::New, Stored::New, Stored::Known, Stored::New, Stored::New, Stored::New]);
    let fed = ["body of a", "body of b", "body of typing", "body of typing", "body of a"];
    assert_eq!(feed.bodies(), fed);
    store.close().await;
}

pub(super) async fn unreadable_events_are_parked_and_not_fed(settings: &StoreSettings) {
    let Opened { store, feed, .. } = open(settings).await;
    let unreadable = MatrixEvent { parked: Some("no content".to_owned()), ..event("not an event id") };
    let accepted = store.accept(vec![event("$1"), unreadable.clone(), event("$2")]).await;
    assert_eq!(accepted, Ok(Accepted { new: 3, known: 0 }));
    assert_eq!(store.accept(vec![unreadable]).await, Ok(Accepted { new: 0, known: 1 }));
    assert_eq!(feed.bodies(), ["body of $1", "body of $2"]);
    let parked = store.parked(10).await.expect("parked rows can be read");
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].reason.as_deref(), Some("no content"));
    assert_eq!(parked[0].event_id.as_deref(), Some("not an event id"));
    assert!(store.retry(parked[0].id).await.expect("the row can be opened again"));
    assert_eq!(feed.bodies(), ["body of not an event id"]);
    store.close().await;
}

pub(super) async fn one_bad_operation_costs_no_other(settings: &StoreSettings) {
    let Opened { store, feed, .. } = open(settings).await;
    let portal = |chat: &str| PortalRow {
        room_id: Some(room()),
        ..PortalRow::new(RemoteChatId::new(chat), ChatKind::Group)
    };
    let (first, second) = (portal("one"), portal("two"));
    let order = PushOrder::default();
    let (before, good, bad, after, events) = tokio::join!(
        store.push(remote("a"), &order),
        store.save_portal(&first),
        store.save_portal(&second),
        store.push(remote("b"), &order),
        store.accept(vec![event("$1")]),
    );
    assert_eq!(before.stored().await, Ok(Stored::New));
    assert_eq!(good, Ok(()));
    assert!(matches!(bad, Err(StoreError::Refused(_))), "{bad:?}");
    assert_eq!(after.stored().await, Ok(Stored::New));
    assert_eq!(events, Ok(Accepted { new: 1, known: 0 }));
    let mut fed = feed.bodies();
    fed.sort();
    assert_eq!(fed, ["body of $1", "body of a", "body of b"]);
    assert_eq!(open_bodies(&store, Direction::FromRemote, "chat").await, ["body of a", "body of b"]);
    store.close().await;
}

pub(super) async fn a_cursor_moves_with_its_event(settings: &StoreSettings) {
    let Opened { store, .. } = open(settings).await;
    let login = LoginId::new("me");
    let at = |value: &str| {
        Some(Cursor { login: LoginId::new("me"), key: "offset".to_owned(), value: value.to_owned() })
    };
    let first = store.push(RemoteRow { cursor: at("1"), ..remote("a") }, &PushOrder::default()).await;
    let second = store.push(RemoteRow { cursor: at("2"), ..remote("b") }, &PushOrder::default()).await;
    assert_eq!(first.stored().await, Ok(Stored::New));
    assert_eq!(second.stored().await, Ok(Stored::New));
    assert_eq!(store.kv_get(&login, "offset").await, Ok(Some("2".to_owned())));
    let known = store.push(RemoteRow { cursor: at("3"), ..remote("a") }, &PushOrder::default()).await;
    assert_eq!(known.stored().await, Ok(Stored::Known));
    assert_eq!(store.kv_get(&login, "offset").await, Ok(Some("3".to_owned())));
    store.close().await;
}

pub(super) async fn any_text_is_accepted(settings: &StoreSettings) {
    let Opened { store, feed, .. } = open(settings).await;
    let odd = MatrixEvent {
        sender: "'; DROP TABLE message; --".to_owned(),
        body: "喜鹊 \u{0}\u{1f}\u{202e} \\u0000 $1 ?1 {}".to_owned(),
        ..event("$\u{0}odd")
    };
    assert_eq!(store.accept(vec![odd]).await, Ok(Accepted { new: 1, known: 0 }));
    assert_eq!(feed.take().len(), 1);
    let row = RemoteRow { guard: Some((chat(), message("a\u{0}b"))), ..remote("c") };
    assert_eq!(store.push(row, &PushOrder::default()).await.stored().await, Ok(Stored::New));
    assert_eq!(open_bodies(&store, Direction::FromRemote, "chat").await, ["body of c"]);
    store.close().await;
}

pub(super) async fn thousands_at_once_keep_their_order(settings: &StoreSettings) {
    const MANY: usize = 6_000;
    let Opened { store, feed, .. } = open(settings).await;
    let mut tickets = Vec::new();
    for number in 0..MANY {
        tickets.push(store.push(remote(&format!("{number:05}")), &PushOrder::default()).await);
    }
    for ticket in tickets {
        assert_eq!(ticket.stored().await, Ok(Stored::New));
    }
    let fed = feed.take();
    assert_eq!(fed.len(), MANY);
    assert!(fed.is_sorted_by(|a, b| a.id < b.id && a.body < b.body));
    store.close().await;
}

pub(super) async fn a_closed_store_says_so(settings: &StoreSettings) {
    let Opened { store, .. } = open(settings).await;
    let ticket = store.push(remote("a"), &PushOrder::default()).await;
    store.close().await;
    assert_eq!(ticket.stored().await, Ok(Stored::New), "what was submitted is still stored");
    assert_eq!(store.accept(vec![event("$1")]).await, Err(StoreError::Closed));
    assert_eq!(store.push(remote("b"), &PushOrder::default()).await.stored().await, Err(StoreError::Closed));
    store.ended().await;
}
