//! Tells the homeserver that we are here, and finds out whether it reaches us.
//!
//! After an outage Synapse waits for its next slot, up to eight and a half minutes; a ping wakes it at once.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, health::Condition, homeserver::Homeserver, login::backoff};

/// The pause between two pings while all is well.
const PING_EVERY: Duration = Duration::from_secs(60);

/// The longest pause between two pings while something is wrong.
const PING_PAUSE_MAX: Duration = Duration::from_secs(15);

/// Pings until the process stops.
pub(super) struct Presence {
    pub(super) homeserver: Homeserver,
    pub(super) appservice_id: String,
    pub(super) condition: Condition,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
}

impl Presence {
    /// Keeps `/ready` true to life.
    pub(super) async fn keep(self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let txn_id = format!("ping-{}", self.clock.now_ms());
            let pause = match self.homeserver.ping(&self.appservice_id, &txn_id).await {
                Ok(_) => {
                    if failures > 0 {
                        tracing::info!("The homeserver reaches us again.");
                    }
                    failures = 0;
                    self.condition.met();
                    PING_EVERY
                }
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(%error, "The homeserver does not reach us yet; trying again.");
                    }
                    self.condition.unmet(error.to_string());
                    backoff(failures, self.clock.jitter()).min(PING_PAUSE_MAX)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}
