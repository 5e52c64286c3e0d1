//! What the pieces of a running bridge share, and how each is built from the configuration.

use std::sync::Arc;

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{gauges::Gauges, presence::Presence, reports::ToldLanes, run::Fatal, sink::StoreSink};
use crate::{
    api::{Api, ApiParts},
    appservice::registration::{Registration, double_puppets},
    clock::Clock,
    commands::{Chats, Commands, Desk},
    config::{self, Config, CreatePortals, DatabaseUrl, Secret},
    health::{Condition, Readiness},
    homeserver::{Homeserver, HomeserverSettings},
    login::{Accounts, AccountsParts, LoginStatus, Logins, Network, SigningIn},
    media::{self, Converter, Media, MediaSettings, PublicMedia, PublicMediaSettings},
    message::SessionState,
    platform::EventSink,
    portal::{Lanes, PortalParts, PortalSettings, Portals},
    puppet::Doubles,
    report::Checkpoints,
    store::{self, PushOrder, Store, StoreSettings},
};

/// What the pieces share.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) homeserver: Homeserver,
    pub(super) logins: Logins,
    pub(super) signing_in: SigningIn,
    pub(super) doubles: Doubles,
    pub(super) checkpoints: Checkpoints,
    pub(super) readiness: Readiness,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
}

/// What parts are built upon.
pub(super) struct Outside {
    pub(super) checkpoints: Checkpoints,
    pub(super) network: Arc<dyn Network>,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
}

impl Parts {
    pub(super) async fn build<C>(
        config: &Config<C>,
        registration: &Registration,
        lanes: &Lanes,
        outside: Outside,
    ) -> Result<Self, Fatal> {
        let Outside { checkpoints, network, clock, stop } = outside;
        let settings = store_settings(&config.database, registration.tokens.key());
        let feed = ToldLanes { lanes: lanes.clone(), checkpoints: checkpoints.clone() };
        let store = Store::open(&settings, clock.clone(), Arc::new(feed)).await?;
        // Not earlier: the folder of a SQLite database that is not there is a mistake, and must not be made.
        let folder = config.media_folder();
        media::prepare_folder(&folder).map_err(|error| Fatal::MediaFolder { folder, error })?;
        let double_puppets = config.homeserver.double_puppets.as_deref();
        let double_puppet_token = double_puppets
            .map(|file| double_puppets::read_token(&config.about, file))
            .transpose()
            .map_err(|report| Fatal::Registration(report.to_string()))?;
        let homeserver = Homeserver::new(HomeserverSettings {
            url: config.homeserver.url.clone(),
            as_token: registration.tokens.as_token.clone(),
            previous_as_token: registration
                .tokens
                .previous(clock.now_ms())
                .map(|previous| previous.as_token.clone()),
            bot: registration.names.bot().to_owned(),
            double_puppet_token,
            other_servers: config.homeserver.double_puppet_servers.clone(),
        })
        .map_err(|error| Fatal::Other(error.to_string()))?;
        let logins = Logins::new(clock.clone(), stop.clone());
        let accounts = Accounts::new(AccountsParts {
            logins: logins.clone(),
            store: store.clone(),
            network,
            per_user_max: config.bridge.logins_per_user_max,
            all_max: config.bridge.logins_max,
        });
        let signing_in = SigningIn::new(accounts, clock.clone(), stop.clone());
        let key = registration.tokens.key();
        let doubles = Doubles::new(store.clone(), homeserver.clone(), clock.clone(), key);
        let readiness = Readiness::new();
        Ok(Self { store, homeserver, logins, signing_in, doubles, checkpoints, readiness, clock, stop })
    }

    pub(super) fn commands<C>(&self, config: &Config<C>, registration: &Registration) -> Arc<Commands> {
        Arc::new(Commands::new(Desk {
            about: config.about,
            prefix: config.bridge.command_prefix.clone(),
            store: self.store.clone(),
            logins: self.logins.clone(),
            signing_in: self.signing_in.clone(),
            homeserver: self.homeserver.clone(),
            doubles: self.doubles.clone(),
            names: Arc::new(registration.names.clone()),
            permissions: config.bridge.permissions.clone(),
            relay_templates: Arc::new(config.bridge.relay_templates.clone()),
            chats: Chats::default(),
            clock: self.clock.clone(),
            started_ms: self.clock.now_ms(),
        }))
    }

