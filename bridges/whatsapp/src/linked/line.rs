//! The line to WhatsApp: the library's client, built one way for signing in and for sessions.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::platform::PlatformError;
use wacore::{
    store::{DevicePropsOverride, traits::Backend},
    types::events::{Event, EventHandler, EventInterest, EventKind},
};
use waproto::whatsapp::device_props::PlatformType;
use whatsapp_rust::{
    CacheConfig, InboundDurabilityHook, TokioRuntime,
    bot::Bot,
    pair_code::PairCodeOptions,
    transport::{Transport, TransportEvent, TransportFactory},
};

use super::{http::Http, proxy::Road, store::Kept, warnings};
use crate::config::WhatsAppConfig;

/// For how long a sent message is kept for receivers that could not read it; they ask within minutes, or when they come online.
const SENT_KEPT_SECS: u64 = 14 * 24 * 60 * 60;

/// What a line is built from.
pub(super) struct Setup<'a> {
    pub(super) config: &'a WhatsAppConfig,
    pub(super) store: Kept,
    pub(super) http: Http,
    pub(super) ears: Ears,
    /// Where messages are stored before they are acknowledged.
    pub(super) hook: Option<Arc<dyn InboundDurabilityHook>>,
    /// The phone to link with by a code.
    pub(super) pair_code: Option<PairCodeOptions>,
}

/// Takes events as they happen, which is on the line's own task: it must not wait.
pub(super) struct Ears {
    /// Which ones.
    pub(super) kinds: &'static [EventKind],
    /// What is done with them.
    pub(super) hear: Box<dyn Fn(Arc<Event>) + Send + Sync>,
    /// What is done when WhatsApp's server could not be reached, of which there is no event: the library would try again for ever.
    pub(super) unreached: Arc<dyn Fn(&anyhow::Error) + Send + Sync>,
}

/// Opens connections, and says when one could not be opened.
struct Opener {
    inner: Road,
    unreached: Arc<dyn Fn(&anyhow::Error) + Send + Sync>,
}

#[async_trait]
impl TransportFactory for Opener {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, whatsapp_rust::async_channel::Receiver<TransportEvent>)> {
        let opened = self.inner.create_transport().await;
        if let Err(error) = &opened {
            (self.unreached)(error);
        }
        opened
    }
}

impl EventHandler for Ears {
    fn handle_event(&self, event: Arc<Event>) {
        (self.hear)(event);
    }

    fn interest(&self) -> EventInterest {
        EventInterest::of(self.kinds)
    }
}

/// Hands the hook on: the builder wants one of its own.
struct Hook(Arc<dyn InboundDurabilityHook>);

#[async_trait]
impl InboundDurabilityHook for Hook {
    async fn on_messages(
        &self,
        client: Arc<whatsapp_rust::Client>,
        batch: &[wacore::types::events::InboundMessage],
    ) -> anyhow::Result<()> {
        self.0.on_messages(client, batch).await
    }
}

/// Builds a line; nothing is connected yet.
pub(super) async fn build(setup: Setup<'_>) -> Result<Bot, PlatformError> {
    warnings::pass_on();
    let config = setup.config;
    let road = Road::of(config).map_err(|error| PlatformError(format!("{error}.")))?;
    let device = DevicePropsOverride::new()
        .with_os(config.linked_device_name.trim())
        .with_platform_type(PlatformType::DESKTOP);
    let store: Arc<dyn Backend> = Arc::new(setup.store);
    let mut builder = Bot::builder()
        .with_backend_arc(store)
        .with_transport_factory(Opener { inner: road, unreached: Arc::clone(&setup.ears.unreached) })
        .with_http_client(setup.http)
        .with_runtime(TokioRuntime)
        .with_device_props(device)
        .with_cache_config(CacheConfig { sent_message_ttl_secs: SENT_KEPT_SECS, ..CacheConfig::default() })
        .with_event_handler(setup.ears);
    if let Some(version) = config.linked_version() {
        builder = builder.with_version(version);
    }
    if !config.linked_history {
        builder = builder.skip_history_sync();
    }
    if let Some(hook) = setup.hook {
        builder = builder.with_inbound_durability_hook(Hook(hook));
    }
    if let Some(options) = setup.pair_code {
        builder = builder.with_pair_code(options);
    }
    builder
        .build()
        .await
        .map_err(|error| PlatformError(format!("The bridge cannot start a line to WhatsApp: {error}.")))
}
