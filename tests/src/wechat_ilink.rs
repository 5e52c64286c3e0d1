//! An iLink bot API of our own: the API, the long polls and the file server, on two loopback ports.
//!
//! Build a [`World`], [`start`](ILinkSim::start) it, point a client at [`api_url`](ILinkSim::api_url) and [`cdn_url`](ILinkSim::cdn_url), let
//! somebody scan what it shows ([`phone`]) and let people act ([`people`]); then look at what the client did ([`observe`]). Headers, bodies and
//! hosts of every request are held against what the vendor's own client sends; disagreements are [`findings`](ILinkSim::findings).
//!
//! It must never be kinder than WeChat: no field a client relies on may be missing, nothing may be allowed that WeChat refuses. A client id that
//! comes twice is two messages here, since nobody knows whether WeChat makes one of them. Where to read next: `serve` for the way of a request,
//! [`faults`] and [`trouble`] for what can go wrong. Reference: the vendor's client, npm `@tencent-weixin/openclaw-weixin` 2.4.9. Not
//! simulated: groups, tool calls, messages that are still being written.

mod cdn;
mod check;
mod cipher;
pub mod faults;
pub mod judge;
pub mod model;
pub mod observe;
pub mod people;
pub mod phone;
mod scan;
mod serve;
pub mod staged;
mod state;
mod talk;
pub mod trouble;
mod updates;
pub mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinHandle};

use self::state::Inner;
pub use self::{
    faults::Fault,
    model::{BotId, Door, LoggedRequest, PersonId, Sent},
    people::{FileKind, KeySpelling, Post, Quote, SentFile},
    trouble::{Order, StaleIn},
    world::{SmallWorld, World},
};
use crate::discord::severable::SeverableListener;

/// Where files are, below an address.
const CDN_PATH: &str = "/c2c";

/// A running simulator. It stops when this is dropped.
pub struct ILinkSim {
    inner: Arc<Inner>,
    addresses: [SocketAddr; 2],
    servers: Vec<JoinHandle<()>>,
}

impl ILinkSim {
    /// Starts on two free loopback ports.
    ///
    /// # Errors
    /// When there are none.
    pub async fn start(world: World) -> anyhow::Result<Self> {
        let (first, second) = (listen().await?, listen().await?);
        let addresses = [first.local_addr()?, second.local_addr()?];
        let inner = Arc::new(Inner::new(world, addresses));
        let servers = [(first, Door::First), (second, Door::Second)].map(|(listener, door)| {
            let service = serve::service(Arc::clone(&inner), door);
            let stopped = inner.stop.clone().cancelled_owned();
            tokio::spawn(async move {
                let serving =
                    axum::serve(SeverableListener(listener), service).with_graceful_shutdown(stopped);
                serving.await.expect("axum's server ends only when it is told to");
            })
        });
        Ok(Self { inner, addresses, servers: servers.into() })
    }

    /// What stands in for `https://ilinkai.weixin.qq.com`: `http://127.0.0.1:1234`.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// What stands in for `https://novac2c.cdn.weixin.qq.com/c2c`.
    pub fn cdn_url(&self) -> String {
        format!("http://{}{CDN_PATH}", self.addresses[0])
    }

    /// The host of the first address, and of the one that redirects lead to; with their ports.
    pub fn hosts(&self) -> [String; 2] {
        self.addresses.map(|address| address.to_string())
    }

    /// Ends the server and waits until nobody listens any more.
    pub async fn stop(mut self) {
        self.inner.stop.cancel();
        for server in &mut self.servers {
            let _ = server.await;
        }
    }
}

async fn listen() -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the iLink simulator finds no port")
}

impl Drop for ILinkSim {
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for ILinkSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ILinkSim({})", self.addresses[0])
    }
}
