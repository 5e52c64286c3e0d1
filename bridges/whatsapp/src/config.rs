//! The `platform:` section of the configuration. What belongs to one way to WhatsApp begins with its name.

use magpie_common::config::{PlatformConfig, Problems, Question};
use serde::Deserialize;
use url::Url;

/// Settings of the WhatsApp bridge.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// How the phone names the bridge in its list of linked devices.
    pub linked_device_name: String,
    /// Whether the past of chats is taken in when a device is linked.
    pub linked_history: bool,
    /// Whether pictures and videos that may be seen once are brought.
    pub linked_view_once: bool,
    /// As which version of WhatsApp Web the bridge presents itself; without it the version of the day is looked up.
    pub linked_web_version: Option<String>,
    /// Where WhatsApp's server is, where it is not reached under its usual name.
    pub linked_server_url: Option<String>,
    /// Where files are, in the place of the hosts that the server names.
    pub linked_media_url: Option<String>,
}

impl Default for WhatsAppConfig {
    fn default() -> Self {
        Self {
            linked_device_name: "Magpie".to_owned(),
            linked_history: true,
            linked_view_once: true,
            linked_web_version: None,
            linked_server_url: None,
            linked_media_url: None,
        }
    }
}

impl PlatformConfig for WhatsAppConfig {
    const TEMPLATE: &'static str = "\
# Accounts of phones, with the bridge as a linked device. People sign in with a QR code or a code; nothing needs to be set.
# How the phone names the bridge in its list of linked devices.
# linked_device_name: Magpie
# Whether the past of chats is taken in when a device is linked.
# linked_history: true
# Whether pictures and videos that may be seen once are brought.
# linked_view_once: true
# As which version of WhatsApp Web the bridge presents itself. Without it the version of the day is looked up.
# linked_web_version: 2.3000.1023
";

    const QUESTIONS: &'static [Question] = &[];

    fn check(&self, problems: &mut Problems) {
        self.check_linked(problems);
    }
}

impl WhatsAppConfig {
    fn check_linked(&self, problems: &mut Problems) {
        if self.linked_device_name.trim().is_empty() {
            let help = "write the name that your phone shows for the bridge";
            problems.add("linked_device_name", "`linked_device_name` is empty", help);
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
}
