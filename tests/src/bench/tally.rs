//! What was sent in one run and what came back: the judge of order, loss and doubles.
//!
//! Every message carries its run and its number in its text, and the text comes back. Nothing is believed that is not counted here.

use std::{collections::HashMap, time::Instant};

/// The words after the numbers, so that a message is as long as messages are.
const FILLER: &str = "the magpie carries one more twig across the river before it rains";

/// Counts one run.
pub(super) struct Tally {
    run: u32,
    messages: Vec<Fate>,
    newest: HashMap<String, usize>,
    answered: usize,
    doubled: usize,
    disordered: usize,
    unexpected: usize,
}

struct Fate {
    pushed: Instant,
    answered: Option<Instant>,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Messages that were never answered.
    pub(super) lost: usize,
    /// Answers beyond the first.
    pub(super) doubled: usize,
    /// Answers that came after the answer to a later message of the same room.
    pub(super) disordered: usize,
}

impl Tally {
    pub(super) fn new(run: u32) -> Self {
        Self {
            run,
            messages: Vec::new(),
            newest: HashMap::new(),
            answered: 0,
            doubled: 0,
            disordered: 0,
            unexpected: 0,
        }
    }

    /// The text of the next message; `due` is when it was offered.
    pub(super) fn next_text(&mut self, due: Instant) -> String {
        let number = self.messages.len();
        self.messages.push(Fate { pushed: due, answered: None });
        format!("{}.{number} {FILLER}", self.run)
    }

    /// An answer arrived in `room`.
    pub(super) fn answer(&mut self, room: &str, text: &str, now: Instant) {
        let Some(number) = number(text, self.run).filter(|number| *number < self.messages.len()) else {
            self.unexpected += 1;
            return;
        };
        if self.messages[number].answered.is_some() {
            self.doubled += 1;
            return;
        }
        self.messages[number].answered = Some(now);
        self.answered += 1;
        match self.newest.get_mut(room) {
            Some(newest) if *newest > number => self.disordered += 1,
            Some(newest) => *newest = number,
            None => drop(self.newest.insert(room.to_owned(), number)),
        }
    }

    pub(super) fn pushed(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn answered(&self) -> usize {
        self.answered
    }

    /// Events that answer nothing: notices of failure, for instance.
    pub(super) fn unexpected(&self) -> usize {
        self.unexpected
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            lost: self.messages.len() - self.answered,
            doubled: self.doubled,
            disordered: self.disordered,
        }
    }

    /// From being offered to being answered, in milliseconds, ascending.
    pub(super) fn latencies_ms(&self) -> Vec<f64> {
        let answered = self.messages.iter().filter_map(|fate| Some((fate.pushed, fate.answered?)));
        let mut all: Vec<f64> =
            answered.map(|(pushed, answered)| (answered - pushed).as_secs_f64() * 1_000.0).collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.disordered += other.disordered;
    }

    pub(super) fn is_clean(self) -> bool {
        self.lost + self.doubled + self.disordered == 0
    }
}

/// The number in `7.12345 words`, also behind `as 3: `, if it is of this run.
fn number(text: &str, run: u32) -> Option<usize> {
    let text = text.strip_prefix("as ").and_then(|rest| rest.split_once(": ")).map_or(text, |(_, rest)| rest);
    let (numbers, _) = text.split_once(' ')?;
    let (its_run, number) = numbers.split_once('.')?;
    (its_run.parse() == Ok(run)).then_some(())?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_doubles_and_disorder_are_counted() {
        let mut tally = Tally::new(7);
        let now = Instant::now();
        let texts: Vec<String> = (0..4).map(|_| tally.next_text(now)).collect();
        tally.answer("a", &texts[1], now);
        tally.answer("a", &texts[0], now);
        tally.answer("b", &format!("as 3: {}", texts[2]), now);
        tally.answer("b", &texts[2], now);
        tally.answer("b", "6.3 of an earlier run", now);
        tally.answer("b", "a notice", now);
        let Counts { lost, doubled, disordered } = tally.counts();
        assert_eq!((lost, doubled, disordered), (1, 1, 1));
        assert_eq!((tally.answered(), tally.unexpected()), (3, 2));
        assert_eq!(tally.latencies_ms().len(), 3);
    }
}
