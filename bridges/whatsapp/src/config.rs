//! The `platform:` section of the configuration. What belongs to one way to WhatsApp begins with its name.

use magpie_common::config::{PlatformConfig, Problems, Question, Secret};
use serde::Deserialize;
use url::{Host, Url};

const DASHBOARD: &str = "it stands in the app's dashboard on developers.facebook.com, under WhatsApp";

/// A verify token that nobody guesses.
const VERIFY_TOKEN_CHARS_MIN: usize = 12;

/// Longer secrets are none.
const SECRET_BYTES_MAX: usize = 4096;

/// Settings of the WhatsApp bridge.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// Whether people may link their phones. False where only the number of a business is wanted.
    pub linked_devices: bool,
    /// How the phone names the bridge in its list of linked devices.
    pub linked_device_name: String,
    /// Whether the past of chats is taken in when a device is linked.
    pub linked_history: bool,
    /// Whether pictures and videos that may be seen once are brought.
    pub linked_view_once: bool,
    /// As which version of WhatsApp Web the bridge presents itself; without it the version of the day is looked up.
    pub linked_web_version: Option<String>,
    /// Whether channels that the account follows get rooms.
    pub linked_channels: bool,
    /// Whether what contacts show for a day gets a room.
    pub linked_status: bool,
    /// A proxy for everything that goes to WhatsApp.
    pub linked_proxy: Option<Secret>,
    /// Where WhatsApp's server is, where it is not reached under its usual name.
    pub linked_server_url: Option<String>,
    /// Where files are, in the place of the hosts that the server names.
    pub linked_media_url: Option<String>,
    /// Of the number of a business: the id under which the Cloud API knows it.
    pub cloud_phone_number_id: Option<String>,
    /// The access token of that business.
    pub cloud_access_token: Option<Secret>,
    /// The secret of the app, which signs webhooks.
    pub cloud_app_secret: Option<Secret>,
    /// What Meta must show when it asks whether the webhook is ours.
    pub cloud_verify_token: Option<Secret>,
    /// Where Meta reaches the bridge's webhook; with it, the bridge itself tells Meta.
    pub cloud_webhook_url: Option<String>,
    /// Where the Graph API is, with its version.
    pub cloud_graph_url: String,
    /// A proxy for everything that goes to the Graph API.
    pub cloud_proxy: Option<Secret>,
}

impl Default for WhatsAppConfig {
    fn default() -> Self {
        Self {
            linked_devices: true,
            linked_device_name: "Magpie".to_owned(),
            linked_history: true,
            linked_view_once: true,
            linked_web_version: None,
            linked_channels: false,
            linked_status: false,
            linked_proxy: None,
            linked_server_url: None,
            linked_media_url: None,
            cloud_phone_number_id: None,
            cloud_access_token: None,
            cloud_app_secret: None,
            cloud_verify_token: None,
            cloud_webhook_url: None,
            cloud_graph_url: "https://graph.facebook.com/v23.0".to_owned(),
            cloud_proxy: None,
        }
    }
}

impl PlatformConfig for WhatsAppConfig {
    const TEMPLATE: &'static str = "\
# Accounts of phones, with the bridge as a linked device. People sign in with a QR code or a code; nothing needs to be set.
# Whether people may link their phones. With false there is only the number of a business, and nobody asks for the servers of phones.
# linked_devices: true
# How the phone names the bridge in its list of linked devices.
# linked_device_name: Magpie
# Whether the past of chats is taken in when a device is linked.
# linked_history: true
# Whether pictures and videos that may be seen once are brought.
# linked_view_once: true
# As which version of WhatsApp Web the bridge presents itself. Without it the version of the day is looked up.
# linked_web_version: 2.3000.1023
# Whether channels that the account follows get rooms, in which nobody but the channel's admins can write.
# linked_channels: false
# Whether the status updates of contacts, which they show for a day, get a room.
# linked_status: false
# A proxy for everything that goes to WhatsApp: the connection, files, and the look-up of the version.
# linked_proxy: http://user:password@proxy.example.org:3128
# The number of a business, by the Cloud API. All four can also be told with the command `login cloud` instead.
# Secrets are better kept in MAGPIE_WHATSAPP_CLOUD_ACCESS_TOKEN_FILE and so on.
# cloud_phone_number_id: \"106540352242922\"
# cloud_access_token: your-token
# cloud_app_secret: your-token
# What Meta shows when it asks whether the webhook is yours: 12 letters or more that you make up.
# cloud_verify_token: your-token
# The https address that leads to /_magpie/webhook here. With it, the bridge itself tells Meta; without it, write the address into the
# app's dashboard.
# cloud_webhook_url: https://bridge.example.org/_magpie/webhook
# The Graph API and its version.
# cloud_graph_url: https://graph.facebook.com/v23.0
# A proxy for everything that goes to the Graph API.
# cloud_proxy: http://user:password@proxy.example.org:3128
";

    const QUESTIONS: &'static [Question] = &[];

    fn check(&self, problems: &mut Problems) {
        self.check_linked(problems);
        self.check_account(problems);
        if !is_private(&self.cloud_graph_url) {
            let help = "leave it out to use WhatsApp itself";
            problems.add("cloud_graph_url", "`cloud_graph_url` is no https address", help);
        }
        if self.cloud_proxy.as_ref().is_some_and(|proxy| web_address(proxy.expose()).is_none()) {
            let help = "write it as `http://proxy.example.org:3128`";
            problems.add("cloud_proxy", "`cloud_proxy` is no proxy's address", help);
        }
        let is_callable =
            |url: &String| is_private(url) && web_address(url).is_some_and(|url| url.query().is_none());
        if !self.cloud_webhook_url.as_ref().is_none_or(is_callable) {
            let help = "write the https address that leads to /_magpie/webhook here";
            problems.add("cloud_webhook_url", "`cloud_webhook_url` cannot be called", help);
        }
    }
}

