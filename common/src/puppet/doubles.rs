//! Double puppets: people in Matrix for whom the bridge may act, so that what they do on the network shows as their own.
//!
//! Either the operator allows it for all users of the homeserver, by a second registration, or a person gives an access token. Nobody is
//! acted for before the homeserver has said that the token is theirs. What is done for somebody carries a mark that only we can make,
//! because it comes back to us as theirs.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use lru::LruCache;
use ruma::{OwnedUserId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use crate::{
    clock::{Clock, TimestampMs},
    config::Secret,
    homeserver::{Double, Homeserver, HomeserverError},
    store::{Store, StoreError},
};

/// Where the mark stands in an event's content.
pub const MARK_KEY: &str = "app.magpie.puppet";

/// So many people are remembered; the others are in the database.
const PEOPLE_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// A token that was refused is tried again after so long.
const REFUSED_FOR: Duration = Duration::from_secs(10 * 60);

/// Why somebody cannot be acted for.
#[derive(Debug, thiserror::Error)]
pub enum DoubleError {
    /// The token is somebody else's.
    #[error("That token belongs to {0}, not to you.")]
    NotYours(OwnedUserId),
    /// The homeserver does not take the token.
    #[error(
        "The homeserver does not take that token. Copy it again from your client; signing out there ends it."
    )]
    Refused,
    /// The person is of a homeserver that is not known.
    #[error(
        "That works only for people of homeservers that this bridge knows. The operator can name yours in `homeserver.double_puppet_servers`."
    )]
    Elsewhere,
    /// The homeserver did not answer.
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everybody for whom we may act. Clones share them.
#[derive(Clone)]
pub struct Doubles(Arc<Inner>);

struct Inner {
    store: Store,
    homeserver: Homeserver,
    clock: Clock,
    key: Hmac<Sha256>,
    known: Mutex<LruCache<OwnedUserId, Known>>,
}

#[derive(Clone)]
enum Known {
    Works(Arc<Double>),
    /// Not before that moment is it looked at again.
    No(TimestampMs),
}

/// What shows that an event is ours: a name for what was sent, and its signature.
#[derive(Serialize, Deserialize)]
struct Mark {
    txn: String,
    sig: String,
}

impl Doubles {
    /// Doubles at this homeserver; `secret` makes the marks.
    pub fn new(store: Store, homeserver: Homeserver, clock: Clock, secret: &Secret) -> Self {
        let mut derive = hmac(secret.expose().as_bytes());
        derive.update(b"magpie double puppets");
        let key = hmac(&derive.finalize().into_bytes());
        let known = Mutex::new(LruCache::new(PEOPLE_CACHED_MAX));
        Self(Arc::new(Inner { store, homeserver, clock, key, known }))
    }

    /// How to act for somebody, if we may.
    ///
    /// # Errors
    /// When homeserver or database do not answer just now.
    pub async fn of(&self, user_id: &UserId) -> Result<Option<Arc<Double>>, DoubleError> {
        match self.known().get(user_id).cloned() {
            Some(Known::Works(double)) => return Ok(Some(double)),
            Some(Known::No(until_ms)) if self.0.clock.now_ms() < until_ms => return Ok(None),
            Some(Known::No(_)) | None => {}
        }
        let own = self.0.store.person(user_id).await?.puppet;
        let own = own.filter(|_| self.0.homeserver.reaches(user_id.server_name()));
        let double = match own {
            Some(token) => Some(self.0.homeserver.double_with_token(user_id, &token)?),
            None => self.0.homeserver.shared_double(user_id),
        };
        let is_elsewhere = double.as_ref().is_some_and(Double::is_elsewhere);
        let found = match double {
            None => None,
            Some(double) => match self.proved(double).await {
                Ok(double) => Some(double),
                Err(DoubleError::Homeserver(error)) if error.is_transient() && !is_elsewhere => {
                    return Err(error.into());
                }
                Err(error) => {
                    tracing::warn!(%error, user = %user_id, "Somebody cannot be acted for.");
                    None
                }
            },
        };
        match found {
            Some(double) => {
                self.known().put(user_id.to_owned(), Known::Works(double.clone()));
                Ok(Some(double))
            }
            None => {
                self.refused(user_id);
                Ok(None)
            }
        }
    }

    /// Takes an access token of somebody, once it is proved to be theirs.
    ///
    /// # Errors
    /// When it is not theirs, is not taken, or could not be kept; then nothing is changed.
    pub async fn take(&self, user_id: &UserId, token: &Secret) -> Result<(), DoubleError> {
        if !self.0.homeserver.reaches(user_id.server_name()) {
            return Err(DoubleError::Elsewhere);
        }
        let double = self.proved(self.0.homeserver.double_with_token(user_id, token)?).await?;
        self.0.store.set_puppet(user_id, Some(token)).await?;
        self.known().put(user_id.to_owned(), Known::Works(double));
        Ok(())
    }

    /// Forgets the access token of somebody. Whether there was one.
    ///
    /// # Errors
    /// When it could not be forgotten.
    pub async fn give_back(&self, user_id: &UserId) -> Result<bool, DoubleError> {
        let had = self.0.store.person(user_id).await?.puppet.is_some();
        self.0.store.set_puppet(user_id, None).await?;
        self.known().pop(user_id);
        Ok(had)
    }

    /// A token that worked is refused now.
    pub fn refused(&self, user_id: &UserId) {
        let pause_ms = i64::try_from(REFUSED_FOR.as_millis()).unwrap_or(i64::MAX);
        let until_ms = self.0.clock.now_ms().saturating_add(pause_ms);
        self.known().put(user_id.to_owned(), Known::No(until_ms));
    }

    /// The content of an event with our mark.
    pub fn marked(&self, content: &Value, room_id: &RoomId, user_id: &UserId, txn_id: &str) -> Value {
        let mut content = content.clone();
        let mark = Mark { txn: txn_id.to_owned(), sig: self.sign(room_id, user_id, txn_id) };
        content[MARK_KEY] = serde_json::to_value(mark).expect("two texts have a JSON form");
        content
    }

    /// Whether we have sent an event of that content as somebody in that room.
    pub fn is_marked(&self, content: &Value, room_id: &RoomId, user_id: &UserId) -> bool {
        let mark = content.get(MARK_KEY).and_then(|mark| Mark::deserialize(mark).ok());
        mark.is_some_and(|mark| {
            Secret::new(self.sign(room_id, user_id, &mark.txn)).matches(mark.sig.as_bytes())
        })
    }

    async fn proved(&self, double: Double) -> Result<Arc<Double>, DoubleError> {
        let who = match self.0.homeserver.double(&double).whoami().await {
            Ok(who) => who,
            Err(error) if error.is_transient() && !matches!(error, HomeserverError::TokenRefused(_)) => {
                return Err(error.into());
            }
            Err(error) => {
                tracing::info!(%error, user = %double.user_id(), "A token was refused.");
                return Err(DoubleError::Refused);
            }
        };
        match who == double.user_id() {
            true => Ok(Arc::new(double)),
            false => Err(DoubleError::NotYours(who)),
        }
    }

    fn sign(&self, room_id: &RoomId, user_id: &UserId, txn_id: &str) -> String {
        let mut mac = self.0.key.clone();
        for word in [room_id.as_str(), user_id.as_str(), txn_id] {
            mac.update(&(word.len() as u64).to_le_bytes());
            mac.update(word.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16])
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<OwnedUserId, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
