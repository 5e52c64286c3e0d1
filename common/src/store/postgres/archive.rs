//! A PostgreSQL schema written to a file, and made from one.

use std::str::FromStr;

use futures_util::TryStreamExt;
use serde_json::{Map, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    super::{
        StoreError,
        archive::{
            ArchiveError, Carried, TABLES, check_version,
            read::{ArchiveReader, Batch},
            write::{ArchiveWriter, Draft},
        },
        schema::{self, META, RECORD, VERSION},
        value::Value,
    },
    execute_on, fetch_on, lease, run, text, values,
};

const COLUMNS: &str = "SELECT column_name::text FROM information_schema.columns \
     WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
const HAS_VERSION: &str = "SELECT to_regclass('schema_version') IS NOT NULL";
/// Compares text by its bytes, as SQLite does.
const BY_BYTES: &str = " COLLATE \"C\"";

/// Writes all tables as they are at one moment.
pub(in super::super) async fn export(
    url: &str,
    mut writer: ArchiveWriter<Draft>,
) -> Result<ArchiveWriter<Draft>, ArchiveError> {
    let mut connection = lease::connect(&options(url)?).await?;
    run(&mut connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let found = fetch_on(&mut connection, VERSION, &[]).await?.pop().map_or(Ok(0), |mut row| row.int())?;
    check_version(found)?;
    for table in &TABLES {
        let columns = columns(&mut connection, table.name).await?;
        writer.table(table, &columns)?;
        let sql = table.select(&columns, BY_BYTES);
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut connection);
        while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
            writer.row(&values(&row)?)?;
        }
    }
    // The server ends the transaction by itself when this fails.
    let _ = connection.close().await;
    Ok(writer)
}

/// Makes the tables and fills them, all or nothing.
pub(in super::super) async fn import(url: &str, mut reader: ArchiveReader) -> Result<Carried, ArchiveError> {
    let mut connection = lease::connect(&options(url)?).await?;
    if !lease::lock(&mut connection).await? {
        return Err(StoreError::Held.into());
    }
    run(&mut connection, "BEGIN").await?;
    make_tables(&mut connection, reader.head().schema).await?;
    while let Some(batch) = reader.batch()? {
        insert(&mut connection, &batch).await?;
    }
    run(&mut connection, "COMMIT").await?;
    // It frees the lock; the server notices by itself when this fails.
    let _ = connection.close().await;
    Ok(reader.carried())
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options =
        PgConnectOptions::from_str(url).map_err(|_| StoreError::Address("postgres:…".to_owned()))?;
    Ok(options.application_name("magpie"))
}

async fn make_tables(connection: &mut PgConnection, version: i64) -> Result<(), ArchiveError> {
    let found = fetch_on(connection, HAS_VERSION, &[]).await?.pop().map_or(Ok(0), |mut row| row.int())?;
    if found != 0 {
        return Err(ArchiveError::NotEmpty);
    }
    run(connection, META).await?;
    for migration in schema::MIGRATIONS.iter().filter(|migration| migration.version <= version) {
        for statement in schema::statements(migration.sql, &schema::POSTGRES) {
            run(connection, statement).await?;
        }
        execute_on(connection, RECORD, &[migration.version.into()]).await?;
    }
    Ok(())
}

async fn insert(connection: &mut PgConnection, batch: &Batch) -> Result<(), ArchiveError> {
    // Nothing of the file becomes SQL unless the table has it.
    if columns(connection, batch.table).await? != *batch.columns {
        return Err(ArchiveError::Damaged(format!("the table {} has other columns", batch.table)));
    }
    let (table, columns) = (batch.table, batch.columns.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, $1::json)"
    );
    let rows: Vec<_> = batch.rows.iter().map(|row| object(&batch.columns, row)).collect();
    let rows = json!(rows).to_string();
    sqlx::query(AssertSqlSafe(sql)).bind(rows).execute(connection).await.map_err(StoreError::from)?;
    Ok(())
}

fn object(columns: &[String], row: &[Value]) -> Map<String, serde_json::Value> {
    let cell = |value: &Value| match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(value) => (*value).into(),
        Value::Text(value) => text::clean(value).into(),
    };
    columns.iter().cloned().zip(row.iter().map(cell)).collect()
}

async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<String>, StoreError> {
    let rows = fetch_on(connection, COLUMNS, &[table.into()]).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}
