//! The `platform:` section of the configuration. What belongs to one way into WeChat begins with its name.

use magpie_common::config::{PlatformConfig, Problems, Question, Secret};
use serde::Deserialize;
use url::Url;

use crate::{callback::key_bytes, wechaty};

/// Where iLink itself is.
pub(crate) const ILINK_API_URL: &str = "https://ilinkai.weixin.qq.com";

/// WeCom cuts what is longer.
const WELCOME_BYTES_MAX: usize = 2048;

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
    /// What a customer is welcomed with who opens the chat.
    pub wecom_welcome: Option<String>,
    /// Where WeCom's API is.
    pub wecom_api_url: String,
    /// How old a callback may be, in minutes; 0 takes any.
    pub callback_age_max_minutes: u32,
    /// Where iLink's API is.
    pub ilink_api_url: String,
    /// Where iLink's files are.
    pub ilink_cdn_url: String,
    /// The hosts, each with all below it, to which iLink may send the bridge. Those of the two addresses are among them anyway.
    pub ilink_hosts: Vec<String>,
    /// A proxy for everything that goes to WeChat.
    pub proxy: Option<Secret>,
    /// Where a Wechaty gateway is.
    pub wechaty_endpoint: Option<String>,
    /// The token with which it was started.
    pub wechaty_token: Option<Secret>,
    /// The one certificate that it may have, as PEM or the path of a file.
    pub wechaty_certificate: Option<String>,
    /// The authority that vouches for its certificate, as PEM or the path of a file.
    pub wechaty_ca: Option<String>,
    /// The name that its certificate must bear.
    pub wechaty_server_name: Option<String>,
    /// The longest pause before a message, in milliseconds; each is another one. 0 for none.
    pub wechaty_pause_max_ms: u32,
    /// Whether the gateway sends a file in SILK as a voice message.
    pub wechaty_voice: bool,
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
            wecom_welcome: None,
            wecom_api_url: "https://qyapi.weixin.qq.com".to_owned(),
            callback_age_max_minutes: 10,
            ilink_api_url: ILINK_API_URL.to_owned(),
            ilink_cdn_url: "https://novac2c.cdn.weixin.qq.com/c2c".to_owned(),
            ilink_hosts: vec!["weixin.qq.com".to_owned()],
            proxy: None,
            wechaty_endpoint: None,
            wechaty_token: None,
            wechaty_certificate: None,
            wechaty_ca: None,
            wechaty_server_name: None,
            wechaty_pause_max_ms: 2_000,
            wechaty_voice: false,
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
# What a customer is welcomed with who opens the chat, once in 48 hours. Leave it out where WeCom's console has words of its own.
# wecom_welcome: Welcome! Write to us, and somebody answers soon.
# WeCom's API.
# wecom_api_url: https://qyapi.weixin.qq.com
# How old a callback may be, in minutes; 0 takes any.
# callback_age_max_minutes: 10
# iLink, by which people bind a bot to their own WeChat with the command `login ilink`: its API, its files, and the hosts, each with all below
# it, to which it may send the bridge.
# ilink_api_url: https://ilinkai.weixin.qq.com
# ilink_cdn_url: https://novac2c.cdn.weixin.qq.com/c2c
# ilink_hosts: [weixin.qq.com]
# A proxy for everything that goes to WeChat.
# proxy: http://user:password@proxy.example.org:3128
# People's own accounts, by a Wechaty gateway that you run. WeChat does not allow this and may close such accounts. What stands here is not asked
# for by the command `login wechaty`; whoever may sign in here then gets the account that the gateway has. Without an endpoint people name
# gateways of their own, which are believed whose account they have: let only people sign in whom you trust.
# http:// only for a gateway on this machine that has no TLS.
# wechaty_endpoint: gateway.example.org:8788
# wechaty_token: your-token
# How the gateway proves that it is the right one: by exactly this certificate, or by one that your own authority has signed. Both are PEM or
# the path of a file. Without them it must have a certificate for the web.
# Everybody has the key of the certificate that comes with Wechaty, so it proves nothing: whoever is on the way can read the token, and with it
# take the account. Write it here only for a gateway on this machine or inside of a VPN. Otherwise make one, and start the gateway with it
# (WECHATY_PUPPET_SERVICE_TLS_SERVER_CERT and WECHATY_PUPPET_SERVICE_TLS_SERVER_KEY).
# wechaty_certificate: /etc/magpie/gateway.pem
# wechaty_ca: /etc/magpie/authority.pem
# The name that the certificate must bear, where it is not the gateway's address.
# wechaty_server_name: gateway.example.org
# The longest pause before a message, in milliseconds; each is another one, as people are not as fast as programs. 0 for none.
# wechaty_pause_max_ms: 2000
# Whether the gateway sends a file in SILK as a voice message: PadLocal's does, many others send a file that nobody can play. This wants
# ffmpeg and rust-silk beside the bridge; without them, and by default, voice messages go as sound files.
# wechaty_voice: true
";

    const QUESTIONS: &'static [Question] = &[];

    fn check(&self, problems: &mut Problems) {
        self.check_official(problems);
        if web_address(&self.official_api_url).is_none() {
            let help = "leave it out to use WeChat itself";
            problems.add("official_api_url", "`official_api_url` is no web address", help);
        }
        self.check_ilink(problems);
        self.check_wecom(problems);
        if self.wecom_welcome.as_ref().is_some_and(|words| !(1..=WELCOME_BYTES_MAX).contains(&words.len())) {
            let help = "write up to 2048 bytes, or leave it out";
            problems.add("wecom_welcome", "`wecom_welcome` is empty or too long", help);
        }
        if web_address(&self.wecom_api_url).is_none() {
            let help = "leave it out to use WeCom itself";
            problems.add("wecom_api_url", "`wecom_api_url` is no web address", help);
        }
        if self.proxy.as_ref().is_some_and(|proxy| web_address(proxy.expose()).is_none()) {
            let help = "write it as `http://proxy.example.org:3128`";
            problems.add("proxy", "`proxy` is no proxy's address", help);
        }
        self.check_wechaty(problems);
    }
}

