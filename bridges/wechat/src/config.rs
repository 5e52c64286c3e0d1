//! The `platform:` section of the configuration. What belongs to one way into WeChat begins with its name.

use magpie_common::config::{PlatformConfig, Problems, Question, Secret};
use serde::Deserialize;
use url::Url;

use crate::callback::key_bytes;

/// Settings of the WeChat gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeChatConfig {
    /// Of an Official Account: its AppID.
    pub official_app_id: Option<String>,
    /// Its AppSecret.
    pub official_app_secret: Option<Secret>,
    /// The token by which WeChat signs callbacks.
    pub official_token: Option<Secret>,
    /// The key by which WeChat seals callbacks.
    pub official_aes_key: Option<Secret>,
    /// Where WeChat's API for Official Accounts is.
    pub official_api_url: String,
    /// Of a company in WeCom: its CorpID.
    pub wecom_corp_id: Option<String>,
    /// The AgentId of its app.
    pub wecom_agent_id: Option<u64>,
    /// The Secret of its app.
    pub wecom_secret: Option<Secret>,
    /// The Token by which WeCom signs callbacks.
    pub wecom_token: Option<Secret>,
    /// The EncodingAESKey by which WeCom seals callbacks.
    pub wecom_aes_key: Option<Secret>,
    /// The Secret of WeChat customer service, where the company has it.
    pub wecom_kf_secret: Option<Secret>,
    /// Where WeCom's API is.
    pub wecom_api_url: String,
    /// How old a callback may be, in minutes; 0 takes any.
    pub callback_age_max_minutes: u32,
    /// A proxy for everything that goes to WeChat.
    pub proxy: Option<Secret>,
}

impl Default for WeChatConfig {
    fn default() -> Self {
        Self {
            official_app_id: None,
            official_app_secret: None,
            official_token: None,
            official_aes_key: None,
            official_api_url: "https://api.weixin.qq.com".to_owned(),
            wecom_corp_id: None,
            wecom_agent_id: None,
            wecom_secret: None,
            wecom_token: None,
            wecom_aes_key: None,
            wecom_kf_secret: None,
            wecom_api_url: "https://qyapi.weixin.qq.com".to_owned(),
            callback_age_max_minutes: 10,
            proxy: None,
        }
    }
}

impl PlatformConfig for WeChatConfig {
    const TEMPLATE: &'static str = "\
# An Official Account. All four can also be told with the command `login official` instead.
# Secrets are better kept in MAGPIE_WECHAT_OFFICIAL_APP_SECRET_FILE and so on.
# In WeChat's console, set the server address to /_magpie/webhook/official/<AppID> here, and the mode to safe (encrypted).
# official_app_id: wx5823bf96d3bd56c7
# official_app_secret: your-token
# official_token: your-token
# official_aes_key: your-token
# WeChat's API for Official Accounts.
# official_api_url: https://api.weixin.qq.com
# An app in WeCom. All can also be told with the command `login wecom` instead.
# In WeCom's console, the app's address for messages is /_magpie/webhook/wecom/<CorpID>/<AgentId> here; customer service calls the same
# address, with the same Token and EncodingAESKey.
# wecom_corp_id: wwd08c8exxxx5ab44d
# wecom_agent_id: 1000002
# wecom_secret: your-token
# wecom_token: your-token
# wecom_aes_key: your-token
# The Secret of WeChat customer service, where the company has it.
# wecom_kf_secret: your-token
# WeCom's API.
# wecom_api_url: https://qyapi.weixin.qq.com
# How old a callback may be, in minutes; 0 takes any.
# callback_age_max_minutes: 10
# A proxy for everything that goes to WeChat.
# proxy: http://user:password@proxy.example.org:3128
";

    const QUESTIONS: &'static [Question] = &[];

