//! Flood control: so many messages and edits in a chat within a while, then 429 until there is room again. Off unless a test sets it.

use std::collections::{BTreeMap, VecDeque};

use super::{answer::ApiError, model::UserId};

/// How much a bot may write in one chat.
#[derive(Clone, Copy, Debug)]
pub struct FloodLimit {
    /// So many messages and edits
    pub messages: usize,
    /// within this time.
    pub window_ms: i64,
}

/// When each bot has written in each chat lately.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    written: BTreeMap<(UserId, String), VecDeque<i64>>,
}

impl Flood {
    /// Counts one call, unless it is one too many.
    pub fn count(
        &mut self,
        (bot, method, chat): (UserId, &str, String),
        limit: Option<FloodLimit>,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let is_writing = (method.starts_with("send") && method != "sendchataction")
            || ["edit", "copy", "forward"].iter().any(|verb| method.starts_with(verb));
        let Some(limit) = limit.filter(|_| is_writing) else { return Ok(()) };
        let lately = self.written.entry((bot, chat)).or_default();
        lately.retain(|at_ms| now_ms - at_ms < limit.window_ms);
        if lately.len() < limit.messages {
            lately.push_back(now_ms);
            return Ok(());
        }
        let free_ms = lately.front().map_or(limit.window_ms, |first| first + limit.window_ms - now_ms);
        let seconds = u64::try_from(free_ms).unwrap_or_default().div_ceil(1000);
        Err(ApiError::too_many(seconds.max(1)))
    }
}
