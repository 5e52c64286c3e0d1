//! A WhatsApp Cloud API of our own: the Graph API on one loopback port, and the webhooks that go with it.
//!
//! Build a [`World`], [`start`](WhatsAppCloudSim::start) it, point a client at [`graph_url`](WhatsAppCloudSim::graph_url), let it
//! [`subscribe`](WhatsAppCloudSim::subscribe) to webhooks and let people act ([`people`], [`presses`], [`identity`]); then look at what
//! the client did ([`observe`]). Everything the simulator gets and gives, webhooks included, is held against Meta's own OpenAPI description
//! where that is present; disagreements are [`findings`](WhatsAppCloudSim::findings).
//!
//! It must never be kinder than WhatsApp: no field a client relies on may be missing, nothing may be allowed that WhatsApp refuses. Time is
//! that of the world's clock. Where to read next: `graph` for routes, [`webhook`] for the other direction, [`faults`] for what can go wrong.
//! Not simulated: groups, flows, calls, catalogs, payments, template management; media links are not fetched.

pub mod description;
mod errors;
pub mod faults;
mod graph;
pub mod identity;
pub mod ids;
pub mod judge;
pub mod limits;
pub mod model;
pub mod observe;
pub mod people;
pub mod presses;
mod progress;
pub mod requests;
pub mod settings;
pub mod staged;
mod state;
pub mod webhook;
pub mod window;
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
    graph::{
        CODE, TYPING_MS,
        media::{ADDRESS_LIFE_MS, RECEIVED_LIFE_MS, UPLOAD_LIFE_MS},
    },
    ids::{AccountId, Chat, NumberId, PersonId},
    limits::Rates,
    model::{Media, Message, Person, Side, Status, Template},
    observe::LoggedWebhook,
    people::{Post, SentFile},
    requests::LoggedRequest,
    settings::{PayloadAge, Progress, Refusals},
    webhook::trouble::{Forgery, Release},
    window::WINDOW_MS,
    world::{ACCESS_TOKEN, APP_SECRET, SmallWorld, VERIFY_TOKEN, World},
};
use crate::discord::severable::SeverableListener;

/// A running simulator. It stops when this is dropped.
pub struct WhatsAppCloudSim {
    inner: Arc<Inner>,
    address: SocketAddr,
    server: JoinHandle<()>,
    deliverer: JoinHandle<()>,
}

/// What a business has from Meta's dashboard.
#[derive(Clone)]
pub struct Secrets {
    /// The id of the first business account.
    pub account: String,
    /// The access token.
    pub token: String,
    /// What signs webhooks.
    pub app_secret: String,
    /// What the handshake shows.
    pub verify_token: String,
}

impl WhatsAppCloudSim {
    /// Starts on a free loopback port.
    pub async fn start(world: World) -> anyhow::Result<Self> {
        Self::start_on(world, 0).await
    }

    /// Starts on a given loopback port.
    pub async fn start_on(world: World, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("the WhatsApp simulator cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner::new(world, address, description::description()));
        let service = graph::service(Arc::clone(&inner));
        let stopped = inner.stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let serving = axum::serve(SeverableListener(listener), service).with_graceful_shutdown(stopped);
            serving.await.expect("axum's server ends only when it is told to");
        });
        let deliverer = tokio::spawn(webhook::delivery::run(Arc::clone(&inner)));
        Ok(Self { inner, address, server, deliverer })
    }

    /// What stands in for `https://graph.facebook.com`: `http://127.0.0.1:1234`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same with the version of the description: `http://127.0.0.1:1234/v23.0`.
    pub fn graph_url(&self) -> String {
        format!("{}/v23.0", self.origin())
    }

    /// What a business needs to use all this.
    pub fn secrets(&self) -> Secrets {
        let records = &self.inner.lock().records;
        Secrets {
            account: records.accounts.keys().next().map(ToString::to_string).unwrap_or_default(),
            token: records.token.clone(),
            app_secret: records.app_secret.clone(),
            verify_token: records.verify_token.clone(),
        }
    }

    /// Ends the server and the deliveries, and waits until nobody listens any more.
    pub async fn stop(mut self) {
        self.inner.stop.cancel();
        let _ = (&mut self.server).await;
        let _ = (&mut self.deliverer).await;
    }
}

impl Drop for WhatsAppCloudSim {
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.server.abort();
        self.deliverer.abort();
    }
}

impl std::fmt::Debug for WhatsAppCloudSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WhatsAppCloudSim({})", self.address)
    }
}
