//! An account of a phone, with the bridge as one of its linked devices.
//!
//! | file | duty |
//! |---|---|
//! | `login`, `diagnosis`, `seed` | linking to a phone; the doctor; what a sign-in leaves for the session |
//! | `verdict` | what the ends of a line mean |
//! | `line`, `proxy`, `http`, `store` | the library's client, its socket, its web requests, its memory in the bridge's database |
//! | `session` | one connected account: messages in, messages out |
//! | `events`, `markup`, `file` | messages of WhatsApp as what they mean here; their words; their files |
//! | `identity`, `place` | who is who; how chats and messages are called |
//!
//! The protocol is the library's (`whatsapp-rust`); nothing here speaks it. Start reading at `session`.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::LoginId,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, PlatformError, SavedLogin, Session,
    },
};

use self::login::{Linking, Way};
use crate::{backend::Backend, config::WhatsAppConfig};

mod diagnosis;
mod events;
mod file;
mod http;
mod identity;
mod line;
mod login;
mod markup;
mod place;
mod proxy;
mod seed;
mod session;
mod store;
mod verdict;
mod warnings;

/// How the ids of these logins begin; the id of the account follows.
const LOGIN_PREFIX: &str = "linked-";

/// The way by a phone.
pub(crate) struct Linked {
    config: Arc<WhatsAppConfig>,
    clock: Clock,
}

impl Linked {
    /// Takes the settings; touches no network.
    pub fn new(config: Arc<WhatsAppConfig>, clock: Clock) -> Self {
        Self { config, clock }
    }
}

#[async_trait]
impl Backend for Linked {
    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![login::QR, login::CODE]
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        let way = if flow == login::CODE.id { Way::Code } else { Way::Qr };
        Ok(Box::new(Linking::new(Arc::clone(&self.config), self.clock.clone(), way)))
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        None
    }

    fn owns(&self, login: &LoginId) -> bool {
        login.as_str().starts_with(LOGIN_PREFIX)
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let (config, clock) = (Arc::clone(&self.config), self.clock.clone());
        session::connect(session::Setup { config, clock, secret: login.secret.clone(), sink }).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        diagnosis::run(&self.config).await
    }
}
