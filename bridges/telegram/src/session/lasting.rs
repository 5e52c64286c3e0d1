//! What outlives a session: pauses that Telegram asked for, parts of messages that stand, our reactions, and what is remembered of chats.
//!
//! A session may end for a moment's trouble. The next one of the same bot must not speak into a pause, say a part twice, or begin to learn
//! anew.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use magpie_common::platform::Progress;

use super::{deliver::Reactions, limiter::Limiter, world::World};

/// So many bots are kept in mind.
const BOTS_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// What is kept of every bot, by its number.
pub(crate) struct Lasting(Mutex<LruCache<i64, Kept>>);

/// What is kept of one bot.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) world: Arc<World>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) progress: Arc<Progress>,
    pub(super) reactions: Arc<Reactions>,
}

impl Default for Lasting {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(BOTS_MAX)))
    }
}

impl Lasting {
    /// What is kept of a bot; nothing yet for one that was not connected before.
    pub(super) fn of(&self, bot: i64) -> Kept {
        let mut bots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = bots.get_or_insert(bot, || Kept {
            world: Arc::new(World::new(bot)),
            limiter: Arc::default(),
            progress: Arc::default(),
            reactions: Arc::default(),
        });
        kept.clone()
    }
}
