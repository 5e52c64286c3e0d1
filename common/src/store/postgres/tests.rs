//! Run when `MAGPIE_TEST_POSTGRES_URL` names a server, as `cargo xtask test` lets it; each story gets a schema of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use sqlx::Connection;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    store::{
        PushOrder, RemoteRow, Store, StoreSettings, Stored,
        archive::{
            self,
            tests::{Folder, owner},
        },
        ghost::upgrade,
        queue::Queue,
        schema,
    },
    testkit::store_suite::{self, Recorder},
};

async fn server() -> Option<PgConnection> {
    let Ok(url) = std::env::var("MAGPIE_TEST_POSTGRES_URL") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "a whole run has a PostgreSQL");
        return None;
    };
    Some(PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap())
}

/// A database of its own for a test elsewhere, where there is a server.
pub(in crate::store) async fn database() -> Option<String> {
    server().await?;
    Some(fresh().await.url)
}

async fn fresh() -> StoreSettings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let schema = format!("magpie_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = server().await.unwrap();
    run(&mut connection, format!("CREATE SCHEMA {schema}")).await.unwrap();
    let url = std::env::var("MAGPIE_TEST_POSTGRES_URL").unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20search_path%3D{schema}");
    StoreSettings { url, durability: Durability::Normal, key: Secret::new("k") }
}

async fn open(settings: &StoreSettings) -> Result<(Store, Arc<Recorder>), StoreError> {
    let feed = Arc::new(Recorder::default());
    let store = Store::open(settings, Clock::fixed(1, 1), feed.clone()).await?;
    Ok((store, feed))
}

fn remote(id: &str) -> RemoteRow {
    RemoteRow {
        lane: "chat".into(),
        guard: Some((RemoteChatId::new("chat"), RemoteMessageId::new(id))),
        sender: None,
        sent_ms: 1,
        body: id.to_owned(),
        cursor: None,
        held: false,
    }
}

