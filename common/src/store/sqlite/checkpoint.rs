//! The thread that moves the log into the database, so that the writer seldom has to.
//!
//! A passive checkpoint every 0.1 s takes nothing from the writer. Neither this helper nor the writer's own automatic
//! checkpoint is enough: the helper alone lets the log grow without end under load, the writer alone stops everybody for
//! milliseconds. It sleeps while nothing is written.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::{super::StoreError, connect, spawn};

const PAUSE: Duration = Duration::from_millis(100);
/// A checkpoint does not use the page cache.
const CHECKPOINT_CACHE_KIB: u32 = 16;

/// Wakes and ends the helper.
pub(super) struct Checkpointer {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    dirty: bool,
    stopped: bool,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path, CHECKPOINT_CACHE_KIB)?;
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
        let signal = Arc::new(Signal::default());
        let waking = signal.clone();
        let thread = spawn("store-tidy", move || tidy(&connection, &waking))?;
        Ok(Self { signal, thread: Some(thread) })
    }

    /// Something was committed.
    pub(super) fn wrote(&self) {
        let mut state = self.signal.lock();
        if !state.dirty {
            state.dirty = true;
            self.signal.changed.notify_one();
        }
    }

    /// Ends the helper and waits for it.
    pub(super) fn stop(&mut self) {
        self.signal.lock().stopped = true;
        self.signal.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A helper that panicked has said so, and nothing depends on it.
            let _ = thread.join();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a write and then for the pause; false once stopped.
    fn wait(&self) -> bool {
        let idle = self.changed.wait_while(self.lock(), |state| !state.dirty && !state.stopped);
        let state = idle.unwrap_or_else(PoisonError::into_inner);
        let paused = self.changed.wait_timeout_while(state, PAUSE, |state| !state.stopped);
        let (mut state, _) = paused.unwrap_or_else(PoisonError::into_inner);
        state.dirty = false;
        !state.stopped
    }
}

fn tidy(connection: &Connection, signal: &Signal) {
    while signal.wait() {
        let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = moved {
            tracing::warn!(%error, "The log could not be moved into the database.");
        }
    }
}
