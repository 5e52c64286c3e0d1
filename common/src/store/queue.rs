//! The bounded queue in front of the writer.
//!
//! Callers put in closed operations and never SQL; the one writer takes all that waits as one group. There is no timer in front
//! of an operation that somebody waits for: while one commit runs, the next group gathers. What nobody waits for rides along
//! with the next group, at most [`RIDE_MAX`] late.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, Semaphore, TryAcquireError};

use super::{StoreError, operation::Operation};

/// Operations in one transaction.
pub(super) const GROUP_MAX: usize = 1_024;
/// Operations that may wait for the writer; beyond it callers wait for room.
const QUEUE_MAX: usize = 4_096;
/// How late an operation may be that nobody waits for.
const RIDE_MAX: Duration = Duration::from_millis(2);
/// How long after a failure operations that nobody waits for are tried again by themselves.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Room that an idle queue keeps.
const IDLE_CAPACITY: usize = 64;

/// Operations on their way to the writer, in the order in which they were submitted.
pub(super) struct Queue {
    room: Semaphore,
    state: Mutex<State>,
    thread: Condvar,
    task: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Operation>,
    awaited: usize,
    failing: bool,
    closed: bool,
}

impl State {
    fn is_due(&self) -> bool {
        self.awaited > 0 || self.waiting.len() >= GROUP_MAX && !self.failing || self.closed
    }

    fn ride_max(&self) -> Duration {
        if self.failing { AGAIN_AFTER } else { RIDE_MAX }
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            room: Semaphore::new(QUEUE_MAX),
            state: Mutex::default(),
            thread: Condvar::new(),
            task: Notify::new(),
        }
    }

    /// Takes a place in the order; waits only while the queue is full.
    pub(super) async fn submit(&self, operation: Operation) -> Result<(), StoreError> {
        let permit = match self.room.try_acquire() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits) => self.room.acquire().await.map_err(|_| StoreError::Closed)?,
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
        };
        permit.forget();
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        let awaited = operation.is_awaited();
        let wake = state.waiting.is_empty() || (awaited && state.awaited == 0);
        state.awaited += usize::from(awaited);
        state.waiting.push_back(operation);
        drop(state);
        if wake {
            self.wake();
        }
        Ok(())
    }

    /// Refuses new operations; the writer still gets what was submitted.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.wake();
    }

    /// Refuses new operations and drops the waiting ones, so that their callers learn that nobody will answer.
    pub(super) fn abandon(&self) {
        self.close();
        let abandoned = std::mem::take(&mut self.lock().waiting);
        drop(abandoned);
    }

    /// Blocks until a group is due; false when the queue is closed and empty.
    pub(super) fn next_group(&self, group: &mut Vec<Operation>) -> bool {
        let mut state = self.lock();
        while !state.is_due() {
            if state.waiting.is_empty() {
                state = self.thread.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let ride_max = state.ride_max();
            let waited = self.thread.wait_timeout_while(state, ride_max, |state| !state.is_due());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            break;
        }
        self.take(state, group)
    }

    /// The same for a writer that is a task.
    pub(super) async fn next_group_async(&self, group: &mut Vec<Operation>) -> bool {
        loop {
            let ride_max = {
                let state = self.lock();
                if state.is_due() {
                    break;
                }
                (!state.waiting.is_empty()).then(|| state.ride_max())
            };
            let Some(ride_max) = ride_max else {
                self.task.notified().await;
                continue;
            };
            if tokio::time::timeout(ride_max, self.task.notified()).await.is_err() {
                break;
            }
        }
        self.take(self.lock(), group)
    }

    /// Puts operations that nobody waits for back in front after a passing failure. When too many gather, or the store is
    /// closing, they are given up: their rows stay open and are worked again after the next start.
    pub(super) fn put_back(&self, riders: Vec<Operation>) {
        let mut state = self.lock();
        state.failing = true;
        if state.closed || state.waiting.len() + riders.len() > QUEUE_MAX + GROUP_MAX {
            tracing::error!(
                count = riders.len(),
                "Records of finished work are given up, the rows stay open."
            );
            return;
        }
        for rider in riders.into_iter().rev() {
            state.waiting.push_front(rider);
        }
    }

    /// The database works again.
    pub(super) fn recovered(&self) {
        self.lock().failing = false;
    }

    fn take(&self, mut state: MutexGuard<'_, State>, group: &mut Vec<Operation>) -> bool {
        let count = state.waiting.len().min(GROUP_MAX);
        group.extend(state.waiting.drain(..count));
        let awaited = group[group.len() - count..].iter().filter(|operation| operation.is_awaited()).count();
        state.awaited -= awaited;
        if state.waiting.is_empty() && state.waiting.capacity() > GROUP_MAX {
            state.waiting.shrink_to(IDLE_CAPACITY);
        }
        drop(state);
        self.room.add_permits(count);
        count > 0
    }

    fn wake(&self) {
        self.thread.notify_one();
        self.task.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
