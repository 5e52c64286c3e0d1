//! Watches the logins and tells `homeserver.status_endpoint` how they are: each change, and again before a state may not be believed any more.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Endpoint, State, StateEvent,
    board::{Board, Next},
    pause,
};
use crate::clock::Clock;

/// Tells an endpoint how the bridge and its logins are.
pub struct StateReporter {
    /// Whom.
    pub endpoint: Endpoint,
    /// Time and randomness.
    pub clock: Clock,
    /// When the bridge stops, which is nothing to tell: its logins are not signed out by that.
    pub stop: CancellationToken,
}

/// The logins as they are watched.
#[derive(Clone)]
pub struct WatchedLogins {
    /// Goes off once the bridge runs.
    pub started: CancellationToken,
    /// Goes off whenever a login changes its state.
    pub changes: watch::Receiver<u64>,
    /// What every login is doing.
    pub look: Arc<dyn Fn() -> Vec<State> + Send + Sync>,
}

impl StateReporter {
    /// Tells until the bridge stops.
    pub async fn keep(self, logins: WatchedLogins) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.tell(logins)).await;
    }

    async fn tell(self, WatchedLogins { started, mut changes, look }: WatchedLogins) {
        // Once only: by the time of another try it would not be true any more.
        let starting = State::of_bridge(StateEvent::Starting);
        if let Err(error) = self.endpoint.post(starting.write(self.clock.now_ms())).await {
            tracing::warn!(%error, "The endpoint for states was not told that the bridge starts.");
        }
        started.cancelled().await;
        let mut board = Board::default();
        loop {
            changes.borrow_and_update();
            board.update(look());
            let now_ms = self.clock.now_ms();
            match board.next(now_ms) {
                Next::Tell(state) => self.tell_one(&mut board, state).await,
                Next::Wait(until_ms) => {
                    let wait_ms = u64::try_from(until_ms.saturating_sub(now_ms)).unwrap_or_default();
                    tokio::select! {
                        changed = changes.changed() => if changed.is_err() { return },
                        () = tokio::time::sleep(std::time::Duration::from_millis(wait_ms)) => {}
                    }
                }
            }
        }
    }

    async fn tell_one(&self, board: &mut Board, state: State) {
        match self.endpoint.post(state.write(self.clock.now_ms())).await {
            Ok(()) => board.told(state, self.clock.now_ms()),
            Err(error) => {
                let failures = board.failed(&state);
                if failures == 1 {
                    tracing::warn!(%error, "The endpoint for states did not take one; trying again.");
                }
                let pause = pause(failures, self.clock.jitter());
                let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                board.put_off(&state, self.clock.now_ms().saturating_add(pause_ms));
            }
        }
    }
}
