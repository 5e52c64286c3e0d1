//! Checks of single addresses: of servers, of the port to listen on, of the database.
//!
//! Parses only; never resolves a name or opens a connection. Words never repeat an address that may hold a password.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use ruma::{OwnedServerName, ServerName};
use url::{Host, Url};

use super::{DatabaseUrl, Problems, Secret};

/// Whether an address may go on after its host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paths {
    Allowed,
    Refused,
}

/// The address of the homeserver, which must be there.
pub(super) fn required_http(problems: &mut Problems, key: &str, text: &str, help: &str) -> Option<Url> {
    if text.is_empty() {
        problems.add_missing(key, help);
        return None;
    }
    http(problems, key, text, Paths::Refused)
}

/// An address of a web server that need not be there; nothing at all when it is wrong.
pub(super) fn optional_http(problems: &mut Problems, key: &str, text: Option<&str>) -> Option<Option<Url>> {
    match text {
        Some(text) => {
            let url = http(problems, key, text, Paths::Allowed)?;
            if url.scheme() == "http" && !is_loopback(&url) {
                let what = "the registration's `as_token` would travel there for everybody to read";
                problems.add(key, what, "Give an `https://` address.");
                return None;
            }
            Some(Some(url))
        }
        None => Some(None),
    }
}

/// An address of a web server.
pub(super) fn http(problems: &mut Problems, key: &str, text: &str, paths: Paths) -> Option<Url> {
    const FULL: &str = "Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.";
    let mut wrong = |what: &str, help: &str| {
        problems.add(key, what, help);
        None
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return wrong("this address has no `http://` or `https://`", FULL);
        }
        Err(error) => return wrong(&format!("this is not an address: {error}"), FULL),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("this address must start with `http://` or `https://`", FULL);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("this address holds a user name or password", "Take out everything before the `@`.");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("this address goes on with `?` or `#`", "End it before that.");
    }
    if paths == Paths::Refused && url.path() != "/" {
        return wrong(
            "this address goes on after the host and port",
            "End it there; the bridge adds the paths itself.",
        );
    }
    Some(url)
}

/// Whether an address stays on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The name of the homeserver, which must be there.
pub(super) fn server_name(problems: &mut Problems, text: &str) -> Option<OwnedServerName> {
    const HELP: &str =
        "It is the part of your Matrix ids after the colon: `example.org` in `@alice:example.org`.";
    if text.is_empty() {
        problems.add_missing("server_name", HELP);
        return None;
    }
    ServerName::parse(text)
        .inspect_err(|_| problems.add("server_name", format!("`{text}` is not a server name"), HELP))
        .ok()
}

/// The address to listen on.
pub(super) fn listen(problems: &mut Problems, text: Option<&str>, default_port: u16) -> Option<SocketAddr> {
    let Some(text) = text else { return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, default_port))) };
    text.parse()
        .inspect_err(|_| {
            problems.add(
                "listen",
                "this is not an IP address with a port",
                format!("Allowed: `127.0.0.1:{default_port}` for this machine only, `0.0.0.0:{default_port}` or `[::]:{default_port}` for all."),
            );
        })
        .ok()
}

/// The address at which a homeserver on the same machine reaches `listen`.
pub(super) fn reachable(problems: &mut Problems, mut listen: SocketAddr) -> Option<Url> {
    if listen.port() == 0 {
        problems.add(
            "listen",
            "with port 0 the homeserver cannot know where to reach the bridge",
            "Give a port, or set `url` too.",
        );
        return None;
    }
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Url::parse(&format!("http://{listen}")).ok()
}

/// The address of a database; an SQLite path starts at `folder`.
pub(super) fn database(problems: &mut Problems, text: &str, folder: &Path) -> Option<DatabaseUrl> {
    const HELP: &str = "Allowed: `sqlite:` and a file name, or `postgres://user:password@host/database`.";
    if let Some(file) = text.strip_prefix("sqlite:") {
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() || file.starts_with(':') {
            problems.add("url", "this names no file, so nothing would outlive the process", HELP);
            return None;
        }
        if file.contains(['?', '#']) {
            problems.add("url", "an SQLite address takes no `?` or `#`", HELP);
            return None;
        }
        return Some(DatabaseUrl::Sqlite(folder.join(file)));
    }
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        problems.add("url", "this is neither an SQLite file nor a PostgreSQL address", HELP);
        return None;
    }
    match Url::parse(text) {
        Err(error) => problems.add("url", format!("this is not an address: {error}"), HELP),
        Ok(url) if url.path().len() < 2 => problems.add("url", "this address names no database", HELP),
        Ok(_) => return Some(DatabaseUrl::Postgres(Secret::new(text))),
    }
    None
}
