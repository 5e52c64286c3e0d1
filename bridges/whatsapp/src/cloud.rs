//! The Cloud API: the number of a business, by Meta's Graph API and its webhooks.
//!
//! | part | duty |
//! |---|---|
//! | `account`, `login` | what an account is made of; signing in; the doctor |
//! | `webhook` | the way in: the handshake, signatures, whose number it is |
//! | `place`, `file` | ids of chats and files |
//! | `events` | what webhooks tell, as `RemoteEvent`s |
//! | `session` | one connected number: webhooks taken in, messages sent |
//!
//! Reference: <https://developers.facebook.com/documentation/business-messaging/whatsapp>. Start reading at `session`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::LoginId,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, PlatformError, SavedLogin, Session,
        Webhook,
    },
};

use self::{
    account::Account,
    login::NumberLogin,
    session::{Setup, kept::Kept},
    webhook::Hooks,
};
use crate::{backend::Backend, config::WhatsAppConfig};

mod account;
mod events;
mod file;
mod json;
mod login;
mod place;
mod session;
mod webhook;

/// The way by the Cloud API.
pub(crate) struct Cloud {
    config: Arc<WhatsAppConfig>,
    clock: Clock,
    hooks: Arc<Hooks>,
    /// By number.
    kept: Mutex<HashMap<String, Arc<Kept>>>,
}

impl Cloud {
    /// Takes the settings; touches no network.
    pub fn new(config: Arc<WhatsAppConfig>, clock: Clock) -> Self {
        let hooks = Arc::new(Hooks::default());
        if let Some(account) = Account::configured(&config) {
            hooks.know(&account);
        }
        Self { config, clock, hooks, kept: Mutex::default() }
    }

    fn kept(&self, number: &str) -> Arc<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(number.to_owned()).or_default())
    }

    /// Where Meta calls.
    pub fn webhook(&self) -> Arc<dyn Webhook> {
        Arc::<Hooks>::clone(&self.hooks)
    }
}

#[async_trait]
impl Backend for Cloud {
    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![login::NUMBER]
    }

    async fn begin_login(&self, _flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        Ok(Box::new(NumberLogin(Arc::clone(&self.config))))
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        Account::configured(&self.config).map(|account| account.saved("the configured number"))
    }

    fn owns(&self, login: &LoginId) -> bool {
        account::is_ours(login)
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let account = Account::read(&login.secret).ok_or_else(|| {
            ConnectError::BadCredentials("The saved account cannot be read. Sign in again.".to_owned())
        })?;
        let setup = Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            hooks: Arc::clone(&self.hooks),
            kept: self.kept(&account.number),
            account,
            sink,
        };
        session::connect(setup).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        login::diagnosis::run(&self.config).await
    }
}
