//! What we ask of Matrix: one thin client that acts as the bot, as a ghost or as a double puppet.
//!
//! Every method is one call and one try. Whoever calls decides about repeating, with
//! [`HomeserverError::is_transient`] and the transaction id that makes a repeat harmless. This room never decides what
//! is said, and never logs content or tokens. Matrix JSON of calls lives here and nowhere else; content is made in
//! `convert`. Next: [`Intent`], the calls themselves.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use ruma::{OwnedServerName, OwnedUserId, ServerName, UserId};
use url::Url;

use self::{
    bearers::Bearers,
    transport::{Caller, Transport},
};
pub use self::{
    error::{HomeserverError, tolerate},
    events::{SendEvent, SendState},
    intent::{Double, Intent, Profile},
    media::MediaDownload,
    power::{Creation, Deed, Power, Powers},
    rooms::{CreateRoom, InitialState, PowerLevels},
    server::Versions,
};
pub(crate) use self::{
    metrics::begin_counting,
    transport::{bearer, connector},
};
use crate::config::Secret;

mod account;
mod bearers;
mod directory;
mod error;
mod events;
mod intent;
mod media;
mod metrics;
mod path;
mod power;
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
    /// The `as_token` before it, shown while the homeserver does not know the new one.
    pub previous_as_token: Option<Secret>,
    /// The bridge bot, the registration's `sender_localpart` in full.
    pub bot: OwnedUserId,
    /// The `as_token` of a second registration, with which we act for the homeserver's own users.
    pub double_puppet_token: Option<Secret>,
    /// Where the client APIs of other homeservers are, whose users may give us tokens.
    pub other_servers: BTreeMap<OwnedServerName, Url>,
}

/// The homeserver, as one registration sees it. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Homeserver(Arc<Inner>);

struct Inner {
    transport: Transport,
    bearers: Bearers,
    bot: OwnedUserId,
    /// Our own token never goes there.
    others: HashMap<OwnedServerName, Arc<Transport>>,
    double_puppets: Option<http::HeaderValue>,
    default_room_version: tokio::sync::OnceCell<String>,
    upload_limit: media::UploadLimit,
}

impl Homeserver {
    /// Prepares the client; connects to nothing yet.
    ///
    /// # Errors
    /// When the address or the token cannot be used, with words for the operator.
    pub fn new(settings: HomeserverSettings) -> Result<Self, HomeserverError> {
        let transport = Transport::new(&settings.url)?;
        let unwritable =
            || HomeserverError::BadSettings("`as_token` has characters that no header can carry".to_owned());
        let bearer = |token: &Secret| transport::bearer(token).ok_or_else(unwritable);
        let previous = settings.previous_as_token.as_ref().map(bearer).transpose()?;
        let bearers = Bearers::new(bearer(&settings.as_token)?, previous);
        let reach = |(name, url): (OwnedServerName, Url)| Ok((name, Arc::new(Transport::new(&url)?)));
        let others = settings.other_servers.into_iter().map(reach).collect::<Result<_, HomeserverError>>()?;
        let default_room_version = tokio::sync::OnceCell::new();
        let upload_limit = media::UploadLimit::default();
        let unusable = || HomeserverError::BadSettings("`double_puppet_token` is no token".to_owned());
        let double_puppets = match &settings.double_puppet_token {
            Some(token) => Some(transport::bearer(token).ok_or_else(unusable)?),
            None => None,
        };
        let bot = settings.bot;
        Ok(Self(Arc::new(Inner {
            transport,
            bearers,
            bot,
            others,
            double_puppets,
            default_room_version,
            upload_limit,
        })))
    }

    /// Acts as the bridge bot.
    pub fn bot(&self) -> Intent<'_> {
        Intent::new(self, None)
    }

    /// Acts as `user`, a ghost of ours.
    pub fn intent<'a>(&'a self, user: &'a UserId) -> Intent<'a> {
        Intent::new(self, (user != self.0.bot).then_some(user))
    }

    /// Acts as somebody in Matrix.
    pub fn double<'a>(&'a self, double: &'a Double) -> Intent<'a> {
        Intent::of_double(self, double)
    }

    /// How to act for somebody by the second registration, where there is one and they are a user of this homeserver.
    pub fn shared_double(&self, user_id: &UserId) -> Option<Double> {
        let authorization = self.0.double_puppets.clone()?;
        let is_local = user_id.server_name() == self.0.bot.server_name();
        let user_id = user_id.to_owned();
        is_local.then(|| Double { user_id, authorization, masquerades: true, elsewhere: None })
    }

    /// Whether users of that homeserver may give us tokens: our own, and others whose address is known.
    pub fn reaches(&self, server_name: &ServerName) -> bool {
        server_name == self.0.bot.server_name() || self.0.others.contains_key(server_name)
    }

    /// How to act for somebody by an access token of theirs. Whether it is theirs, `whoami` of their homeserver tells.
    ///
    /// # Errors
    /// When it is no token, or their homeserver is not [reached](Self::reaches).
    pub fn double_with_token(&self, user_id: &UserId, token: &Secret) -> Result<Double, HomeserverError> {
        let unusable = || HomeserverError::BadSettings("that is no access token".to_owned());
        let authorization = transport::bearer(token).ok_or_else(unusable)?;
        let elsewhere = self.0.others.get(user_id.server_name()).cloned();
        if elsewhere.is_none() && user_id.server_name() != self.0.bot.server_name() {
            return Err(HomeserverError::BadSettings(format!("{} is not known here", user_id.server_name())));
        }
        Ok(Double { user_id: user_id.to_owned(), authorization, masquerades: false, elsewhere })
    }

    /// The bridge bot's id.
    pub fn bot_id(&self) -> &UserId {
        &self.0.bot
    }

    fn transport(&self) -> Caller<'_> {
        self.0.transport.with_ours(&self.0.bearers)
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
