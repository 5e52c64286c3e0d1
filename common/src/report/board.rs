//! What is to be told of the bridge and each login, what was told, and what comes next. Pure: times are parameters.
//!
//! One entry for each login, so a newer state replaces one that could not be told yet, and the board stays as small as the logins are few.

use std::collections::BTreeMap;

use super::state::{State, StateEvent};
use crate::{clock::TimestampMs, ids::LoginId};

/// So many logins that are gone are remembered until that could be told.
const GONE_MAX: usize = 1_000;

/// The bridge itself stands first, under no login.
pub(super) type Key = Option<LoginId>;

/// All that there is to tell.
#[derive(Debug, Default)]
pub(super) struct Board(BTreeMap<Key, Entry>);

#[derive(Debug)]
struct Entry {
    wanted: State,
    told: Option<(State, TimestampMs)>,
    /// After a failure it is not tried sooner.
    not_before_ms: TimestampMs,
    failures: u32,
    is_gone: bool,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This is to be told now.
    Tell(State),
    /// Nothing before then.
    Wait(TimestampMs),
}

impl Board {
    /// Takes in what every login is doing. One that is not among them any more is signed out.
    pub(super) fn update(&mut self, logins: Vec<State>) {
        let event = if logins.is_empty() { StateEvent::Unconfigured } else { StateEvent::Running };
        for entry in self.0.values_mut() {
            entry.is_gone = true;
        }
        for wanted in logins.into_iter().chain([State::of_bridge(event)]) {
            let entry = self.0.entry(wanted.login().cloned()).or_insert_with(|| Entry {
                wanted: wanted.clone(),
                told: None,
                not_before_ms: 0,
                failures: 0,
                is_gone: false,
            });
            (entry.wanted, entry.is_gone) = (wanted, false);
        }
        for entry in self.0.values_mut().filter(|entry| entry.is_gone) {
            entry.wanted = entry.wanted.gone();
        }
        self.0.retain(|_, entry| !(entry.is_gone && entry.is_told()));
        let mut spare = self.0.values().filter(|entry| entry.is_gone).count().saturating_sub(GONE_MAX);
        self.0.retain(|_, entry| {
            let is_dropped = entry.is_gone && spare > 0;
            spare -= usize::from(is_dropped);
            !is_dropped
        });
    }

    /// What is to be told first.
    pub(super) fn next(&self, now_ms: TimestampMs) -> Next {
        let due =
            self.0.values().map(|entry| (entry.due_ms(), &entry.wanted)).min_by_key(|(due_ms, _)| *due_ms);
        match due {
            Some((due_ms, wanted)) if due_ms <= now_ms => Next::Tell(wanted.clone()),
            Some((due_ms, _)) => Next::Wait(due_ms),
            None => Next::Wait(TimestampMs::MAX),
        }
    }

    /// It was told.
    pub(super) fn told(&mut self, state: State, now_ms: TimestampMs) {
        let key = state.login().cloned();
        let Some(entry) = self.0.get_mut(&key) else { return };
        (entry.told, entry.not_before_ms, entry.failures) = (Some((state, now_ms)), 0, 0);
        if entry.is_gone && entry.is_told() {
            self.0.remove(&key);
        }
    }

    /// It was not; gives back how often in a row.
    pub(super) fn failed(&mut self, state: &State) -> u32 {
        let Some(entry) = self.0.get_mut(&state.login().cloned()) else { return 1 };
        entry.failures += 1;
        entry.failures
    }

    /// It is not tried again before then.
    pub(super) fn put_off(&mut self, state: &State, until_ms: TimestampMs) {
        if let Some(entry) = self.0.get_mut(&state.login().cloned()) {
            entry.not_before_ms = until_ms;
        }
    }
}

impl Entry {
    fn is_told(&self) -> bool {
        self.told.as_ref().is_some_and(|(told, _)| *told == self.wanted)
    }

