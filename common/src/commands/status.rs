//! `status` and `list-logins`: what the logins do, and what waits.

use std::fmt::Write;

use futures_util::FutureExt;

use super::{Command, Desk, Place, Section, age, said};
use crate::{
    config::Level,
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
    effect: |desk, _| async move { status(desk).await.map(said) }.boxed(),
};

pub(super) const LIST_LOGINS: Command = Command {
    name: "list-logins",
    aliases: &["logins", "accounts"],
    section: Section::General,
    arguments: &[],
    help: "Lists the accounts of this bridge, with their ids and what they do.",
    example: "list-logins",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, _| async move { Ok(said(logins(desk))) }.boxed(),
};

fn logins(desk: &Desk) -> String {
    let logins = desk.logins.statuses();
    if logins.is_empty() {
        return format!("No account on {} is set up.", desk.about.name);
    }
    let line =
        |it: &crate::login::LoginStatus| format!("{} ({}): {}", it.name, it.id, state_words(&it.state));
    logins.iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn status(desk: &Desk) -> Result<String, StoreError> {
    let now_ms = desk.clock.now_ms();
    let stats = desk.store.journal_stats().await?;
    let mut answer = format!("Running for {}.", age(desk.started_ms, now_ms));
    let logins = desk.logins.statuses();
    if logins.is_empty() {
        let _ = write!(answer, "\nNo account on {} is set up.", desk.about.name);
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

fn state_words(state: &SessionState) -> String {
    match state {
        SessionState::Connecting => "connecting".to_owned(),
        SessionState::Connected => "connected".to_owned(),
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
