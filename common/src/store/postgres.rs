//! PostgreSQL: one connection that writes, a small pool that reads.
//!
//! The write connection holds an advisory lock for as long as it lives, which the server frees however we end. It is made again
//! when the server went away; by then another process may have taken over, which the token in the lease table shows.

use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, PgConnection, Row as _, TypeInfo,
    postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow},
    query::Query,
};

use self::writer::Writer;
pub(super) use self::{
    archive::{export, import},
    examine::{examine, sealed_logins},
};
use super::{
    Durability, StoreError, Writing,
    reader::Reader,
    value::{Row, Value},
};

mod archive;
mod examine;
mod group;
mod lease;
mod text;
mod writer;

#[cfg(test)]
pub(super) mod tests;

/// Connections that read.
const READERS_MAX: u32 = 4;
/// How long a read waits for one of them.
const READER_WAIT: Duration = Duration::from_secs(10);
/// How long an idle one is kept.
const READER_IDLE: Duration = Duration::from_secs(300);

/// Opens the database and starts the writer.
pub(super) async fn open(url: &str, durability: Durability, writing: Writing) -> Result<Reader, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Address("postgres:…".to_owned()))?
        .application_name("magpie")
        .disable_statement_logging()
        .options([("jit", "off")]);
    let writer = Writer::open(options.clone(), durability, writing).await?;
    tokio::spawn(writer.run());
    let pool = PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(READER_WAIT)
        .idle_timeout(READER_IDLE)
        // A question of its own before each question; instead a read is repeated once.
        .test_before_acquire(false)
        .connect_lazy_with(options);
    Ok(Reader::Postgres(pool))
}

/// All rows of a query. A connection of the pool may have died while it was idle, so a second one is tried.
pub(super) async fn fetch(
    pool: &PgPool,
    sql: &'static str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let mut found = bind(sql, params).fetch_all(pool).await.map_err(StoreError::from);
    for _ in 0..READERS_MAX {
        if !matches!(found, Err(StoreError::Unreachable(_))) {
            break;
        }
        found = bind(sql, params).fetch_all(pool).await.map_err(StoreError::from);
    }
    found?.iter().map(row).collect()
}

async fn fetch_on(
    connection: &mut PgConnection,
    sql: &'static str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    bind(sql, params).fetch_all(connection).await?.iter().map(row).collect()
}

async fn execute_on(
    connection: &mut PgConnection,
    sql: &'static str,
    params: &[Value],
) -> Result<u64, StoreError> {
    Ok(bind(sql, params).execute(connection).await?.rows_affected())
}

/// Statements without parameters, such as `BEGIN` or a migration's.
async fn run(connection: &mut PgConnection, sql: impl Into<String>) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await?;
    Ok(())
}

fn bind<'q>(sql: &'static str, params: &'q [Value]) -> Query<'q, sqlx::Postgres, PgArguments> {
    params.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null => query.bind(None::<&str>),
        Value::Int(value) => query.bind(*value),
        Value::Text(value) => query.bind(text::clean(value)),
    })
}

fn row(row: &PgRow) -> Result<Row, StoreError> {
    values(row).map(Row::new)
}

fn values(row: &PgRow) -> Result<Vec<Value>, StoreError> {
    let value = |column: &<sqlx::Postgres as sqlx::Database>::Column| {
        let index = column.ordinal();
        Ok(match column.type_info().name() {
            "INT2" => {
                row.try_get::<Option<i16>, _>(index)?.map_or(Value::Null, |value| Value::Int(value.into()))
            }
            "INT4" => {
                row.try_get::<Option<i32>, _>(index)?.map_or(Value::Null, |value| Value::Int(value.into()))
            }
            "INT8" => row.try_get::<Option<i64>, _>(index)?.map_or(Value::Null, Value::Int),
            "BOOL" => {
                row.try_get::<Option<bool>, _>(index)?.map_or(Value::Null, |value| Value::Int(value.into()))
            }
            _ => row.try_get::<Option<String>, _>(index)?.map_or(Value::Null, Value::Text),
        })
    };
    Ok(row.columns().iter().map(value).collect::<Result<_, sqlx::Error>>()?)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(refusal) = &error else {
            return match error {
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
                sqlx::Error::Configuration(_) => Self::Address("postgres:…".to_owned()),
                _ => Self::Unreachable(error.to_string()),
            };
        };
        let message = refusal.message().to_owned();
        // Appendix A of PostgreSQL's manual, "PostgreSQL Error Codes".
        match refusal.code().as_deref().unwrap_or_default() {
            "53100" => Self::Full,
            "25006" | "42501" => Self::ReadOnly,
            "40001" | "40P01" | "55P03" => Self::Busy,
            "XX001" | "XX002" => Self::Corrupt(message),
            code if ["08", "28", "3D", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                Self::Unreachable(message)
            }
            _ => Self::Refused(message),
        }
    }
}
