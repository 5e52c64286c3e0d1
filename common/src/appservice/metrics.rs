//! What is counted of transactions. Compare `magpie_appservice_events_total` with the homeserver's own count of sent
//! events: a difference that stays is a loss.

use std::sync::LazyLock;

use prometheus::{IntCounter, IntCounterVec, register_int_counter_vec};

use super::transaction::{Incoming, Transaction};

static TRANSACTIONS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) =
        ("magpie_appservice_transactions_total", "Transactions from the homeserver, by outcome.");
    register_int_counter_vec!(name, help, &["outcome"]).expect("the name is registered here alone")
});
static EVENTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_appservice_events_total", "Events in transactions, repeats included.");
    register_int_counter_vec!(name, help, &["kind"]).expect("the name is registered here alone")
});
// Looked up once: this runs for every transaction.
static STORED: LazyLock<IntCounter> = LazyLock::new(|| TRANSACTIONS.with_label_values(&["stored"]));
static NOT_STORED: LazyLock<IntCounter> = LazyLock::new(|| TRANSACTIONS.with_label_values(&["not_stored"]));
static MALFORMED: LazyLock<IntCounter> = LazyLock::new(|| TRANSACTIONS.with_label_values(&["malformed"]));
static READABLE: LazyLock<IntCounter> = LazyLock::new(|| EVENTS.with_label_values(&["readable"]));
static UNREADABLE: LazyLock<IntCounter> = LazyLock::new(|| EVENTS.with_label_values(&["unreadable"]));

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for counter in [&STORED, &NOT_STORED, &MALFORMED, &READABLE, &UNREADABLE] {
        counter.inc_by(0);
    }
}

pub(super) fn count_events(transaction: &Transaction<'_>) {
    let readable = transaction.events.iter().filter(|event| matches!(event, Incoming::Event(_))).count();
    READABLE.inc_by(readable as u64);
    UNREADABLE.inc_by((transaction.events.len() - readable) as u64);
}

pub(super) fn count_stored() {
    STORED.inc();
}

pub(super) fn count_not_stored() {
    NOT_STORED.inc();
}

pub(super) fn count_malformed() {
    MALFORMED.inc();
}
