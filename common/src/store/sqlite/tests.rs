//! The grouped writer on a real SQLite file.

use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    message::{ChatKind, RoomTemplates, Template, TemplateKind},
    store::{
        Accepted, Direction, JournalId, MatrixEvent, PortalRow, PushOrder, Relay, RemoteRow, Store,
        StoreSettings, Stored,
        ghost::{self, upgrade},
        journal, kv, map,
        operation::Operation,
        portal,
        queue::Queue,
        schema::Migration,
    },
    testkit::store_suite::{self, Recorder},
};

fn settings(path: &Path) -> StoreSettings {
    StoreSettings {
        url: format!("sqlite:{}", path.display()),
        durability: Durability::Normal,
        key: Secret::new("k"),
    }
}

fn event(event_id: &str) -> MatrixEvent {
    MatrixEvent {
        event_id: event_id.to_owned(),
        room_id: "!r:example.org".to_owned(),
        sender: "@a:example.org".to_owned(),
        sent_ms: 1,
        lane: "!r:example.org".into(),
        body: "x".repeat(3_000),
        parked: None,
    }
}

async fn open(path: &Path) -> Result<(Store, Arc<Recorder>), StoreError> {
    let feed = Arc::new(Recorder::default());
    let store = Store::open(&settings(path), Clock::fixed(1, 1), feed.clone()).await?;
    Ok((store, feed))
}

#[tokio::test]
async fn sqlite_passes_the_suite() {
    let folder = TempDir::new().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    store_suite::all(|| async {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        settings(&folder.path().join(format!("{number}.db")))
    })
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_of_a_killed_process() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("live.db");
    let (store, _) = open(&path).await.unwrap();
    store.accept(vec![event("$1"), event("$2")]).await.unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(folder.path().join("live.db-wal"), folder.path().join("copy.db-wal")).unwrap();
    let (survivor, _) = open(&copy).await.unwrap();
    assert_eq!(survivor.lane_rows(Direction::FromMatrix, "!r:example.org", None, 9).await.unwrap().len(), 2);
    assert_eq!(survivor.accept(vec![event("$2")]).await, Ok(Accepted { new: 0, known: 1 }));
}

#[tokio::test]
async fn a_database_newer_than_the_binary_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.db");
    open(&path).await.unwrap().0.close().await;
    let known = schema::known(schema::MIGRATIONS);
    Connection::open(&path).unwrap().execute(schema::RECORD, [known + 1]).unwrap();
    assert_eq!(open(&path).await.err(), Some(StoreError::Newer { found: known + 1, known }));
}

#[tokio::test]
async fn what_is_no_database_is_refused_in_words() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("noise.db");
    std::fs::write(&path, "not a database, ".repeat(100)).unwrap();
    assert!(matches!(open(&path).await.err(), Some(StoreError::Corrupt(_))));
    let missing = folder.path().join("no folder").join("a.db");
    assert!(matches!(open(&missing).await.err(), Some(StoreError::Unreachable(_))));
    let unknown = StoreSettings {
        url: "mysql://u:secret@h/d".to_owned(),
        durability: Durability::Full,
        key: Secret::new("k"),
    };
    let refused = Store::open(&unknown, Clock::fixed(1, 1), Arc::new(Recorder::default())).await.unwrap_err();
    assert!(!refused.to_string().contains("secret"), "{refused}");
}

#[test]
fn a_database_that_cannot_be_written_is_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let read_only = Connection::open_with_flags(&path, flags).unwrap();
    assert_eq!(
        StoreError::from(read_only.execute("INSERT INTO t VALUES (1)", []).unwrap_err()),
        StoreError::ReadOnly
    );
    let denied = std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem);
    assert_eq!(from_io(denied), StoreError::ReadOnly);
}

