//! Years of use in a minute: messages, portals and ghosts put into a database that a bridge has made.
//!
//! Written past the bridge, in the shape in which it writes itself: half of the messages came from Matrix and half from the network,
//! and all ids are as long and as random as real ones. The indexes are dropped meanwhile and made again from their own text.

use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, Transaction, params};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row};

use super::{
    homeserver::{SERVER_NAME, room_id},
    ids::Ids,
};

const SEED: u64 = 7;
const CACHE_KIB: u32 = 262_144;
const SENT_MS: i64 = 1_700_000_000_000;
/// Rooms in which the stored messages are.
const ROOMS: u32 = 1_000;

/// What the first start left in these goes.
const EMPTIED: [&str; 2] = ["message", "journal"];

/// How much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    pub(super) messages: u32,
    pub(super) portals: u32,
    /// Per portal; named as the echo platform names those who answer.
    pub(super) ghosts_per_portal: u32,
}

/// Fills a SQLite database that nobody has open.
pub(super) fn sqlite(path: &Path, amount: Amount) -> anyhow::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    let transaction = connection.transaction()?;
    for table in EMPTIED {
        transaction.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    let indexes = drop_indexes(&transaction)?;
    insert_messages(&transaction, amount)?;
    insert_portals(&transaction, amount)?;
    for index in indexes {
        transaction.execute_batch(&index)?;
    }
    transaction.commit().context("the database was not filled")
}

fn drop_indexes(transaction: &Transaction<'_>) -> anyhow::Result<Vec<String>> {
    let mut found = transaction.prepare(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'message' AND sql IS NOT NULL",
    )?;
    let indexes = found.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let indexes: Vec<(String, String)> = indexes.collect::<Result<_, _>>()?;
    for (name, _) in &indexes {
        transaction.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}

fn insert_messages(transaction: &Transaction<'_>, amount: Amount) -> anyhow::Result<()> {
    let mut insert = transaction.prepare(
        "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, done_ms, room_id, \
         event_id, chat, remote_id, sender) VALUES (?1, ?2, 1, 0, 0, ?3, ?3, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut ids = Ids::new(SEED);
    for nth in 0..amount.messages {
        let chat = format!("old-{}", nth / 2 % ROOMS);
        let (prefix, sender) = match nth % 2 {
            0 => ("d", format!("@alice:{SERVER_NAME}")),
            _ => ("a", format!("echo-{chat}")),
        };
        let remote_id = format!("{prefix}-{}", ids.key());
        let sent_ms = SENT_MS + i64::from(nth);
        insert.execute(params![
            nth + 1,
            nth % 2,
            sent_ms,
            room_id(&chat),
            ids.event_id(),
            chat,
            remote_id,
            sender
        ])?;
    }
    Ok(())
}

fn insert_portals(transaction: &Transaction<'_>, amount: Amount) -> anyhow::Result<()> {
    let mut portal = transaction.prepare(
        "INSERT INTO portal (chat, room_id, login, kind, name, state) VALUES (?1, ?2, 'echo', 'group', ?1, 0)",
    )?;
    let mut ghost =
        transaction.prepare("INSERT INTO ghost (user_id, name, registered) VALUES (?1, ?1, 1)")?;
    for nth in 0..amount.portals {
        let chat = format!("load-{nth}");
        portal.execute([&chat, &room_id(&chat)])?;
        for person in 0..amount.ghosts_per_portal {
            ghost.execute([format!("echo-{chat}-{person}")])?;
        }
    }
    Ok(())
}

/// Fills a PostgreSQL database; the server makes the rows itself, from hashes.
pub(super) async fn postgres(url: &str, amount: Amount) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let indexes = sqlx::query(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'message' AND indexname <> 'message_pkey'",
    );
    let indexes = indexes.fetch_all(&mut connection).await?;
    let mut statements: Vec<String> = EMPTIED.map(|table| format!("DELETE FROM {table}")).into();
    for index in &indexes {
        statements.push(format!("DROP INDEX {}", index.try_get::<String, _>(0)?));
    }
    let Amount { messages, portals, ghosts_per_portal } = amount;
    statements.push(format!(
        "INSERT INTO message (id, origin, state, event_part, remote_part, sent_ms, accepted_ms, done_ms, room_id, event_id, \
         chat, remote_id, sender) SELECT n + 1, n % 2, 1, 0, 0, {SENT_MS} + n, {SENT_MS} + n, {SENT_MS} + n, \
         rpad('!' || chat, 44, '_'), '$' || hash, chat, CASE n % 2 WHEN 0 THEN 'd-' ELSE 'a-' END || right(hash, 22), \
         CASE n % 2 WHEN 0 THEN '@alice:{SERVER_NAME}' ELSE 'echo-' || chat END FROM (SELECT n, 'old-' || (n / 2 % {ROOMS}) \
         AS chat, rtrim(translate(encode(sha256(n::text::bytea), 'base64'), '+/', '-_'), '=') AS hash \
         FROM generate_series(0, {messages} - 1) AS n) AS made"
    ));
    statements.push(format!(
        "INSERT INTO portal (chat, room_id, login, kind, name, state) SELECT 'load-' || n, \
         rpad('!load-' || n, 44, '_'), 'echo', 'group', 'load-' || n, 0 FROM generate_series(0, {portals} - 1) AS n"
    ));
    statements.push(format!(
        "INSERT INTO ghost (user_id, name, registered) SELECT id, id, 1 FROM (SELECT 'echo-load-' || n || '-' || p AS id FROM \
         generate_series(0, {portals} - 1) AS n, generate_series(0, {ghosts_per_portal} - 1) AS p) AS made"
    ));
    for index in &indexes {
        statements.push(index.try_get(1)?);
    }
    statements.push("VACUUM ANALYZE".to_owned());
    statements.push("CHECKPOINT".to_owned());
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.clone()))
            .execute(&mut connection)
            .await
            .with_context(|| format!("the database was not filled: {statement}"))?;
    }
    connection.close().await?;
    Ok(())
}
