//! What we ask of Matrix: one thin client that acts as the bot, as a ghost or as a double puppet.
//!
//! Every method is one call and one try. Whoever calls decides about repeating, with
//! [`HomeserverError::is_transient`] and the transaction id that makes a repeat harmless. This room never decides what
//! is said, and never logs content or tokens. Matrix JSON of calls lives here and nowhere else; content is made in
//! `convert`. Next: [`Intent`], the calls themselves.

use std::sync::Arc;

use ruma::{OwnedUserId, UserId};
use url::Url;

use self::transport::Transport;
pub use self::{
    error::HomeserverError,
    events::{SendEvent, SendState},
    intent::{Intent, Profile},
    media::MediaDownload,
    rooms::{CreateRoom, InitialState, PowerLevels},
    server::Versions,
};
use crate::config::Secret;

mod error;
mod events;
mod intent;
mod media;
mod metrics;
mod path;
mod rooms;
mod server;
mod transport;

/// Where the homeserver is and who we are there.
#[derive(Clone, Debug)]
pub struct HomeserverSettings {
    /// Base address, `http` or `https`, with a path prefix if a proxy wants one.
    pub url: Url,
    /// The `as_token` of the registration.
    pub as_token: Secret,
    /// The bridge bot, the registration's `sender_localpart` in full.
    pub bot: OwnedUserId,
}

/// The homeserver, as one registration sees it. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Homeserver(Arc<Inner>);

struct Inner {
    transport: Transport,
    bot: OwnedUserId,
    default_room_version: tokio::sync::OnceCell<String>,
    upload_limit: media::UploadLimit,
}

impl Homeserver {
    /// Prepares the client; connects to nothing yet.
    ///
    /// # Errors
    /// When the address or the token cannot be used, with words for the operator.
    pub fn new(settings: HomeserverSettings) -> Result<Self, HomeserverError> {
        let transport = Transport::new(&settings.url, &settings.as_token)?;
        let default_room_version = tokio::sync::OnceCell::new();
        let upload_limit = media::UploadLimit::default();
        Ok(Self(Arc::new(Inner { transport, bot: settings.bot, default_room_version, upload_limit })))
    }

    /// Acts as the bridge bot.
    pub fn bot(&self) -> Intent<'_> {
        Intent::new(self, None)
    }

    /// Acts as `user`: a ghost, or with the double-puppet registration a person who allowed it.
    pub fn intent<'a>(&'a self, user: &'a UserId) -> Intent<'a> {
        Intent::new(self, (user != self.0.bot).then_some(user))
    }

    /// The bridge bot's id.
    pub fn bot_id(&self) -> &UserId {
        &self.0.bot
    }

    fn transport(&self) -> &Transport {
        &self.0.transport
    }
}

impl std::fmt::Debug for Homeserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Homeserver({})", self.0.bot)
    }
}

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