#[test]
fn a_failing_migration_leaves_a_dirty_old_database_as_it_was() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::run(&mut connection, schema::MIGRATIONS).unwrap();
    // What an old bug might have left: work without a message, and the other way round.
    connection
        .execute_batch(
            "INSERT INTO journal VALUES (7, 1, 0, 3, 5, 'lane', 'orphan'); \
             INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms) \
             VALUES (8, 0, 9, 0, 0, 1, 1);",
        )
        .unwrap();
    let known = schema::known(schema::MIGRATIONS);
    let spoiled =
        "CREATE TABLE extra (a BIGINT);\nINSERT INTO extra VALUES (1);\nINSERT INTO absent VALUES (1);\n";
    let good =
        "-- A remark.\nCREATE TABLE extra (id {id});\nINSERT INTO extra (id) SELECT id FROM journal;\n";
    let next = |sql| {
        let old = schema::MIGRATIONS.iter().map(|old| Migration { version: old.version, sql: old.sql });
        old.chain([Migration { version: known + 1, sql }]).collect::<Vec<_>>()
    };
    assert!(migrate::run(&mut connection, &next(spoiled)).is_err());
    let version =
        |connection: &Connection| connection.query_row(schema::VERSION, [], |row| row.get::<_, i64>(0));
    assert_eq!(version(&connection), Ok(known));
    migrate::run(&mut connection, &next(good)).unwrap();
    migrate::run(&mut connection, &next(good)).unwrap();
    assert_eq!(version(&connection), Ok(known + 1));
    assert_eq!(connection.query_row("SELECT id FROM extra", [], |row| row.get::<_, i64>(0)), Ok(7));
}

#[tokio::test]
async fn a_portal_of_an_older_version_has_no_templates_and_loses_only_those_that_are_none() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old.db");
    let mut connection = Connection::open(&path).unwrap();
    migrate::run(&mut connection, &schema::MIGRATIONS[..4]).unwrap();
    let portal = "INSERT INTO portal (chat, kind, state, relay) VALUES ('town', 'group', 0, 'me')";
    connection.execute(portal, []).unwrap();
    let read = async || {
        let (store, _) = open(&path).await.unwrap();
        let read = store.portal_by_chat(&RemoteChatId::new("town")).await;
        store.close().await;
        read
    };
    let none = PortalRow {
        relay: Relay::Login(LoginId::new("me")),
        ..PortalRow::new(RemoteChatId::new("town"), ChatKind::Group)
    };
    assert_eq!(read().await, Ok(Some(none.clone())));
    // A later version may say more kinds, and another one may be stricter.
    let written = |json: &str| {
        connection.execute("UPDATE portal SET relay_templates = $1", [json]).unwrap();
    };
    written(r#"{"text": "<{name}> {message}", "file": "nobody", "dance": "{name} dances"}"#);
    let mut relay_templates = RoomTemplates::default();
    relay_templates
        .set(TemplateKind::Text, Template::read(TemplateKind::Text, "<{name}> {message}").unwrap());
    assert_eq!(read().await, Ok(Some(PortalRow { relay_templates, ..none })));
    written("<{name}> {message}");
    assert!(matches!(read().await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn an_old_database_with_people_in_it_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old.db");
    let mut connection = Connection::open(&path).unwrap();
    migrate::run(&mut connection, &schema::MIGRATIONS[..upgrade::OLD]).unwrap();
    for sql in [upgrade::PEOPLE, upgrade::ALIASES] {
        connection.execute_batch(sql).unwrap();
    }
    drop(connection);
    for _ in 0..2 {
        let (store, _) = open(&path).await.unwrap();
        upgrade::check(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_full_table_is_never_scanned() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("full.db");
    open(&path).await.unwrap().0.close().await;
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = OFF; INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, \
             accepted_ms, event_id, chat, remote_id, room_id) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL \
             SELECT i + 1 FROM n WHERE i < 200000) SELECT i, i % 2, 1, 0, 0, i, i, '$' || i, 'c' || (i % 100), \
             'r' || i, '!r' || (i % 100) FROM n; INSERT INTO journal SELECT id, origin, id % 3 = 0, 0, id, chat, 'b' \
             FROM message WHERE id % 20000 = 1;",
        )
        .unwrap();
    for sql in [
        NEWEST_ID,
        journal::OPEN_LANES,
        journal::LANE_ROWS,
        journal::PARKED,
        journal::OPEN_STATS,
        journal::PARKED_COUNT,
        map::BY_EVENT,
        map::BY_REMOTE,
        map::BETWEEN,
        map::CHAT_OF,
        map::LAST_DELIVERED,
        map::TRACE,
        portal::BY_CHAT,
        portal::BY_ROOM,
        portal::PAGE,
        ghost::GHOST,
        ghost::IDENTITY,
        kv::KV_GET,
        kv::MEDIA,
    ] {
        let plan = plan(&connection, sql);
        let scans = |table: &str| plan.contains(&format!("SCAN {table}"));
        let allowed = sql == NEWEST_ID;
        assert!(allowed || !(scans("m\n") || scans("m USING") || scans("message")), "{sql}\n{plan}");
        assert!(!scans("portal") && !scans("ghost") && !scans("media"), "{sql}\n{plan}");
    }
    for sql in [journal::OPEN_STATS, journal::PARKED_COUNT] {
        assert!(plan(&connection, sql).contains("COVERING INDEX"), "{sql}");
    }
    assert!(plan(&connection, journal::LANE_ROWS).contains("journal_lane"));
    assert!(plan(&connection, journal::PARKED).contains("journal_parked"));
    drop(connection);
    let (store, _) = open(&path).await.unwrap();
    let rows: usize = store.open_lanes(10).await.unwrap().iter().map(|lane| lane.rows.len()).sum();
    assert_eq!(rows as u64 + store.journal_stats().await.unwrap().parked, 10);
    store.close().await;
}

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for index in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(index, "1").unwrap();
    }
    let mut rows = statement.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().unwrap() {
        plan += &row.get::<_, String>(3).unwrap();
        plan += "\n";
    }
    plan
}

