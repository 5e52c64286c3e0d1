//! How the bridge reaches WhatsApp as a linked device, and how it is shown on the phone.

use magpie_common::config::Problems;
use reqwest::Url;
use serde::Deserialize;

/// Settings of linked devices, under `linked:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkedConfig {
    /// How the phone names the bridge in its list of linked devices.
    pub device_name: String,
    /// Where WhatsApp's own server is, where it is not asked for under its usual name.
    pub server_url: Option<String>,
    /// Where files are, in the place of the hosts that the server names.
    pub media_url: Option<String>,
    /// As which version of WhatsApp Web the bridge presents itself, as `2.3000.1023`; without it the version of the day is looked up.
    pub web_version: Option<String>,
    /// Whether the past of chats is taken in when a device is linked.
    pub history: bool,
    /// Whether pictures and videos that may be seen once are brought.
    pub view_once: bool,
}

impl Default for LinkedConfig {
    fn default() -> Self {
        Self {
            device_name: "Magpie".to_owned(),
            server_url: None,
            media_url: None,
            web_version: None,
            history: true,
            view_once: true,
        }
    }
}

impl LinkedConfig {
    /// Reports what cannot be used.
    pub fn check(&self, problems: &mut Problems) {
        if self.device_name.trim().is_empty() {
            let help = "write the name that your phone shows for the bridge";
            problems.add("linked.device_name", "`device_name` is empty", help);
        }
        let is = |url: &Option<String>, schemes: [&str; 2]| {
            let fits = |url: Url| schemes.contains(&url.scheme()) && url.has_host();
            url.as_ref().is_none_or(|url| Url::parse(url).is_ok_and(fits))
        };
        if !is(&self.server_url, ["wss", "ws"]) {
            let help = "leave it out to use WhatsApp itself";
            problems.add("linked.server_url", "`server_url` is no address of a websocket", help);
        }
        if !is(&self.media_url, ["https", "http"]) {
            let help = "leave it out to use WhatsApp itself";
            problems.add("linked.media_url", "`media_url` is no web address", help);
        }
        if self.web_version.is_some() && self.version().is_none() {
            let help = "write three numbers with dots between them, or leave it out";
            problems.add("linked.web_version", "`web_version` is no version", help);
        }
    }

    /// The version as numbers.
    pub(super) fn version(&self) -> Option<(u32, u32, u32)> {
        let mut parts = self.web_version.as_deref()?.split('.').map(|part| part.parse().ok());
        let version = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers() {
        let version = |text: &str| {
            LinkedConfig { web_version: Some(text.to_owned()), ..LinkedConfig::default() }.version()
        };
        assert_eq!(version("2.3000.1023"), Some((2, 3000, 1023)));
        for bad in ["", "2", "2.3000", "2.3000.x", "2.3000.1.1", "-1.2.3"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }
}
