//! What is counted of messages. No label ever names a room or a person.

use std::{sync::LazyLock, time::Duration};

use prometheus::{
    Counter, HistogramVec, IntCounterVec, register_counter, register_histogram_vec, register_int_counter_vec,
};

use crate::{
    clock::TimestampMs,
    platform::{DeliverError, Delivered},
    store::{Direction, OpenRow, Outcome},
};

/// From what nobody notices to what waited for a night.
const DELIVERY_SECONDS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0];

static MESSAGES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_messages_total", "Messages by direction and outcome.");
    register_int_counter_vec!(name, help, &["direction", "outcome"]).expect("the name is unique")
});
static DELIVERY: LazyLock<HistogramVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_delivery_seconds", "From when a message was written to when the other side had it.");
    register_histogram_vec!(name, help, &["direction"], DELIVERY_SECONDS.to_vec())
        .expect("the name is unique")
});
static RETRIES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_delivery_retries_total", "Attempts that did not end a delivery.");
    register_int_counter_vec!(name, help, &["direction"]).expect("the name is unique")
});

static CALLS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_network_call_seconds", "How long the network took for a delivery, by its verdict.");
    register_histogram_vec!(name, help, &["verdict"]).expect("the name is unique")
});
static WAITS: LazyLock<Counter> = LazyLock::new(|| {
    let (name, help) = ("magpie_network_wait_seconds_total", "Pauses that the network has asked for.");
    register_counter!(name, help).expect("the name is unique")
});

/// The network was asked to take something.
pub(super) fn count_call(verdict: &Result<Delivered, DeliverError>, took: Duration) {
    let words = match verdict {
        Ok(_) => "delivered",
        Err(DeliverError::Unsupported(_)) => "unsupported",
        Err(DeliverError::Rejected(_)) => "rejected",
        Err(DeliverError::Retry { after, .. }) => {
            WAITS.inc_by(after.unwrap_or_default().as_secs_f64());
            "retry"
        }
        Err(DeliverError::LoggedOut(_)) => "logged_out",
        Err(DeliverError::Uncertain(_)) => "uncertain",
    };
    CALLS.with_label_values(&[words]).observe(took.as_secs_f64());
}

/// Work ended.
pub(super) fn count_end(row: &OpenRow, outcome: &Outcome, now_ms: TimestampMs) {
    let direction = words(row.direction);
    let outcome = match outcome {
        Outcome::Delivered => {
            // The clocks of both sides may differ by a little.
            let took_ms = now_ms.saturating_sub(row.sent_ms).max(0);
            DELIVERY.with_label_values(&[direction]).observe(took_ms as f64 / 1_000.0);
            "delivered"
        }
        Outcome::Ignored(_) => "ignored",
        Outcome::Failed(_) => "failed",
        Outcome::Uncertain(_) => "uncertain",
    };
    MESSAGES.with_label_values(&[direction, outcome]).inc();
}

/// Work goes on after a pause.
pub(super) fn count_retry(direction: Direction) {
    RETRIES.with_label_values(&[words(direction)]).inc();
}

fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::FromMatrix => "from_matrix",
        Direction::FromRemote => "from_remote",
    }
}
