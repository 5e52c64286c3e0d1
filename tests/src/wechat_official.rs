//! WeChat for Official Accounts, of our own: the API on one loopback port, and the callbacks that go with it.
//!
//! Build a [`World`], [`start`](OfficialSim::start) it, point a client at [`origin`](OfficialSim::origin), let an account
//! [`subscribe`](OfficialSim::subscribe) an address and let followers act ([`people`]); then look at what the client did ([`observe`]). The
//! envelope of callbacks is judged by three libraries of other people ([`crate::wechat_envelope`]), their documents by wechatpy.
//!
//! It must never be kinder than WeChat: messages of ours get no ids, a repeat is another message, whoever asks too much is refused with
//! WeChat's own codes. Time is that of the world's clock. Where to read next: `api` for routes, [`callback`] for the other direction,
//! [`faults`] for what can go wrong. Not simulated: menus' making, mass messages, customer service accounts, passive replies.

mod api;
pub mod callback;
mod errors;
pub mod faults;
pub mod observe;
pub mod people;
pub mod staged;
mod state;
mod window;
pub mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinHandle};

use self::state::Inner;
pub use self::{
    callback::{Mode, Written},
    faults::Fault,
    observe::{LoggedCallback, LoggedRequest, Sent},
    people::SentFile,
    window::{PRESSED_MAX, PRESSED_MS, SAID_MAX, SAID_MS},
    world::{AES_KEY, APP_ID, APP_SECRET, Follower, SmallWorld, TEMPLATE, TOKEN, World},
};
use crate::{discord::severable::SeverableListener, wechat_envelope::Envelope};

/// A running simulator. It stops when this is dropped.
pub struct OfficialSim {
    inner: Arc<Inner>,
    address: SocketAddr,
    server: JoinHandle<()>,
    deliverer: JoinHandle<()>,
}

impl OfficialSim {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(world: World) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("the simulator of Official Accounts cannot listen")?;
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

    /// What stands in for `https://api.weixin.qq.com`: `http://127.0.0.1:1234`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The secrets of an account's callbacks.
    pub fn envelope(&self, app_id: &str) -> Envelope {
        self.inner.lock().account(app_id).envelope.clone()
    }

    /// Ends the server and the deliveries, and waits until nobody listens any more.
    pub async fn stop(mut self) {
        self.inner.stop.cancel();
        let _ = (&mut self.server).await;
        let _ = (&mut self.deliverer).await;
    }
}

impl Drop for OfficialSim {
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.server.abort();
        self.deliverer.abort();
    }
}

impl std::fmt::Debug for OfficialSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OfficialSim({})", self.address)
    }
}
