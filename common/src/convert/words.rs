//! Words as they may cross: without control characters, cut between characters, `@room` found.
//!
//! Must never change anything that a person can see. Next: `from_html` and `to_html`, which use it.

use std::borrow::Cow;

const EVERYONE: &str = "@room";

/// The same words without control characters; line breaks and tabs stay.
pub fn clean_words(words: &str) -> Cow<'_, str> {
    let unwanted = |c: char| c.is_control() && c != '\n' && c != '\t';
    if words.contains(unwanted) {
        Cow::Owned(words.replace("\r\n", "\n").replace(unwanted, ""))
    } else {
        Cow::Borrowed(words)
    }
}

/// The same words on one line.
pub(super) fn one_line(words: &str) -> String {
    clean_words(words).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest beginning of `words` with at most `bytes_max` bytes.
pub(super) fn cut(words: &str, bytes_max: usize) -> &str {
    &words[..words.floor_char_boundary(bytes_max)]
}

/// The words around each `@room` that stands alone; one piece more than there are mentions.
pub(super) fn split_everyone(words: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for (at, _) in words.match_indices(EVERYONE) {
        let end = at + EVERYONE.len();
        let before = words[..at].chars().next_back();
        if before.is_none_or(|c| !continues_name(c) && c != '@') && stands_alone(&words[end..]) {
            pieces.push(&words[begin..at]);
            begin = end;
        }
    }
    pieces.push(&words[begin..]);
    pieces
}

/// Whether what follows `@room` is not more of a name: `@rooms`, `@room-2` and `@room:example.org` are somebody else.
fn stands_alone(rest: &str) -> bool {
    let mut next = rest.chars();
    match next.next() {
        Some(':') => next.next().is_none_or(|c| !continues_name(c)),
        Some(c) => !continues_name(c),
        None => true,
    }
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_go_and_lines_stay() {
        assert_eq!(clean_words("a\0b\u{7f}c\u{85}\td\r\ne"), "abc\td\ne");
        assert!(matches!(clean_words("plain\n"), Cow::Borrowed(_)));
        assert_eq!(one_line(" a\n b\u{1} "), "a b");
    }

    #[test]
    fn words_are_cut_between_characters() {
        assert_eq!(cut("喜鹊", 4), "喜");
        assert_eq!(cut("ab", 9), "ab");
    }

    #[test]
    fn everyone_stands_alone() {
        assert_eq!(split_everyone("hi @room, and (@room)"), ["hi ", ", and (", ")"]);
        assert_eq!(split_everyone("@room: wake up"), ["", ": wake up"]);
        for other in ["@rooms", "x@room", "@@room", "@room:example.org", "@room-2", "@room_"] {
            assert_eq!(split_everyone(other), [other]);
        }
    }
}
