//! How the bot may answer its person: by the newest token that WeChat gave with a message, so often and so long. Kept in the database, with
//! the newest in memory.
//!
//! WeChat states no numbers; these are what people report. It has a count of its own, and says no where ours is too high.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use magpie_common::{
    clock::TimestampMs,
    ids::RemoteMessageId,
    platform::{Cursor, EventSink, NotStored},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use super::{
    verdict::{CONTEXT_GONE, TOO_OLD, USED_UP},
    window::Phase,
};

/// So many people are kept in memory; a bot has one, mostly.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// How often a message can be answered, and for how long.
const ANSWERS_MAX: u32 = 10;
const HOLDS_MS: i64 = 24 * 60 * 60 * 1000;

/// A longer token is not WeChat's.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What is known of how somebody can be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Context {
    /// The newest token.
    token: Option<String>,
    /// When the message came with which it was given; 0 for never.
    since_ms: TimestampMs,
    /// How many answers are left.
    left: u32,
    /// WeChat has said that the token is of no use any more.
    is_gone: bool,
    /// What was delivered last, as far as WeChat has confirmed it: the key and the messages that it became.
    last: Option<(String, Vec<String>)>,
    /// What the topic of the room says about it.
    pub shown: Phase,
}

impl Context {
    /// The person has written: a new token, and answers anew. Messages come twice and out of order: a repeat or an older one changes nothing.
    pub fn renew(&mut self, token: &str, at_ms: TimestampMs) {
        let is_known = at_ms == self.since_ms && self.token.as_deref() == Some(token);
        if is_known || at_ms < self.since_ms || !(1..=TOKEN_BYTES_MAX).contains(&token.len()) {
            return;
        }
        (self.token, self.since_ms) = (Some(token.to_owned()), at_ms);
        (self.left, self.is_gone) = (ANSWERS_MAX, false);
    }

    /// What to send with an answer. None is known before the person has written; WeChat itself says then what it thinks of that.
    ///
    /// # Errors
    /// When the person must write first, in words.
    pub fn usable(&self, now_ms: TimestampMs) -> Result<Option<&str>, &'static str> {
        let Some(token) = &self.token else { return Ok(None) };
        match self {
            Self { is_gone: true, .. } => Err(CONTEXT_GONE),
            Self { left: 0, .. } => Err(USED_UP),
            _ if self.open_until_ms() <= now_ms => Err(TOO_OLD),
            _ => Ok(Some(token)),
        }
    }

    /// How many answers are left; nothing is known before the person has written.
    pub fn left(&self) -> Option<u32> {
        self.token.as_ref().map(|_| self.left)
    }

    /// Until when the bot may write; 0 where it may not.
    pub fn open_until_ms(&self) -> TimestampMs {
        let is_open = self.token.is_some() && self.left > 0 && !self.is_gone;
        if is_open { self.since_ms.saturating_add(HOLDS_MS) } else { 0 }
    }

    /// What the topic of the room is to say.
    pub fn phase(&self, now_ms: TimestampMs) -> Phase {
        match self.token {
            None => Phase::Unknown,
            Some(_) => Phase::of(self.left, self.open_until_ms(), now_ms),
        }
    }

    /// One answer less: the messages of this key are these, so far.
    pub fn sent(&mut self, key: &str, ids: &[RemoteMessageId]) {
        self.left = self.left.saturating_sub(1);
        self.last = Some((key.to_owned(), ids.iter().map(RemoteMessageId::to_string).collect()));
    }

    /// WeChat takes this token no more.
    pub fn gone(&mut self, token: &str) {
        self.is_gone |= self.token.as_deref() == Some(token);
    }

    /// The messages that a key is confirmed to have become.
    pub fn confirmed(&self, key: &str) -> Vec<RemoteMessageId> {
        let ids = self.last.as_ref().filter(|(last, _)| last == key).map(|(_, ids)| ids.as_slice());
        ids.unwrap_or_default().iter().map(|id| RemoteMessageId::new(id.as_str())).collect()
    }

    /// Whether somebody has ever written.
    pub fn is_known(&self) -> bool {
        self.since_ms > 0
    }
}

pub(super) struct Contexts {
    sink: EventSink,
    known: Mutex<LruCache<String, Context>>,
    /// One change after the other, so that the newest is what is stored in the end.
    order: AsyncMutex<()>,
}

impl Contexts {
    pub fn new(sink: EventSink) -> Self {
        Self { sink, known: Mutex::new(LruCache::new(PEOPLE_MAX)), order: AsyncMutex::default() }
    }

    /// What is known of somebody; nothing of whom was never met.
    pub async fn of(&self, user: &str) -> Result<Context, NotStored> {
        if let Some(context) = self.cached(user) {
            return Ok(context);
        }
        let stored = self.sink.remembered(&key(user)).await?;
        let context: Context =
            stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        // Somebody may have noted more while the database was asked.
        let mut known = self.lock();
        Ok(known.get_or_insert(user.to_owned(), || context).clone())
    }

