//! UTF-16 places in a text that is UTF-8 here.

use std::ops::Range;

/// A place within a surrogate pair.
const WITHIN: usize = usize::MAX;

/// How many UTF-16 units a text has.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest beginning of a text, in bytes, that has at most `units_max` units.
pub(super) fn bytes_within(text: &str, units_max: usize) -> usize {
    let mut left = units_max;
    for (at, c) in text.char_indices() {
        let Some(rest) = left.checked_sub(c.len_utf16()) else { return at };
        left = rest;
    }
    text.len()
}

/// For every UTF-16 place of a text its place in bytes.
pub(super) struct Places(Vec<usize>);

impl Places {
    pub(super) fn of(text: &str) -> Self {
        let mut places = Vec::with_capacity(text.len() + 1);
        for (at, c) in text.char_indices() {
            places.push(at);
            if c.len_utf16() == 2 {
                places.push(WITHIN);
            }
        }
        places.push(text.len());
        Self(places)
    }

    /// The whole characters within a stretch of units, in bytes; `None` if there are none.
    pub(super) fn bytes(&self, offset: usize, length: usize) -> Option<Range<usize>> {
        let last = self.0.len() - 1;
        let end = offset.saturating_add(length).min(last);
        let from = self.0.get(offset..=end)?.iter().find(|place| **place != WITHIN)?;
        let to = self.0[offset..=end].iter().rfind(|place| **place != WITHIN)?;
        (from < to).then_some(*from..*to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_never_cut() {
        let places = Places::of("a🐦b");
        assert_eq!(places.bytes(0, 1), Some(0..1));
        assert_eq!(places.bytes(1, 2), Some(1..5));
        assert_eq!(places.bytes(0, 2), Some(0..1));
        assert_eq!(places.bytes(1, 1), None);
        assert_eq!(places.bytes(2, 2), Some(5..6));
        assert_eq!(places.bytes(0, usize::MAX), Some(0..6));
        assert_eq!(places.bytes(5, 1), None);
        assert_eq!(places.bytes(4, 0), None);
        assert_eq!((units("a🐦b"), bytes_within("a🐦b", 2), bytes_within("a🐦b", 3)), (4, 1, 5));
    }
}
