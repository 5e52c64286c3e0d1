//! Rows of bytes that a session keeps for itself, in shelves: what a protocol must remember and only its own library understands.
//!
//! All of it is sealed like the secrets of logins, since most of it is keys.

use super::{Store, StoreError, operation::Step, value::Value};
use crate::ids::LoginId;

const GET: &str = "SELECT value FROM session_row WHERE login = $1 AND shelf = $2 AND key = $3";
const ALL: &str =
    "SELECT key, mark, value FROM session_row WHERE login = $1 AND shelf = $2 ORDER BY mark, key";
const PUT: &str = "INSERT INTO session_row (login, shelf, key, mark, value) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (login, shelf, key) DO UPDATE SET mark = excluded.mark, value = excluded.value";
const REMOVE: &str = "DELETE FROM session_row WHERE login = $1 AND shelf = $2 AND key = $3";
const REMOVE_BELOW: &str = "DELETE FROM session_row WHERE login = $1 AND shelf = $2 AND mark < $3";
const CLEAR: &str = "DELETE FROM session_row WHERE login = $1 AND shelf = $2";
const CLEAR_ALL: &str = "DELETE FROM session_row WHERE login = $1";

/// A row on a shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShelfRow {
    /// Its key, unique on the shelf.
    pub key: String,
    /// A number of the session's own: an age, an order.
    pub mark: i64,
    /// What is kept.
    pub value: Vec<u8>,
}

/// One change of what a session keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShelfChange {
    /// Puts a row in the place of the one with the same key.
    Put {
        /// On which shelf.
        shelf: String,
        /// The row.
        row: ShelfRow,
    },
    /// Takes a row away, if it is there.
    Remove {
        /// From which shelf.
        shelf: String,
        /// Which row.
        key: String,
    },
    /// Takes the rows away whose mark is smaller.
    RemoveBelow {
        /// From which shelf.
        shelf: String,
        /// The smallest mark that stays.
        mark: i64,
    },
    /// Empties a shelf.
    Clear {
        /// Which.
        shelf: String,
    },
    /// Empties all shelves of the login.
    ClearAll,
}

impl Store {
    /// One row of a login's shelf.
    ///
    /// # Errors
    /// When the database cannot be read, or the row was sealed with another key.
    pub async fn shelf_row(
        &self,
        login: &LoginId,
        shelf: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = clean(key);
        let params = vec![login.as_str().into(), shelf.into(), key.as_str().into()];
        let row = self.0.reader.fetch_one(GET, params).await?;
        row.map(|mut row| self.open_row(login, shelf, &key, &row.text()?)).transpose()
    }

    /// All rows of a login's shelf, the smallest mark first.
    ///
    /// # Errors
    /// When the database cannot be read, or a row was sealed with another key.
    pub async fn shelf(&self, login: &LoginId, shelf: &str) -> Result<Vec<ShelfRow>, StoreError> {
        let rows = self.0.reader.fetch(ALL, vec![login.as_str().into(), shelf.into()]).await?;
        rows.into_iter()
            .map(|mut row| {
                let (key, mark) = (row.text()?, row.int()?);
                let value = self.open_row(login, shelf, &key, &row.text()?)?;
                Ok(ShelfRow { key, mark, value })
            })
            .collect()
    }

    /// Makes changes to a login's shelves in their order, all or none. Returns after the commit.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn change_shelves(&self, login: &LoginId, changes: Vec<ShelfChange>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let steps = changes.into_iter().map(|change| self.shelf_step(login, change));
        self.write_all(steps.collect::<Result<_, _>>()?).await
    }

    fn shelf_step(&self, login: &LoginId, change: ShelfChange) -> Result<Step, StoreError> {
        let login_text: Value = login.as_str().into();
        Ok(match change {
            ShelfChange::Put { shelf, row } => {
                let key = clean(&row.key);
                let sealed =
                    self.0.seal.seal_bytes(&place(login, &shelf, &key), &row.value, &self.0.clock)?;
                let params = vec![
                    login_text,
                    shelf.as_str().into(),
                    key.as_str().into(),
                    row.mark.into(),
                    sealed.as_str().into(),
                ];
                Step { sql: PUT, params }
            }
            ShelfChange::Remove { shelf, key } => Step {
                sql: REMOVE,
                params: vec![login_text, shelf.as_str().into(), clean(&key).as_str().into()],
            },
            ShelfChange::RemoveBelow { shelf, mark } => {
                Step { sql: REMOVE_BELOW, params: vec![login_text, shelf.as_str().into(), mark.into()] }
            }
            ShelfChange::Clear { shelf } => {
                Step { sql: CLEAR, params: vec![login_text, shelf.as_str().into()] }
            }
            ShelfChange::ClearAll => Step { sql: CLEAR_ALL, params: vec![login_text] },
        })
    }

    fn open_row(&self, login: &LoginId, shelf: &str, key: &str, sealed: &str) -> Result<Vec<u8>, StoreError> {
        self.0.seal.open_bytes(&place(login, shelf, key), sealed).ok_or_else(|| {
            StoreError::Refused("what a login keeps was sealed with another key; sign it in again".to_owned())
        })
    }
}

/// PostgreSQL keeps no U+0000, and a key must be the same when it is read again.
fn clean(key: &str) -> String {
    key.replace('\0', "\u{fffd}")
}

fn place(login: &LoginId, shelf: &str, key: &str) -> String {
    format!("session_row\n{login}\n{shelf}\n{key}")
}