    fn check(&self, problems: &mut Problems) {
        self.check_official(problems);
        if web_address(&self.official_api_url).is_none() {
            let help = "leave it out to use WeChat itself";
            problems.add("official_api_url", "`official_api_url` is no web address", help);
        }
        self.check_wecom(problems);
        if web_address(&self.wecom_api_url).is_none() {
            let help = "leave it out to use WeCom itself";
            problems.add("wecom_api_url", "`wecom_api_url` is no web address", help);
        }
        if self.proxy.as_ref().is_some_and(|proxy| web_address(proxy.expose()).is_none()) {
            let help = "write it as `http://proxy.example.org:3128`";
            problems.add("proxy", "`proxy` is no proxy's address", help);
        }
    }
}

impl WeChatConfig {
    /// All of an account, or nothing.
    fn check_official(&self, problems: &mut Problems) {
        const CONSOLE: &str = "it stands in WeChat's console, under basic configuration";
        let secrets = [
            ("official_app_secret", &self.official_app_secret),
            ("official_token", &self.official_token),
            ("official_aes_key", &self.official_aes_key),
        ];
        let is_any = self.official_app_id.is_some() || secrets.iter().any(|(_, secret)| secret.is_some());
        if !is_any {
            return;
        }
        if !self.official_app_id.as_deref().is_some_and(is_app_id) {
            problems.add("official_app_id", "`official_app_id` is no AppID", CONSOLE);
        }
        for (name, secret) in secrets {
            if secret.as_ref().is_none_or(|secret| !is_fit(secret)) {
                problems.add(name, &format!("`{name}` is missing, or cannot be right"), CONSOLE);
            }
        }
        if self.official_aes_key.as_ref().is_some_and(|key| key_bytes(key.expose()).is_none()) {
            let help = "it has 43 letters and digits; WeChat's console makes one";
            problems.add("official_aes_key", "`official_aes_key` is no EncodingAESKey", help);
        }
    }
}

impl WeChatConfig {
    /// All of an app, or nothing; customer service is on top.
    fn check_wecom(&self, problems: &mut Problems) {
        const CONSOLE: &str = "it stands in WeCom's console, at the app or under the company's profile";
        let secrets = [
            ("wecom_secret", &self.wecom_secret),
            ("wecom_token", &self.wecom_token),
            ("wecom_aes_key", &self.wecom_aes_key),
        ];
        let is_any = self.wecom_corp_id.is_some()
            || self.wecom_agent_id.is_some()
            || self.wecom_kf_secret.is_some()
            || secrets.iter().any(|(_, secret)| secret.is_some());
        if !is_any {
            return;
        }
        if !self.wecom_corp_id.as_deref().is_some_and(is_corp_id) {
            problems.add("wecom_corp_id", "`wecom_corp_id` is no CorpID", CONSOLE);
        }
        if self.wecom_agent_id.is_none() {
            problems.add("wecom_agent_id", "`wecom_agent_id` is missing", CONSOLE);
        }
        for (name, secret) in secrets {
            if secret.as_ref().is_none_or(|secret| !is_fit(secret)) {
                problems.add(name, &format!("`{name}` is missing, or cannot be right"), CONSOLE);
            }
        }
        if self.wecom_aes_key.as_ref().is_some_and(|key| key_bytes(key.expose()).is_none()) {
            let help = "it has 43 letters and digits; WeCom's console makes one";
            problems.add("wecom_aes_key", "`wecom_aes_key` is no EncodingAESKey", help);
        }
        if self.wecom_kf_secret.as_ref().is_some_and(|secret| !is_fit(secret)) {
            problems.add("wecom_kf_secret", "`wecom_kf_secret` cannot be right", CONSOLE);
        }
    }
}

/// Whether it can be the id of a company in WeCom.
pub(crate) fn is_corp_id(id: &str) -> bool {
    const CHARS_MAX: usize = 64;
    (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether it can be the AppID of an account: `wx` and hex digits.
pub(crate) fn is_app_id(id: &str) -> bool {
    const CHARS_MAX: usize = 32;
    let rest = id.strip_prefix("wx").unwrap_or_default();
    (1..=CHARS_MAX).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a secret can stand in an address.
pub(crate) fn is_fit(secret: &Secret) -> bool {
    const BYTES_MAX: usize = 512;
    let words = secret.expose();
    (1..=BYTES_MAX).contains(&words.len()) && words.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An address in the web.
pub(crate) fn web_address(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(url)
}
