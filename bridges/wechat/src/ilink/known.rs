//! The bots that are connected, across sessions: a new sign-in names their tokens, so that WeChat binds nobody twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::account::Account;

/// WeChat wants the newest ones only.
const TOKENS_MAX: usize = 10;

/// The bots, the newest last. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<Vec<Account>>>);

impl Known {
    /// From now on this bot is known.
    pub fn put(&self, account: &Account) {
        let mut known = self.lock();
        known.retain(|other| other.bot_id != account.bot_id);
        known.push(account.clone());
    }

    /// The bot has signed out, or WeChat does not take it any more.
    pub fn forget(&self, bot_id: &str) {
        self.lock().retain(|other| other.bot_id != bot_id);
    }

    /// Those whose tokens a sign-in names, the newest first.
    pub fn newest(&self) -> Vec<Account> {
        self.lock().iter().rev().take(TOKENS_MAX).cloned().collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::config::Secret;

    use super::*;

    fn bot(nth: usize) -> Account {
        Account {
            bot_id: format!("b{nth}@im.bot"),
            token: Secret::new("t"),
            base: "https://weixin.qq.com".to_owned(),
            user_id: None,
        }
    }

    #[test]
    fn the_ten_newest_are_named() {
        let known = Known::default();
        assert!(known.is_empty());
        (0..12).for_each(|nth| known.put(&bot(nth)));
        known.put(&bot(3));
        known.forget("b11@im.bot");
        let names: Vec<_> = known.newest().into_iter().map(|account| account.bot_id).collect();
        assert_eq!((names.len(), names[0].as_str(), names[1].as_str()), (10, "b3@im.bot", "b10@im.bot"));
    }
}
