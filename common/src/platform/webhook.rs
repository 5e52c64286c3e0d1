//! The way in for what a network tells by HTTP, where it calls us.
//!
//! The runtime listens below [`WEBHOOK_PATH`] only when a platform says that it takes such requests; nothing of them is trusted. A bridge
//! proves each one by what the network signs or repeats, and answers with success only when what it tells is stored.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// Where the requests of a network come in.
pub const WEBHOOK_PATH: &str = "/_magpie/webhook";

/// A power of a platform: taking requests that its network sends.
#[async_trait]
pub trait Webhook: Send + Sync + 'static {
    /// Looks at a request before its body is read. Where a shared secret stands in the head, this is the place to compare it, in constant
    /// time; a network that signs bodies is checked in [`Webhook::receive`].
    ///
    /// # Errors
    /// With the refusal that is answered.
    fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer>;

    /// Takes a request whose head was admitted. Called for each attempt of the network, so it must recognize repeats.
    async fn receive(&self, head: &WebhookHead, body: Bytes) -> WebhookAnswer;
}

/// A request without its body.
#[derive(Clone, Debug)]
pub struct WebhookHead {
    /// How it was asked.
    pub method: Method,
    /// What follows [`WEBHOOK_PATH`], with its leading slash; empty for the path itself.
    pub path: String,
    /// What follows the question mark, as it came.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
}

/// What the network is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The status. Anything but success makes most networks ask again.
    pub status: StatusCode,
    /// The body, as plain text.
    pub body: String,
}

impl WebhookAnswer {
    /// It is stored.
    pub fn done() -> Self {
        Self { status: StatusCode::OK, body: String::new() }
    }

    /// Success with words of its own, where a network asks for them.
    pub fn words(body: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, body: body.into() }
    }

    /// It is not the network who asks, or cannot prove it.
    pub fn unauthorized() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, body: "not authorized".to_owned() }
    }

    /// There is nobody here to take it.
    pub fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, body: "there is nothing here".to_owned() }
    }

    /// It makes no sense, and will not when it is repeated.
    pub fn malformed() -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: "not understood".to_owned() }
    }

    /// It could not be stored just now; the network is to ask again.
    pub fn again() -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, body: "not stored, ask again".to_owned() }
    }
}
