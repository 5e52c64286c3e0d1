//! Tests a set-up one thing at a time, and says what to do about each fault.
//!
//! Changes nothing on either side. It answers the homeserver itself while the bridge is not running, so that the way back can be
//! tested too; every transaction is turned away then and comes again when the bridge runs.

use std::{fmt::Write as _, sync::Arc};

use ruma::UserId;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{cli::ExitCode, run::store_settings};
use crate::{
    appservice::{self, Handler, NotAccepted, Transaction, registration::Registration},
    clock::Clock,
    config::Config,
    homeserver::{Homeserver, HomeserverError, HomeserverSettings},
    platform::{Fault, Finding, Platform},
    portal::Lanes,
    store::{Store, StoreError},
};

/// Tests everything and prints the findings as they come.
pub(super) async fn doctor<P: Platform>(config: Config<P::Config>) -> ExitCode {
    let mut report = Report { faults: 0 };
    report.tell(&Finding::good("configuration", config.path.display().to_string()));
    match Registration::read(&config.about, &config.appservice) {
        Ok(registration) => {
            report.tell(&Finding::good("registration", config.appservice.registration.display().to_string()));
            for finding in homeserver(&config, &registration).await {
                report.tell(&finding);
            }
        }
        Err(error) => report.tell(&Finding::fault(
            "registration",
            error.to_string(),
            format!(
                "run `{} registration`, give the file to the homeserver and restart it",
                config.about.program()
            ),
        )),
    }
    report.tell(&database(&config).await);
    match P::new(config.platform, Clock::system()) {
        Ok(platform) => platform.diagnose().await.iter().for_each(|finding| report.tell(finding)),
        Err(error) => {
            report.tell(&Finding::fault("platform", error.to_string(), "mend the `platform:` section"))
        }
    }
    report.close()
}

struct Report {
    faults: usize,
}

impl Report {
    fn tell(&mut self, Finding { check, result }: &Finding) {
        let mut lines = String::new();
        match result {
            Ok(detail) => {
                let _ = write!(lines, "ok    {check}: {detail}");
            }
            Err(Fault { problem, remedy }) => {
                self.faults += 1;
                let _ = write!(lines, "FAULT {check}: {}\n      what to do: {remedy}", problem.trim_end());
            }
        }
        println!("{lines}");
    }

    fn close(self) -> ExitCode {
        match self.faults {
            0 => {
                println!("Everything is in order.");
                ExitCode::Ok
            }
            1 => {
                println!("1 fault found.");
                ExitCode::Runtime
            }
            faults => {
                println!("{faults} faults found.");
                ExitCode::Runtime
            }
        }
    }
}

async fn database<C>(config: &Config<C>) -> Finding {
    let check = "database";
    let lanes = Lanes::new(CancellationToken::new());
    match Store::open(&store_settings(&config.database), Clock::system(), Arc::new(lanes)).await {
        Ok(store) => {
            store.close().await;
            Finding::good(check, "opens, and is of this version")
        }
        Err(StoreError::Held) => Finding::good(check, "in use by the running bridge"),
        Err(error) => Finding::fault(
            check,
            error.to_string(),
            "see `database.url` in the configuration; the file's folder, or the server, must be there and writable",
        ),
    }
}

/// From here to the homeserver, and back.
async fn homeserver<C>(config: &Config<C>, registration: &Registration) -> Vec<Finding> {
    let settings = HomeserverSettings {
        url: config.homeserver.url.clone(),
        as_token: registration.tokens.as_token.clone(),
        bot: registration.names.bot().to_owned(),
    };
    let url = &config.homeserver.url;
    let homeserver = match Homeserver::new(settings) {
        Ok(homeserver) => homeserver,
        Err(error) => return vec![Finding::fault("homeserver", error.to_string(), "mend `homeserver.url`")],
    };
    match homeserver.versions().await {
        Ok(_) => {}
        Err(error) => {
            let remedy = format!(
                "check that the homeserver runs and that `homeserver.url` ({url}) leads to its client API"
            );
            return vec![Finding::fault("homeserver", error.to_string(), remedy)];
        }
    }
    let mut findings = vec![Finding::good("homeserver", format!("answers at {url}"))];
    let known = known(config, registration, &homeserver).await;
    let goes_on = known.result.is_ok();
    findings.push(known);
    if goes_on {
        findings.push(way_back(config, registration, &homeserver).await);
    }
    findings
}

/// Whether the homeserver has loaded the registration.
async fn known<C>(config: &Config<C>, registration: &Registration, homeserver: &Homeserver) -> Finding {
    let check = "registration at the homeserver";
    let file = config.appservice.registration.display();
    match homeserver.bot().whoami().await {
        Ok(user_id) if user_id == *registration.names.bot() => {
            Finding::good(check, format!("we are {user_id}"))
        }
        Ok(user_id) => Finding::fault(
            check,
            format!("the homeserver takes us for {user_id}, not for {}", registration.names.bot()),
            format!(
                "set `homeserver.server_name` to {}, or give the homeserver the file {file} anew",
                user_id.server_name()
            ),
        ),
        Err(error @ HomeserverError::TokenRefused(_)) => Finding::fault(
            check,
            error.to_string(),
            format!(
                "add {file} to `app_service_config_files` in the homeserver's configuration and restart it"
            ),
        ),
        Err(error) => Finding::fault(
            check,
            error.to_string(),
            format!(
                "check that `homeserver.server_name` is the homeserver's own name, and that it loaded {file}"
            ),
        ),
    }
}

/// Whether the homeserver reaches us.
async fn way_back<C>(config: &Config<C>, registration: &Registration, homeserver: &Homeserver) -> Finding {
    let check = "way back from the homeserver";
    let address = config.appservice.listen;
    let stop = CancellationToken::new();
    let server = match TcpListener::bind(address).await {
        Ok(listener) => {
            let router = appservice::router(registration.tokens.clone(), Arc::new(Busy));
            Some(tokio::spawn(appservice::serve(listener, router, stop.clone())))
        }
        // Taken: most likely by the bridge itself. The ping tells.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => None,
        Err(error) => {
            let remedy = "set `appservice.listen` to an address of this machine";
            return Finding::fault(check, format!("cannot listen on {address}: {error}"), remedy);
        }
    };
    let ping = homeserver.ping(&config.appservice.id, "doctor").await;
    stop.cancel();
    if let Some(server) = server {
        let _ = server.await;
    }
    match ping {
        Ok(took) => Finding::good(check, format!("a ping came back after {} ms", took.as_millis())),
        Err(error) => Finding::fault(
            check,
            error.to_string(),
            format!(
                "the homeserver calls {}: set `appservice.url` to an address at which it reaches {address}, run \
                 `{} registration`, and restart the homeserver",
                config.appservice.url,
                config.about.program()
            ),
        ),
    }
}

/// Answers pings and turns everything else away for later.
struct Busy;

impl Handler for Busy {
    async fn transaction(&self, _transaction: Transaction<'_>) -> Result<(), NotAccepted> {
        Err(NotAccepted("the bridge is being tested; send it again".to_owned()))
    }

    async fn user_exists(&self, _user: &UserId) -> bool {
        false
    }

    async fn alias_exists(&self, _alias: &str) -> bool {
        false
    }
}