/// A writer without its thread, on a database of which the size can be held down.
struct Small {
    writer: Writer,
    feed: Arc<Recorder>,
    queue: Arc<Queue>,
    _folder: TempDir,
}

impl Small {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let feed = Arc::new(Recorder::default());
        let queue = Arc::new(Queue::new());
        let writing = Writing {
            queue: queue.clone(),
            clock: Clock::fixed(1, 1),
            feed: feed.clone(),
            finished: CancellationToken::new(),
        };
        let writer = Writer::open(&folder.path().join("a.db"), Durability::Full, writing).unwrap();
        Self { writer, feed, queue, _folder: folder }
    }

    fn pages(&self, max: u32) {
        let sql = format!("PRAGMA max_page_count = {max}");
        self.writer.connection.query_row(&sql, [], |_| Ok(())).unwrap();
    }
}

#[test]
fn after_a_refused_push_none_of_its_order_is_stored_until_a_new_one_begins() {
    let mut small = Small::new();
    let push = |small: &mut Small, id: &str, order: &PushOrder| {
        let (reply, mut answer) = oneshot::channel();
        let guard = Some((RemoteChatId::new("chat"), RemoteMessageId::new(id)));
        let body = "x".repeat(100_000);
        let cursor = None;
        let row =
            RemoteRow { lane: "chat".into(), guard, sender: None, sent_ms: 1, body, cursor, held: false };
        small.writer.commit(&mut vec![Operation::Push { row, order: order.clone(), reply }]);
        answer.try_recv().unwrap()
    };
    let order = PushOrder::default();
    small.pages(1);
    assert_eq!(push(&mut small, "1", &order), Err(StoreError::Full));
    small.pages(1_000_000);
    assert!(
        matches!(push(&mut small, "2", &order), Err(StoreError::Refused(_))),
        "1 would be missing before 2"
    );
    let again = PushOrder::default();
    assert_eq!(push(&mut small, "1", &again), Ok(Stored::New));
    assert_eq!(push(&mut small, "2", &again), Ok(Stored::New));
    assert_eq!(small.feed.take().len(), 2);
}

#[test]
fn a_full_disk_answers_every_caller_and_keeps_what_nobody_waits_for() {
    let mut small = Small::new();
    small.pages(1);
    let Small { writer, feed, queue, .. } = &mut small;
    let (first, mut first_answer) = oneshot::channel();
    let (second, mut second_answer) = oneshot::channel();
    let events = |name: &str| (0..40).map(|number| event(&format!("${name}{number}"))).collect::<Vec<_>>();
    writer.commit(&mut vec![
        Operation::Accept { events: events("a"), reply: first },
        Operation::Attempt(JournalId(1)),
        Operation::Accept { events: events("b"), reply: second },
    ]);
    assert_eq!(first_answer.try_recv().unwrap(), Err(StoreError::Full));
    assert_eq!(second_answer.try_recv().unwrap(), Err(StoreError::Full));
    assert!(feed.take().is_empty());

    writer.connection.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())).unwrap();
    let mut group = Vec::new();
    queue.close();
    assert!(queue.next_group(&mut group));
    assert!(matches!(group.as_slice(), [Operation::Attempt(JournalId(1))]));
    let (third, mut third_answer) = oneshot::channel();
    group.push(Operation::Accept { events: events("a"), reply: third });
    writer.commit(&mut group);
    assert_eq!(third_answer.try_recv().unwrap(), Ok(Accepted { new: 40, known: 0 }));
    assert_eq!(feed.take().len(), 40);
}