    /// The same from memory alone.
    pub fn cached(&self, user: &str) -> Option<Context> {
        self.lock().get(user).cloned()
    }

    /// Those in memory whose rooms say something else than is right.
    pub fn shown_wrongly(&self, now_ms: TimestampMs) -> Vec<String> {
        let known = self.lock();
        let wrongly = known.iter().filter(|(_, context)| context.shown != context.phase(now_ms));
        wrongly.map(|(user, _)| user.clone()).collect()
    }

    /// Held while a change is made and given to the store, so that the newest is what is stored in the end.
    pub async fn order(&self) -> AsyncMutexGuard<'_, ()> {
        self.order.lock().await
    }

    /// Changes what is known of somebody, for whoever holds [`Self::order`]. Gives what is to be stored; nothing where it stays as it was.
    pub async fn changed(
        &self,
        user: &str,
        change: impl FnOnce(&mut Context),
    ) -> Result<Option<Cursor>, NotStored> {
        self.of(user).await?;
        let mut known = self.lock();
        let context = known.get_or_insert_mut(user.to_owned(), Context::default);
        let before = context.clone();
        change(context);
        if *context == before {
            return Ok(None);
        }
        let value = serde_json::to_string(context).map_err(|error| NotStored(error.to_string()))?;
        Ok(Some(Cursor { key: key(user), value }))
    }

    /// Changes what is known of somebody; returns when that is stored.
    pub async fn note(&self, user: &str, change: impl FnOnce(&mut Context)) -> Result<(), NotStored> {
        let _order = self.order().await;
        match self.changed(user, change).await? {
            Some(cursor) => self.sink.remember(cursor).await,
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Context>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(user: &str) -> String {
    format!("context/{user}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    fn ids(ids: &[&str]) -> Vec<RemoteMessageId> {
        ids.iter().map(|id| RemoteMessageId::new(*id)).collect()
    }

    #[test]
    fn answers_are_counted() {
        let mut context = Context::default();
        assert_eq!((context.usable(0), context.open_until_ms(), context.is_known()), (Ok(None), 0, false));
        context.renew("one", 1_000);
        for nth in 0..ANSWERS_MAX {
            assert_eq!(context.usable(2_000), Ok(Some("one")), "{nth}");
            context.sent("key", &ids(&["1"]));
        }
        assert_eq!((context.usable(2_000), context.open_until_ms()), (Err(USED_UP), 0));
        context.renew("one", 1_000);
        context.renew("older", 500);
        assert_eq!(context.usable(2_000), Err(USED_UP), "a repeat gives no new ones");
        context.renew("two", 1_000);
        assert_eq!(context.usable(3_000), Ok(Some("two")), "another one of the same moment");
    }

    #[test]
    fn a_token_ends_by_itself_and_by_wechats_word() {
        let mut context = Context::default();
        context.renew("one", 1_000);
        assert_eq!(context.usable(1_000 + 24 * HOUR_MS - 1), Ok(Some("one")));
        assert_eq!(context.usable(1_000 + 24 * HOUR_MS), Err(TOO_OLD));
        context.gone("another");
        assert_eq!(context.usable(1_000), Ok(Some("one")));
        context.gone("one");
        assert_eq!((context.usable(1_000), context.open_until_ms()), (Err(CONTEXT_GONE), 0));
        context.renew("two", 2_000);
        assert_eq!(context.usable(2_000), Ok(Some("two")));
        context.renew("", 3_000);
        context.renew(&"x".repeat(TOKEN_BYTES_MAX + 1), 3_000);
        assert_eq!(context.usable(2_000), Ok(Some("two")), "what is no token changes nothing");
    }

    #[test]
    fn what_was_confirmed_is_remembered() {
        let mut context = Context::default();
        context.sent("key", &ids(&["1"]));
        context.sent("key", &ids(&["1", "2"]));
        let stored = serde_json::to_string(&context).expect("it is JSON");
        let context: Context = serde_json::from_str(&stored).expect("it was written by us");
        assert_eq!(context.confirmed("key"), ids(&["1", "2"]));
        assert_eq!(context.confirmed("other"), []);
    }

    proptest! {
        #[test]
        fn the_newest_message_counts_in_whatever_order(times in prop::collection::vec(1_i64..1_000, 1..20)) {
            let mut context = Context::default();
            times.iter().for_each(|at_ms| context.renew(&at_ms.to_string(), *at_ms));
            let newest = times.iter().max().map(i64::to_string);
            prop_assert_eq!(context.usable(1_000), Ok(newest.as_deref()));
        }
    }
}
