//! An Official Account: the public account of a business or a person, by WeChat's API and its callbacks.
//!
//! | part | duty |
//! |---|---|
//! | `account`, `login` | what an account is made of; signing in; the doctor |
//! | `hooks` | the way in: signatures, envelopes, whose account it is |
//! | `events`, `recording` | what callbacks tell, as what it means here; the better of two recordings of speech |
//! | `session` | one connected account: callbacks taken in, messages sent |
//!
//! Reference: <https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Overview.html>. Start reading at `session`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use magpie_common::{
    clock::Clock,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, PlatformError, SavedLogin, Session,
        WebhookAnswer, WebhookHead,
    },
};

use self::{account::Account, hooks::Hooks, login::AccountLogin, session::Setup};
use crate::{adapter::Adapter, config::WeChatConfig};

mod account;
mod events;
mod hooks;
mod login;
mod recording;
mod session;

/// What the ids of this adapter begin with.
const NAME: &str = "official";

/// The way by an Official Account.
pub(crate) struct Official {
    config: Arc<WeChatConfig>,
    clock: Clock,
    hooks: Hooks,
}

impl Official {
    /// Takes the settings; touches no network.
    pub fn new(config: Arc<WeChatConfig>, clock: Clock) -> Self {
        let hooks = Hooks::new(&config, clock.clone());
        if let Some(account) = Account::configured(&config) {
            hooks.know(&account);
        }
        Self { config, clock, hooks }
    }
}

#[async_trait]
impl Adapter for Official {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![login::ACCOUNT]
    }

    async fn begin_login(&self, _flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        Ok(Box::new(AccountLogin(Arc::clone(&self.config))))
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        Account::configured(&self.config).map(|account| account.saved())
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let account = Account::read(&login.secret).ok_or_else(|| {
            ConnectError::BadCredentials("The saved account cannot be read. Sign in again.".to_owned())
        })?;
        let setup = Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            hooks: self.hooks.clone(),
            account,
            sink,
        };
        session::connect(setup).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        login::diagnosis::run(&self.config).await
    }

    fn admit(&self, path: &str, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        self.hooks.admit(path, head)
    }

    async fn receive(&self, path: &str, head: &WebhookHead, body: Bytes) -> WebhookAnswer {
        self.hooks.receive(path, head, &body).await
    }
}
