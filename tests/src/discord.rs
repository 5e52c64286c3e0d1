//! A Discord of our own: REST v10, gateway and CDN on one loopback port.
//!
//! Build a [`World`], [`start`](DiscordSim::start) it, point a client at [`rest_url`](DiscordSim::rest_url) and let people
//! act ([`people`]); then look at what the client did ([`observe`]). Everything the simulator gets and gives is held against
//! Discord's own OpenAPI description where that is present; disagreements are [`findings`](DiscordSim::findings).
//!
//! It must never be kinder than Discord: no field a client relies on may be missing, nothing may be allowed that Discord
//! refuses. Where to read next: [`rest`] for routes, [`gateway`] for the websocket, [`faults`] for what can go wrong.

pub mod admins;
pub mod cdn;
pub mod control;
pub mod description;
mod direct;
pub mod effects;
pub mod faults;
pub mod files;
pub mod gateway;
pub mod intents;
pub mod judge;
pub mod limits;
pub mod mentions;
pub mod model;
pub mod observe;
pub mod people;
pub mod permissions;
pub mod post;
mod react;
pub mod render;
pub mod requests;
pub mod rest;
mod routes;
pub(crate) mod severable;
pub mod snowflake;
pub mod staged;
mod state;
mod threads;
pub mod trouble;
pub mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinHandle};

pub use self::{
    effects::{Effect, EffectKind},
    faults::{Fault, Gate, RateLimitScope},
    gateway::GatewayFault,
    limits::Limit,
    model::{
        Author, Channel, ChannelKind, File, FileBytes, Forward, Mentions, Message, Overwrite, Reaction,
        ReactionEmoji, Sticker, Webhook,
    },
    requests::LoggedRequest,
    snowflake::Snowflake,
    world::{BOT_TOKEN, SmallWorld, World},
};
use self::{severable::SeverableListener, state::Inner};

/// A running simulator. It stops when this is dropped.
pub struct DiscordSim {
    inner: Arc<Inner>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl DiscordSim {
    /// Starts on a free loopback port.
    pub async fn start(world: World) -> anyhow::Result<Self> {
        Self::start_on(world, 0).await
    }

    /// Starts on a given loopback port.
    pub async fn start_on(world: World, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("the Discord simulator cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner::new(world, address, description::description()));
        let service = routes::service(Arc::clone(&inner));
        let stopped = inner.stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let serving = axum::serve(SeverableListener(listener), service).with_graceful_shutdown(stopped);
            serving.await.expect("axum's server ends only when it is told to");
        });
        Ok(Self { inner, address, server })
    }

    /// Base of the API with its version: `http://127.0.0.1:1234/api/v10`.
    pub fn rest_url(&self) -> String {
        format!("http://{}/api/v10", self.address)
    }

    /// What stands in for `https://discord.com`: `http://127.0.0.1:1234`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Base of the CDN: `http://127.0.0.1:1234/cdn`.
    pub fn cdn_url(&self) -> String {
        format!("http://{}/cdn", self.address)
    }

    /// Where the gateway is, as `GET /gateway` tells it.
    pub fn gateway_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.inner.lock().records.application.token.clone()
    }

    /// The bot's user.
    pub fn bot(&self) -> Snowflake {
        self.inner.lock().records.application.id
    }

    /// Ends all gateway sockets and the server, and waits until nobody listens any more.
    pub async fn stop(mut self) {
        self.inner.stop.cancel();
        let _ = (&mut self.server).await;
    }
}

impl Drop for DiscordSim {
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.server.abort();
    }
}

impl std::fmt::Debug for DiscordSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DiscordSim({})", self.address)
    }
}
