//! `doctor`: the running bridge looks at everything that it stands on, one thing at a time. The program's own `doctor` does so before it runs.

use std::time::Duration;

use futures_util::FutureExt;

use super::{Asked, Command, Desk, Place, Section, said, status::state_words};
use crate::{
    config::Level,
    message::SessionState,
    platform::{Fault, Finding},
};

/// A check that takes longer is given up.
const CHECK_MAX: Duration = Duration::from_secs(20);

pub(super) const DOCTOR: Command = Command {
    name: "doctor",
    aliases: &["diagnose", "check"],
    section: Section::General,
    arguments: &[],
    help: "Tests what the bridge stands on, and says what to do about each fault.",
    example: "doctor",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(examine(desk, asked).await)) }.boxed(),
};

async fn examine(desk: &Desk, asked: Asked<'_>) -> String {
    let name = desk.about.name;
    let mut findings = vec![
        within("homeserver", homeserver(desk)).await,
        Finding::good("way back from the homeserver", "your command came by it"),
        within("double puppets", double_puppets(desk, asked)).await,
        within("database", database(desk)).await,
    ];
    findings.extend(desk.logins.statuses().iter().map(|login| match &login.state {
        SessionState::Connected => Finding::good(format!("account {}", login.name), "connected"),
        state => {
            let remedy = format!("`{} relogin {}` signs in again, if it was refused.", desk.prefix, login.id);
            Finding::fault(format!("account {}", login.name), state_words(state), remedy)
        }
    }));
    match tokio::time::timeout(CHECK_MAX, desk.signing_in.accounts().network().examine()).await {
        Ok(found) => findings.extend(found),
        Err(_) => {
            findings.push(Finding::fault(name, no_answer(), "Check the network of the bridge's machine."))
        }
    }
    let faults = findings.iter().filter(|finding| finding.result.is_err()).count();
    let mut lines: Vec<_> = findings.iter().map(line).collect();
    lines.push(match faults {
        0 => "Everything is in order.".to_owned(),
        1 => "1 fault found.".to_owned(),
        faults => format!("{faults} faults found."),
    });
    lines.join("\n")
}

async fn homeserver(desk: &Desk) -> Finding {
    let check = "homeserver";
    match desk.homeserver.registered_as().await {
        Ok(user_id) if user_id == desk.names.bot() => Finding::good(check, format!("knows us as {user_id}")),
        Ok(user_id) => {
            let problem = format!("it takes us for {user_id}, not for {}", desk.names.bot());
            Finding::fault(check, problem, "Give the homeserver the registration file anew and restart it.")
        }
        Err(error) => Finding::fault(check, error.to_string(), "See that the homeserver runs."),
    }
}

async fn double_puppets(desk: &Desk, asked: Asked<'_>) -> Finding {
    let check = "double puppets";
    if desk.homeserver.shared_double(asked.sender).is_none() {
        return Finding::good(check, "each person gives their own token, by `login-matrix`");
    }
    let remedy = "Give the homeserver the file that `homeserver.double_puppets` names, and restart it.";
    match desk.doubles.of(asked.sender).await {
        Ok(Some(_)) => Finding::good(check, "the bridge can act for the people of the homeserver"),
        Ok(None) => Finding::fault(check, "the homeserver does not take the token", remedy),
        Err(error) => Finding::fault(check, error.to_string(), remedy),
    }
}

async fn database(desk: &Desk) -> Finding {
    let check = "database";
    match desk.store.journal_stats().await {
        Ok(stats) if stats.parked == 0 => Finding::good(check, "answers, and nothing has failed"),
        Ok(stats) => Finding::good(
            check,
            format!("answers; {} parked, `{} failed` lists them", stats.parked, desk.prefix),
        ),
        Err(error) => Finding::fault(check, error.to_string(), "See that the database runs and has room."),
    }
}

async fn within(check: &str, looking: impl Future<Output = Finding>) -> Finding {
    let found = tokio::time::timeout(CHECK_MAX, looking).await;
    found.unwrap_or_else(|_| Finding::fault(check, no_answer(), "Try again, and look into its log."))
}

fn no_answer() -> String {
    format!("no answer within {} s", CHECK_MAX.as_secs())
}

fn line(Finding { check, result }: &Finding) -> String {
    match result {
        Ok(detail) => format!("✔ {check}: {detail}"),
        Err(Fault { problem, remedy }) => format!("✘ {check}: {problem}\n  What to do: {remedy}"),
    }
}
