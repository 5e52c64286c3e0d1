//! Whose ghost stays, case by case.

use super::*;

/// What was known of somebody in a word: `.` for nothing, `a` for ids alone, each with an id too long for a ghost as `:` and `A`; else in how
/// many rooms their ghost is.
fn past(word: char) -> Past {
    Past {
        is_nameable: !matches!(word, ':' | 'A'),
        is_registered: word.is_ascii_digit(),
        is_known: !matches!(word, '.' | ':'),
        rooms: word.to_digit(10).map_or(0, |rooms| rooms as usize),
    }
}

#[test]
fn the_ghost_with_rooms_stays_and_of_two_alike_the_older_one() {
    for (name, words, expected) in [
        ("nobody has met them", "..", Heir::First),
        ("only the first id is known", "a.", Heir::First),
        ("only the other id is known", ".a", Heir::Other),
        ("a new id of somebody", ".2", Heir::Other),
        ("another id of somebody", "2.", Heir::First),
        ("a ghost without rooms is better than none", "a0", Heir::Other),
        ("the same the other way round", "0a", Heir::First),
        ("ids alone on both sides", "aa", Heir::Other),
        ("as many rooms", "22", Heir::Other),
        ("more rooms", "32", Heir::First),
        ("fewer rooms", "23", Heir::Other),
        ("no rooms any more", "00", Heir::Other),
        ("the first id is too long for a ghost", ":.", Heir::Other),
        ("the other id is", ".A", Heir::First),
        ("both are", "::", Heir::First),
    ] {
        let mut words = words.chars().map(past);
        let mut next = || words.next().expect("two letters");
        assert_eq!(heir(next(), next()), expected, "{name}");
    }
}

#[test]
fn an_attempt_that_was_interrupted_is_followed_by_the_same_decision() {
    for first in 0..6 {
        for other in 0..6 {
            let ghost = |rooms| Past { is_nameable: true, is_registered: true, is_known: true, rooms };
            let (mut first, mut other) = (ghost(first), ghost(other));
            let decided = heir(first, other);
            let (stays, leaves) = match decided {
                Heir::First => (&mut first, &mut other),
                Heir::Other => (&mut other, &mut first),
            };
            while leaves.rooms > 0 {
                // Into each room first, unless it was there already.
                stays.rooms += leaves.rooms % 2;
                leaves.rooms -= 1;
            }
            assert_eq!(heir(first, other), decided);
        }
    }
}
