//! Wechaty's own client of a gateway, as the second opinion on ours: it must hear and send what a test lets happen.
//!
//! What it receives are events, waited for with [`expect`](Client::expect): `scan`, `login`, `logout`, `message`, `friendship`, `room-join`,
//! `room-leave`, `room-topic`, `room-invite`, `dirty`, each with Wechaty's `payload`; `error` with `words`. What it can do is in
//! `tests/judges/wechaty/client.mjs`.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Gateway, JUDGE, Tls};
use crate::harness::node::NodeProcess;

/// A client. Its process ends with the last clone.
#[derive(Clone, Debug)]
pub struct Client {
    node: NodeProcess,
    // What it stores.
    _folder: Arc<TempDir>,
}

impl Client {
    /// Starts one and connects it.
    ///
    /// # Errors
    /// When the gateway does not take it.
    pub async fn connect(gateway: &Gateway) -> anyhow::Result<Self> {
        let client = Self::start(gateway, gateway.token()).await?;
        client.tell("start", json!({})).await?;
        Ok(client)
    }

    /// Starts one that is not connected, with a token that may be wrong.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(gateway: &Gateway, token: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("magpie-wechaty-client-").tempdir()?;
        let here = folder.path().to_string_lossy().into_owned();
        let tls = if gateway.tls() == Tls::None { "" } else { "1" };
        let endpoint = gateway.endpoint();
        let variables = [
            ("CLIENT_ENDPOINT", endpoint.as_str()),
            ("CLIENT_TOKEN", token),
            ("CLIENT_TLS", tls),
            ("HOME", here.as_str()),
            ("TMPDIR", here.as_str()),
        ];
        let node = NodeProcess::start(JUDGE, "client.mjs", &variables).await?;
        node.expect("ready", |_| true).await?;
        Ok(Self { node, _folder: Arc::new(folder) })
    }

    /// Lets it do something; gives what came of it.
    ///
    /// # Errors
    /// When the client or the gateway refuses.
    pub async fn tell(&self, name: &str, fields: Value) -> anyhow::Result<Value> {
        self.node.ask(name, fields).await
    }

    /// Waits for the first event of a kind that fits and was not taken by an earlier call.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn expect(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.node.expect(kind, |event| fits(&event["payload"])).await
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.node.stop().await
    }
}
