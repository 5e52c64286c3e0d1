//! Logins and their sessions: brought to life, watched, brought to life again.
//!
//! One login's failure never touches another: each has a task of its own. The portal asks here for the session that speaks for a
//! room. Next: [`crate::portal`].

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{IntGaugeVec, register_int_gauge_vec};
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    ids::LoginId,
    message::SessionState,
    platform::{ConnectError, EventSink, Platform, SavedLogin, Session},
};

/// The first pause after a failed connection; it doubles up to [`RECONNECT_PAUSE_MAX`].
const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause between attempts that may help.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(60);

/// The pause after the network refused the credentials: only a person can mend that.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// A session that ends sooner has not worked: pauses go on growing, because networks count how often somebody connects.
const STEADY_AFTER: Duration = Duration::from_secs(60);

static LOGINS: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!("magpie_logins", "Logins by state.", &["state"]).expect("the name is unique")
});

/// All logins of this process.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    slots: Mutex<HashMap<LoginId, Slot>>,
    changed: watch::Sender<u64>,
    clock: Clock,
    stop: CancellationToken,
    tasks: TaskTracker,
}

struct Slot {
    name: String,
    state: SessionState,
    session: Option<Arc<dyn Session>>,
}

/// A login as the `status` command shows it.
#[derive(Clone, Debug)]
pub struct LoginStatus {
    /// The login.
    pub id: LoginId,
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: SessionState,
}

impl Logins {
    /// No logins yet; they end when `stop` is cancelled.
    pub fn new(clock: Clock, stop: CancellationToken) -> Self {
        let (changed, _) = watch::channel(0);
        Self(Arc::new(Inner { slots: Mutex::default(), changed, clock, stop, tasks: TaskTracker::new() }))
    }

    /// Keeps `login` connected from now on; every session gets a sink of its own.
    pub fn keep<P: Platform>(
        &self,
        platform: Arc<P>,
        login: SavedLogin,
        sinks: impl Fn() -> EventSink + Send + Sync + 'static,
    ) {
        let slot = Slot { name: login.name.clone(), state: SessionState::Connecting, session: None };
        self.slots().insert(login.id.clone(), slot);
        let logins = self.clone();
        self.0.tasks.spawn(async move { logins.supervise(&*platform, &login, sinks).await });
    }

    /// The live session of a login, if it has one now.
    pub fn session(&self, id: &LoginId) -> Option<Arc<dyn Session>> {
        self.slots().get(id)?.session.clone()
    }

    /// What every login is doing.
    pub fn statuses(&self) -> Vec<LoginStatus> {
        let slots = self.slots();
        let mut all: Vec<_> = slots
            .iter()
            .map(|(id, slot)| LoginStatus {
                id: id.clone(),
                name: slot.name.clone(),
                state: slot.state.clone(),
            })
            .collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// A signal that goes off whenever a login changes its state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Waits until every session is closed. Call it after the stop signal was given.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// A session said of itself what it is doing.
    pub fn report(&self, id: &LoginId, state: SessionState) {
        let session = self.session(id);
        self.set(id, state, session);
    }

    async fn supervise<P: Platform>(&self, platform: &P, login: &SavedLogin, sinks: impl Fn() -> EventSink) {
        let mut failures = 0;
        while !self.0.stop.is_cancelled() {
            self.set(&login.id, SessionState::Connecting, None);
            let error = match platform.connect(login, sinks()).await {
                Ok(session) => {
                    let began = Instant::now();
                    self.set(&login.id, SessionState::Connected, Some(session.clone()));
                    tracing::info!(login = %login.id, "Connected.");
                    let error = self.live(&*session).await;
                    failures = failures_after(failures, began.elapsed());
                    error
                }
                Err(error) => error,
            };
            if matches!(error, ConnectError::Closed) {
                break;
            }
            failures += 1;
            self.pause(login, error, failures).await;
        }
        self.set(&login.id, SessionState::LoggedOut, None);
    }

    /// Waits for the end of a session, from its side or from ours.
    async fn live(&self, session: &dyn Session) -> ConnectError {
        tokio::select! {
            error = session.ended() => error,
            () = self.0.stop.cancelled() => {
                session.close().await;
                ConnectError::Closed
            }
        }
    }

    async fn pause(&self, login: &SavedLogin, error: ConnectError, failures: u32) {
        let reason = error.to_string();
        let (state, pause) = match error {
            ConnectError::BadCredentials(reason) => (SessionState::BadCredentials { reason }, REFUSED_PAUSE),
            ConnectError::Transient(reason) => {
                (SessionState::Disconnected { reason }, backoff(failures, self.0.clock.jitter()))
            }
            ConnectError::Closed => (SessionState::LoggedOut, Duration::ZERO),
        };
        tracing::warn!(login = %login.id, %reason, pause_ms = pause.as_millis(), "Not connected; trying again later.");
        self.set(&login.id, state, None);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.0.stop.cancelled() => {}
        }
    }

    fn set(&self, id: &LoginId, state: SessionState, session: Option<Arc<dyn Session>>) {
        if let Some(slot) = self.slots().get_mut(id) {
            slot.state = state;
            slot.session = session;
        }
        LOGINS.reset();
        for status in self.statuses() {
            LOGINS.with_label_values(&[state_name(&status.state)]).inc();
        }
        self.0.changed.send_modify(|version| *version += 1);
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<LoginId, Slot>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Twice as long after each failure, up to the largest pause, and spread by half so that many do not come back at once.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = RECONNECT_PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(RECONNECT_PAUSE_MAX).mul_f64(0.5 + jitter / 2.0)
}

/// What still counts of the failures so far after a session that lived so long.
fn failures_after(failures: u32, lived: Duration) -> u32 {
    if lived < STEADY_AFTER { failures } else { 0 }
}

fn state_name(state: &SessionState) -> &'static str {
    match state {
        SessionState::Connecting => "connecting",
        SessionState::Connected => "connected",
        SessionState::Disconnected { .. } => "disconnected",
        SessionState::BadCredentials { .. } => "bad_credentials",
        SessionState::LoggedOut => "logged_out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_stay_within_bounds_and_are_spread() {
        assert_eq!(backoff(1, 1.0), RECONNECT_PAUSE_MIN);
        assert_eq!(backoff(2, 1.0), RECONNECT_PAUSE_MIN * 2);
        assert_eq!(backoff(1, 0.0), RECONNECT_PAUSE_MIN / 2);
        assert_eq!(backoff(60, 1.0), RECONNECT_PAUSE_MAX);
    }

    #[test]
    fn only_a_session_that_lasted_shortens_the_pauses() {
        assert_eq!(failures_after(7, Duration::from_secs(59)), 7);
        assert_eq!(failures_after(7, STEADY_AFTER), 0);
    }
}
