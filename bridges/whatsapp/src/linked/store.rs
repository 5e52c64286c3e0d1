//! What the WhatsApp library must remember, kept in the bridge's own database.
//!
//! [`Kept`] is the library's `Backend`: rows in the login's [`Vault`], a shelf for each sort, all changes of one call in one transaction.
//! Whoever reads and then writes holds `order`, since the library calls from many tasks.
//!
//! What a session kept is of no use after it: [`Kept::retire`] sees to it that nothing which outlives the session changes the rows that the
//! next one reads.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use magpie_common::{
    clock::Clock,
    platform::{Keeping, Kept as Row, NotStored, Vault},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;
use wacore::store::error::StoreError;

type Result<T, E = StoreError> = std::result::Result<T, E>;

mod app_state;
mod device;
mod pending;
mod protocol;
mod secrets;
mod signal;
#[cfg(test)]
mod tests;

/// The library's memory of one login.
#[derive(Clone)]
pub(super) struct Kept(Arc<Inner>);

struct Inner {
    place: Place,
    clock: Clock,
    order: Mutex<()>,
    alarm: Option<Alarm>,
    learned: OnceLock<Learned>,
    /// Something failed. Nothing is written from then on: a key that had moved on without its message would make the message unreadable, while
    /// what stands is whole, and whoever begins anew from it loses nothing.
    broken: CancellationToken,
    /// The line is down for good.
    retired: CancellationToken,
}

/// Told once, when the database has failed.
pub(super) type Alarm = Box<dyn Fn(NotStored) + Send + Sync>;

/// Told each time when the library has learned whose a number is: the number, and the hidden id.
pub(super) type Learned = Box<dyn Fn(&str, &str) + Send + Sync>;

/// Where rows stand.
enum Place {
    /// In the login's vault.
    Vault(Vault),
    /// In memory, while there is no login yet.
    Memory(Mutex<BTreeMap<String, Vec<Row>>>),
}

impl Kept {
    /// The memory that stands in a vault. After a failure it is of no use any more, and says so by the alarm: nothing is written, and a
    /// read that fails has no answer before it is retired.
    pub(super) fn new(vault: Vault, clock: Clock, alarm: Alarm) -> Self {
        Self::at(Place::Vault(vault), clock, Some(alarm))
    }

    /// A memory of a device that is being linked.
    pub(super) fn in_memory(clock: Clock) -> Self {
        Self::at(Place::Memory(Mutex::default()), clock, None)
    }

    fn at(place: Place, clock: Clock, alarm: Option<Alarm>) -> Self {
        let (order, broken, retired) = (Mutex::default(), CancellationToken::new(), CancellationToken::new());
        Self(Arc::new(Inner { place, clock, order, alarm, learned: OnceLock::new(), broken, retired }))
    }

    /// From now on `learned` is told of numbers. It must not wait; only the first one is.
    pub(super) fn on_learned(&self, learned: Learned) {
        let _ = self.0.learned.set(learned);
    }

    /// The session is over. Nothing is written from now on, whoever of it is still about.
    pub(super) fn retire(&self) {
        self.0.broken.cancel();
        self.0.retired.cancel();
    }

    /// Whether the session is over.
    pub(super) fn is_retired(&self) -> bool {
        self.0.retired.is_cancelled()
    }

    /// All rows that are held in memory, each with its shelf.
    pub(super) async fn in_hand(&self) -> Vec<(String, Row)> {
        let Place::Memory(shelves) = &self.0.place else { return Vec::new() };
        let shelves = shelves.lock().await;
        let rows = |(shelf, rows): (&String, &Vec<Row>)| {
            rows.iter().map(|row| (shelf.clone(), row.clone())).collect::<Vec<_>>()
        };
        shelves.iter().flat_map(rows).collect()
    }

    async fn bytes(&self, shelf: &str, key: &str) -> Result<Option<Vec<u8>>> {
        match &self.0.place {
            Place::Vault(vault) => match vault.get(shelf, key).await {
                Ok(bytes) => Ok(bytes),
                Err(error) => Err(self.unread(error).await),
            },
            Place::Memory(shelves) => {
                let shelves = shelves.lock().await;
                let row = shelves.get(shelf).and_then(|rows| rows.iter().find(|row| row.key == key));
                Ok(row.map(|row| row.value.clone()))
            }
        }
    }

    async fn json<T: DeserializeOwned>(&self, shelf: &str, key: &str) -> Result<Option<T>> {
        let bytes = self.bytes(shelf, key).await?;
        bytes.map(|bytes| read_json(&bytes)).transpose()
    }

