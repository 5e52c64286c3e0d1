//! Where each chat is today: which of them go on under another id, and which is just being moved.
//!
//! Whoever works on a chat is inside it; a move waits until everybody is out, and keeps them out until it is done.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::{
    ids::RemoteChatId,
    puppet::{Closed, Doors, Inside},
    store::JournalId,
};

/// The chats that have moved.
#[derive(Default)]
pub(super) struct Moves {
    /// Each former id with the id of today; never one that is itself a former id.
    today: RwLock<HashMap<RemoteChatId, RemoteChatId>>,
    doors: Doors<RemoteChatId>,
    /// The newest row that was stored before the last move was done.
    before: AtomicI64,
}

impl Moves {
    /// Takes over what the database knows.
    pub(super) fn load(&self, moved: Vec<(RemoteChatId, RemoteChatId)>) {
        *self.today.write().unwrap_or_else(PoisonError::into_inner) = moved.into_iter().collect();
    }

    /// The id that a chat has today.
    pub(super) fn today(&self, chat: &RemoteChatId) -> RemoteChatId {
        let today = self.today.read().unwrap_or_else(PoisonError::into_inner);
        today.get(chat).unwrap_or(chat).clone()
    }

    /// What a network that tells of a move from one id to another says about today's chats: which one has to go on as which. `None` when
    /// that is so already. Whatever was told before, and in whatever order, all ids that are the same chat end at one of today.
    pub(super) fn resolve(
        &self,
        from: &RemoteChatId,
        to: &RemoteChatId,
    ) -> Option<(RemoteChatId, RemoteChatId)> {
        let (current, goal) = (self.today(from), self.today(to));
        if current != goal {
            return Some((current, goal));
        }
        // From where it is today, a chat can come back to an id that it had.
        (*from == current && *to != current).then(|| (current, to.clone()))
    }

    /// A chat has moved.
    pub(super) fn note(&self, from: &RemoteChatId, to: &RemoteChatId) {
        let mut today = self.today.write().unwrap_or_else(PoisonError::into_inner);
        today.remove(to);
        today.values_mut().filter(|chat| *chat == from).for_each(|chat| chat.clone_from(to));
        today.insert(from.clone(), to.clone());
    }

    /// What is stored up to that row was stored before the last move was done.
    pub(super) fn note_before(&self, newest: i64) {
        self.before.fetch_max(newest, Ordering::AcqRel);
    }

    /// Whether a row may be from before a move, when nothing knew its message under the new id of the chat.
    pub(super) fn is_before(&self, row: JournalId) -> bool {
        row.get() <= self.before.load(Ordering::Acquire)
    }

    /// Goes into a chat; waits while it is being moved.
    pub(super) async fn enter(&self, chat: &RemoteChatId) -> Inside {
        self.doors.enter(chat).await
    }

    /// Closes two chats once nobody is inside.
    pub(super) async fn close(&self, one: &RemoteChatId, other: &RemoteChatId) -> [Closed; 2] {
        self.doors.close(one, other).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(id: &str) -> RemoteChatId {
        RemoteChatId::new(id)
    }

    /// Tells moves such as `ab` one after the other; gives what each leads to, and where the chats `a` to `d` are then.
    fn told(all: &str) -> (String, String) {
        let moves = Moves::default();
        let mut done = Vec::new();
        for told in all.split_whitespace() {
            let (from, to) = told.split_at(1);
            match moves.resolve(&chat(from), &chat(to)) {
                Some((from, to)) => {
                    moves.note(&from, &to);
                    done.push(format!("{from}{to}"));
                }
                None => done.push("-".to_owned()),
            }
        }
        let today = ["a", "b", "c", "d"].map(|id| moves.today(&chat(id)).to_string());
        (done.join(" "), today.concat())
    }

    #[test]
    fn moves_end_at_one_id_of_today() {
        for (name, all, done, today) in [
            ("once", "ab", "ab", "bbcd"),
            ("three times", "ab ab ab", "ab - -", "bbcd"),
            ("to itself", "aa", "-", "abcd"),
            ("a chain", "ab bc", "ab bc", "cccd"),
            ("a chain told from its end", "bc ab", "bc ac", "cccd"),
            ("a chain told again", "ab bc ab bc ac", "ab bc - - -", "cccd"),
            ("back again", "ab ba", "ab ba", "aacd"),
            ("back again, told twice", "ab ba ba", "ab ba -", "aacd"),
            ("two that become one", "ac bc", "ac bc", "cccd"),
            ("two tales of one chat", "ab ac", "ab bc", "cccd"),
            ("two chains that meet", "ab cd bd", "ab cd bd", "dddd"),
        ] {
            assert_eq!(told(all), (done.to_owned(), today.to_owned()), "{name}");
        }
    }
}
