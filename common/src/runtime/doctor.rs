//! Tests a set-up one thing at a time, and says what to do about each fault.
//!
//! Changes nothing on either side. It answers the homeserver itself while the bridge is not running, so that the way back can be
//! tested too; every transaction is turned away then and comes again when the bridge runs. Each check has its time. Next:
//! `doctor/homeserver.rs`, and `Platform::diagnose` for the network's side.

use std::{fmt::Write as _, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{cli::ExitCode, parts::store_settings};
use crate::{
    appservice::registration::{self, Registration},
    clock::Clock,
    config::{Config, DatabaseUrl, Secret},
    platform::{Fault, Finding, Platform},
    store::{self, Examined, SavedLogins, StoreError},
};

mod homeserver;
mod machine;

/// A check that takes longer says that it is still under way.
const PROGRESS_AFTER: Duration = Duration::from_secs(2);

/// A check that takes longer than this is given up.
const CHECK_MAX: Duration = Duration::from_secs(30);

/// The check of what people have signed in with.
const ACCOUNTS: &str = "saved accounts";

/// The network's side is many questions.
const PLATFORM_MAX: Duration = Duration::from_secs(90);

/// Tests everything and prints the findings as they come.
pub(super) async fn doctor<P: Platform>(config: Config<P::Config>) -> ExitCode {
    let mut report = Report::default();
    report.tell(&Finding::good("configuration", config.path.display().to_string()));
    let mut key = None;
    match Registration::read(&config.about, &config.appservice) {
        Ok(registration) => {
            key = Some(registration.tokens.key().clone());
            report.tell(&Finding::good("registration", config.appservice.registration.display().to_string()));
            report.tell(&flags(&config));
            homeserver::examine(&config, &registration, &mut report).await;
        }
        Err(error) => {
            let remedy = format!(
                "Run `{} registration`, give the file to the homeserver and restart it. The homeserver is checked after that.",
                config.about.program()
            );
            report.tell(&Finding::fault("registration", error.to_string(), remedy));
            report.is_config_wrong = true;
        }
    }
    let slow = |check: &str| Finding::fault(check, no_answer(CHECK_MAX), database_remedy(&config));
    let looked = patiently("the database", CHECK_MAX, database(&config)).await;
    let (found, has_accounts) = looked.unwrap_or_else(|| (slow("database"), false));
    report.tell(&found);
    if let Some(key) = key.filter(|_| has_accounts) {
        let found = patiently("the saved accounts", CHECK_MAX, accounts(&config, &key)).await;
        report.tell(&found.unwrap_or_else(|| slow(ACCOUNTS)));
    }
    machine::examine(&config, &mut report);
    platform::<P>(config, &mut report).await;
    report.close()
}

/// What the homeserver tells us only when the registration asks for it.
fn flags<C>(config: &Config<C>) -> Finding {
    let check = "flags of the registration";
    let missing = registration::missing_flags(&config.about, &config.appservice.registration);
    if missing.is_empty() {
        return Finding::good(check, "typing, receipts and encryption are asked for, and no rate limit");
    }
    let program = config.about.program();
    let remedy = format!(
        "Run `{program} registration`, which keeps the tokens, give the file to the homeserver and restart it."
    );
    Finding::fault(check, format!("these are missing: {}", missing.join(", ")), remedy)
}

async fn platform<P: Platform>(config: Config<P::Config>, report: &mut Report) {
    let name = config.about.name;
    let platform = match P::new(config.platform, Clock::system()) {
        Ok(platform) => platform,
        Err(error) => {
            let remedy = "Mend the `platform:` section of the configuration.";
            return report.tell(&Finding::fault("platform", error.to_string(), remedy));
        }
    };
    match patiently(name, PLATFORM_MAX, platform.diagnose()).await {
        Some(findings) => findings.iter().for_each(|finding| report.tell(finding)),
        None => {
            let remedy = "Check this machine's network, and try again.";
            report.tell(&Finding::fault(name, no_answer(PLATFORM_MAX), remedy));
        }
    }
}

/// Prints findings and counts the faults.
#[derive(Default)]
struct Report {
    faults: usize,
    is_config_wrong: bool,
}

impl Report {
    fn tell(&mut self, Finding { check, result }: &Finding) {
        let mut lines = String::new();
        let _ = match result {
            Ok(detail) => write!(lines, "ok    {check}: {}", indented(detail)),
            Err(Fault { problem, remedy }) => {
                self.faults += 1;
                write!(lines, "FAULT {check}: {}\n      what to do: {}", indented(problem), indented(remedy))
            }
        };
        println!("{lines}");
    }

    fn close(self) -> ExitCode {
        match self.faults {
            0 => println!("Everything is in order."),
            1 => println!("1 fault found."),
            faults => println!("{faults} faults found."),
        }
        match self.faults {
            0 => ExitCode::Ok,
            _ if self.is_config_wrong => ExitCode::Config,
            _ => ExitCode::Runtime,
        }
    }
}

/// Waits for a check, says so when that takes long, and gives up in the end.
async fn patiently<T>(name: &str, max: Duration, check: impl Future<Output = T>) -> Option<T> {
    let mut check = std::pin::pin!(check);
    let deadline = Instant::now() + max;
    tokio::select! {
        found = &mut check => return Some(found),
        () = sleep(PROGRESS_AFTER) => {}
    }
    eprintln!("...   still checking {name}, for {} s at most", max.as_secs());
    timeout_at(deadline, check).await.ok()
}

fn no_answer(max: Duration) -> String {
    format!("no answer within {} s", max.as_secs())
}

/// Further lines stand below the first one.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n      ")
}

