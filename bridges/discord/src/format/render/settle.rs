//! Settles what depends on the neighbors: the letter for emphasis, and whether a link stands bare or between `<` and `>`.

use crate::format::{ZERO_WIDTH, inline};

/// Begins emphasis.
pub(super) const EMPHASIS_OPEN: &str = "\u{1}";
/// Ends emphasis.
pub(super) const EMPHASIS_CLOSE: &str = "\u{2}";
/// Begins a link.
pub(super) const LINK_OPEN: &str = "\u{3}";
/// Ends a link.
pub(super) const LINK_CLOSE: &str = "\u{4}";

/// Replaces all placeholders.
pub(super) fn settle(draft: &str) -> String {
    let linked = replace_pairs(draft, (LINK_OPEN, LINK_CLOSE), link);
    replace_pairs(&linked, (EMPHASIS_OPEN, EMPHASIS_CLOSE), emphasis)
}

/// What stands between a pair of placeholders, and beside it.
struct Pair<'a> {
    before: Option<char>,
    inside: &'a str,
    after: Option<char>,
}

fn replace_pairs(draft: &str, marks: (&str, &str), write: impl Fn(&Pair<'_>) -> String) -> String {
    let mut out = String::with_capacity(draft.len());
    let mut rest = draft;
    while let Some((text, pair)) = rest.split_once(marks.0) {
        let (inside, after) = pair.split_once(marks.1).unwrap_or((pair, ""));
        out.push_str(text);
        let around = Pair { before: out.chars().next_back(), inside, after: after.chars().next() };
        out.push_str(&write(&around));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn link(pair: &Pair<'_>) -> String {
    let url = pair.inside;
    let free_before = !pair.before.is_some_and(|c| c.is_alphanumeric());
    let free_after = pair.after.is_none_or(char::is_whitespace);
    let whole = inline::bare_link_bytes(url) == url.len();
    if free_before && free_after && whole { url.to_owned() } else { format!("<{url}>") }
}

fn emphasis(pair: &Pair<'_>) -> String {
    let Pair { before, inside, after } = *pair;
    let (first, last) = (inside.chars().next(), inside.chars().next_back());
    let spaced = first.is_none_or(char::is_whitespace) || last.is_none_or(char::is_whitespace);
    let star_beside = before == Some('*') || after == Some('*');
    if !spaced && !star_beside && first != Some('*') && last != Some('*') {
        return format!("*{inside}*");
    }
    let goes_on = after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let underscored = before == Some('_') || first == Some('_') || last == Some('_');
    if !goes_on && !underscored {
        return format!("_{inside}_");
    }
    // `***both***`, where nothing else starts or ends with a star.
    if !star_beside && inside.starts_with("**") && inside.ends_with("**") {
        return format!("*{inside}*");
    }
    let apart = |needed: bool| if needed { String::from(ZERO_WIDTH) } else { String::new() };
    let outside = (apart(before == Some('_')), apart(goes_on));
    let edges = (apart(first == Some('_')), apart(last == Some('_')));
    format!("{}_{}{inside}{}_{}", outside.0, edges.0, edges.1, outside.1)
}
