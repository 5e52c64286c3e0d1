//! OpenID tokens: people prove who they are by a token that their own homeserver gave them.
//!
//! Only the bridge's own homeserver is ever asked, so a token of any other is simply not known. Answers are remembered for a moment, as
//! a digest of the token.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use ruma::{OwnedServerName, OwnedUserId};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, time::Instant};

use super::refusal::Refusal;
use crate::homeserver::{Homeserver, HomeserverError};

/// For so long the homeserver is not asked again about a token.
const REMEMBERED: Duration = Duration::from_secs(60);

/// So many tokens are remembered.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// So often at a time the homeserver is asked.
const QUESTIONS_MAX: usize = 4;

/// Whose tokens are whose.
pub(super) struct OpenId {
    homeserver: Homeserver,
    server_name: OwnedServerName,
    known: Mutex<LruCache<[u8; 32], (OwnedUserId, Instant)>>,
    places: Semaphore,
}

impl OpenId {
    pub(super) fn new(homeserver: Homeserver, server_name: OwnedServerName) -> Self {
        let mut known = LruCache::unbounded();
        known.resize(REMEMBERED_MAX);
        Self { homeserver, server_name, known: Mutex::new(known), places: Semaphore::new(QUESTIONS_MAX) }
    }

    /// Whose token it is, where the homeserver was asked a moment ago.
    pub(super) fn known(&self, token: &str) -> Option<OwnedUserId> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (user_id, until) = known.get(&digest(token))?;
        (*until > Instant::now()).then(|| user_id.clone())
    }

    /// Asks the homeserver whose token it is.
    pub(super) async fn ask(&self, token: &str) -> Result<OwnedUserId, Refusal> {
        let _place = self.places.acquire().await.map_err(|_| Refusal::internal())?;
        let user_id = self.homeserver.openid_user(token).await.map_err(refusal)?;
        if user_id.server_name() != self.server_name {
            return Err(foreign());
        }
        let until = Instant::now() + REMEMBERED;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(digest(token), (user_id.clone(), until));
        Ok(user_id)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn foreign() -> Refusal {
    Refusal::unknown_token(
        "The bridge's homeserver does not know this OpenID token: it has expired, or is a foreign one.",
    )
}

fn refusal(error: HomeserverError) -> Refusal {
    match error {
        HomeserverError::TokenRefused(_) | HomeserverError::Forbidden(_) => foreign(),
        // Its own page for what it does not serve, or a proxy's.
        HomeserverError::Refused { status: 404, .. } | HomeserverError::Malformed(_) => Refusal::away(
            "The homeserver does not answer for OpenID tokens. Whoever runs it must serve `/_matrix/federation/v1/openid/userinfo` \
             at the address that the bridge uses (Synapse: add `openid` to the listener's resources).",
        ),
        other => Refusal::away(format!("The homeserver could not be asked about the OpenID token: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn each_answer_of_the_homeserver_says_who_must_do_something() {
        let missing = HomeserverError::Refused {
            status: 404,
            errcode: "M_UNRECOGNIZED".to_owned(),
            message: String::new(),
        };
        for (error, status, words) in [
            (HomeserverError::TokenRefused(String::new()), StatusCode::UNAUTHORIZED, "a foreign one"),
            (missing, StatusCode::BAD_GATEWAY, "does not answer for OpenID"),
            (HomeserverError::Malformed("page".to_owned()), StatusCode::BAD_GATEWAY, "add `openid`"),
            (HomeserverError::Unreachable("gone".to_owned()), StatusCode::BAD_GATEWAY, "could not be asked"),
        ] {
            let refusal = refusal(error);
            assert_eq!(refusal.status, status, "{refusal:?}");
            assert!(refusal.error.contains(words), "{refusal:?}");
        }
    }
}
