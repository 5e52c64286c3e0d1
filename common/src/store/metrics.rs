//! What is counted of the database: commits, never single messages.

use std::{sync::LazyLock, time::Duration};

use prometheus::{Histogram, IntCounter, register_histogram, register_int_counter};

static COMMIT: LazyLock<Histogram> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_database_commit_seconds", "How long commits take, each of which carries all that waited.");
    let buckets = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    register_histogram!(name, help, buckets).expect("the name is unique")
});
static OPERATIONS: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("magpie_database_operations_total", "Operations in those commits.")
        .expect("the name is unique")
});
static FAILURES: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("magpie_database_failures_total", "Commits that the database did not take.")
        .expect("the name is unique")
});

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for counter in [&OPERATIONS, &FAILURES] {
        counter.inc_by(0);
    }
}

pub(super) fn committed(operations: usize, took: Duration) {
    COMMIT.observe(took.as_secs_f64());
    OPERATIONS.inc_by(operations as u64);
}

pub(super) fn failed() {
    FAILURES.inc();
}
