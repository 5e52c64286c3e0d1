//! Stories of open work: parked, retried, dropped, found again after a restart.

use super::{NOON_MS, Opened, chat, event_id, message, open, open_bodies, remote, to_matrix, to_remote};
use crate::store::{
    Direction, JournalId, Links, MessageState, Outcome, PushOrder, Store, StoreError, StoreSettings,
};

pub(super) async fn failed_work_is_parked_retried_and_dropped(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1", "$2", "$3"]).await;
    let store = &opened.store;
    store.note_attempt(ids[0]).await.expect("there is room");
    opened.finish(ids[0], Outcome::Failed("no such chat".to_owned()), Links::None).await;
    opened.finish(ids[1], Outcome::Uncertain("no answer".to_owned()), to_remote(&["a"])).await;
    let parked = store.parked(10).await.expect("parked rows can be read");
    let found: Vec<_> = parked.iter().map(|row| (row.id, row.state, row.reason.as_deref())).collect();
    let uncertain = (ids[1], MessageState::Uncertain, Some("no answer"));
    let failed = (ids[0], MessageState::Failed, Some("no such chat"));
    assert_eq!(found, [uncertain, failed]);
    assert_eq!(parked[0].remote_id, Some(message("a")));
    assert_eq!(open_bodies(store, Direction::FromMatrix, "!room:example.org").await, ["body of $3"]);

    assert_eq!(store.retry(ids[0]).await, Ok(true));
    assert_eq!(store.retry(ids[0]).await, Ok(false), "it is open already");
    let fed = opened.feed.take();
    assert_eq!(fed.len(), 1);
    assert_eq!((fed[0].id, fed[0].attempts, fed[0].body.as_str()), (ids[0], 2, "body of $1"));
    let rows = store.message_by_event(&event_id("$1")).await.expect("the map can be read");
    assert_eq!((rows[0].state, rows[0].reason.as_deref()), (MessageState::Open, None));

    assert_eq!(store.drop_row(ids[1]).await, Ok(true));
    assert_eq!(store.drop_row(ids[1]).await, Ok(false));
    assert_eq!(store.drop_row(JournalId::new(4_711)).await, Ok(false));
    let rows = store.message_by_event(&event_id("$2")).await.expect("the map can be read");
    assert_eq!((rows[0].state, rows[0].reason.as_deref()), (MessageState::Dropped, Some("no answer")));
    assert_eq!(store.parked(10).await, Ok(Vec::new()));
    store.close().await;
}

pub(super) async fn a_late_failure_does_not_reopen_delivered_work(settings: &StoreSettings) {
    let opened = open(settings).await;
    let id = opened.push("a").await;
    opened.finish(id, Outcome::Delivered, to_matrix(&["$1"])).await;
    opened.finish(id, Outcome::Failed("too late".to_owned()), Links::None).await;
    let rows = opened.store.message_by_remote(&chat(), &message("a")).await.expect("the map can be read");
    assert_eq!((rows[0].state, rows[0].reason.as_deref()), (MessageState::Delivered, None));
    assert_eq!(opened.store.parked(10).await, Ok(Vec::new()));
    opened.store.close().await;
}

pub(super) async fn open_work_survives_a_restart(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1", "$2", "$3"]).await;
    let remote_id = opened.push("a").await;
    opened.store.note_attempt(ids[1]).await.expect("there is room");
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["x"])).await;
    opened.finish(ids[2], Outcome::Failed("no".to_owned()), Links::None).await;
    opened.store.close().await;

    let opened = open(settings).await;
    let lanes = opened.store.open_lanes(10).await.expect("the journal can be read");
    assert_eq!(lanes.len(), 2);
    assert_eq!((lanes[0].direction, &*lanes[0].lane), (Direction::FromMatrix, "!room:example.org"));
    assert_eq!((lanes[0].rows[0].id, lanes[0].rows[0].attempts), (ids[1], 1));
    assert_eq!((lanes[1].direction, lanes[1].rows[0].id), (Direction::FromRemote, remote_id));
    assert_eq!(lanes[1].rows[0].accepted_ms, NOON_MS);
    assert!(opened.push("b").await > remote_id, "numbers go on");
    opened.store.close().await;
}

pub(super) async fn a_second_process_is_refused(settings: &StoreSettings) {
    let Opened { store, feed, clock } = open(settings).await;
    let second = Store::open(settings, clock, feed).await;
    assert!(matches!(second, Err(StoreError::Held)), "{second:?}");
    assert!(store.push(remote("a"), &PushOrder::default()).await.stored().await.is_ok(), "the first goes on");
    store.close().await;
    open(settings).await.store.close().await;
}

pub(super) async fn lanes_are_read_on_in_pieces(settings: &StoreSettings) {
    let opened = open(settings).await;
    let names: Vec<String> = (0..7).map(|number| format!("${number}")).collect();
    let ids = opened.accept(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let lanes = opened.store.open_lanes(3).await.expect("the journal can be read");
    assert_eq!((lanes[0].rows.len(), lanes[0].more), (3, true));
    let lanes = opened.store.open_lanes(7).await.expect("the journal can be read");
    assert_eq!((lanes[0].rows.len(), lanes[0].more), (7, false));
    let lane = "!room:example.org";
    let rows = opened.store.lane_rows(Direction::FromMatrix, lane, Some(ids[2]), 2).await;
    let found: Vec<_> = rows.expect("the lane can be read").iter().map(|row| row.id).collect();
    assert_eq!(found, ids[3..5]);
    opened.store.close().await;
}

pub(super) async fn statistics_count_what_is_open(settings: &StoreSettings) {
    let opened = open(settings).await;
    assert_eq!(opened.store.journal_stats().await, Ok(Default::default()));
    let ids = opened.accept(&["$1", "$2", "$3"]).await;
    opened.clock.advance_ms(50);
    opened.push("a").await;
    opened.finish(ids[0], Outcome::Failed("no".to_owned()), Links::None).await;
    let stats = opened.store.journal_stats().await.expect("the journal can be read");
    assert_eq!((stats.from_matrix.open, stats.from_matrix.oldest_ms), (2, Some(NOON_MS)));
    assert_eq!((stats.from_remote.open, stats.from_remote.oldest_ms), (1, Some(NOON_MS + 50)));
    assert_eq!(stats.parked, 1);
    opened.store.close().await;
}
