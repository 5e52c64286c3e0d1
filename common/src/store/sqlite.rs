//! SQLite: one thread that writes, one that reads, one that moves the log into the database.
//!
//! The writer's thread owns the write connection and a lock on `<database>.lock`, which the system frees however the process
//! ends. Statements are prepared once and stay with their connection.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

pub(super) use self::{
    archive::{export, import},
    examine::{examine, sealed_logins},
    read::ReadThread,
};
use self::{checkpoint::Checkpointer, group::Group};
use super::{
    Durability, StoreError, Writing,
    journal::NEWEST_ID,
    metrics,
    operation::{Applied, Operation, refuse, settle, turn_away},
    reader::Reader,
    schema,
};

mod archive;
mod checkpoint;
mod examine;
mod group;
mod migrate;
mod read;

#[cfg(test)]
mod tests;

/// How long a statement waits for a lock that another program holds, such as a backup.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Pages in the log at which the writer itself moves them; the helper keeps it below in ordinary times.
const WAL_PAGES_MAX: u32 = 8_192;
/// What the log's file is cut to when it was longer: above what it grows to in ordinary times, since cutting and growing it again costs time.
const WAL_BYTES_KEPT: u32 = 64 << 20;
/// Page cache of the writer. The system's own cache stands behind it.
const WRITE_CACHE_KIB: u32 = 1_024;
/// Statements that stay prepared.
const STATEMENTS_MAX: usize = 48;

/// Opens the database and starts its threads.
pub(super) async fn open(path: &str, durability: Durability, writing: Writing) -> Result<Reader, StoreError> {
    if path.is_empty() || path == ":memory:" {
        return Err(StoreError::Address(format!("sqlite:{path}")));
    }
    let path = PathBuf::from(path);
    let (ready, opened) = oneshot::channel();
    let writer_path = path.clone();
    let run = move || match Writer::open(&writer_path, durability, writing) {
        Ok(writer) => {
            let _ = ready.send(Ok(()));
            writer.run();
        }
        Err(error) => drop(ready.send(Err(named(&writer_path, error)))),
    };
    spawn("store-write", run)?;
    opened.await.unwrap_or(Err(StoreError::Closed))?;
    Ok(Reader::Sqlite(ReadThread::start(path).await?))
}

struct Writer {
    connection: Connection,
    checkpointer: Checkpointer,
    next_id: i64,
    // Freed after the connection is closed, and before the writer is said to have ended.
    _lock: File,
    writing: Writing,
}

impl Writer {
    fn open(path: &Path, durability: Durability, writing: Writing) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let mut connection = connect(path, WRITE_CACHE_KIB)?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}; PRAGMA journal_size_limit = {WAL_BYTES_KEPT};"
        ))?;
        migrate::run(&mut connection, schema::MIGRATIONS)?;
        connection.execute(TAKE_LEASE, [writing.clock.now_ms()])?;
        let newest: i64 = connection.query_row(NEWEST_ID, [], |row| row.get(0))?;
        let checkpointer = Checkpointer::start(path)?;
        Ok(Self { connection, checkpointer, next_id: newest + 1, _lock: lock, writing })
    }

    fn run(mut self) {
        let mut group = Vec::new();
        while self.writing.queue.next_group(&mut group) {
            self.commit(&mut group);
            self.checkpointer.wrote();
        }
        self.checkpointer.stop();
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "The log could not be moved into the database; the next start does it.");
        }
    }

    /// Commits a group. If one operation spoils it, each is tried by itself, so that no other is lost.
    fn commit(&mut self, group: &mut Vec<Operation>) {
        turn_away(group);
        if group.is_empty() {
            return;
        }
        let now_ms = self.writing.clock.now_ms();
        let begun = Instant::now();
        let error = match self.transaction(group, now_ms) {
            Ok(applied) => {
                metrics::committed(group.len(), begun.elapsed());
                self.writing.queue.recovered();
                return settle(group, applied, now_ms, self.writing.feed.as_ref());
            }
            Err(error) => error,
        };
        metrics::failed();
        if error.is_passing() || group.len() == 1 {
            tracing::error!(%error, operations = group.len(), "Nothing could be stored.");
            return refuse(group, &error, &self.writing.queue);
        }
        for operation in std::mem::take(group) {
            self.commit(&mut vec![operation]);
        }
    }

    fn transaction(&mut self, operations: &[Operation], now_ms: i64) -> Result<Vec<Applied>, StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut group = Group { connection: &self.connection, now_ms, next_id: self.next_id };
        let applied =
            operations.iter().map(|operation| group.apply(operation)).collect::<Result<Vec<_>, _>>();
        let next_id = group.next_id;
        let committed = applied.and_then(|applied| {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(applied)
        });
        if committed.is_ok() {
            self.next_id = next_id;
        } else if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        committed
    }
}

const TAKE_LEASE: &str = "INSERT INTO lease (name, token, since_ms) VALUES ('writer', 1, $1) \
     ON CONFLICT (name) DO UPDATE SET token = lease.token + 1, since_ms = excluded.since_ms";

/// A lock that ends with the process, whatever ends it.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).append(true).open(beside(path, ".lock")).map_err(from_io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held),
        Err(TryLockError::Error(error)) => Err(from_io(error)),
    }
}

/// A file that belongs to the database.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The system's words alone do not say which file they are about.
fn named(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unreachable(reason) => StoreError::Unreachable(format!("{}: {reason}", path.display())),
        StoreError::Corrupt(reason) => StoreError::Corrupt(format!("{}: {reason}", path.display())),
        other => other,
    }
}

fn connect(path: &Path, cache_kib: u32) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.execute_batch(&format!("PRAGMA cache_size = -{cache_kib}; PRAGMA temp_store = MEMORY;"))?;
    Ok(connection)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, StoreError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(from_io)
}

fn from_io(error: std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unreachable(error.to_string()),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return Self::Refused(error.to_string());
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly,
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt(error.to_string()),
            ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed => Self::Unreachable(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}
