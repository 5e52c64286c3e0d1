//! Looks names of servers up for addresses that others have chosen, and keeps to the public net: whoever owns a name can point it anywhere.
//!
//! Hosts that the operator has named themselves may be anywhere. Behind a proxy it is the proxy that looks names up.

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::config::{WeChatConfig, web_address};

/// Gives public addresses only, but for some hosts.
pub(crate) struct PublicOnly {
    /// Lower case.
    exempt: Vec<String>,
}

impl PublicOnly {
    /// These hosts may be anywhere, and the proxy of the settings.
    pub fn but(hosts: impl IntoIterator<Item = String>, config: &WeChatConfig) -> Arc<Self> {
        let proxy = config.proxy.as_ref().and_then(|proxy| web_address(proxy.expose()));
        let proxy = proxy.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
        let exempt = hosts.into_iter().chain(proxy).map(|host| host.to_ascii_lowercase()).collect();
        Arc::new(Self { exempt })
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let is_exempt = self.exempt.contains(&host);
        Box::pin(look_up(host, is_exempt))
    }
}

async fn look_up(host: String, is_exempt: bool) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
    // The port is put in by whoever asks.
    let found = lookup_host((host.as_str(), 0)).await?;
    let found: Vec<SocketAddr> = found.filter(|at| is_exempt || is_public(at.ip())).collect();
    if found.is_empty() {
        return Err(io::Error::other("the server's name leads to no public address").into());
    }
    Ok(Box::new(found.into_iter()))
}

/// Whether an address is none of this machine, and of no network behind a router (the registries of special addresses, RFC 6890).
///
/// 198.18.0.0/15 is let through: proxies on the way answer names with it, and nothing else is there.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            let parts = ip.segments();
            let inner = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match parts {
                // An address of version 4 inside: NAT64, 6to4, and the old form.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => inner(high, low),
                [0x64, 0xff9b, ..] => false,
                [0x2002, high, low, ..] => inner(high, low),
                // Those that are given to networks; all others are for one network, for many receivers, or for nobody.
                [first, ..] => first & 0xe000 == 0x2000,
            }
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    let is_shared = first == 100 && second & 0xc0 == 64;
    let is_special = first == 0 || first >= 224 || (first, second, third) == (192, 0, 0);
    !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || is_shared || is_special)
}

#[cfg(test)]
mod tests {
    use magpie_common::config::Secret;

    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_network_are_not_public() {
        for public in [
            "1.1.1.1",
            "203.205.254.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.18.0.5",
            "2400:da00::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for hidden in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.7",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(hidden.parse().expect("an address")), "{hidden}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_leads_nowhere_unless_the_operator_wrote_it() {
        let found = async |resolver: Arc<PublicOnly>| {
            let name: Name = "LocalHost".parse().expect("a name");
            resolver.resolve(name).await.map(|found| found.count()).unwrap_or_default()
        };
        let none = WeChatConfig::default();
        assert_eq!(found(PublicOnly::but([], &none)).await, 0);
        assert_eq!(found(PublicOnly::but(["other".to_owned()], &none)).await, 0);
        assert!(found(PublicOnly::but(["localhost".to_owned()], &none)).await > 0);
        let proxy = Some(Secret::new("http://localhost:3128"));
        let behind = WeChatConfig { proxy, ..WeChatConfig::default() };
        assert!(found(PublicOnly::but([], &behind)).await > 0);
    }
}
