//! The WeChat gateway: what is WeChat's own, and nothing else.
//!
//! WeChat has no one way in, so there are several adapters behind one trait, and a login belongs to one of them.
//!
//! | file | duty |
//! |---|---|
//! | `config` | the `platform:` section |
//! | `adapter` | what a way into WeChat is |
//! | `official` | an Official Account, by its API and its callbacks |
//! | `wechaty` | a person's own account, by a gateway that the operator runs |
//! | `ilink` | a bot that somebody binds to their own WeChat by a QR code |
//! | `wecom` | an app in WeCom, and its customer service |
//! | `api`, `media`, `said` | the JSON APIs of the two, files on their way, and what is more than words |
//! | `window` | how a room shows how often one may still write there |
//! | `callback` | the envelope of callbacks, and the XML inside |
//! | `faces` | text as WeChat writes it: face codes, and no markup |
//! | `public` | names that others have chosen, looked up so that they lead into the public net alone |
//! | `ids`, `json` | how people and chats are spelled; what is read the same way everywhere |
//!
//! Start reading at `adapter`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use magpie_common::{
    clock::Clock,
    config::About,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, Platform, PlatformError, SavedLogin,
        Session, Webhook, WebhookAnswer, WebhookHead,
    },
};

pub use self::config::WeChatConfig;
use self::{adapter::Adapter, ilink::ILink, official::Official, wechaty::Wechaty, wecom::WeCom};

mod adapter;
mod api;
mod callback;
mod config;
mod faces;
mod ids;
mod ilink;
mod json;
mod media;
mod official;
mod public;
mod said;
mod wechaty;
mod wecom;
mod window;

/// WeChat.
pub struct WeChat {
    adapters: Adapters,
}

/// The ways into WeChat, the usual one first.
#[derive(Clone)]
struct Adapters(Arc<[Arc<dyn Adapter>]>);

#[async_trait]
impl Platform for WeChat {
    const ABOUT: About = About {
        id: "wechat",
        name: "WeChat",
        default_port: 29_337,
        bot: "wechatbot",
        ghost_prefix: "wechat_",
        command_prefix: "!wechat",
    };

    type Config = WeChatConfig;

    fn new(config: WeChatConfig, clock: Clock) -> Result<Self, PlatformError> {
        let config = Arc::new(config);
        let official: Arc<dyn Adapter> = Arc::new(Official::new(Arc::clone(&config), clock.clone()));
        let ilink: Arc<dyn Adapter> = Arc::new(ILink::new(Arc::clone(&config), clock.clone()));
        let wecom: Arc<dyn Adapter> = Arc::new(WeCom::new(Arc::clone(&config), clock.clone()));
        let wechaty: Arc<dyn Adapter> = Arc::new(Wechaty::new(config, clock));
        Ok(Self { adapters: Adapters([official, ilink, wecom, wechaty].into()) })
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        self.adapters.0.iter().flat_map(|adapter| adapter.login_flows()).collect()
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        for adapter in &*self.adapters.0 {
            if adapter.login_flows().iter().any(|known| known.id == flow) {
                return adapter.begin_login(flow).await;
            }
        }
        let known: Vec<_> = self.login_flows().iter().map(|flow| format!("`{}`", flow.id)).collect();
        Err(PlatformError(format!("There is no login flow `{flow}`; there is {}.", known.join(", "))))
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        self.adapters.0.iter().find_map(|adapter| adapter.configured_login())
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        match self.adapters.0.iter().find(|known| adapter::owns(known.as_ref(), &login.id)) {
            Some(adapter) => adapter.connect(login, sink).await,
            None => {
                let words =
                    "The saved account belongs to no way into WeChat that this bridge has. Sign in again.";
                Err(ConnectError::BadCredentials(words.to_owned()))
            }
        }
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for adapter in &*self.adapters.0 {
            findings.extend(adapter.diagnose().await);
        }
        findings
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        Some(Arc::new(self.adapters.clone()))
    }
}

impl Adapters {
    /// Whose callback it is, and what follows the adapter's name in its path.
    fn called<'a>(&self, path: &'a str) -> Option<(&Arc<dyn Adapter>, &'a str)> {
        let path = path.strip_prefix('/')?;
        self.0
            .iter()
            .find_map(|adapter| Some((adapter, path.strip_prefix(adapter.name())?.strip_prefix('/')?)))
    }
}

#[async_trait]
impl Webhook for Adapters {
    fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        match self.called(&head.path) {
            Some((adapter, path)) => adapter.admit(path, head),
            None => Err(WebhookAnswer::not_found()),
        }
    }

    async fn receive(&self, head: &WebhookHead, body: Bytes) -> WebhookAnswer {
        match self.called(&head.path) {
            Some((adapter, path)) => adapter.receive(path, head, body).await,
            None => WebhookAnswer::not_found(),
        }
    }
}
