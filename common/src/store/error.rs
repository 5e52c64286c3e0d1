//! What can go wrong with durable state, in words that tell the operator what to do.

use thiserror::Error;

/// A failure of the database or of the way we use it. Cheap to clone, because one failed commit answers many callers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The address names no database we can use.
    #[error(
        "`{0}` is not a database address: write `sqlite:<path>` or `postgres://<user>@<host>/<database>`"
    )]
    Address(String),
    /// The database was written by a newer version of the bridge.
    #[error(
        "the database has schema {found} and this version knows only {known}: run the newer version again, or restore the backup made before the upgrade"
    )]
    Newer {
        /// The version in the database.
        found: i64,
        /// The newest version that this binary knows.
        known: i64,
    },
    /// Another process runs on this database.
    #[error(
        "another process already runs on this database: stop it first, two bridges on one database would send everything twice"
    )]
    Held,
    /// The database stayed locked for longer than we wait.
    #[error("the database is locked by another program: end the backup or shell that holds it")]
    Busy,
    /// The database cannot be written.
    #[error(
        "the database cannot be written: give the bridge's user write access (SQLite: to the file and its folder; PostgreSQL: CREATE on the schema)"
    )]
    ReadOnly,
    /// No room is left on the disk.
    #[error("the disk that holds the database is full: free some space, the bridge then goes on by itself")]
    Full,
    /// The database cannot be reached.
    #[error(
        "the database cannot be reached: {0}; check `database.url`: an SQLite file needs a folder that is there, a PostgreSQL server must run and let us in"
    )]
    Unreachable(String),
    /// The database holds something that we did not write.
    #[error("the database is damaged: {0}; stop the bridge and restore the newest backup")]
    Corrupt(String),
    /// The database refused one change, such as a second portal for the same room. Nothing of the change was stored.
    #[error("the database refused the change: {0}")]
    Refused(String),
    /// The store was closed, or its writer ended.
    #[error("the store is closed: the bridge is stopping")]
    Closed,
}

impl StoreError {
    /// Whether the state of the machine is at fault and not the operation: the same operation may well succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::ReadOnly | Self::Full | Self::Unreachable(_))
    }
}
