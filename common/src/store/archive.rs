//! A bridge's whole state as one file, taken from either database and put into either.
//!
//! The file is text: a head, then each table as a line with its columns and a line for every row, then an end with the number of rows
//! and a SHA-256 of all before it. Rows stand in the order of their keys, so that equal states make equal files. Both ways are
//! streams. A file is put in as one transaction, and only into a database that nothing has been in: no half of a state is ever
//! left. Secrets stay sealed, and the head has a mark of the key that opens them. Next: `read` and `write`, the file;
//! `sqlite::archive` and `postgres::archive`, the databases.

use std::{cmp::Ordering, fs::File, io, os::fd::AsFd, path::Path};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::{read::ArchiveReader, write::ArchiveWriter};
use super::{Examined, StoreError, StoreSettings, examine, postgres, schema, seal::Seal, sqlite};

pub(super) mod read;
pub(super) mod write;

#[cfg(test)]
pub(super) mod tests;

/// The form of the file.
const FORM: u32 = 1;

/// Instead of a file: the standard output, or input.
pub const STANDARD: &str = "-";

/// What is in a file, table by table, and the columns that order it. `{c}` is what makes PostgreSQL compare text as SQLite does.
pub(super) const TABLES: [Table; 13] = [
    Table { name: "portal", order: "chat{c}" },
    Table { name: "ghost", order: "user_id{c}" },
    Table { name: "ghost_alias", order: "alias{c}" },
    Table { name: "message", order: "id" },
    Table { name: "journal", order: "id" },
    Table { name: "reaction", order: "chat{c}, remote_id{c}, origin, sender{c}, emoji{c}" },
    Table { name: "media", order: "key{c}" },
    Table { name: "session_kv", order: "login{c}, key{c}" },
    Table { name: "session_row", order: "login{c}, shelf{c}, key{c}" },
    Table { name: "login", order: "id{c}" },
    Table { name: "portal_login", order: "chat{c}, login{c}" },
    Table { name: "person", order: "user_id{c}" },
    Table { name: "chat_moved", order: "old{c}" },
];

/// A table that is carried over. The lease is not: it belongs to a process.
pub(super) struct Table {
    pub(super) name: &'static str,
    order: &'static str,
}

impl Table {
    /// Reads all of it, with the columns that the database says it has.
    pub(super) fn select(&self, columns: &[String], collation: &str) -> String {
        let order = self.order.replace("{c}", collation);
        format!("SELECT {} FROM {} ORDER BY {order}", columns.join(", "), self.name)
    }
}

/// Whose state it is. A file goes only to the bridge that it was made by, on the same homeserver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The bridge's own short name.
    pub bridge: String,
    /// Its bot on the homeserver.
    pub bot: String,
    /// What the names of its ghosts begin with.
    pub ghost_prefix: String,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} bridge with {} and ghosts @{}…", self.bridge, self.bot, self.ghost_prefix)
    }
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    magpie_export: u32,
    #[serde(flatten)]
    owner: Owner,
    pub(super) schema: i64,
    key_mark: String,
}

/// How many rows of each table were carried over.
pub type Carried = Vec<(&'static str, u64)>;

/// Why a state was not carried over. Nothing was changed then.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file.
    #[error("the file cannot be used: {0}")]
    File(#[from] io::Error),
    /// There is no state yet.
    #[error("there is nothing in the database yet")]
    Nothing,
    /// The database is of an older version.
    #[error(
        "the database is of an older version: start the bridge once, which brings it up to date, or use the program of that version"
    )]
    Older,
    /// The file is something else.
    #[error("this is no export of a bridge")]
    Foreign,
    /// A newer version wrote the file.
    #[error("a newer version of the bridge wrote this file: import it with that version")]
    Newer,
    /// The file is not as it was written.
    #[error("the file is damaged ({0}): take another copy of it")]
    Damaged(String),
    /// The file belongs to another bridge.
    #[error("this is the state of {theirs}, and the configuration is that of {ours}")]
    OtherOwner {
        /// Whose it is.
        theirs: Box<Owner>,
        /// Who we are.
        ours: Box<Owner>,
    },
    /// Nobody could use the logins in it.
    #[error(
        "its secrets are sealed with another key: put back the registration, and `database.encryption_key` if there was one, from when \
         it was made"
    )]
    OtherKey,
    /// Something is in the database.
    #[error(
        "the database is not empty: an import needs a new one. Name another in `database.url`, or take what is there away first"
    )]
    NotEmpty,
}

/// Writes the state to a new file with mode 0600, or to the [standard output](STANDARD). May be done while the bridge runs: the file shows one moment.
///
/// # Errors
/// When the database cannot be read or is of another version, or the file is there already or cannot be written.
pub async fn export(settings: &StoreSettings, owner: &Owner, file: &Path) -> Result<Carried, ArchiveError> {
    match examine(settings).await {
        Ok(Examined::Fresh) => return Err(ArchiveError::Nothing),
        Ok(Examined::Older) => return Err(ArchiveError::Older),
        // A running bridge may hold it.
        Ok(Examined::Current) | Err(StoreError::Held) => {}
        Err(error) => return Err(error.into()),
    }
    let head = Head {
        magpie_export: FORM,
        owner: owner.clone(),
        schema: schema::known(schema::MIGRATIONS),
        key_mark: Seal::new(&settings.key).mark(),
    };
    let draft = write::Draft::create(file)?;
    let writer = ArchiveWriter::begin(draft, &head)?;
    let writer = match examine::sqlite_path(settings) {
        Some(path) => blocking(move || sqlite::export(&path, writer)).await?,
        None => postgres::export(&settings.url, writer).await?,
    };
    let (draft, carried) = writer.end()?;
    draft.publish()?;
    Ok(carried)
}

/// Puts the state in a file, or on the [standard input](STANDARD), into a new database, all or nothing.
///
/// # Errors
/// When the file is not fit or not ours, or the database cannot be used or has something in it.
pub async fn import(settings: &StoreSettings, owner: &Owner, file: &Path) -> Result<Carried, ArchiveError> {
    let file = match file == Path::new(STANDARD) {
        true => File::from(io::stdin().as_fd().try_clone_to_owned()?),
        false => File::open(file)?,
    };
    let reader = ArchiveReader::begin(file)?;
    let head = reader.head();
    if head.magpie_export > FORM || head.schema > schema::known(schema::MIGRATIONS) {
        return Err(ArchiveError::Newer);
    }
    if head.owner != *owner {
        return Err(ArchiveError::OtherOwner {
            theirs: Box::new(head.owner.clone()),
            ours: Box::new(owner.clone()),
        });
    }
    if head.key_mark != Seal::new(&settings.key).mark() {
        return Err(ArchiveError::OtherKey);
    }
    match examine::sqlite_path(settings) {
        Some(path) => blocking(move || sqlite::import(&path, reader)).await,
        None => postgres::import(&settings.url, reader).await,
    }
}

/// Only a database of this version is written to a file: its tables are known.
pub(super) fn check_version(found: i64) -> Result<(), ArchiveError> {
    let known = schema::known(schema::MIGRATIONS);
    match found.cmp(&known) {
        Ordering::Less => Err(ArchiveError::Older),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::Newer { found, known }.into()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ArchiveError::Store(StoreError::Closed)))
}
