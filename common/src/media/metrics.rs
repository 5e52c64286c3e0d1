//! What is counted of files.

use std::sync::LazyLock;

use prometheus::{IntCounter, IntCounterVec, register_int_counter, register_int_counter_vec};

static FILES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_media_files_total", "Files from the network, by what became of them.");
    register_int_counter_vec!(name, help, &["outcome"]).expect("the name is unique")
});
static BYTES: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("magpie_media_bytes_total", "What was put into the homeserver's media store.")
        .expect("the name is unique")
});

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for outcome in ["moved", "known", "failed"] {
        FILES.with_label_values(&[outcome]).inc_by(0);
    }
    BYTES.inc_by(0);
}

/// A file that was moved now, or `None` for one that was there already.
pub(super) fn count_moved(size_bytes: Option<u64>) {
    FILES.with_label_values(&[if size_bytes.is_some() { "moved" } else { "known" }]).inc();
    BYTES.inc_by(size_bytes.unwrap_or_default());
}

pub(super) fn count_failed() {
    FILES.with_label_values(&["failed"]).inc();
}
