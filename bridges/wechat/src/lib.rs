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
//! | `ending`, `parts` | how a session ends, and how a message in parts goes, for all ways |
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
    ids::LoginId,
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
mod ending;
mod faces;
mod ids;
mod ilink;
mod json;
mod media;
mod official;
mod parts;
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

    fn configured_logins(&self) -> Vec<SavedLogin> {
        self.adapters.0.iter().filter_map(|adapter| adapter.configured_login()).collect()
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

    fn forget(&self, login: &LoginId) {
        for adapter in self.adapters.0.iter().filter(|known| adapter::owns(known.as_ref(), login)) {
            adapter.forget(login);
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

#[cfg(test)]
mod tests {
    use magpie_common::config::Secret;

    use super::*;

    #[test]
    fn all_accounts_of_the_configuration_are_signed_in() {
        let secret = |words: &str| Some(Secret::new(words));
        let config = WeChatConfig {
            official_app_id: Some("wx5823bf96d3bd56c7".to_owned()),
            official_app_secret: secret("0123"),
            official_token: secret("QDG6eK"),
            official_aes_key: secret("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"),
            wecom_corp_id: Some("wwd08c8e7c775ab44d".to_owned()),
            wecom_agent_id: Some(1_000_002),
            wecom_secret: secret("0123"),
            wecom_token: secret("QDG6eK"),
            wecom_aes_key: secret("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"),
            ..WeChatConfig::default()
        };
        let wechat = WeChat::new(config, Clock::fixed(1, 7)).expect("the settings are good");
        let ids: Vec<String> = wechat.configured_logins().iter().map(|login| login.id.to_string()).collect();
        assert_eq!(ids, ["official-wx5823bf96d3bd56c7", "wecom-wwd08c8e7c775ab44d-1000002"]);
    }
}
