//! Builds the bridge, keeps it going, stops it in order.
//!
//! The order matters: what an earlier process left open is in its lanes before anything new is accepted, and we listen before the
//! homeserver is told that we are here. A network or homeserver that is away stops nothing.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{accept::Acceptor, cli::ExitCode, presence::Presence, sink::StoreSink};
use crate::{
    appservice::{self, registration::Registration},
    clock::Clock,
    commands::{Commands, Desk},
    config::{self, Config, CreatePortals, DatabaseUrl},
    health::{self, Condition, Readiness},
    homeserver::{Homeserver, HomeserverSettings},
    login::{LoginStatus, Logins},
    media::{self, Converter, Media, MediaSettings, PublicMedia, PublicMediaSettings},
    message::SessionState,
    platform::{EventSink, Platform},
    portal::{Lanes, PortalParts, PortalSettings, Portals},
    store::{self, PushOrder, Store, StoreError, StoreSettings},
};

/// What is under way may take this long to come to its end.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Why the bridge does not run.
#[derive(Debug, thiserror::Error)]
enum Fatal {
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
    match Running::start::<P>(config, stop).await {
        Ok(running) => running.until_stopped().await,
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
    sessions: JoinHandle<()>,
}

/// What the pieces share.
#[derive(Clone)]
struct Parts {
    store: Store,
    homeserver: Homeserver,
    logins: Logins,
    readiness: Readiness,
    clock: Clock,
    stop: CancellationToken,
}

impl Running {
    async fn start<P: Platform>(config: Config<P::Config>, stop: CancellationToken) -> Result<Self, Fatal> {
        let registration = Registration::read(&config.about, &config.appservice)
            .map_err(|report| Fatal::Registration(report.to_string()))?;
        let lanes = Lanes::new(stop.clone());
        let parts = Parts::build(&config, &registration, &lanes, stop).await?;
        let portals = Arc::new(Portals::new(parts.portal_parts(&config, &registration)));
        lanes.begin(parts.store.clone(), portals.clone()).await?;

        let listener = parts.listen(&config).await?;
        let acceptor = Acceptor {
            store: parts.store.clone(),
            names: Arc::new(registration.names.clone()),
            portals: portals.clone(),
        };
        let mut router = appservice::router(registration.tokens.clone(), Arc::new(acceptor))
            .merge(health::router(parts.readiness.clone()));
        if let Some(public_media) = parts.public_media(&config, &registration) {
            router = router.merge(public_media.router());
        }
        let server = tokio::spawn(appservice::serve(listener, router, parts.stop.clone()));
        tracing::info!(address = %config.appservice.listen, "Listening for the homeserver.");

        let presence = tokio::spawn(parts.presence(&config.appservice.id).keep());
        let platform =
            P::new(config.platform, parts.clock.clone()).map_err(|error| Fatal::Other(error.to_string()))?;
        let sessions = parts.connect(platform, portals);
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
        Ok(Self { parts, lanes, server, presence, sessions })
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
            let _ = tokio::join!(self.server, self.presence, self.sessions);
            self.parts.logins.ended().await;
            self.lanes.ended().await;
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

impl Parts {
    async fn build<C>(
        config: &Config<C>,
        registration: &Registration,
        lanes: &Lanes,
        stop: CancellationToken,
    ) -> Result<Self, Fatal> {
        let clock = Clock::system();
        let settings = store_settings(&config.database);
        let store = Store::open(&settings, clock.clone(), Arc::new(lanes.clone())).await?;
        // Not earlier: the folder of a SQLite database that is not there is a mistake, and must not be made.
        let folder = config.media_folder();
        media::prepare_folder(&folder).map_err(|error| Fatal::MediaFolder { folder, error })?;
        let homeserver = Homeserver::new(HomeserverSettings {
            url: config.homeserver.url.clone(),
            as_token: registration.tokens.as_token.clone(),
            bot: registration.names.bot().to_owned(),
        })
        .map_err(|error| Fatal::Other(error.to_string()))?;
        let logins = Logins::new(clock.clone(), stop.clone());
        Ok(Self { store, homeserver, logins, readiness: Readiness::new(), clock, stop })
    }

    fn portal_parts<C>(&self, config: &Config<C>, registration: &Registration) -> PortalParts {
        let commands = Commands::new(Desk {
            about: config.about,
            prefix: config.bridge.command_prefix.clone(),
            store: self.store.clone(),
            logins: self.logins.clone(),
            clock: self.clock.clone(),
            started_ms: self.clock.now_ms(),
        });
        PortalParts {
            settings: PortalSettings {
                about: config.about,
                permissions: config.bridge.permissions.clone(),
                invite: config.bridge.invite.clone(),
                create_at_start: config.bridge.create_portals == CreatePortals::AtStart,
                backfill_messages_max: config.bridge.backfill_messages_max,
                delivery_receipts: config.bridge.delivery_receipts,
                command_prefix: config.bridge.command_prefix.clone(),
                relay_templates: Arc::new(config.bridge.relay_templates.clone()),
                relay_reactions: config.bridge.relay_reactions,
            },
            store: self.store.clone(),
            homeserver: self.homeserver.clone(),
            names: Arc::new(registration.names.clone()),
            logins: self.logins.clone(),
            media: self.media(config),
            public_media: self.public_media(config, registration),
            commands: Arc::new(commands),
            clock: self.clock.clone(),
        }
    }

    fn media<C>(&self, config: &Config<C>) -> Media {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let ffmpeg = config.bridge.ffmpeg.as_ref();
        let settings = MediaSettings {
            size_bytes_max: config.bridge.media_bytes_max,
            folder: config.media_folder(),
            converter: ffmpeg.and_then(|program| Converter::find(program, &search)),
        };
        Media::new(self.store.clone(), self.homeserver.clone(), settings)
    }

    fn public_media<C>(&self, config: &Config<C>, registration: &Registration) -> Option<PublicMedia> {
        let settings = PublicMediaSettings {
            public_url: config.appservice.public_url.clone()?,
            secret: registration.tokens.as_token.clone(),
        };
        Some(PublicMedia::new(&settings, self.homeserver.clone(), self.clock.clone()))
    }

    async fn listen<C>(&self, config: &Config<C>) -> Result<TcpListener, Fatal> {
        let address = config.appservice.listen;
        TcpListener::bind(address).await.map_err(|error| Fatal::Listen { address, error })
    }

    fn presence(&self, appservice_id: &str) -> Presence {
        Presence {
            condition: self.readiness.condition("homeserver", "the homeserver has not reached us yet"),
            homeserver: self.homeserver.clone(),
            appservice_id: appservice_id.to_owned(),
            clock: self.clock.clone(),
            stop: self.stop.clone(),
        }
    }

    /// A way in for a new session.
    fn sink(&self, portals: Arc<Portals>) -> StoreSink {
        StoreSink {
            store: self.store.clone(),
            portals,
            logins: self.logins.clone(),
            homeserver: self.homeserver.clone(),
            clock: self.clock.clone(),
            order: PushOrder::default(),
        }
    }

    /// Connects the account that the configuration names, and keeps `/ready` true to what the sessions do.
    fn connect<P: Platform>(&self, platform: P, portals: Arc<Portals>) -> JoinHandle<()> {
        let Some(login) = platform.configured_login() else {
            tracing::warn!("No account is configured, so nothing is connected.");
            return tokio::spawn(async {});
        };
        let parts = self.clone();
        let id = login.id.clone();
        self.logins.keep(Arc::new(platform), login, move || {
            EventSink::new(id.clone(), Arc::new(parts.sink(portals.clone())))
        });
        let condition = self.readiness.condition("platform", "no account is connected yet");
        tokio::spawn(watch_sessions(self.logins.clone(), condition, self.stop.clone()))
    }
}

/// The database as the store names it.
pub(super) fn store_settings(database: &config::Database) -> StoreSettings {
    let url = match &database.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    };
    let durability = match database.durability {
        config::Durability::Full => store::Durability::Full,
        config::Durability::Normal => store::Durability::Normal,
    };
    StoreSettings { url, durability }
}

async fn watch_sessions(logins: Logins, condition: Condition, stop: CancellationToken) {
    let mut changes = logins.changes();
    loop {
        match logins.statuses().into_iter().find(|login| login.state != SessionState::Connected) {
            None => condition.met(),
            Some(login) => condition.unmet(missing(&login)),
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
    }
}

/// What is missing for a login, in the words of whoever refused it.
fn missing(login: &LoginStatus) -> String {
    match &login.state {
        SessionState::Connecting => format!("{} is still connecting", login.name),
        SessionState::Disconnected { reason } | SessionState::BadCredentials { reason } => {
            format!("{} is not connected: {reason}", login.name)
        }
        SessionState::Connected | SessionState::LoggedOut => format!("{} is not connected", login.name),
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
