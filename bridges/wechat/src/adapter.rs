//! What a way into WeChat is: an adapter. A login belongs to one of them, which its id tells; everything else about it is that way's own.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use magpie_common::{
    ids::LoginId,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, PlatformError, SavedLogin, Session,
        WebhookAnswer, WebhookHead,
    },
};

/// A way into WeChat. Each method is the part of [`magpie_common::platform::Platform`] or [`magpie_common::platform::Webhook`] with the same
/// name.
#[async_trait]
pub(crate) trait Adapter: Send + Sync {
    /// Its name: lower case, and what the ids of its logins, people and chats begin with.
    fn name(&self) -> &'static str;

    /// The ways to sign in; no other adapter may use the same ids.
    fn login_flows(&self) -> Vec<LoginFlow>;

    /// Begins to sign in by one of these flows.
    ///
    /// # Errors
    /// When the network refuses at once.
    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError>;

    /// The account that the configuration itself names.
    fn configured_login(&self) -> Option<SavedLogin>;

    /// Brings a login to life.
    ///
    /// # Errors
    /// With the verdict whether trying again helps.
    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError>;

    /// Forgets what it holds for an account beside its session.
    fn forget(&self, login: &LoginId) {
        let _ = login;
    }

    /// Checks this way one step at a time.
    async fn diagnose(&self) -> Vec<Finding>;

    /// Looks at a callback before its body is read. Only those come whose path begins with the adapter's name; `path` is what follows it.
    ///
    /// # Errors
    /// With the refusal that is answered.
    fn admit(&self, path: &str, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        let _ = (path, head);
        Err(WebhookAnswer::not_found())
    }

    /// Takes a callback that was admitted.
    async fn receive(&self, path: &str, head: &WebhookHead, body: Bytes) -> WebhookAnswer {
        let _ = (path, head, body);
        WebhookAnswer::not_found()
    }
}

/// Whether a saved account is one of this adapter's.
pub(crate) fn owns(adapter: &dyn Adapter, login: &LoginId) -> bool {
    let rest = login.as_str().strip_prefix(adapter.name());
    rest.is_some_and(|rest| rest.starts_with('-'))
}
