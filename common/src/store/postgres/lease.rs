//! Who writes: connecting, the advisory lock, the token, the schema.

use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};

use super::{
    super::{
        Durability, StoreError,
        schema::{self, META, Migration, RECORD, VERSION},
    },
    execute_on, fetch_on, run,
};

const CONNECT_MAX: Duration = Duration::from_secs(5);
const LOCK: &str =
    "SELECT pg_try_advisory_lock(hashtextextended('magpie ' || COALESCE(current_schema(), ''), 0))";
const WHO_AM_I: &str =
    "SELECT pg_backend_pid(), backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
const END_OLD: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2";
const TAKE: &str = "INSERT INTO lease (name, token, since_ms) VALUES ('writer', 1, $1) ON CONFLICT (name) \
     DO UPDATE SET token = lease.token + 1, since_ms = excluded.since_ms RETURNING token";
const TOKEN: &str = "SELECT token FROM lease WHERE name = 'writer'";

/// One server-side session, told from a later one with the same process number.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pid: i64,
    started: String,
}

/// The write connection's settings. Every statement of the writer goes by an index, so a plan made while the tables were small
/// must not turn into a scan when they have grown.
pub(super) fn write_options(options: PgConnectOptions, durability: Durability) -> PgConnectOptions {
    let synchronous = match durability {
        Durability::Full => "on",
        Durability::Normal => "off",
    };
    options.options([
        ("synchronous_commit", synchronous),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_mergejoin", "off"),
    ])
}

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match tokio::time::timeout(CONNECT_MAX, options.connect()).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(StoreError::Unreachable("no answer".to_owned())),
    }
}

pub(super) async fn session(connection: &mut PgConnection) -> Result<Session, StoreError> {
    let mut found = fetch_on(connection, WHO_AM_I, &[]).await?;
    let mut row =
        found.pop().ok_or_else(|| StoreError::Unreachable("the session is not known".to_owned()))?;
    Ok(Session { pid: row.int()?, started: row.text()? })
}

/// Whether the lock is ours now.
pub(super) async fn lock(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let mut found = fetch_on(connection, LOCK, &[]).await?;
    found.pop().map_or(Ok(0), |mut row| row.int()).map(|held| held == 1)
}

/// Ends our own former session, which the server may believe alive for hours after a network cut.
pub(super) async fn end_former(connection: &mut PgConnection, former: &Session) -> Result<(), StoreError> {
    fetch_on(connection, END_OLD, &[former.pid.into(), former.started.as_str().into()]).await.map(drop)
}

/// Counts the token up; called once for each start.
pub(super) async fn take(connection: &mut PgConnection, now_ms: i64) -> Result<i64, StoreError> {
    let mut found = fetch_on(connection, TAKE, &[now_ms.into()]).await?;
    found.pop().map_or(Ok(0), |mut row| row.int())
}

/// The token of whoever started last.
pub(super) async fn token(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let mut found = fetch_on(connection, TOKEN, &[]).await?;
    found.pop().map_or(Ok(0), |mut row| row.int())
}

/// Runs what is missing, each migration in a transaction of its own.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    run(connection, META).await?;
    let found = fetch_on(connection, VERSION, &[]).await?.pop().map_or(Ok(0), |mut row| row.int())?;
    let known = schema::known(migrations);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for migration in migrations.iter().filter(|migration| migration.version > found) {
        run(connection, "BEGIN").await?;
        let done = apply(connection, migration).await;
        run(connection, if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        done?;
    }
    Ok(())
}

async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<(), StoreError> {
    for statement in schema::statements(migration.sql, &schema::POSTGRES) {
        run(connection, statement).await?;
    }
    execute_on(connection, RECORD, &[migration.version.into()]).await.map(drop)
}
