//! A look at a SQLite file without changing it.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::Path,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    super::{
        StoreError,
        examine::{Examined, SEALED_LOGINS, compare},
        schema::VERSION,
    },
    BUSY_WAIT, beside, from_io, named,
};

const HAS_VERSION: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'";

/// Looks whether the bridge could use this file.
pub(in super::super) fn examine(path: &Path) -> Result<Examined, StoreError> {
    look(path).map_err(|error| named(path, error))
}

fn look(path: &Path) -> Result<Examined, StoreError> {
    can_write_beside(path)?;
    if !path.exists() {
        return Ok(Examined::Fresh);
    }
    // Kept until the end, so that no bridge starts meanwhile.
    let _lock = lock_if_there(path)?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let has_version: i64 = connection.query_row(HAS_VERSION, [], |row| row.get(0))?;
    let found: i64 = match has_version {
        0 => 0,
        _ => connection.query_row(VERSION, [], |row| row.get(0))?,
    };
    connection.execute_batch("ROLLBACK")?;
    compare(found)
}

/// The saved accounts, each with its sealed secret.
pub(in super::super) fn sealed_logins(path: &Path) -> Result<Vec<(String, String)>, StoreError> {
    read_logins(path).map_err(|error| named(path, error))
}

fn read_logins(path: &Path) -> Result<Vec<(String, String)>, StoreError> {
    // Not read-only: the log of a database in WAL mode is shared through a file beside it.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    let mut statement = connection.prepare(SEALED_LOGINS)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found = rows.collect::<Result<Vec<_>, rusqlite::Error>>()?;
    Ok(found)
}

/// SQLite makes its log beside the file.
fn can_write_beside(path: &Path) -> Result<(), StoreError> {
    let probe = beside(path, ".probe");
    match File::options().create_new(true).write(true).open(&probe) {
        Ok(_) => fs::remove_file(&probe).map_err(from_io),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(from_io(error)),
    }
}

fn lock_if_there(path: &Path) -> Result<Option<File>, StoreError> {
    let file = match File::options().append(true).open(beside(path, ".lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(from_io(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held),
        Err(TryLockError::Error(error)) => Err(from_io(error)),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::sqlite::{migrate, schema};

    #[test]
    fn a_look_changes_nothing_and_finds_what_a_start_would() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.db");
        assert_eq!(examine(&path), Ok(Examined::Fresh));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
        let mut connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        assert_eq!(examine(&path), Ok(Examined::Older));
        migrate::run(&mut connection, schema::MIGRATIONS).unwrap();
        assert_eq!(examine(&path), Ok(Examined::Current));
        let known = schema::known(schema::MIGRATIONS);
        connection.execute(schema::RECORD, [known + 1]).unwrap();
        assert_eq!(examine(&path), Err(StoreError::Newer { found: known + 1, known }));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_path() {
        let folder = TempDir::new().unwrap();
        let missing = folder.path().join("no folder").join("a.db");
        for path in [missing.as_path(), folder.path()] {
            let error = examine(path).unwrap_err();
            assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        let noise = folder.path().join("noise.db");
        fs::write(&noise, "not a database, ".repeat(100)).unwrap();
        assert!(matches!(examine(&noise), Err(StoreError::Corrupt(_))));
    }
}
