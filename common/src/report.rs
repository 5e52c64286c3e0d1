//! What programs that watch over bridges are told: how each login is, and how far each message has come.
//!
//! Both go as JSON to addresses of the configuration, in the form that the mautrix bridges made known; without an address nothing here costs
//! anything. Must never hold up a message: what finds no room in its queue is dropped and counted. Next: [`Checkpoints`], which the
//! portal tells of messages, and [`StateReporter`], which watches logins.

use std::time::Duration;

pub(crate) use self::checkpoints::begin_counting;
pub use self::{
    checkpoints::{CheckpointSender, CheckpointStatus, CheckpointStep, Checkpoints, Report},
    endpoint::{Endpoint, PostError},
    state::{Account, State, StateEvent},
    states::{StateReporter, WatchedLogins},
    subject::Subject,
};

mod board;
mod checkpoints;
mod endpoint;
mod state;
mod states;
mod subject;

/// The first pause after an endpoint did not take something; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Longer words are cut: whoever watches needs their beginning.
const WORDS_CHARS_MAX: usize = 500;

/// The pause after so many failures in a row, spread by half so that many bridges do not come back at once.
fn pause(failures: u32, jitter: f64) -> Duration {
    let doubled = PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(PAUSE_MAX).mul_f64(0.5 + jitter / 2.0)
}

fn cut(words: &str) -> String {
    words.chars().take(WORDS_CHARS_MAX).collect()
}

#[cfg(all(test, feature = "testkit"))]
mod tests;
