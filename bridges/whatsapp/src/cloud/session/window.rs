//! How a room shows the 24 hours in which a business may write: in its topic, which says less and less time while the person is silent.
//!
//! Whoever keeps talking changes nothing. Next: `intake/countdown`, which lets time pass.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use magpie_common::{clock::TimestampMs, ids::RemoteUserId};
use serde::{Deserialize, Serialize};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// People who are waited for at once; what is to be seen of others changes with their next word only.
const WAITING_MAX: usize = 50_000;

/// What a topic says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Nobody knows when the person wrote last.
    #[default]
    Unknown,
    /// There is time.
    Open,
    /// Less than 12 hours are left.
    Half,
    /// Less than 4 hours are left.
    Hours,
    /// Less than an hour is left.
    Hour,
    /// Less than 10 minutes are left.
    Minutes,
    /// It is over.
    Shut,
}

/// How long before the end each phase begins.
const STEPS: [(i64, Phase); 5] = [
    (0, Phase::Shut),
    (10 * MINUTE_MS, Phase::Minutes),
    (HOUR_MS, Phase::Hour),
    (4 * HOUR_MS, Phase::Hours),
    (12 * HOUR_MS, Phase::Half),
];

impl Phase {
    /// The phase of a window that ends then.
    pub fn of(until_ms: Option<TimestampMs>, now_ms: TimestampMs) -> Self {
        let Some(until_ms) = until_ms else { return Self::Unknown };
        let left_ms = until_ms.saturating_sub(now_ms);
        STEPS.iter().find(|(step_ms, _)| left_ms <= *step_ms).map_or(Self::Open, |(_, phase)| *phase)
    }

    /// The topic of the room.
    pub fn topic(self) -> Option<String> {
        let left = match self {
            Self::Unknown => return None,
            Self::Open => {
                return Some(
                    "WhatsApp takes messages here for 24 hours after the person wrote last.".to_owned(),
                );
            }
            Self::Half => "12 hours",
            Self::Hours => "4 hours",
            Self::Hour => "an hour",
            Self::Minutes => "10 minutes",
            Self::Shut => {
                let words = "WhatsApp takes no messages here until the person writes again, only templates: see the command `template`.";
                return Some(words.to_owned());
            }
        };
        Some(format!(
            "WhatsApp takes messages here for less than {left} more, unless the person writes again."
        ))
    }
}

/// When the next phase begins; `None` when none will.
pub(super) fn next_ms(until_ms: TimestampMs, now_ms: TimestampMs) -> Option<TimestampMs> {
    STEPS.iter().rev().map(|(step_ms, _)| until_ms.saturating_sub(*step_ms)).find(|at_ms| *at_ms > now_ms)
}

/// Whose topic is to be looked at when. Each person is waited for once: who has written in between is found out then.
#[derive(Default)]
pub(super) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    due: BTreeSet<(TimestampMs, RemoteUserId)>,
    people: HashSet<RemoteUserId>,
}

impl Waiting {
    /// Looks at somebody's window then, unless that is planned already.
    pub fn add(&self, person: &RemoteUserId, at_ms: TimestampMs) {
        let mut state = self.lock();
        if state.people.len() < WAITING_MAX && state.people.insert(person.clone()) {
            state.due.insert((at_ms, person.clone()));
        }
    }

    /// Whose time has come, and is over with this.
    pub fn take(&self, now_ms: TimestampMs) -> Vec<RemoteUserId> {
        let mut state = self.lock();
        let mut found = Vec::new();
        while state.due.first().is_some_and(|(at_ms, _)| *at_ms <= now_ms) {
            let Some((_, person)) = state.due.pop_first() else { break };
            state.people.remove(&person);
            found.push(person);
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL_MS: i64 = 1_790_000_000_000;

    #[test]
    fn a_window_says_less_and_less_until_it_is_shut() {
        let at = |left_ms: i64| Phase::of(Some(UNTIL_MS), UNTIL_MS - left_ms);
        for (left_ms, phase) in [
            (24 * HOUR_MS, Phase::Open),
            (12 * HOUR_MS + 1, Phase::Open),
            (12 * HOUR_MS, Phase::Half),
            (3 * HOUR_MS, Phase::Hours),
            (59 * MINUTE_MS, Phase::Hour),
            (MINUTE_MS, Phase::Minutes),
            (0, Phase::Shut),
            (-HOUR_MS, Phase::Shut),
        ] {
            assert_eq!(at(left_ms), phase, "{left_ms}");
        }
        assert_eq!(Phase::of(None, UNTIL_MS).topic(), None);
        assert!(at(MINUTE_MS).topic().is_some_and(|topic| topic.contains("less than 10 minutes")));
    }

    #[test]
    fn each_phase_begins_when_the_one_before_ends() {
        let mut now_ms = UNTIL_MS - 24 * HOUR_MS;
        let mut seen = vec![Phase::of(Some(UNTIL_MS), now_ms)];
        while let Some(next) = next_ms(UNTIL_MS, now_ms) {
            now_ms = next;
            seen.push(Phase::of(Some(UNTIL_MS), now_ms));
        }
        assert_eq!(seen, [Phase::Open, Phase::Half, Phase::Hours, Phase::Hour, Phase::Minutes, Phase::Shut]);
    }

    #[test]
    fn everybody_is_waited_for_once() {
        let waiting = Waiting::default();
        let (ada, ben) = (RemoteUserId::new("1"), RemoteUserId::new("2"));
        waiting.add(&ada, 10);
        waiting.add(&ada, 5);
        waiting.add(&ben, 20);
        assert_eq!(waiting.take(9), []);
        assert_eq!(waiting.take(15), std::slice::from_ref(&ada));
        waiting.add(&ada, 30);
        assert_eq!(waiting.take(30), [ben, ada]);
    }
}