    /// At once if it is new; else well before nobody may believe it any more.
    fn due_ms(&self) -> TimestampMs {
        let renewed_ms = match &self.told {
            Some((told, at_ms)) if *told == self.wanted => at_ms + i64::from(told.ttl()) * 1_000 * 3 / 4,
            _ => 0,
        };
        renewed_ms.max(self.not_before_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{message::SessionState, report::Account};

    fn login(id: &str, state: SessionState) -> State {
        State::of_login(Account { id: LoginId::new(id), name: id.to_owned(), owner: None }, &state)
    }

    fn connected(id: &str) -> State {
        login(id, SessionState::Connected)
    }

    /// Tells all that is due; gives it back.
    fn tell_all(board: &mut Board, now_ms: TimestampMs) -> Vec<State> {
        let mut all = Vec::new();
        while let Next::Tell(state) = board.next(now_ms) {
            board.told(state.clone(), now_ms);
            all.push(state);
        }
        all
    }

    #[test]
    fn equal_states_are_told_once_and_again_before_their_time_is_out() {
        let mut board = Board::default();
        board.update(vec![connected("a")]);
        let both = vec![State::of_bridge(StateEvent::Running), connected("a")];
        assert_eq!(tell_all(&mut board, 1_000), both);
        board.update(vec![connected("a")]);
        let again_ms = 1_000 + 21_600_000 * 3 / 4;
        assert_eq!(board.next(2_000), Next::Wait(again_ms));
        assert_eq!(tell_all(&mut board, again_ms), both);
        let refused = login("a", SessionState::BadCredentials { reason: String::new() });
        board.update(vec![refused.clone()]);
        assert_eq!(tell_all(&mut board, again_ms), vec![refused]);
        assert_eq!(board.next(again_ms), Next::Wait(again_ms + 3_600_000 * 3 / 4));
    }

    #[test]
    fn the_newest_state_replaces_one_that_was_not_told() {
        let mut board = Board::default();
        board.update(vec![connected("a")]);
        tell_all(&mut board, 0);
        board.update(vec![login("a", SessionState::Disconnected { reason: "one".to_owned() })]);
        let Next::Tell(one) = board.next(1) else { panic!("nothing to tell") };
        assert_eq!(board.failed(&one), 1);
        board.put_off(&one, 500);
        assert_eq!(board.next(1), Next::Wait(500));
        let refused = login("a", SessionState::BadCredentials { reason: "two".to_owned() });
        board.update(vec![refused.clone()]);
        assert_eq!(tell_all(&mut board, 500), [refused]);
    }

    #[test]
    fn what_changes_while_it_is_told_is_told_after_it() {
        let mut board = Board::default();
        board.update(vec![login("a", SessionState::Connecting)]);
        tell_all(&mut board, 0);
        board.update(vec![login("a", SessionState::Disconnected { reason: String::new() })]);
        let Next::Tell(under_way) = board.next(1) else { panic!("nothing to tell") };
        board.update(vec![connected("a")]);
        board.told(under_way, 2);
        assert_eq!(tell_all(&mut board, 2), [connected("a")]);
    }

    #[test]
    fn a_login_that_is_not_there_any_more_is_signed_out_once() {
        let mut board = Board::default();
        board.update(vec![connected("a")]);
        tell_all(&mut board, 0);
        board.update(Vec::new());
        let expected = [State::of_bridge(StateEvent::Unconfigured), login("a", SessionState::LoggedOut)];
        assert_eq!(tell_all(&mut board, 1), expected);
        board.update(Vec::new());
        assert_eq!(board.0.len(), 1, "only the bridge is left");
        board.update(vec![connected("a")]);
        assert_eq!(tell_all(&mut board, 2), [State::of_bridge(StateEvent::Running), connected("a")]);
    }

    #[test]
    fn one_that_fails_leaves_the_others_alone_and_the_gone_are_bounded() {
        let mut board = Board::default();
        board.update(vec![connected("a"), connected("b")]);
        let Next::Tell(bridge) = board.next(0) else { panic!("nothing to tell") };
        board.put_off(&bridge, 9_000);
        assert_eq!(tell_all(&mut board, 1), [connected("a"), connected("b")]);
        board.update((0..GONE_MAX + 7).map(|nth| connected(&format!("{nth:05}"))).collect());
        board.update(Vec::new());
        assert_eq!(board.0.len(), GONE_MAX + 1);
    }
}