impl WeChatConfig {
    /// What can be seen without asking the gateway.
    fn check_wechaty(&self, problems: &mut Problems) {
        if !self.wechaty_endpoint.as_deref().is_none_or(wechaty::is_address) {
            let help = "write it as `gateway.example.org:8788`";
            problems.add("wechaty_endpoint", "`wechaty_endpoint` is no gateway's address", help);
        }
        if self.wechaty_token.as_ref().is_some_and(|token| !is_fit(token)) {
            let help = "write the token with which the gateway was started";
            problems.add("wechaty_token", "`wechaty_token` cannot be right", help);
        }
        if self.wechaty_pause_max_ms > 60_000 {
            let help = "write at most 60000, which is a minute";
            problems.add("wechaty_pause_max_ms", "`wechaty_pause_max_ms` is too long", help);
        }
    }

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
                problems.add(name, format!("`{name}` is missing, or cannot be right"), CONSOLE);
            }
        }
        if self.official_aes_key.as_ref().is_some_and(|key| key_bytes(key.expose()).is_none()) {
            let help = "it has 43 letters and digits; WeChat's console makes one";
            problems.add("official_aes_key", "`official_aes_key` is no EncodingAESKey", help);
        }
    }
}

impl WeChatConfig {
    fn check_ilink(&self, problems: &mut Problems) {
        let help = "leave it out to use WeChat itself";
        for (name, address) in
            [("ilink_api_url", &self.ilink_api_url), ("ilink_cdn_url", &self.ilink_cdn_url)]
        {
            if web_address(address).is_none() {
                problems.add(name, format!("`{name}` is no web address"), help);
            }
        }
        let is_host = |name: &String| {
            web_address(&format!("https://{name}/")).is_some_and(|url| url.host_str() == Some(name.as_str()))
        };
        if !self.ilink_hosts.iter().all(is_host) {
            problems.add("ilink_hosts", "`ilink_hosts` has something that is no host", help);
        }
    }

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
                problems.add(name, format!("`{name}` is missing, or cannot be right"), CONSOLE);
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
