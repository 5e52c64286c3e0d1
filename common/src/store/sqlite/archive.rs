//! A SQLite database written to a file, and made from one.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{
    super::{
        StoreError,
        archive::{
            ArchiveError, Carried, TABLES, check_version,
            read::{ArchiveReader, Batch},
            write::{ArchiveWriter, Draft},
        },
        schema::{self, META, RECORD, VERSION},
    },
    BUSY_WAIT, WRITE_CACHE_KIB, connect, lock, named,
    read::{bind, value},
};

const COLUMNS: &str = "SELECT name FROM pragma_table_info(?1) ORDER BY cid";

/// Writes all tables as they are at one moment.
pub(in super::super) fn export(
    path: &Path,
    mut writer: ArchiveWriter<Draft>,
) -> Result<ArchiveWriter<Draft>, ArchiveError> {
    // Not read-only: the log of a database in WAL mode is shared through a file beside it.
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(StoreError::from)?;
    connection.busy_timeout(BUSY_WAIT).map_err(StoreError::from)?;
    connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(StoreError::from)?;
    let found: i64 = connection.query_row(VERSION, [], |row| row.get(0)).map_err(StoreError::from)?;
    check_version(found)?;
    for table in &TABLES {
        let columns = columns(&connection, table.name)?;
        writer.table(table, &columns)?;
        let mut statement = connection.prepare(&table.select(&columns, "")).map_err(StoreError::from)?;
        let mut rows = statement.raw_query();
        let mut values = Vec::with_capacity(columns.len());
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            values.clear();
            for index in 0..columns.len() {
                values.push(value(row.get_ref(index).map_err(StoreError::from)?));
            }
            writer.row(&values)?;
        }
    }
    Ok(writer)
}

/// Makes the tables and fills them, all or nothing.
pub(in super::super) fn import(path: &Path, mut reader: ArchiveReader) -> Result<Carried, ArchiveError> {
    let _lock = lock(path).map_err(|error| named(path, error))?;
    let mut connection = connect(path, WRITE_CACHE_KIB).map_err(|error| named(path, error))?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        .map_err(|error| named(path, error.into()))?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
    make_tables(&transaction, reader.head().schema)?;
    while let Some(batch) = reader.batch()? {
        insert(&transaction, &batch)?;
    }
    transaction.commit().map_err(StoreError::from)?;
    Ok(reader.carried())
}

fn make_tables(connection: &Connection, version: i64) -> Result<(), ArchiveError> {
    let tables: i64 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(StoreError::from)?;
    if tables > 0 {
        return Err(ArchiveError::NotEmpty);
    }
    connection.execute_batch(META).map_err(StoreError::from)?;
    for migration in schema::MIGRATIONS.iter().filter(|migration| migration.version <= version) {
        for statement in schema::statements(migration.sql, &schema::SQLITE) {
            connection.execute_batch(&statement).map_err(StoreError::from)?;
        }
        connection.execute(RECORD, [migration.version]).map_err(StoreError::from)?;
    }
    Ok(())
}

fn insert(connection: &Connection, batch: &Batch) -> Result<(), ArchiveError> {
    // Nothing of the file becomes SQL unless the table has it.
    if columns(connection, batch.table)? != *batch.columns {
        return Err(ArchiveError::Damaged(format!("the table {} has other columns", batch.table)));
    }
    let places: Vec<String> = (1..=batch.columns.len()).map(|place| format!("${place}")).collect();
    let sql =
        format!("INSERT INTO {} ({}) VALUES ({})", batch.table, batch.columns.join(", "), places.join(", "));
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::from)?;
    for row in &batch.rows {
        bind(&mut statement, row)?;
        statement.raw_execute().map_err(StoreError::from)?;
    }
    Ok(())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(COLUMNS)?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}
