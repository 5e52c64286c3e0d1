//! What a way to WhatsApp is. A login belongs to one of them, which its id tells; everything else about it is that way's own.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    ids::LoginId,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, PlatformError, SavedLogin, Session,
    },
};

/// A way to WhatsApp. Each method is the part of [`magpie_common::platform::Platform`] with the same name.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The ways to sign in; no other backend may use the same ids.
    fn login_flows(&self) -> Vec<LoginFlow>;

    /// Begins to sign in by one of these flows.
    ///
    /// # Errors
    /// When the network refuses at once.
    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError>;

    /// The account that the configuration itself names.
    fn configured_login(&self) -> Option<SavedLogin>;

    /// Whether a saved account is one of this backend's. Must tell by the id alone.
    fn owns(&self, login: &LoginId) -> bool;

    /// Brings a login to life.
    ///
    /// # Errors
    /// With the verdict whether trying again helps.
    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError>;

    /// Checks this way one step at a time.
    async fn diagnose(&self) -> Vec<Finding>;
}