/// How the database is, and whether its accounts can be looked at.
async fn database<C>(config: &Config<C>) -> (Finding, bool) {
    let check = "database";
    match store::examine(&store_settings(&config.database, &Secret::default())).await {
        Ok(Examined::Fresh) => (Finding::good(check, "is made at the first start, the place is good"), false),
        Ok(Examined::Older) => {
            (Finding::good(check, "opens, and is brought up to date at the next start"), false)
        }
        Ok(Examined::Current) => (Finding::good(check, "opens, and is of this version"), true),
        Err(StoreError::Held) => (Finding::good(check, "in use by the running bridge"), true),
        Err(error) => (Finding::fault(check, error.to_string(), database_remedy(config)), false),
    }
}

/// Whether the key that there is today opens what people have signed in with: after a restore it may be another one.
async fn accounts<C>(config: &Config<C>, key: &Secret) -> Finding {
    let check = ACCOUNTS;
    match store::saved_logins(&store_settings(&config.database, key)).await {
        Ok(SavedLogins { all: 0, .. }) => {
            Finding::good(check, "none; people sign in with the command `login`")
        }
        Ok(SavedLogins { all, locked: 0 }) => Finding::good(check, format!("{all}, and the key opens them")),
        Ok(SavedLogins { all, locked }) => {
            let problem = format!("{locked} of {all} were sealed with another key, so they do not connect");
            let remedy = "Put back the registration, and `database.encryption_key` if there was one, from when people signed in; or let \
                them sign in again.";
            Finding::fault(check, problem, remedy)
        }
        Err(error) => Finding::fault(check, error.to_string(), database_remedy(config)),
    }
}

fn database_remedy<C>(config: &Config<C>) -> String {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => format!(
            "Look at {}: it must be a file of this bridge, in a folder that its user may write to; `database.url` says where it is.",
            path.display()
        ),
        DatabaseUrl::Postgres(_) => "See that PostgreSQL runs, that this machine reaches it, and that host, user, password and database in \
             `database.url` are right."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_without_an_end_is_given_up() {
        let max = Duration::from_millis(20);
        assert_eq!(patiently("nothing", max, std::future::pending::<()>()).await, None);
        assert_eq!(patiently("something", max, async { 5 }).await, Some(5));
    }

    #[test]
    fn the_exit_code_tells_a_wrong_file_from_another_fault() {
        let fault = Finding::fault("a", "b\nc", "d");
        let mut report = Report::default();
        report.tell(&Finding::good("a", "b"));
        assert_eq!(report.close(), ExitCode::Ok);
        let mut report = Report::default();
        report.tell(&fault);
        assert_eq!(report.close(), ExitCode::Runtime);
        let mut report = Report { is_config_wrong: true, ..Report::default() };
        report.tell(&fault);
        assert_eq!(report.close(), ExitCode::Config);
        assert_eq!(indented("b\nc\n"), "b\n      c");
    }
}
