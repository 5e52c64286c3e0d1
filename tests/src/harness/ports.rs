//! Free ports on loopback, chosen by the system.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

/// A port that nobody listened on a moment ago.
///
/// The port is released again before the program that wants it binds it, so another process may be faster. Linux hands
/// `bind` odd ports and outgoing connections even ones while there are enough, so in practice this only happens when two
/// tests ask in the same moment; [`super::synapse`] and [`super::postgres`] then start once more on another port. What can
/// listen on port 0 by itself should do that instead.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on loopback")?;
    Ok(listener.local_addr()?.port())
}
