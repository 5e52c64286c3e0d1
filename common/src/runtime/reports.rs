//! What programs that watch over bridges are told, wired to what there is to tell.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::run::Fatal;
use crate::{
    clock::Clock,
    config::{self, Secret},
    login::{LoginStatus, Logins},
    portal::Lanes,
    report::{
        Account, CheckpointSender, CheckpointStatus, CheckpointStep, Checkpoints, Endpoint, Report, State,
        StateReporter, Subject, WatchedLogins,
    },
    store::{Direction, Feed, OpenRow},
};

/// Who is told, by the configuration.
pub(super) struct Reports {
    pub(super) checkpoints: Checkpoints,
    sender: Option<CheckpointSender>,
    status: Option<Endpoint>,
}

/// The tasks that tell.
pub(super) struct Reporting {
    /// Goes off once the bridge runs.
    pub(super) started: CancellationToken,
    states: Option<JoinHandle<()>>,
    checkpoints: Option<(JoinHandle<()>, CancellationToken)>,
}

impl Reports {
    pub(super) fn new(
        homeserver: &config::Homeserver,
        as_token: &Secret,
        clock: &Clock,
    ) -> Result<Self, Fatal> {
        let endpoint =
            |url: &Option<url::Url>| url.as_ref().map(|url| Endpoint::new(url, as_token)).transpose();
        let unusable = |error: crate::homeserver::HomeserverError| Fatal::Other(error.to_string());
        let status = endpoint(&homeserver.status_endpoint).map_err(unusable)?;
        let told = endpoint(&homeserver.message_send_checkpoint_endpoint).map_err(unusable)?;
        let (checkpoints, sender) = match told {
            Some(endpoint) => {
                let (checkpoints, sender) = Checkpoints::to(endpoint, clock.clone());
                (checkpoints, Some(sender))
            }
            None => (Checkpoints::default(), None),
        };
        Ok(Self { checkpoints, sender, status })
    }

    /// Begins to tell.
    pub(super) fn begin(self, logins: &Logins, clock: &Clock, stop: &CancellationToken) -> Reporting {
        let started = CancellationToken::new();
        let states = self.status.map(|endpoint| {
            let reporter = StateReporter { endpoint, clock: clock.clone(), stop: stop.clone() };
            tokio::spawn(reporter.keep(watched(logins.clone(), started.clone())))
        });
        let checkpoints = self.sender.map(|sender| {
            let stop = CancellationToken::new();
            (tokio::spawn(sender.send(stop.clone())), stop)
        });
        Reporting { started, states, checkpoints }
    }
}

impl Reporting {
    /// Waits until all is told that can be. Call it after the stop signal was given and the lanes have ended.
    pub(super) async fn ended(self) {
        if let Some(states) = self.states {
            let _ = states.await;
        }
        if let Some((checkpoints, stop)) = self.checkpoints {
            stop.cancel();
            let _ = checkpoints.await;
        }
    }
}

fn watched(logins: Logins, started: CancellationToken) -> WatchedLogins {
    let changes = logins.changes();
    let look = move || {
        let state =
            |LoginStatus { id, name, owner, state, .. }| State::of_login(Account { id, name, owner }, &state);
        logins.statuses().into_iter().map(state).collect()
    };
    WatchedLogins { started, changes, look: Arc::new(look) }
}

/// Tells of each message as soon as it is stored, before anything becomes of it.
pub(super) struct ToldLanes {
    pub(super) lanes: Lanes,
    pub(super) checkpoints: Checkpoints,
}

impl Feed for ToldLanes {
    fn stored(&self, rows: Vec<OpenRow>) {
        if self.checkpoints.is_wanted() {
            for row in rows.iter().filter(|row| row.direction == Direction::FromMatrix) {
                let Some(subject) = Subject::read(&row.body) else { continue };
                let accepted = Report {
                    step: CheckpointStep::Bridge,
                    status: CheckpointStatus::Success,
                    retry_num: row.attempts,
                    info: None,
                };
                self.checkpoints.tell(&subject, &accepted);
            }
        }
        self.lanes.stored(rows);
    }
}
