//! WeCom, of our own: the API of a company's app and of its customer service on one loopback port, and the callbacks that go with it.
//!
//! Build a [`World`], [`start`](WeComSim::start) it, point a client at [`origin`](WeComSim::origin), let the app
//! [`subscribe`](WeComSim::subscribe) an address and let members and customers act ([`people`]); then look at what the client did
//! ([`observe`]). The envelope of callbacks is judged by libraries of other people ([`crate::wechat_envelope`]).
//!
//! It must never be kinder than WeCom: what is too much is dropped without a word, who cannot be reached is named beside a success, a repeat is
//! another message, and customers are told of by a list that must be pulled. Time is that of the world's clock. Where to read next: `api` for
//! routes, [`callback`] for the other direction, [`faults`] for what can go wrong. Not simulated: departments and tags, cards, menus' making,
//! encrypted answers, license checks.

mod api;
pub mod callback;
mod errors;
pub mod faults;
pub mod observe;
pub mod people;
mod service;
pub mod staged;
mod state;
pub mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinHandle};

use self::state::Inner;
pub use self::{
    callback::Written,
    faults::Fault,
    observe::{LoggedCallback, LoggedRequest, Sent, To},
    world::{AES_KEY, AGENT_ID, CORP_ID, Customer, KF_ID, KF_SECRET, SECRET, SmallWorld, TOKEN, World},
};
use crate::{discord::severable::SeverableListener, wechat_envelope::Envelope};

/// A running simulator. It stops when this is dropped.
pub struct WeComSim {
    inner: Arc<Inner>,
    address: SocketAddr,
    server: JoinHandle<()>,
    deliverer: JoinHandle<()>,
}

impl WeComSim {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(world: World) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("the simulator of WeCom cannot listen")?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner::new(world, address));
        let service = api::service(Arc::clone(&inner));
        let stopped = inner.stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let serving = axum::serve(SeverableListener(listener), service).with_graceful_shutdown(stopped);
            serving.await.expect("axum's server ends only when it is told to");
        });
        let deliverer = tokio::spawn(callback::delivery::run(Arc::clone(&inner)));
        Ok(Self { inner, address, server, deliverer })
    }

    /// What stands in for `https://qyapi.weixin.qq.com`: `http://127.0.0.1:1234`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The secrets of the app's callbacks.
    pub fn envelope(&self) -> Envelope {
        self.inner.lock().envelope.clone()
    }

    /// Ends the server and the deliveries, and waits until nobody listens any more.
    pub async fn stop(mut self) {
        self.inner.stop.cancel();
        let _ = (&mut self.server).await;
        let _ = (&mut self.deliverer).await;
    }
}

impl Drop for WeComSim {
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.server.abort();
        self.deliverer.abort();
    }
}

impl std::fmt::Debug for WeComSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WeComSim({})", self.address)
    }
}
