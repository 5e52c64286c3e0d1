//! The doctor's look at the homeserver: there, known to it, and back.

use std::{collections::BTreeMap, sync::Arc};

use ruma::UserId;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{CHECK_MAX, Report, no_answer, patiently};
use crate::{
    appservice::{self, Handler, NotAccepted, Transaction, registration::Registration},
    config::Config,
    homeserver::{Homeserver, HomeserverError, HomeserverSettings},
    platform::Finding,
};

/// From here to the homeserver, and back; each check only after the one before it went well.
pub(super) async fn examine<C>(config: &Config<C>, registration: &Registration, report: &mut Report) {
    let settings = HomeserverSettings {
        url: config.homeserver.url.clone(),
        as_token: registration.tokens.as_token.clone(),
        bot: registration.names.bot().to_owned(),
        double_puppet_token: None,
        other_servers: BTreeMap::default(),
    };
    let homeserver = match Homeserver::new(settings) {
        Ok(homeserver) => homeserver,
        Err(error) => {
            return report.tell(&Finding::fault("homeserver", error.to_string(), "Mend `homeserver.url`."));
        }
    };
    let look = Look { config, registration, homeserver: &homeserver };
    if !tell(report, "homeserver", look.there()).await {
        return;
    }
    if tell(report, "registration at the homeserver", look.known()).await {
        tell(report, "way back from the homeserver", look.way_back()).await;
    }
}

async fn tell(report: &mut Report, check: &str, finding: impl Future<Output = Finding>) -> bool {
    let slow = || {
        let remedy = "See whether the homeserver is overloaded, or a proxy before it swallows requests; then try again.";
        Finding::fault(check, no_answer(CHECK_MAX), remedy)
    };
    let finding = patiently(check, CHECK_MAX, finding).await.unwrap_or_else(slow);
    report.tell(&finding);
    finding.result.is_ok()
}

/// What the checks look at.
struct Look<'a, C> {
    config: &'a Config<C>,
    registration: &'a Registration,
    homeserver: &'a Homeserver,
}

impl<C> Look<'_, C> {
    /// Whether there is a homeserver.
    async fn there(&self) -> Finding {
        let url = &self.config.homeserver.url;
        match self.homeserver.versions().await {
            // Synapse answers even this only to tokens that it knows; the next check is about those.
            Ok(_) | Err(HomeserverError::TokenRefused(_)) => {
                Finding::good("homeserver", format!("answers at {url}"))
            }
            Err(error) => {
                let remedy = format!(
                    "See that the homeserver runs and that `homeserver.url` ({url}) leads from this machine to its client API."
                );
                Finding::fault("homeserver", error.to_string(), remedy)
            }
        }
    }

    /// Whether the homeserver has loaded the registration, and is the one that the configuration means.
    async fn known(&self) -> Finding {
        let check = "registration at the homeserver";
        let file = self.config.appservice.registration.display();
        let bot = self.registration.names.bot();
        match self.homeserver.registered_as().await {
            Ok(user_id) if user_id == *bot => Finding::good(check, format!("we are {user_id}")),
            Ok(user_id) if user_id.server_name() != bot.server_name() => {
                let problem = format!(
                    "the homeserver's name is {}, and the configuration says {}",
                    user_id.server_name(),
                    bot.server_name()
                );
                let remedy = format!(
                    "Set `homeserver.server_name` to {}, run `{} registration`, and restart the homeserver.",
                    user_id.server_name(),
                    self.config.about.program()
                );
                Finding::fault(check, problem, remedy)
            }
            Ok(user_id) => {
                let problem = format!("the homeserver takes us for {user_id}, not for {bot}");
                Finding::fault(
                    check,
                    problem,
                    format!("Give the homeserver the file {file} anew and restart it."),
                )
            }
            Err(error @ HomeserverError::TokenRefused(_)) => {
                let remedy = format!(
                    "Add {file} to `app_service_config_files` in the homeserver's configuration, see that the homeserver may read \
                     it, and restart the homeserver."
                );
                Finding::fault(check, error.to_string(), remedy)
            }
            Err(error) => {
                let remedy = format!("See that the homeserver loaded {file}, and what its log says.");
                Finding::fault(check, error.to_string(), remedy)
            }
        }
    }

    /// Whether the homeserver reaches us.
    async fn way_back(&self) -> Finding {
        let check = "way back from the homeserver";
        let address = self.config.appservice.listen;
        let stop = CancellationToken::new();
        let server = match TcpListener::bind(address).await {
            Ok(listener) => Some(self.serve(listener, &stop)),
            // Taken: most likely by the bridge itself. The ping tells.
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => None,
            Err(error) => {
                let remedy =
                    "Set `appservice.listen` to an address of this machine and a port that may be used.";
                return Finding::fault(check, format!("cannot listen on {address}: {error}"), remedy);
            }
        };
        let is_ours = server.is_some();
        let ping = self.homeserver.ping(&self.config.appservice.id, "doctor").await;
        stop.cancel();
        if let Some(server) = server {
            let _ = server.await;
        }
        match ping {
            Ok(took) => Finding::good(check, format!("a ping came back after {} ms", took.as_millis())),
            Err(error) => self.no_way_back(&error, is_ours),
        }
    }

    fn no_way_back(&self, error: &HomeserverError, is_ours: bool) -> Finding {
        let check = "way back from the homeserver";
        let address = self.config.appservice.listen;
        let (url, program) = (&self.config.appservice.url, self.config.about.program());
        if !is_ours {
            let problem = format!(
                "the homeserver's ping did not come back ({error}), and something else listens on {address}"
            );
            let remedy = format!(
                "Stop the program that uses {address}, or choose another address with `appservice.listen`; then run `{program} \
                 registration` and restart the homeserver."
            );
            return Finding::fault(check, problem, remedy);
        }
        let problem = format!("the homeserver's ping did not come back: {error}");
        let remedy = format!(
            "The homeserver calls {url} and must reach {address} there: set `appservice.url` to an address that leads from the \
             homeserver to this machine, run `{program} registration`, and restart the homeserver. If the address is right, the \
             homeserver has read an older file: restart it."
        );
        Finding::fault(check, problem, remedy)
    }

    fn serve(&self, listener: TcpListener, stop: &CancellationToken) -> JoinHandle<()> {
        let router = appservice::router(self.registration.tokens.clone(), Arc::new(Busy));
        tokio::spawn(appservice::serve(listener, router, stop.clone()))
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
