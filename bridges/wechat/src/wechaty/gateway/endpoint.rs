//! Where a gateway is, as people write it, and by what it is known to be the right one.

use std::net::IpAddr;

use magpie_common::config::Secret;
use url::{Host, Url};

use super::tls;
use crate::config::WeChatConfig;

/// Wechaty's own port.
const PORT: u16 = 8788;

/// How an address is written.
const WRITTEN: &str = "write it as `gateway.example.org:8788`; only for a gateway on this machine that has no TLS as `http://127.0.0.1:8788`";

/// A gateway's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wechaty) struct Where {
    /// Its host, with brackets where it needs them.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// By what it proves itself; nothing for a gateway on this machine without TLS.
    pub proof: Option<Proof>,
}

/// By what a gateway proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wechaty) struct Proof {
    /// The name that is asked for.
    pub server_name: String,
    /// Whether the certificate must bear that name; only where somebody has said so, or the authorities of the web vouch for it.
    pub is_named: bool,
    /// Exactly this certificate, as PEM or the path of a file.
    pub certificate: Option<String>,
    /// One that this authority vouches for, as PEM or the path of a file.
    pub ca: Option<String>,
}

impl Where {
    /// Reads an address, with what the settings say of the proof.
    ///
    /// # Errors
    /// With words for whoever wrote it.
    pub fn read(address: &str, token: &Secret, config: &WeChatConfig) -> Result<Self, String> {
        let (is_plain, host, port) = parts(address)?;
        if is_plain {
            if !is_loopback(&host) {
                let words = "Without TLS a gateway is spoken to on this machine alone, as everybody on the way could read along and \
                     take the account over. Leave `http://` out, and let the gateway use TLS.";
                return Err(words.to_owned());
            }
            return Ok(Self { host, port, proof: None });
        }
        let (certificate, ca) = (config.wechaty_certificate.clone(), config.wechaty_ca.clone());
        // The authorities of the web vouch for the address itself, and for nothing else.
        let is_web = certificate.is_none() && ca.is_none();
        let is_named = is_web || config.wechaty_server_name.is_some();
        let asked = if is_web { None } else { sni(token.expose()) };
        let server_name = config.wechaty_server_name.clone().or(asked);
        let server_name = server_name.unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
        Ok(Self { host, port, proof: Some(Proof { server_name, is_named, certificate, ca }) })
    }

    /// Whether it is spoken to without TLS.
    pub fn is_plain(&self) -> bool {
        self.proof.is_none()
    }

    /// Whether anybody on the way could say that they are it: it is away, and proves itself by what everybody has.
    pub fn is_anybodys(&self) -> bool {
        !is_loopback(&self.host) && self.proof.as_ref().is_some_and(tls::is_stock)
    }

    /// As requests name it.
    pub fn origin(&self) -> String {
        let scheme = if self.is_plain() { "http" } else { "https" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

/// Whether an address can be one.
pub(crate) fn is_address(address: &str) -> bool {
    parts(address).is_ok()
}

/// The host of an address, where it is one.
pub(in crate::wechaty) fn host(address: &str) -> Option<String> {
    parts(address).ok().map(|(_, host, _)| host)
}

/// Whether it is without TLS, the host, the port.
fn parts(address: &str) -> Result<(bool, String, u16), String> {
    let wrong = || format!("That is no gateway's address: {WRITTEN}.");
    let address = address.trim().trim_end_matches('/');
    let is_plain = address.starts_with("http://");
    let rest = ["http://", "https://", "grpc://"].into_iter().find_map(|start| address.strip_prefix(start));
    let url = Url::parse(&format!("http://{}", rest.unwrap_or(address))).map_err(|_| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
    // Port 80 is no port to such a reader, as it is the usual one.
    let port = if address.ends_with(":80") { 80 } else { url.port().unwrap_or(PORT) };
    Ok((is_plain, host, port))
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Ok(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Err(_) => false,
    }
}

/// The name that a token asks a gateway for: what stands before its last underscore.
fn sni(token: &str) -> Option<String> {
    let (name, _) = token.rsplit_once('_')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_name.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Result<Where, String> {
        Where::read(address, &Secret::new("Insecure_0b1c"), &WeChatConfig::default())
    }

    #[test]
    fn addresses_are_read() {
        for (written, origin) in [
            ("gateway.example.org:9000", "https://gateway.example.org:9000"),
            ("https://gateway.example.org", "https://gateway.example.org:8788"),
            (" gateway.example.org:80/ ", "https://gateway.example.org:80"),
            ("http://127.0.0.1:8788", "http://127.0.0.1:8788"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("http://localhost:1", "http://localhost:1"),
        ] {
            assert_eq!(read(written).map(|place| place.origin()).as_deref(), Ok(origin), "{written}");
        }
        for bad in ["", "a b", "host/path", "user@host:1", "ftp://host", "host:99999", "host?x"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_goes_unsealed_over_a_network() {
        for away in
            ["http://gateway.example.org:8788", "http://192.168.1.2:1", "http://127.0.0.1.example.org:1"]
        {
            assert!(read(away).is_err(), "{away}");
        }
    }

    #[test]
    fn the_name_comes_from_the_token_where_no_other_is_known() {
        let name = |config: WeChatConfig, token: &str| {
            let proof = Where::read("host:1", &Secret::new(token), &config).expect("an address").proof;
            proof.map(|proof| (proof.server_name, proof.is_named)).expect("it has TLS")
        };
        let pinned = || WeChatConfig { wechaty_certificate: Some("c".to_owned()), ..WeChatConfig::default() };
        assert_eq!(name(pinned(), "Insecure_0b_1c"), ("insecure_0b".to_owned(), false));
        assert_eq!(name(pinned(), "0b1c"), ("host".to_owned(), false));
        let told = WeChatConfig { wechaty_server_name: Some("other".to_owned()), ..pinned() };
        assert_eq!(name(told, "insecure_0b1c"), ("other".to_owned(), true));
        assert_eq!(name(WeChatConfig::default(), "insecure_0b1c"), ("host".to_owned(), true));
    }
}
