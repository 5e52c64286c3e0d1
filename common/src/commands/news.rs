//! News of accounts: their owners are told in their management rooms when something is wrong with one, and when it is well again.
//!
//! A connection that breaks off is no news as long as it comes back soon; a refusal is, at once.

use std::{collections::HashMap, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::{clock::TimestampMs, ids::LoginId, login::LoginStatus, message::SessionState};

/// A connection that is away for less is not spoken of.
const PATIENCE_MS: i64 = 3 * 60 * 1_000;

/// So often is looked whether somebody has lost patience.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// What was said of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// Since when it has not been connected.
    away_since_ms: Option<TimestampMs>,
    /// Whether its owner knows of it.
    is_told: bool,
    /// What its owner was warned of.
    warning: Option<String>,
}

/// Tells people news until `stop`.
pub(super) async fn tell(desk: Desk, stop: CancellationToken) {
    let mut changes = desk.logins.changes();
    let mut told: HashMap<LoginId, Told> = HashMap::new();
    while !stop.is_cancelled() {
        let logins = desk.logins.statuses();
        told.retain(|id, _| logins.iter().any(|login| login.id == *id));
        for login in logins {
            let known = told.entry(login.id.clone()).or_default();
            let (now, words) =
                news(known.clone(), &login, desk.clock.now_ms(), (desk.about.name, &desk.prefix));
            *known = now;
            if let Some(words) = words {
                say(&desk, &login, &words).await;
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn say(desk: &Desk, login: &LoginStatus, words: &str) {
    let Some(owner) = &login.owner else { return };
    let key = format!("news-{}-{}", login.id, desk.clock.now_ms());
    match desk.management_room(owner).await {
        Ok(room_id) => desk.tell(&room_id, &key, words).await,
        Err(error) => tracing::warn!(%error, login = %login.id, "Somebody could not be told news."),
    }
}

/// What is known now, and what is to be said.
fn news(
    known: Told,
    login: &LoginStatus,
    now_ms: TimestampMs,
    (network, prefix): (&str, &str),
) -> (Told, Option<String>) {
    let name = &login.name;
    let since_ms = known.away_since_ms.unwrap_or(now_ms);
    let away = |is_told| Told { away_since_ms: Some(since_ms), is_told, warning: None };
    match &login.state {
        SessionState::Connected if known.is_told => {
            (Told::default(), Some(format!("{name} is connected to {network} again.")))
        }
        SessionState::Connected => (Told::default(), None),
        SessionState::Warned { reason } => {
            let is_news = known.warning.as_ref() != Some(reason);
            let now = Told { warning: Some(reason.clone()), ..Told::default() };
            (now, is_news.then(|| format!("{name} needs you: {reason}")))
        }
        _ if known.is_told => (known, None),
        SessionState::BadCredentials { reason } => (
            away(true),
            Some(format!(
                "{network} does not accept {name} any more: {reason} `{prefix} relogin {}` signs in again; your rooms stay.",
                login.id
            )),
        ),
        SessionState::Disconnected { reason } if is_long(&known, now_ms) => {
            (away(true), Some(format!("{name} is not connected to {network}; I go on trying. {reason}")))
        }
        SessionState::Disconnected { .. } | SessionState::Connecting | SessionState::LoggedOut => {
            (away(false), None)
        }
    }
}

fn is_long(known: &Told, now_ms: TimestampMs) -> bool {
    known.away_since_ms.is_some_and(|since_ms| now_ms - since_ms >= PATIENCE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_once_and_what_mends_itself_is_not() {
        let login = |state| LoginStatus {
            id: LoginId::new("a"),
            name: "Alice".to_owned(),
            owner: Some(ruma::owned_user_id!("@alice:example.org")),
            me: None,
            state,
        };
        let mut known = Told::default();
        let mut hear = |state, now_ms| {
            let (now, words) = news(known.clone(), &login(state), now_ms, ("Fake", "!fake"));
            known = now;
            words
        };
        let away = || SessionState::Disconnected { reason: "The line is cut.".to_owned() };
        let refused = || SessionState::BadCredentials { reason: "The password is old.".to_owned() };
        assert_eq!(hear(SessionState::Connecting, 0), None);
        assert_eq!(hear(SessionState::Connected, 1), None);
        assert_eq!(hear(away(), 2), None);
        assert_eq!(hear(SessionState::Connecting, 3), None);
        assert_eq!(hear(away(), 1 + PATIENCE_MS), None);
        let words = "Alice is not connected to Fake; I go on trying. The line is cut.";
        assert_eq!(hear(away(), 2 + PATIENCE_MS).as_deref(), Some(words));
        assert_eq!(hear(away(), 3 + PATIENCE_MS), None);
        assert_eq!(hear(SessionState::Connected, 4).as_deref(), Some("Alice is connected to Fake again."));
        let words = "Fake does not accept Alice any more: The password is old. `!fake relogin a` signs in again; your \
                     rooms stay.";
        assert_eq!(hear(refused(), 5).as_deref(), Some(words));
        assert_eq!(hear(refused(), 6), None);
        assert_eq!(hear(SessionState::Connected, 7).as_deref(), Some("Alice is connected to Fake again."));
        let warned = |reason: &str| SessionState::Warned { reason: reason.to_owned() };
        assert_eq!(hear(warned("Charge it."), 8).as_deref(), Some("Alice needs you: Charge it."));
        assert_eq!(hear(warned("Charge it."), 9), None, "it is known");
        assert_eq!(hear(warned("Hurry."), 10).as_deref(), Some("Alice needs you: Hurry."));
        assert_eq!(hear(SessionState::Connected, 11), None);
    }
}
