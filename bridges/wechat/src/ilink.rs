//! iLink: a bot that somebody binds to their own WeChat by a QR code. What they say to it comes here, and what is said here comes from it.
//!
//! It is WeChat's own way for programs, so it puts no account at risk; but it reaches nobody else, and the bot may answer only a few times
//! before its person writes again.
//!
//! | part | duty |
//! |---|---|
//! | `account`, `known`, `login` | what a bot is made of; the bots there are; signing in; the doctor |
//! | `api`, `hosts` | the API; where the bridge lets itself be sent |
//! | `file`, `seal` | files on WeChat's file server, and how they are sealed |
//! | `events` | what messages mean |
//! | `session` | one connected bot: messages taken in, messages sent |
//!
//! Facts: the vendor's own client, npm `@tencent-weixin/openclaw-weixin` 2.4.9. Start reading at `session`.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, PlatformError, SavedLogin, Session,
    },
};

use self::{account::Account, hosts::Hosts, known::Known, login::QrLogin, session::Setup};
use crate::{adapter::Adapter, config::WeChatConfig, parts::Lasting};

mod account;
mod api;
mod events;
mod file;
mod hosts;
mod known;
mod login;
mod seal;
mod session;

/// What the ids of this adapter begin with.
const NAME: &str = "ilink";

/// The way by iLink.
pub(crate) struct ILink {
    config: Arc<WeChatConfig>,
    clock: Clock,
    known: Known,
    /// What could not be finished: a session may end in the middle of a message.
    unfinished: Lasting,
}

impl ILink {
    /// Takes the settings; touches no network.
    pub fn new(config: Arc<WeChatConfig>, clock: Clock) -> Self {
        Self { config, clock, known: Known::default(), unfinished: Lasting::default() }
    }
}

#[async_trait]
impl Adapter for ILink {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![login::QR]
    }

    async fn begin_login(&self, _flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        Ok(Box::new(QrLogin::new(&self.config, self.clock.clone(), self.known.clone())?))
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        None
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let account = Account::read(&login.secret, &Hosts::new(&self.config)).ok_or_else(|| {
            let words = "The saved bot cannot be read, or its host is not on the list `platform.ilink_hosts` any more. Sign in again: \
                `login ilink`.";
            ConnectError::BadCredentials(words.to_owned())
        })?;
        let setup = Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            known: self.known.clone(),
            account,
            unfinished: self.unfinished.of(&login.id),
            sink,
        };
        session::connect(setup).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        login::diagnosis::run(&self.config, self.clock.clone(), &self.known).await
    }
}
