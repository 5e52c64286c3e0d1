//! `status`: what the logins do, and what waits.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{Asked, Command, Desk, Place, Section, age, said};
use crate::{
    config::Level,
    login::LoginStatus,
    message::SessionState,
    store::{OpenStats, StoreError},
};

pub(super) const STATUS: Command = Command {
    name: "status",
    aliases: &[],
    section: Section::General,
    arguments: &[],
    help: "Says what is connected and what waits.",
    example: "status",
    level: Level::Commands,
    place: Place::Anywhere,
    effect: |desk, asked| async move { status(desk, asked).await.map(said) }.boxed(),
};

async fn status(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let now_ms = desk.clock.now_ms();
    let stats = desk.store.journal_stats().await?;
    let mut answer = format!("Running for {}.", age(desk.started_ms, now_ms));
    let logins = visible(desk, asked);
    if logins.is_empty() {
        let _ = write!(
            answer,
            "\nNo account on {} is set up. `{} login` signs in with yours.",
            desk.about.name, desk.prefix
        );
    }
    for login in logins {
        let _ = write!(answer, "\n{}: {}", login.name, state_words(&login.state));
    }
    let _ = write!(answer, "\nTo {}: {}", desk.about.name, open_words(&stats.from_matrix, now_ms));
    let _ = write!(answer, "\nFrom {}: {}", desk.about.name, open_words(&stats.from_remote, now_ms));
    if stats.parked > 0 {
        let _ = write!(answer, "\n{} parked; `{} failed` lists them.", stats.parked, desk.prefix);
    }
    Ok(answer)
}

/// The logins that somebody may know of: their own and the bridge's, and an admin all of them.
pub(super) fn visible(desk: &Desk, asked: Asked<'_>) -> Vec<LoginStatus> {
    let is_visible = |login: &LoginStatus| {
        asked.level >= Level::Admin || login.owner.as_deref().is_none_or(|owner| owner == asked.sender)
    };
    desk.logins.statuses().into_iter().filter(is_visible).collect()
}

/// What a login does, in words.
pub(super) fn state_words(state: &SessionState) -> String {
    match state {
        SessionState::Connecting => "connecting".to_owned(),
        SessionState::Connected => "connected".to_owned(),
        SessionState::Warned { reason } => format!("connected, but not for long: {reason}"),
        SessionState::Disconnected { reason } => format!("not connected, trying again: {reason}"),
        SessionState::BadCredentials { reason } => format!("refused: {reason}"),
        SessionState::LoggedOut => "signed out".to_owned(),
    }
}

fn open_words(stats: &OpenStats, now_ms: i64) -> String {
    match stats.oldest_ms {
        Some(oldest_ms) if stats.open > 0 => {
            format!("{} waiting, the oldest for {}", stats.open, age(oldest_ms, now_ms))
        }
        _ => "nothing waits".to_owned(),
    }
}