impl WhatsAppConfig {
    fn check_linked(&self, problems: &mut Problems) {
        if self.linked_device_name.trim().is_empty() {
            let help = "write the name that your phone shows for the bridge";
            problems.add("linked_device_name", "`linked_device_name` is empty", help);
        }
        let is_proxy = |url: &Url| url.scheme() == "http" && url.has_host();
        if let Some(proxy) = &self.linked_proxy
            && !Url::parse(proxy.expose()).is_ok_and(|url| is_proxy(&url))
        {
            let help = "write it as `http://proxy.example.org:3128`";
            problems.add("linked_proxy", "`linked_proxy` is no proxy's address", help);
        }
        if !is_address(self.linked_server_url.as_deref(), ["wss", "ws"]) {
            let help = "leave it out to use WhatsApp itself";
            problems.add("linked_server_url", "`linked_server_url` is no address of a websocket", help);
        }
        if !is_address(self.linked_media_url.as_deref(), ["https", "http"]) {
            let help = "leave it out to use WhatsApp itself";
            problems.add("linked_media_url", "`linked_media_url` is no web address", help);
        }
        if self.linked_web_version.is_some() && self.linked_version().is_none() {
            let help = "write three numbers with dots between them, or leave it out";
            problems.add("linked_web_version", "`linked_web_version` is no version", help);
        }
    }

    /// The version of WhatsApp Web as numbers.
    pub(crate) fn linked_version(&self) -> Option<(u32, u32, u32)> {
        let mut parts = self.linked_web_version.as_deref()?.split('.').map(|part| part.parse().ok());
        let version = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }

    /// All of an account, or nothing.
    fn check_account(&self, problems: &mut Problems) {
        let secrets = [
            ("cloud_access_token", &self.cloud_access_token),
            ("cloud_app_secret", &self.cloud_app_secret),
            ("cloud_verify_token", &self.cloud_verify_token),
        ];
        let is_any =
            self.cloud_phone_number_id.is_some() || secrets.iter().any(|(_, secret)| secret.is_some());
        if !is_any {
            return;
        }
        match &self.cloud_phone_number_id {
            None => problems.add_missing("cloud_phone_number_id", DASHBOARD),
            Some(id) if !is_number_id(id) => {
                problems.add(
                    "cloud_phone_number_id",
                    "`cloud_phone_number_id` is no id: it has digits only",
                    DASHBOARD,
                );
            }
            Some(_) => {}
        }
        for (key, secret) in secrets {
            match secret {
                None => problems.add_missing(key, DASHBOARD),
                Some(secret) if !secret.is_empty() && !is_fit(secret) => {
                    let what = format!("`{key}` has letters in it that no such secret has, as a blank is");
                    problems.add(key, what, DASHBOARD);
                }
                Some(secret) => problems.check_secret(key, secret, DASHBOARD),
            }
        }
        if self.cloud_verify_token.as_ref().is_some_and(|token| !token.is_empty() && is_guessed(token)) {
            let help = "make up 12 letters or more, as `openssl rand -hex 16` does";
            problems.add("cloud_verify_token", "`cloud_verify_token` is too short", help);
        }
    }
}

/// Whether a secret can stand in a header.
pub(crate) fn is_fit(secret: &Secret) -> bool {
    let words = secret.expose();
    (1..=SECRET_BYTES_MAX).contains(&words.len()) && words.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a verify token is so short that somebody may guess it.
pub(crate) fn is_guessed(token: &Secret) -> bool {
    token.expose().chars().count() < VERIFY_TOKEN_CHARS_MIN
}

/// Whether a text is the id of a phone number in the Graph API. It stands in the path of requests.
pub(crate) fn is_number_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn web_address(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Whether secrets may go there: nobody between here and there reads along.
fn is_private(url: &str) -> bool {
    let is_here = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    web_address(url).is_some_and(|url| url.scheme() == "https" || is_here(&url))
}

fn is_address(url: Option<&str>, schemes: [&str; 2]) -> bool {
    let fits = |url: Url| schemes.contains(&url.scheme()) && url.has_host();
    url.is_none_or(|url| Url::parse(url).is_ok_and(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers() {
        let version = |text: &str| {
            WhatsAppConfig { linked_web_version: Some(text.to_owned()), ..WhatsAppConfig::default() }
                .linked_version()
        };
        assert_eq!(version("2.3000.1023"), Some((2, 3000, 1023)));
        for bad in ["", "2", "2.3000", "2.3000.x", "2.3000.1.1", "-1.2.3"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_of_numbers_are_digits() {
        assert!(is_number_id("106540352242922"));
        for bad in ["", "1/2", "+49", &"1".repeat(33)] {
            assert!(!is_number_id(bad), "{bad}");
        }
    }

    #[test]
    fn secrets_go_where_nobody_reads_along() {
        for good in [
            "https://graph.facebook.com/v23.0",
            "http://127.0.0.1:8080/v23.0",
            "http://[::1]:1/",
            "http://localhost/x",
        ] {
            assert!(is_private(good), "{good}");
        }
        for bad in [
            "http://graph.facebook.com/v23.0",
            "http://127.0.0.1.example.org/",
            "ftp://127.0.0.1/",
            "graph.facebook.com",
            "",
        ] {
            assert!(!is_private(bad), "{bad}");
        }
        assert!(
            is_fit(&Secret::new("EAAJB")) && !is_fit(&Secret::new("EAA JB")) && !is_fit(&Secret::new(""))
        );
        assert!(is_guessed(&Secret::new("x")) && !is_guessed(&Secret::new("twelve-chars")));
    }
}
