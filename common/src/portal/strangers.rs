//! Ghosts of people whom nobody here has met: the homeserver asks whether there is such a person, and the bridge's own account is asked in turn.
//!
//! Anybody in Matrix can make the homeserver ask, so questions to the network are few, and an answer of "nobody" is remembered for a while.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use lru::LruCache;
use ruma::UserId;

use super::{Portals, from_remote::Looker};
use crate::{clock::TimestampMs, ids::RemoteUserId, message::Sender};

/// The homeserver holds somebody's invitation up while it waits for our answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// So many people are asked for in a minute at most, all at once if need be.
const QUESTIONS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("it is not zero");

/// For so long, in milliseconds, somebody who is not there is not asked for again; and so many of them are remembered.
const NOBODY_MS: i64 = 60_000;
const NOBODIES_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

type Bucket =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// Who was asked for lately.
pub(super) struct Strangers {
    questions: Bucket,
    /// Who is not there, and until when that is taken for granted.
    nobodies: Mutex<LruCache<RemoteUserId, TimestampMs>>,
}

impl Default for Strangers {
    fn default() -> Self {
        let quota = Quota::per_minute(QUESTIONS_PER_MINUTE);
        Self {
            questions: Bucket::direct_with_clock(quota, MonotonicClock),
            nobodies: Mutex::new(LruCache::new(NOBODIES_MAX)),
        }
    }
}

impl Strangers {
    /// Whether the network may be asked for somebody now.
    fn may_ask(&self, user: &RemoteUserId, now_ms: TimestampMs) -> bool {
        let is_nobody = self.nobodies().get(user).is_some_and(|until_ms| now_ms < *until_ms);
        !is_nobody && self.questions.check().is_ok()
    }

    fn is_nobody(&self, user: &RemoteUserId, now_ms: TimestampMs) {
        self.nobodies().put(user.clone(), now_ms + NOBODY_MS);
    }

    fn nobodies(&self) -> std::sync::MutexGuard<'_, LruCache<RemoteUserId, TimestampMs>> {
        self.nobodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Portals {
    /// Whether there is somebody on the network for whom that ghost stands; its account is made if need be. Called while the homeserver waits.
    pub async fn knows_ghost(&self, user_id: &UserId) -> bool {
        let Some(user) = self.parts.names.remote(user_id) else { return false };
        match self.parts.store.ghost(&user).await {
            Ok(Some(row)) if row.registered => return true,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "Whether a ghost exists is not known.");
                return false;
            }
        }
        if !self.strangers.may_ask(&user, self.parts.clock.now_ms()) {
            return false;
        }
        tokio::time::timeout(ANSWER_WITHIN, self.meet(&user, user_id)).await.unwrap_or(false)
    }

    async fn meet(&self, user: &RemoteUserId, user_id: &UserId) -> bool {
        // What people sign in with is not lent to whoever asks the homeserver. Those with an account need none of this: their own is asked
        // when they invite somebody.
        let own = self.parts.logins.statuses().into_iter().filter(|login| login.owner.is_none());
        let sessions: Vec<_> = own.filter_map(|login| self.parts.logins.session(&login.id)).collect();
        let mut is_nobody = !sessions.is_empty();
        for session in sessions {
            let info = match session.user(user).await {
                Ok(Some(info)) => info,
                Ok(None) => continue,
                Err(error) => {
                    tracing::debug!(%error, "An account could not be asked for somebody.");
                    is_nobody = false;
                    continue;
                }
            };
            let sender = Sender { ids: info.ids, name: info.name, avatar: info.avatar };
            let looker = Looker { portals: self, session: Some(&*session), is_patient: false };
            return match self.ghosts.ready(&sender, &looker).await {
                // One person has several ids, and one ghost.
                Ok(ghost) => ghost.user_id == user_id,
                Err(error) => {
                    tracing::warn!(%error, "A ghost could not be made ready.");
                    false
                }
            };
        }
        if is_nobody {
            self.strangers.is_nobody(user, self.parts.clock.now_ms());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_who_is_not_there_is_asked_for_again_only_later() {
        let strangers = Strangers::default();
        let user = RemoteUserId::new("nobody");
        assert!(strangers.may_ask(&user, 0));
        strangers.is_nobody(&user, 0);
        assert!(!strangers.may_ask(&user, NOBODY_MS - 1));
        assert!(strangers.may_ask(&user, NOBODY_MS));
    }

    #[test]
    fn strangers_cannot_make_us_flood_the_network() {
        let strangers = Strangers::default();
        let asked = (0..1_000).filter(|nth| strangers.may_ask(&RemoteUserId::new(nth.to_string()), 0));
        let asked = asked.count();
        assert!((30..40).contains(&asked), "{asked}");
    }
}
