//! Figures that are looked up now and then, so that no message pays for them: the open work, the clocks, who we are.

use std::{sync::LazyLock, time::Duration};

use prometheus::{
    Gauge, GaugeVec, IntGauge, IntGaugeVec, register_gauge, register_gauge_vec, register_int_gauge,
    register_int_gauge_vec,
};
use tokio_util::sync::CancellationToken;

use super::sink;
use crate::{
    api, appservice,
    clock::Clock,
    homeserver::{self, Homeserver},
    media, platform, portal, report,
    store::{self, OpenStats, Store},
};

/// Between two looks at the journal, which read its indexes only.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The homeserver's clock is asked for at every so many looks.
const LOOKS_PER_CLOCK: u32 = 20;

static OPEN: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_journal_open", "Work that is not finished and not parked.");
    register_int_gauge_vec!(name, help, &["direction"]).expect("the name is unique")
});
static OLDEST: LazyLock<GaugeVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_journal_oldest_seconds", "How long the oldest of it has waited.");
    register_gauge_vec!(name, help, &["direction"]).expect("the name is unique")
});
static PARKED: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("magpie_journal_parked", "Work that waits for a person.").expect("the name is unique")
});
static SKEW: LazyLock<Gauge> = LazyLock::new(|| {
    let (name, help) = ("magpie_clock_skew_seconds", "How far the homeserver's clock is ahead of ours.");
    register_gauge!(name, help).expect("the name is unique")
});
static BUILD: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!("magpie_build_info", "What runs here; always 1.", &["network", "version"])
        .expect("the name is unique")
});

/// Looks until the process stops.
pub(super) struct Gauges {
    pub(super) network: &'static str,
    pub(super) store: Store,
    pub(super) homeserver: Homeserver,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
}

impl Gauges {
    pub(super) async fn keep(self) {
        begin_counting();
        BUILD.with_label_values(&[self.network, env!("CARGO_PKG_VERSION")]).set(1);
        for look in (0..LOOKS_PER_CLOCK).cycle() {
            self.look_at_journal().await;
            if look == 0 {
                // Whoever does not answer now may answer at the next look.
                if let Ok(Some(skew_ms)) = self.homeserver.clock_skew_ms(&self.clock).await {
                    SKEW.set(skew_ms as f64 / 1_000.0);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn look_at_journal(&self) {
        // While the database is away the last figures stand; the failures are counted elsewhere.
        let Ok(stats) = self.store.journal_stats().await else { return };
        let now_ms = self.clock.now_ms();
        let tell = |direction: &str, OpenStats { open, oldest_ms }: OpenStats| {
            let age_ms = oldest_ms.map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms).max(0));
            OPEN.with_label_values(&[direction]).set(open.try_into().unwrap_or(i64::MAX));
            OLDEST.with_label_values(&[direction]).set(age_ms as f64 / 1_000.0);
        };
        tell("from_matrix", stats.from_matrix);
        tell("from_remote", stats.from_remote);
        PARKED.set(stats.parked.try_into().unwrap_or(i64::MAX));
    }
}

/// Lets every counter stand at zero before it counts. One that appears with its first count is no increase for Prometheus, so that no alert
/// would tell of a first failure.
fn begin_counting() {
    appservice::begin_counting();
    api::begin_counting();
    homeserver::begin_counting();
    media::begin_counting();
    platform::begin_counting();
    portal::begin_counting();
    report::begin_counting();
    sink::begin_counting();
    store::begin_counting();
}
