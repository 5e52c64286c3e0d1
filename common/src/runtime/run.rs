//! Builds the bridge, keeps it going, stops it in order.
//!
//! The order matters: what an earlier process left open is in its lanes before anything new is accepted, and we listen before the
//! homeserver is told that we are here. A network or homeserver that is away stops nothing.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    accept::Acceptor,
    cli::ExitCode,
    parts::{Outside, Parts},
    reports::{Reporting, Reports},
};
use crate::{
    api::Api,
    appservice::{self, registration::Registration},
    clock::Clock,
    config::Config,
    health,
    platform::Platform,
    portal::{Lanes, Portals},
    store::StoreError,
};

/// What is under way may take this long to come to its end.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Why the bridge does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fatal {
    /// The registration is not usable.
    #[error("{0}")]
    Registration(String),
    /// The database is not usable.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {error}. Choose another address with `appservice.listen`, or stop what uses it."
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// No file can lie where files lie while they are moved.
    #[error(
        "cannot keep files in {}: {error}. Choose another folder with `bridge.media_folder`, or let the bridge write there.", .folder.display()
    )]
    MediaFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Fatal {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Registration(_) => ExitCode::Config,
            Self::Store(StoreError::Held) => ExitCode::Locked,
            Self::Store(_) => ExitCode::Database,
            Self::Listen { .. } | Self::MediaFolder { .. } | Self::Other(_) => ExitCode::Runtime,
        }
    }
}

/// Runs the bridge until it is told to stop.
pub(super) async fn run<P: Platform>(config: Config<P::Config>) -> ExitCode {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    match Running::start::<P>(config, stop.clone()).await {
        Ok(running) => tokio::join!(running.until_stopped(), super::watchdog::keep(stop)).0,
        Err(fatal) => {
            tracing::error!("{fatal}");
            fatal.exit_code()
        }
    }
}

/// Everything that runs.
struct Running {
    parts: Parts,
    lanes: Lanes,
    server: JoinHandle<()>,
    presence: JoinHandle<()>,
    gauges: JoinHandle<()>,
    sessions: JoinHandle<()>,
    news: JoinHandle<()>,
    reporting: Reporting,
    api: Option<Api>,
}

impl Running {
    async fn start<P: Platform>(config: Config<P::Config>, stop: CancellationToken) -> Result<Self, Fatal> {
        let (config, platform) = config.split();
        let registration = Registration::read(&config.about, &config.appservice)
            .map_err(|report| Fatal::Registration(report.to_string()))?;
        let lanes = Lanes::new(stop.clone());
        let clock = Clock::system();
        let platform = P::new(platform, clock.clone()).map_err(|error| Fatal::Other(error.to_string()))?;
        let (configured, webhook) = (platform.configured_logins(), platform.webhook());
        let reports = Reports::new(&config.homeserver, &registration.tokens.as_token, &clock)?;
        let checkpoints = reports.checkpoints.clone();
        let outside = Outside { checkpoints, network: Arc::new(platform), clock, stop };
        let parts = Parts::build(&config, &registration, &lanes, outside).await?;
        let reporting = reports.begin(&parts.logins, &parts.clock, &parts.stop);
        let commands = parts.commands(&config, &registration);
        let portals = Arc::new(Portals::new(parts.portal_parts(&config, &registration, commands.clone())));
        portals.load_moves().await?;
        portals.load_identities().await?;
        parts.give_sinks(&portals);
        let accounts = parts.signing_in.accounts();
        let is_configured = !configured.is_empty();
        let announced = accounts.announce(configured).await?;
        lanes.begin(parts.store.clone(), portals.clone()).await?;

        let listener = parts.listen(&config).await?;
        let acceptor = Acceptor {
            store: parts.store.clone(),
            names: Arc::new(registration.names.clone()),
            portals: portals.clone(),
            doubles: parts.doubles.clone(),
        };
        let mut router =
            appservice::router(registration.tokens.clone(), parts.clock.clone(), Arc::new(acceptor))
                .merge(health::router(parts.readiness.clone()));
        if let Some(public_media) = parts.public_media(&config, &registration) {
            router = router.merge(public_media.router());
        }
        let api = parts.api(&config, &registration);
        if let Some(api) = &api {
            router = router.merge(api.router());
        }
        if let Some(webhook) = webhook {
            router = router.merge(appservice::webhook_router(webhook));
        }
        let server = tokio::spawn(appservice::serve(listener, router, parts.stop.clone()));
        tracing::info!(address = %config.appservice.listen, "Listening for the homeserver.");

        let presence = tokio::spawn(parts.presence(&config.appservice.id).keep());
        let gauges = tokio::spawn(parts.gauges(config.about.id).keep());
        let sessions = parts.watch_configured(is_configured);
        let stop = parts.stop.clone();
        let news = tokio::spawn(async move { commands.tell_news(stop).await });
        accounts.start(announced);
        reporting.started.cancel();
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
        Ok(Self { parts, lanes, server, presence, gauges, sessions, news, reporting, api })
    }

    /// Waits for the stop signal, then ends everything in order: nothing new comes in, what is under way ends, what is stored stays.
    async fn until_stopped(self) -> ExitCode {
        let code = tokio::select! {
            () = self.parts.stop.cancelled() => ExitCode::Ok,
            // Nothing can be accepted any more, so nothing must look as if it could.
            () = self.parts.store.ended() => {
                tracing::error!("The database is not ours any more, because another process took it over or it failed.");
                ExitCode::Locked
            }
        };
        self.parts.stop.cancel();
        tracing::info!("Stopping.");
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Stopping]);
        let ending = async {
            let _ = tokio::join!(self.server, self.presence, self.gauges, self.sessions, self.news);
            if let Some(api) = &self.api {
                api.ended().await;
            }
            self.parts.signing_in.ended().await;
            self.parts.logins.ended().await;
            self.lanes.ended().await;
            self.reporting.ended().await;
        };
        if tokio::time::timeout(STOP_PATIENCE, ending).await.is_err() {
            tracing::warn!(
                "Something did not end in time; what it was working on goes on at the next start."
            );
        }
        self.parts.store.close().await;
        code
    }
}

/// SIGTERM from a supervisor, or Ctrl-C from a person.
async fn stop_on_signal(stop: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    stop.cancel();
}

#[cfg(all(test, feature = "testkit"))]
mod stories;
