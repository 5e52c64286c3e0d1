//! What is counted of calls to the homeserver.

use std::{sync::LazyLock, time::Duration};

use prometheus::{
    Counter, Histogram, IntCounter, IntCounterVec, register_counter, register_histogram,
    register_int_counter_vec,
};

use super::HomeserverError;

static CALLS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_homeserver_calls_total", "Calls to the homeserver, by outcome.");
    register_int_counter_vec!(name, help, &["outcome"]).expect("the name is registered here alone")
});
static SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let (name, help) = ("magpie_homeserver_call_seconds", "How long calls to the homeserver take.");
    register_histogram!(name, help).expect("the name is registered here alone")
});
static WAITS: LazyLock<Counter> = LazyLock::new(|| {
    let (name, help) = ("magpie_homeserver_wait_seconds_total", "Pauses that the homeserver has asked for.");
    register_counter!(name, help).expect("the name is registered here alone")
});
// Looked up once: this runs for every message.
static OK: LazyLock<IntCounter> = LazyLock::new(|| CALLS.with_label_values(&["ok"]));
static REFUSED: LazyLock<IntCounter> = LazyLock::new(|| CALLS.with_label_values(&["refused"]));
static LIMITED: LazyLock<IntCounter> = LazyLock::new(|| CALLS.with_label_values(&["limited"]));
static FAILED: LazyLock<IntCounter> = LazyLock::new(|| CALLS.with_label_values(&["failed"]));

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for counter in [&OK, &REFUSED, &LIMITED, &FAILED] {
        counter.inc_by(0);
    }
    WAITS.inc_by(0.0);
}

pub(super) fn count_call<T>(result: &Result<T, HomeserverError>, took: Duration) {
    SECONDS.observe(took.as_secs_f64());
    match result {
        Ok(_) => OK.inc(),
        Err(HomeserverError::RateLimited { retry_after }) => {
            LIMITED.inc();
            WAITS.inc_by(retry_after.unwrap_or_default().as_secs_f64());
        }
        Err(error) if error.is_transient() => FAILED.inc(),
        Err(_) => REFUSED.inc(),
    }
}
