//! Keeping a login connected: its sessions come one after the other, with pauses that grow while nothing helps.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Connector, Kept, Logins};
use crate::{
    ids::LoginId,
    message::SessionState,
    platform::{ConnectError, SavedLogin, Session},
};

/// The first pause after a failed connection; it doubles up to [`RECONNECT_PAUSE_MAX`].
const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause between attempts that may help.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(60);

/// The pause after the network refused the credentials: only a person can mend that.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// A session that ends sooner has not worked: pauses go on growing, because networks count how often somebody connects.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// How long a session that has ended by itself may take to put its things in order.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

impl Logins {
    /// Keeps a login connected from now on.
    pub fn keep(&self, login: Kept, connector: Arc<dyn Connector>) {
        let (stop, ended) = self.announce(&login);
        let logins = self.clone();
        self.0.tasks.spawn(async move {
            logins.supervise(&login.saved, &stop, &*connector).await;
            ended.cancel();
        });
    }

    /// Connects a login now that waits for its time or for a person. False when there is none, or it does not wait.
    pub fn reconnect(&self, id: &LoginId) -> bool {
        let slots = self.slots();
        let Some(slot) = slots.get(id) else { return false };
        let waits = match slot.state {
            SessionState::Disconnected { .. } => slot.session.is_none(),
            SessionState::BadCredentials { .. } => !slot.ended.is_cancelled(),
            SessionState::Connecting
            | SessionState::Connected
            | SessionState::Warned { .. }
            | SessionState::LoggedOut => false,
        };
        if waits {
            slot.again.notify_one();
        }
        waits
    }

    async fn supervise(&self, login: &SavedLogin, stop: &CancellationToken, connector: &dyn Connector) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            self.set(&login.id, SessionState::Connecting, None);
            let connecting = stop.run_until_cancelled(connector.connect(login)).await;
            let error = match connecting.unwrap_or(Err(ConnectError::Closed)) {
                Ok(session) => {
                    let began = Instant::now();
                    self.set(&login.id, SessionState::Connected, Some(session.clone()));
                    tracing::info!(login = %login.id, "Connected.");
                    let error = self.live(&login.id, &*session, stop).await;
                    failures = failures_after(failures, began.elapsed());
                    error
                }
                Err(error) => error,
            };
            if matches!(error, ConnectError::Closed) {
                break;
            }
            failures += 1;
            self.pause(login, error, (failures, stop)).await;
        }
        self.set(&login.id, SessionState::LoggedOut, None);
    }

    /// Waits for the end of a session, from its side or from ours. Nothing of it runs any more when this returns: the next one may begin.
    async fn live(&self, id: &LoginId, session: &dyn Session, stop: &CancellationToken) -> ConnectError {
        tokio::select! {
            error = session.ended() => {
                self.withdraw(id);
                if tokio::time::timeout(CLOSE_WITHIN, session.close()).await.is_err() {
                    tracing::warn!(login = %id, "A session that has ended does not close; the next one begins beside it.");
                }
                error
            }
            () = stop.cancelled() => {
                session.close().await;
                ConnectError::Closed
            }
        }
    }

    /// Gives nobody a session that has ended, however long it takes to close. Its state is told once that is known.
    fn withdraw(&self, id: &LoginId) {
        if let Some(slot) = self.slots().get_mut(id) {
            slot.session = None;
        }
    }

    async fn pause(
        &self,
        login: &SavedLogin,
        error: ConnectError,
        (failures, stop): (u32, &CancellationToken),
    ) {
        let reason = error.to_string();
        let (state, pause) = match error {
            ConnectError::BadCredentials(reason) => {
                (SessionState::BadCredentials { reason }, Some(REFUSED_PAUSE))
            }
            ConnectError::Stopped(reason) => (SessionState::BadCredentials { reason }, None),
            ConnectError::Transient(reason) => {
                (SessionState::Disconnected { reason }, Some(backoff(failures, self.0.clock.jitter())))
            }
            ConnectError::Closed => (SessionState::LoggedOut, Some(Duration::ZERO)),
        };
        match pause {
            Some(pause) => {
                let pause_ms = pause.as_millis();
                tracing::warn!(login = %login.id, %reason, pause_ms, "Not connected; trying again later.");
            }
            None => tracing::warn!(login = %login.id, %reason, "Not connected; waiting for somebody to act."),
        }
        let again = self.slots().get(&login.id).map(|slot| Arc::clone(&slot.again)).unwrap_or_default();
        self.set(&login.id, state, None);
        tokio::select! {
            () = sleep(pause) => {}
            () = again.notified() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Without a pause, until something else ends the wait.
async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use async_trait::async_trait;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::{
        clock::Clock,
        config::Secret,
        ids::{RemoteChatId, RemoteFileId, RemoteUserId},
        message::{ChatInfo, Limits, Outgoing, UserInfo},
        platform::{DeliverError, Delivered, DeliveryKey, Download, PlatformError},
    };

    /// A network that lets the first session end at once, and then shuts the account out.
    #[derive(Default)]
    struct Gate {
        tries: AtomicU32,
        closed: Arc<AtomicU32>,
    }

    impl Connector for Gate {
        fn connect(&self, _: &SavedLogin) -> BoxFuture<'_, Result<Arc<dyn Session>, ConnectError>> {
            let nth = self.tries.fetch_add(1, SeqCst);
            let session: Arc<dyn Session> = Arc::new(Brief(Arc::clone(&self.closed)));
            let done = match nth {
                0 => Ok(session),
                _ => Err(ConnectError::Stopped("somebody else has the place".to_owned())),
            };
            Box::pin(std::future::ready(done))
        }
    }

    /// A session that ends at once.
    struct Brief(Arc<AtomicU32>);

    #[async_trait]
    impl Session for Brief {
        fn me(&self) -> RemoteUserId {
            RemoteUserId::new("me")
        }

        fn limits(&self, _: &RemoteChatId) -> Limits {
            Limits::default()
        }

        async fn deliver(
            &self,
            _: &RemoteChatId,
            _: &Outgoing,
            _: &DeliveryKey,
        ) -> Result<Delivered, DeliverError> {
            Err(DeliverError::Unsupported("nothing goes".to_owned()))
        }

        async fn chat(&self, _: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
            Ok(None)
        }

        async fn user(&self, _: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
            Ok(None)
        }

        async fn download(&self, _: &RemoteFileId) -> Result<Download, PlatformError> {
            Err(PlatformError("there are no files".to_owned()))
        }

        async fn ended(&self) -> ConnectError {
            ConnectError::Transient("the line broke".to_owned())
        }

        async fn close(&self) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_stopped_waits_for_somebody_and_what_has_ended_is_closed() {
        let stop = CancellationToken::new();
        let logins = Logins::new(Clock::fixed(1, 1), stop.clone());
        let gate = Arc::new(Gate::default());
        let id = LoginId::new("one");
        let saved = SavedLogin { id: id.clone(), name: "One".to_owned(), secret: Secret::new("s") };
        logins.keep(Kept { saved, owner: None, me: None }, Arc::<Gate>::clone(&gate));
        tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
        assert_eq!(gate.closed.load(SeqCst), 1, "a session that has ended by itself is closed");
        assert_eq!(gate.tries.load(SeqCst), 2, "nobody asked for another try");
        assert!(logins.reconnect(&id) && !logins.reconnect(&LoginId::new("two")));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(gate.tries.load(SeqCst), 3);
        stop.cancel();
        logins.ended().await;
    }

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
