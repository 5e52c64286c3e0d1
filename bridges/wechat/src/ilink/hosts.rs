//! Where the bridge lets itself be sent: addresses that come from WeChat's answers and messages are foreign input.

use url::Url;

use crate::config::{WeChatConfig, web_address};

/// The hosts that are allowed.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    /// Each with all below it, lower case.
    names: Vec<String>,
    /// As the API is reached; `https` but in tests.
    scheme: String,
    /// Ports that the settings name.
    ports: Vec<u16>,
}

impl Hosts {
    /// Those of the settings.
    pub fn new(config: &WeChatConfig) -> Self {
        let own = [&config.ilink_api_url, &config.ilink_cdn_url].map(|address| web_address(address));
        let scheme = own[0].as_ref().map_or("https", |url| url.scheme()).to_owned();
        let ports = own.iter().flatten().filter_map(Url::port).collect();
        let own = own.iter().flatten().filter_map(Url::host_str).map(str::to_owned);
        let names = config.ilink_hosts.iter().map(|name| name.trim().to_ascii_lowercase()).chain(own);
        Self { names: names.filter(|name| !name.is_empty()).collect(), scheme, ports }
    }

    /// An address where the bridge may go; `None` where it may not.
    pub fn admit(&self, address: &str) -> Option<Url> {
        let url = web_address(address)?;
        let host = url.host_str()?;
        let is_known = self.names.iter().any(|name| {
            host == name || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'))
        });
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_safe = url.scheme() == "https" || url.scheme() == self.scheme;
        let is_usual = url.scheme() != "https" || url.port().is_none_or(|port| self.ports.contains(&port));
        (is_known && is_plain && is_safe && is_usual).then_some(url)
    }

    /// The address of the API at another host.
    pub fn redirect(&self, host: &str) -> Option<String> {
        let url = self.admit(&format!("{}://{}", self.scheme, host.trim()))?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        is_bare.then(|| url.as_str().trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wechats_own_hosts_are_gone_to() {
        let hosts = Hosts::new(&WeChatConfig::default());
        for (address, is_good) in [
            ("https://ilinkai.weixin.qq.com/x?y=z", true),
            ("https://weixin.qq.com", true),
            ("https://novac2c.cdn.weixin.qq.com/c2c/download?a=b", true),
            ("http://ilinkai.weixin.qq.com", false),
            ("https://ilinkai.weixin.qq.com:443/", true),
            ("https://ilinkai.weixin.qq.com:8443/", false),
            ("https://ilinkai.weixin.qq.com@example.org", false),
            ("https://me@weixin.qq.com", false),
            ("https://evilweixin.qq.com", false),
            ("https://weixin.qq.com.example.org", false),
            ("https://127.0.0.1", false),
            ("file:///etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(hosts.admit(address).is_some(), is_good, "{address}");
        }
    }

    #[test]
    fn a_redirect_names_a_host_and_nothing_else() {
        let hosts = Hosts::new(&WeChatConfig::default());
        assert_eq!(hosts.redirect("sh.weixin.qq.com").as_deref(), Some("https://sh.weixin.qq.com"));
        for bad in
            ["", "example.org", "sh.weixin.qq.com/x", "sh.weixin.qq.com?x", "a@sh.weixin.qq.com", "a b"]
        {
            assert_eq!(hosts.redirect(bad), None, "{bad}");
        }
        let other = WeChatConfig {
            ilink_api_url: "https://proxy.example.org:8443".to_owned(),
            ..WeChatConfig::default()
        };
        assert!(Hosts::new(&other).admit("https://proxy.example.org:8443/x").is_some(), "it is configured");
        let local = WeChatConfig {
            ilink_api_url: "http://127.0.0.1:1".to_owned(),
            ilink_cdn_url: "http://127.0.0.1:1/c2c".to_owned(),
            ..WeChatConfig::default()
        };
        assert_eq!(Hosts::new(&local).redirect("127.0.0.1:2").as_deref(), Some("http://127.0.0.1:2"));
    }
}
