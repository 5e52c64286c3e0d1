//! A person's own account, by a Wechaty gateway that the operator runs (puppet service, gRPC).
//!
//! | part | duty |
//! |---|---|
//! | `wire`, `gateway`, `line` | what goes over the wire; calls, and whether it is the right gateway; the one stream of events |
//! | `account`, `login`, `verdict` | what an account is made of; signing in, the doctor; what answers mean |
//! | `happening`, `events`, `filebox`, `file` | what a gateway tells, as what it means here |
//! | `session` | one connected account |
//!
//! WeChat does not allow this, and says so by closing accounts: nothing here is in haste, and nothing is answered that nobody has told it to
//! answer. Protocol: the npm packages `wechaty-grpc` 1.5.2 and `wechaty-puppet-service` 1.19.9. Start reading at `session`.

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
    },
};

pub(crate) use self::gateway::endpoint::is_address;
use self::{
    account::Account,
    login::GatewayLogin,
    session::{Setup, echoes::Echoes},
};
use crate::{adapter::Adapter, config::WeChatConfig, parts::Lasting};

mod account;
mod events;
mod file;
mod filebox;
mod gateway;
mod happening;
mod line;
mod login;
mod session;
mod verdict;
mod wire;

/// What the ids of this adapter begin with.
const NAME: &str = "wechaty";

/// The way by a gateway.
pub(crate) struct Wechaty {
    config: Arc<WeChatConfig>,
    clock: Clock,
    /// What each account sent lately: a session may end before the echo comes.
    echoes: Mutex<HashMap<LoginId, Arc<Echoes>>>,
    /// The messages that could not be finished.
    unfinished: Lasting,
}

impl Wechaty {
    /// Takes the settings; touches no network.
    pub fn new(config: Arc<WeChatConfig>, clock: Clock) -> Self {
        Self { config, clock, echoes: Mutex::default(), unfinished: Lasting::default() }
    }
}

#[async_trait]
impl Adapter for Wechaty {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![login::GATEWAY]
    }

    async fn begin_login(&self, _flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        Ok(Box::new(GatewayLogin::new(Arc::clone(&self.config))))
    }

    /// Which account a gateway has is known only when somebody has signed in there.
    fn configured_login(&self) -> Option<SavedLogin> {
        None
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let account = Account::read(&login.secret).ok_or_else(|| {
            ConnectError::BadCredentials(
                "The saved account cannot be read. Sign in again: `login wechaty`.".to_owned(),
            )
        })?;
        let echoes = {
            let mut known = self.echoes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(login.id.clone()).or_default())
        };
        let (config, clock) = (Arc::clone(&self.config), self.clock.clone());
        let unfinished = self.unfinished.of(&login.id);
        session::connect(Setup { config, clock, account, echoes, unfinished, sink }).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        login::diagnosis::run(&self.config).await
    }
}