/// Ends every session of the store in this schema but not the tests' own.
async fn cut_connections(settings: &StoreSettings) {
    let mut connection = PgConnectOptions::from_str(&settings.url).unwrap().connect().await.unwrap();
    let sql = "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid \
               WHERE l.locktype = 'advisory' AND a.pid <> pg_backend_pid() AND ((l.classid::bigint << 32) | \
               l.objid::bigint) = hashtextextended('magpie ' || current_schema(), 0)";
    assert_eq!(fetch_on(&mut connection, sql, &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn postgres_passes_the_suite() {
    if server().await.is_some() {
        store_suite::all(fresh).await;
    }
}

#[tokio::test]
async fn the_writer_connects_again_after_its_session_was_ended() {
    if server().await.is_none() {
        return;
    }
    let settings = fresh().await;
    let (store, feed) = open(&settings).await.unwrap();
    assert_eq!(store.push(remote("a"), &PushOrder::default()).await.stored().await, Ok(Stored::New));
    cut_connections(&settings).await;
    let cut = store.push(remote("b"), &PushOrder::default()).await.stored().await;
    assert!(matches!(cut, Err(StoreError::Unreachable(_))), "{cut:?}");
    assert_eq!(store.push(remote("b"), &PushOrder::default()).await.stored().await, Ok(Stored::New));
    assert_eq!(feed.bodies(), ["a", "b"]);
    store.close().await;
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_fed_when_the_server_is_back() {
    if server().await.is_none() {
        return;
    }
    let settings = fresh().await;
    let feed = Arc::new(Recorder::default());
    let writing = Writing {
        queue: Arc::new(Queue::new()),
        clock: Clock::fixed(1, 1),
        feed: feed.clone(),
        finished: CancellationToken::new(),
    };
    let options = PgConnectOptions::from_str(&settings.url).unwrap();
    let mut writer = Writer::open(options, Durability::Full, writing).await.unwrap();
    let first = writer.next_id;
    // What a lost commit leaves: rows that nobody was told of, and a session that the server believes alive.
    let mut former = writer.connection.take().unwrap();
    let mut other = PgConnectOptions::from_str(&settings.url).unwrap().connect().await.unwrap();
    let insert = "INSERT INTO journal VALUES ($1, 1, 0, 0, 1, 'chat', 'doubtful')";
    execute_on(&mut other, insert, &[first.into()]).await.unwrap();
    execute_on(&mut other, MESSAGE, &[first.into()]).await.unwrap();
    writer.doubtful_from = Some(first);
    writer.be_connected().await.unwrap();
    assert_eq!(feed.bodies(), ["doubtful"]);
    assert_eq!(writer.next_id, first + 1);
    assert!(former.ping().await.is_err(), "the former session was ended");
}

const MESSAGE: &str = "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms) \
     VALUES ($1, 1, 0, 0, 0, 1, 1)";

#[tokio::test]
async fn a_writer_that_lost_the_lease_stops_and_says_so() {
    if server().await.is_none() {
        return;
    }
    let settings = fresh().await;
    let (store, _) = open(&settings).await.unwrap();
    let mut other = PgConnectOptions::from_str(&settings.url).unwrap().connect().await.unwrap();
    lease::take(&mut other, 2).await.unwrap();
    cut_connections(&settings).await;
    assert!(store.push(remote("a"), &PushOrder::default()).await.stored().await.is_err());
    store.ended().await;
    assert_eq!(store.push(remote("b"), &PushOrder::default()).await.stored().await, Err(StoreError::Closed));
}

#[tokio::test]
async fn an_old_database_with_people_in_it_is_brought_up_to_date() {
    if server().await.is_none() {
        return;
    }
    let settings = fresh().await;
    let mut connection = PgConnectOptions::from_str(&settings.url).unwrap().connect().await.unwrap();
    lease::migrate(&mut connection, &schema::MIGRATIONS[..upgrade::OLD]).await.unwrap();
    for sql in [upgrade::PEOPLE, upgrade::ALIASES] {
        execute_on(&mut connection, sql, &[]).await.unwrap();
    }
    for _ in 0..2 {
        let (store, _) = open(&settings).await.unwrap();
        upgrade::check(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    if server().await.is_none() {
        return;
    }
    let settings = fresh().await;
    open(&settings).await.unwrap().0.close().await;
    let known = schema::known(schema::MIGRATIONS);
    let mut other = PgConnectOptions::from_str(&settings.url).unwrap().connect().await.unwrap();
    execute_on(&mut other, schema::RECORD, &[(known + 1).into()]).await.unwrap();
    assert_eq!(open(&settings).await.err(), Some(StoreError::Newer { found: known + 1, known }));
}

#[tokio::test]
async fn a_state_from_sqlite_arrives_whole_but_for_a_letter_that_this_database_lacks() {
    if server().await.is_none() {
        return;
    }
    let folder = Folder::new();
    let here = folder.populated("a.db").await;
    let out = folder.export(&here, "a").await;
    let there = StoreSettings { key: here.key.clone(), ..fresh().await };
    archive::import(&there, &owner(), &folder.path("a")).await.unwrap();
    assert_eq!(folder.export(&there, "b").await, out);
    let error = archive::import(&there, &owner(), &folder.path("a")).await.unwrap_err();
    assert!(matches!(error, archive::ArchiveError::NotEmpty), "{error:?}");

    let login = LoginId::new("one");
    let here = folder.settings("c.db");
    let store = Store::open(&here, Clock::fixed(1, 1), Arc::new(Recorder::default())).await.unwrap();
    store.kv_set(&login, "k", "a\0b").await.unwrap();
    store.close().await;
    folder.export(&here, "c").await;
    let there = StoreSettings { key: here.key.clone(), ..fresh().await };
    archive::import(&there, &owner(), &folder.path("c")).await.unwrap();
    let (store, _) = open(&there).await.unwrap();
    assert_eq!(store.kv_get(&login, "k").await.unwrap().as_deref(), Some("a\u{fffd}b"));
    store.close().await;
}
