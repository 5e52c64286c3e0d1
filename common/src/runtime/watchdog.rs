//! Tells systemd again and again that the bridge is not stuck.
//!
//! A process that goes on without doing anything looks alive from outside. This runs where everything runs, so it falls silent
//! when nothing there gets its turn, and systemd starts the bridge anew. It must never depend on the network or the database.
//! See sd_watchdog_enabled(3).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Speaks twice in each stretch that systemd waits, until the process stops. Ends at once where nobody listens.
pub(super) async fn keep(stop: CancellationToken) {
    let mut patience_us = 0;
    if !sd_notify::watchdog_enabled(false, &mut patience_us) {
        return;
    }
    let pause = Duration::from_micros(patience_us) / 2;
    if pause.is_zero() {
        return;
    }
    while !stop.is_cancelled() {
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Watchdog]);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}
