//! A [`Platform`] without its types: what logins need of a network, whichever it is.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    config::About,
    ids::LoginId,
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, Platform, PlatformError, SavedLogin,
        Session,
    },
};

/// One network. Every [`Platform`] is one.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// What it is called.
    fn about(&self) -> About;

    /// As [`Platform::login_flows`].
    fn flows(&self) -> Vec<LoginFlow>;

    /// As [`Platform::begin_login`].
    async fn begin(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError>;

    /// As [`Platform::connect`].
    async fn open(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError>;

    /// As [`Platform::forget`].
    fn drop_account(&self, login: &LoginId);

    /// As [`Platform::diagnose`].
    async fn examine(&self) -> Vec<Finding>;
}

#[async_trait]
impl<P: Platform> Network for P {
    fn about(&self) -> About {
        P::ABOUT
    }

    fn flows(&self) -> Vec<LoginFlow> {
        self.login_flows()
    }

    async fn begin(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        self.begin_login(flow).await
    }

    async fn open(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        self.connect(login, sink).await
    }

    fn drop_account(&self, login: &LoginId) {
        self.forget(login);
    }

    async fn examine(&self) -> Vec<Finding> {
        self.diagnose().await
    }
}
