//! The Discord bridge: what is Discord's own, and nothing else.
//!
//! | file | duty |
//! |---|---|
//! | `config` | the `platform:` section |
//! | `login` | signing in with a bot's token; the doctor |
//! | `session` | one connected bot: events in, messages out |
//! | `events` | Discord's payloads as `RemoteEvent`s |
//! | `place` | ids of messages, in channels and threads |
//! | `format` | Discord's markup to the rich-text tree and back |
//!
//! A guild is a space (`g` and its id), a text or announcement channel a room (its id). Start reading at `session`.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::About,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, Platform, PlatformError, SavedLogin,
        Session,
    },
};

pub use self::config::DiscordConfig;
use self::{login::BotTokenLogin, session::Setup};

mod config;
mod emoji;
mod events;
pub mod format;
mod json;
mod login;
mod place;
mod session;

/// Discord.
pub struct Discord {
    config: Arc<DiscordConfig>,
    clock: Clock,
}

#[async_trait]
impl Platform for Discord {
    const ABOUT: About = About {
        id: "discord",
        name: "Discord",
        default_port: 29334,
        bot: "discordbot",
        ghost_prefix: "discord_",
        command_prefix: "!discord",
    };

    type Config = DiscordConfig;

    fn new(config: DiscordConfig, clock: Clock) -> Result<Self, PlatformError> {
        Ok(Self { config: Arc::new(config), clock })
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
            clock: self.clock.clone(),
            sink,
        };
        session::connect(setup).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        login::diagnosis::run(&self.config).await
    }
}
