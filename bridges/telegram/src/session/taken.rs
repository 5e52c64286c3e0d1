//! Which updates are stored, by their numbers.
//!
//! The last number alone would not do: where Telegram brings updates, those of a chat wait for the one that failed before them while those
//! of other chats go on, so a lower number may come later. Kept as runs, since numbers mostly follow each other; what falls out is told
//! apart by the messages' own ids. Next: `intake`.

/// So many runs are kept, those that grew last.
const RUNS_MAX: usize = 64;

/// A run is kept so long. Telegram begins a new count after a week without updates, which must not meet an old number.
const RUN_MAX: i64 = 10_000;

/// The numbers that are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken(
    /// First and last number of each run; what grew last stands last.
    Vec<(i64, i64)>,
);

impl Taken {
    /// Reads what [`Self::write`] has written; what cannot be read is left out.
    pub(super) fn read(text: &str) -> Self {
        let run = |run: &str| {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        Self(text.split(' ').filter_map(run).filter(|(first, last)| first <= last).collect())
    }

    /// The runs as a text.
    pub(super) fn write(&self) -> String {
        let run = |(first, last): &(i64, i64)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        self.0.iter().map(run).collect::<Vec<_>>().join(" ")
    }

    /// Whether an update with this number is stored.
    pub(super) fn has(&self, number: i64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// Adds a number.
    pub(super) fn add(&mut self, number: i64) {
        let (mut first, mut last) = (number, number);
        self.0.retain(|run| {
            let touches = run.0 <= last.saturating_add(1) && run.1 >= first.saturating_sub(1);
            if touches {
                (first, last) = (first.min(run.0), last.max(run.1));
            }
            !touches
        });
        self.0.push((first.max(last.saturating_sub(RUN_MAX)), last));
        let surplus = self.0.len().saturating_sub(RUNS_MAX);
        self.0.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[i64]) -> Taken {
        let mut taken = Taken::default();
        numbers.iter().for_each(|number| taken.add(*number));
        taken
    }

    #[test]
    fn only_numbers_that_were_added_are_known() {
        for (numbers, written) in [
            (&[5, 6, 7][..], "5-7"),
            (&[5, 7], "5 7"),
            (&[5, 7, 6], "5-7"),
            (&[7, 5, 9, 6], "9 5-7"),
            (&[5, 5], "5"),
            (&[i64::MAX, i64::MIN], "9223372036854775807 -9223372036854775808"),
        ] {
            let taken = of(numbers);
            assert_eq!(taken.write(), written);
            assert!(numbers.iter().all(|number| taken.has(*number)), "{written}");
        }
        assert!(!of(&[5, 7]).has(6), "what waits in its chat is not known");
        assert_eq!(Taken::read("9 5-7 x 8-3"), of(&[9, 5, 6, 7]));
        assert_eq!(Taken::read(""), Taken::default());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let apart: Vec<i64> = (0..200).map(|nth| nth * 2).collect();
        let taken = of(&apart);
        assert_eq!(taken.0.len(), RUNS_MAX);
        assert!(taken.has(398) && !taken.has(0));
        let long = of(&(0..=RUN_MAX + 5).collect::<Vec<_>>());
        assert!(long.has(RUN_MAX) && !long.has(4));
    }
}
