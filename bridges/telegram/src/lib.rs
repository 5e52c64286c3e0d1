//! The Telegram bridge: what is Telegram's own, and nothing else.
//!
//! | file | duty |
//! |---|---|
//! | `config` | the `platform:` section |
//! | `login` | signing in with a bot's token; the doctor |
//! | `session` | one connected bot: updates in, messages out |
//! | `webhook` | the way in where Telegram calls us |
//! | `events` | Telegram's updates as `RemoteEvent`s |
//! | `place`, `file` | ids of chats, messages and files |
//! | `format` | Telegram's entities to the rich-text tree and back |
//!
//! A group or channel is a room, a forum a space with a room for each topic. Start reading at `session`.

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

pub use self::config::{Mode, TelegramConfig};
use self::{
    login::BotTokenLogin,
    session::{Setup, lasting::Lasting},
    webhook::Hooks,
};

mod config;
mod events;
mod file;
pub mod format;
mod json;
mod login;
mod place;
mod session;
mod webhook;

/// Telegram.
pub struct Telegram {
    config: Arc<TelegramConfig>,
    hooks: Option<Arc<Hooks>>,
    lasting: Arc<Lasting>,
    clock: Clock,
}

#[async_trait]
impl Platform for Telegram {
    const ABOUT: About = About {
        id: "telegram",
        name: "Telegram",
        default_port: 29_335,
        bot: "telegrambot",
        ghost_prefix: "telegram_",
        command_prefix: "!telegram",
    };

    type Config = TelegramConfig;

    fn new(config: TelegramConfig, clock: Clock) -> Result<Self, PlatformError> {
        let hooks =
            (config.mode == Mode::Webhook).then(|| Arc::new(Hooks::new(config.webhook_secret.clone())));
        Ok(Self { config: Arc::new(config), hooks, lasting: Arc::default(), clock })
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![login::BOT_TOKEN]
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        if flow == login::BOT_TOKEN.id {
            return Ok(Box::new(BotTokenLogin(Arc::clone(&self.config))));
        }
        Err(PlatformError(format!("There is no login flow `{flow}`; use `{}`.", login::BOT_TOKEN.id)))
    }

    fn configured_logins(&self) -> Vec<SavedLogin> {
        self.config.token.iter().map(login::configured).collect()
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let setup = Setup {
            config: Arc::clone(&self.config),
            token: login.secret.clone(),
            sink,
            hooks: self.hooks.clone(),
            clock: self.clock.clone(),
            lasting: Arc::clone(&self.lasting),
        };
        session::connect(setup).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        login::diagnosis::run(&self.config).await
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        self.hooks.clone().map(|hooks| hooks as Arc<dyn Webhook>)
    }
}
