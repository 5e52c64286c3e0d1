//! A Telegram of our own: the Bot API with its files on one loopback port.
//!
//! Build a [`World`], [`start`](TelegramSim::start) it, point a client at [`url`](TelegramSim::url) and let people act ([`people`]); then
//! look at what the client did ([`observe`]). Everything the simulator gets and gives is held against Telegram's own description where
//! that is present; disagreements are [`findings`](TelegramSim::findings).
//!
//! It must never be kinder than Telegram: no field a client relies on may be missing, nothing may be allowed that Telegram refuses.
//! Where to read next: `serve` for the way of a request, `methods` for what there is, [`faults`] for what can go wrong.

mod answer;
mod call;
pub mod control;
mod download;
pub mod effects;
pub mod faults;
pub mod files;
pub mod flood;
mod group;
pub mod judge;
mod methods;
pub mod model;
pub mod observe;
pub mod people;
mod polling;
pub mod post;
pub mod react;
mod render;
pub mod requests;
mod rights;
mod serve;
pub mod spec;
pub mod staged;
mod state;
pub mod text;
pub mod trouble;
mod updates;
mod vote;
mod webhook;
pub mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinHandle};

use self::state::Inner;
pub use self::{
    effects::{Effect, EffectKind},
    faults::{Fault, Gate},
    files::MediaKind,
    flood::FloodLimit,
    model::{Chat, ChatId, ChatKind, FileBytes, Message, MessageId, Standing, UserId},
    people::{
        Place, Where,
        media::{FileRef, Media},
    },
    post::Draft,
    requests::LoggedRequest,
    trouble::Privacy,
    world::{Settings, SmallWorld, World},
};
use crate::discord::severable::SeverableListener;

/// A running simulator. It stops when this is dropped.
pub struct TelegramSim {
    inner: Arc<Inner>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl TelegramSim {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(world: World) -> anyhow::Result<Self> {
        Self::start_on(world, 0).await
    }

    /// Starts on a given loopback port.
    ///
    /// # Errors
    /// When it is taken.
    pub async fn start_on(world: World, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("the Telegram simulator cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner::new(world, spec::description()));
        let service = serve::service(Arc::clone(&inner));
        let stopped = inner.stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let serving = axum::serve(SeverableListener(listener), service).with_graceful_shutdown(stopped);
            serving.await.expect("axum's server ends only when it is told to");
        });
        Ok(Self { inner, address, server })
    }

    /// What stands in for `https://api.telegram.org`: `http://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first bot's account.
    ///
    /// # Panics
    /// When the world has no bot.
    pub fn bot(&self) -> UserId {
        *self.inner.lock().records.bots.keys().next().expect("the world has a bot")
    }

    /// The first bot's token.
    pub fn token(&self) -> String {
        self.token_of(self.bot())
    }

    /// A bot's token as it is now.
    pub fn token_of(&self, bot: UserId) -> String {
        self.inner.lock().records.bots.get(&bot).and_then(|bot| bot.token.clone()).unwrap_or_default()
    }

    /// Ends the server and waits until nobody listens any more.
    pub async fn stop(mut self) {
        self.inner.stop.cancel();
        let _ = (&mut self.server).await;
    }
}

impl Drop for TelegramSim {
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.server.abort();
    }
}

impl std::fmt::Debug for TelegramSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TelegramSim({})", self.address)
    }
}
