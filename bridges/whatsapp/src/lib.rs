//! The WhatsApp bridge: what is WhatsApp's own, and nothing else.
//!
//! | file | duty |
//! |---|---|
//! | `config` | the `platform:` section |
//! | `backend` | what a way to WhatsApp is: there are several, and a login belongs to one |
//! | `linked` | an account of a phone, with the bridge as one of its linked devices |
//! | `cloud` | the Cloud API, for the number of a business |
//! | `ids` | how people and messages are spelled as remote ids, the same for every way |
//! | `format` | WhatsApp's markup to the rich-text tree and back |
//!
//! Start reading at `linked` or `cloud`.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::About,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, Platform, PlatformError, SavedLogin,
        Session, Webhook,
    },
};

pub use self::config::WhatsAppConfig;
use self::{backend::Backend, cloud::Cloud, linked::Linked};

mod backend;
mod cloud;
mod config;
pub mod format;
mod ids;
mod linked;

#[cfg(all(feature = "simulator", not(debug_assertions)))]
compile_error!(
    "`simulator` takes any server for WhatsApp's own: it is for tests, and never for what is shipped"
);

/// What is said of an account of a phone where phones are not linked.
const SWITCHED_OFF: &str = "This bridge links no phones: `platform.linked_devices` is false. Set it to true, or sign this account out.";

/// WhatsApp.
pub struct WhatsApp {
    /// The ways to WhatsApp, the usual one first.
    backends: Vec<Arc<dyn Backend>>,
    /// The way by a phone, where it is switched off: its saved accounts are told why they do not connect.
    switched_off: Option<Arc<dyn Backend>>,
    webhook: Arc<dyn Webhook>,
}

#[async_trait]
impl Platform for WhatsApp {
    const ABOUT: About = About {
        id: "whatsapp",
        name: "WhatsApp",
        default_port: 29_336,
        bot: "whatsappbot",
        ghost_prefix: "whatsapp_",
        command_prefix: "!whatsapp",
    };

    type Config = WhatsAppConfig;

    fn new(config: WhatsAppConfig, clock: Clock) -> Result<Self, PlatformError> {
        let config = Arc::new(config);
        let linked: Arc<dyn Backend> = Arc::new(Linked::new(Arc::clone(&config), clock.clone()));
        let cloud = Arc::new(Cloud::new(Arc::clone(&config), clock));
        let webhook = cloud.webhook();
        let (backends, switched_off): (Vec<Arc<dyn Backend>>, _) = match config.linked_devices {
            true => (vec![linked, cloud], None),
            false => (vec![cloud], Some(linked)),
        };
        Ok(Self { backends, switched_off, webhook })
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        self.backends.iter().flat_map(|backend| backend.login_flows()).collect()
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        for backend in &self.backends {
            if backend.login_flows().iter().any(|known| known.id == flow) {
                return backend.begin_login(flow).await;
            }
        }
        let known: Vec<_> = self.login_flows().iter().map(|flow| format!("`{}`", flow.id)).collect();
        Err(PlatformError(format!("There is no login flow `{flow}`; there is {}.", known.join(", "))))
    }

    fn configured_logins(&self) -> Vec<SavedLogin> {
        self.backends.iter().filter_map(|backend| backend.configured_login()).collect()
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        match self.backends.iter().find(|backend| backend.owns(&login.id)) {
            Some(backend) => backend.connect(login, sink).await,
            None if self.switched_off.as_ref().is_some_and(|backend| backend.owns(&login.id)) => {
                Err(ConnectError::BadCredentials(SWITCHED_OFF.to_owned()))
            }
            None => {
                let words =
                    "The saved account belongs to no way to WhatsApp that this bridge has. Sign in again.";
                Err(ConnectError::BadCredentials(words.to_owned()))
            }
        }
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for backend in &self.backends {
            findings.extend(backend.diagnose().await);
        }
        findings
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        Some(Arc::clone(&self.webhook))
    }
}