    pub(super) fn portal_parts<C>(
        &self,
        config: &Config<C>,
        registration: &Registration,
        commands: Arc<Commands>,
    ) -> PortalParts {
        PortalParts {
            settings: PortalSettings {
                about: config.about,
                permissions: config.bridge.permissions.clone(),
                invite: config.bridge.invite.clone(),
                create_at_start: config.bridge.create_portals == CreatePortals::AtStart,
                backfill_messages_max: config.bridge.backfill_messages_max,
                personal_spaces: config.bridge.personal_spaces,
                delivery_receipts: config.bridge.delivery_receipts,
                message_status_events: config.bridge.message_status_events,
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
            commands,
            doubles: self.doubles.clone(),
            checkpoints: self.checkpoints.clone(),
            clock: self.clock.clone(),
        }
    }

    fn media<C>(&self, config: &Config<C>) -> Media {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let ffmpeg = config.bridge.ffmpeg.as_ref();
        let settings = MediaSettings {
            size_bytes_max: config.bridge.media_bytes_max,
            folder: config.media_folder(),
            converter: ffmpeg
                .and_then(|program| Converter::find(program, &search))
                .map(|converter| converter.with_silk(config.bridge.silk.as_deref(), &search)),
        };
        Media::new(self.store.clone(), self.homeserver.clone(), settings)
    }

    pub(super) fn public_media<C>(
        &self,
        config: &Config<C>,
        registration: &Registration,
    ) -> Option<PublicMedia> {
        let settings = PublicMediaSettings {
            public_url: config.appservice.public_url.clone()?,
            secret: registration.tokens.key().clone(),
        };
        Some(PublicMedia::new(&settings, self.homeserver.clone(), self.clock.clone()))
    }

    /// The provisioning API, where the configuration has one.
    pub(super) fn api<C>(&self, config: &Config<C>, registration: &Registration) -> Option<Api> {
        Some(Api::new(ApiParts {
            about: config.about,
            prefix: config.bridge.command_prefix.clone(),
            settings: config.provisioning.clone()?,
            permissions: config.bridge.permissions.clone(),
            logins_per_user_max: config.bridge.logins_per_user_max,
            store: self.store.clone(),
            logins: self.logins.clone(),
            signing_in: self.signing_in.clone(),
            homeserver: self.homeserver.clone(),
            names: Arc::new(registration.names.clone()),
            clock: self.clock.clone(),
        }))
    }

    pub(super) async fn listen<C>(&self, config: &Config<C>) -> Result<TcpListener, Fatal> {
        let address = config.appservice.listen;
        TcpListener::bind(address).await.map_err(|error| Fatal::Listen { address, error })
    }

    pub(super) fn presence(&self, appservice_id: &str) -> Presence {
        Presence {
            condition: self.readiness.condition("homeserver", "the homeserver has not reached us yet"),
            homeserver: self.homeserver.clone(),
            appservice_id: appservice_id.to_owned(),
            clock: self.clock.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Keeps the figures true that no message pays for.
    pub(super) fn gauges(&self, network: &'static str) -> Gauges {
        let Self { store, homeserver, clock, stop, .. } = self.clone();
        Gauges { network, store, homeserver, clock, stop }
    }

    /// Gives every session a way in.
    pub(super) fn give_sinks(&self, portals: &Arc<Portals>) {
        let (parts, portals) = (self.clone(), portals.clone());
        self.signing_in.accounts().set_sinks(move |login| {
            let sink = StoreSink {
                store: parts.store.clone(),
                portals: portals.clone(),
                logins: parts.logins.clone(),
                homeserver: parts.homeserver.clone(),
                clock: parts.clock.clone(),
                order: PushOrder::default(),
            };
            EventSink::new(login.clone(), Arc::new(sink))
        });
    }

    /// Keeps `/ready` true to the account that the configuration names. What people sign in with is their own business.
    pub(super) fn watch_configured(&self, is_configured: bool) -> JoinHandle<()> {
        if !is_configured {
            return tokio::spawn(async {});
        }
        let condition = self.readiness.condition("platform", "no account is connected yet");
        tokio::spawn(watch_configured(self.logins.clone(), condition, self.stop.clone()))
    }
}

/// The database as the store names it.
pub(super) fn store_settings(database: &config::Database, registration_key: &Secret) -> StoreSettings {
    let url = match &database.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    };
    let durability = match database.durability {
        config::Durability::Full => store::Durability::Full,
        config::Durability::Normal => store::Durability::Normal,
    };
    StoreSettings {
        url,
        durability,
        key: database.encryption_key.as_ref().unwrap_or(registration_key).clone(),
    }
}

async fn watch_configured(logins: Logins, condition: Condition, stop: CancellationToken) {
    let mut changes = logins.changes();
    loop {
        let is_live =
            |state: &SessionState| matches!(state, SessionState::Connected | SessionState::Warned { .. });
        let configured = |login: &LoginStatus| login.owner.is_none() && !is_live(&login.state);
        match logins.statuses().into_iter().find(configured) {
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
        SessionState::Connected | SessionState::Warned { .. } | SessionState::LoggedOut => {
            format!("{} is not connected", login.name)
        }
    }
}