    async fn rows(&self, shelf: &str) -> Result<Vec<Row>> {
        match &self.0.place {
            Place::Vault(vault) => match vault.all(shelf).await {
                Ok(rows) => Ok(rows),
                Err(error) => Err(self.unread(error).await),
            },
            Place::Memory(shelves) => {
                let mut rows = shelves.lock().await.get(shelf).cloned().unwrap_or_default();
                rows.sort_by(|one, other| (one.mark, &one.key).cmp(&(other.mark, &other.key)));
                Ok(rows)
            }
        }
    }

    async fn change(&self, changes: Vec<Keeping>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        match &self.0.place {
            Place::Vault(vault) => self.write(vault, changes).await.map_err(not_stored),
            Place::Memory(shelves) => {
                let mut shelves = shelves.lock().await;
                for change in changes {
                    match change.shelf().map(str::to_owned) {
                        Some(shelf) => change.apply(shelves.entry(shelf).or_default()),
                        None => shelves.clear(),
                    }
                }
                Ok(())
            }
        }
    }

    async fn write(&self, vault: &Vault, changes: Vec<Keeping>) -> Result<(), NotStored> {
        if self.0.broken.is_cancelled() {
            return Err(too_late());
        }
        let written = vault.keep(changes).await;
        if let Err(error) = &written {
            self.broke(error);
        }
        written
    }

    fn broke(&self, error: &NotStored) {
        if !self.0.broken.is_cancelled() {
            self.0.broken.cancel();
            if let Some(alarm) = &self.0.alarm {
                alarm(error.clone());
            }
        }
    }

    /// A read that failed. Whatever it is told, the library would refuse the message that needs it, and WhatsApp would never send that again.
    /// So it is told nothing before the line is down.
    async fn unread(&self, error: NotStored) -> StoreError {
        self.broke(&error);
        if matches!(self.0.place, Place::Vault(_)) {
            self.0.retired.cancelled().await;
        }
        not_stored(error)
    }

    /// A row that no one can use, like one that cannot be read.
    async fn damaged(&self, what: &str) -> StoreError {
        self.unread(NotStored(format!("{what} is damaged"))).await
    }

    /// A turn to read and write. None is given any more after a failure: whoever has it may wait for the end.
    async fn order(&self) -> Result<MutexGuard<'_, ()>> {
        tokio::select! {
            biased;
            () = self.0.broken.cancelled() => Err(not_stored(too_late())),
            turn = self.0.order.lock() => Ok(turn),
        }
    }

    async fn put(&self, shelf: &str, key: &str, value: &[u8]) -> Result<()> {
        self.change(vec![put(shelf, key, 0, value.to_vec())]).await
    }

    async fn put_all(&self, shelf: &str, rows: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.change(rows.iter().map(|(key, value)| put(shelf, key, 0, value.to_vec())).collect()).await
    }

    async fn put_json<T: Serialize + Sync>(&self, shelf: &str, key: &str, value: &T) -> Result<()> {
        self.change(vec![put(shelf, key, 0, json(value)?)]).await
    }

    async fn remove(&self, shelf: &str, key: &str) -> Result<()> {
        self.change(vec![remove(shelf, key)]).await
    }

    fn now_secs(&self) -> i64 {
        self.0.clock.now_ms() / 1_000
    }
}

/// All shelves that hold the library's memory of a device.
pub(super) fn shelves() -> Vec<String> {
    let plain =
        [device::SHELVES, pending::SHELVES, protocol::SHELVES, secrets::SHELVES, signal::SHELVES].concat();
    plain.into_iter().map(str::to_owned).chain(app_state::shelves()).collect()
}

fn put(shelf: &str, key: &str, mark: i64, value: Vec<u8>) -> Keeping {
    Keeping::Put { shelf: shelf.to_owned(), row: Row { key: key.to_owned(), mark, value } }
}

fn remove(shelf: &str, key: &str) -> Keeping {
    Keeping::Remove { shelf: shelf.to_owned(), key: key.to_owned() }
}

fn remove_below(shelf: &str, mark: i64) -> Keeping {
    Keeping::RemoveBelow { shelf: shelf.to_owned(), mark }
}

fn clear(shelf: &str) -> Keeping {
    Keeping::Clear { shelf: shelf.to_owned() }
}

/// Several ids as one key. None of them holds a line break: they come from attributes of stanzas.
fn key(parts: &[&str]) -> String {
    parts.join("\n")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| StoreError::Serialization(Box::new(error)))
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Serialization(Box::new(error)))
}

fn not_stored(error: NotStored) -> StoreError {
    StoreError::Database(Box::new(error))
}

fn too_late() -> NotStored {
    NotStored("an earlier change could not be stored, or the session is over".to_owned())
}
