//! Cutting a text that is too long for one message.
//!
//! A part ends at an empty line if there is one in its later half, else at a line, a word, or a character. Monospaced words that are cut are
//! closed, and opened again in the next part.

use magpie_common::ids::RemoteUserId;

use super::Part;

/// What encloses monospaced words.
const FENCE: &str = "```";

/// A smaller limit is not kept: nothing could be written sensibly.
const CHARS_MIN: usize = 64;

/// Cuts markup into parts of at most `chars_max` characters.
pub(super) fn parts(text: &str, mentions: &[(String, RemoteUserId)], chars_max: usize) -> Vec<Part> {
    let chars_max = chars_max.max(CHARS_MIN);
    let mut parts = Vec::new();
    let mut rest = text.trim().to_owned();
    while !rest.is_empty() {
        let (part, after) = first(&rest, chars_max);
        if !part.is_empty() {
            let inside = mentions.iter().filter(|(words, _)| part.contains(words.as_str()));
            let mut people: Vec<RemoteUserId> = inside.map(|(_, user)| user.clone()).collect();
            people.dedup();
            parts.push(Part { text: part, mentions: people });
        }
        rest = after;
    }
    parts
}

/// The first part of a text, and what comes after it.
fn first(text: &str, chars_max: usize) -> (String, String) {
    if text.chars().count() <= chars_max {
        return (text.to_owned(), String::new());
    }
    // There must be room to close what is cut.
    let full = text.char_indices().nth(chars_max - FENCE.len()).map_or(text.len(), |(at, _)| at);
    let end = best_end(text, full);
    let (part, after) = (text[..end].trim_end(), &text[end..]);
    let is_in_code = part.matches(FENCE).count() % 2 == 1;
    match is_in_code {
        // Nothing but the sign that opens it would be left: the text is no code then.
        true if part.len() > FENCE.len() => {
            (format!("{part}{FENCE}"), format!("{FENCE}{}", after.trim_start_matches('\n')))
        }
        _ => (part.to_owned(), after.trim_start().to_owned()),
    }
}

/// The best place to end, in the later half of what fits.
fn best_end(text: &str, full: usize) -> usize {
    let half = text.ceil_char_boundary(full / 2).max(1);
    let half = text.ceil_char_boundary(half);
    let Some(later) = text.get(half..full) else { return full };
    let found = ["\n\n", "\n"].into_iter().find_map(|separator| later.rfind(separator));
    let found = found.or_else(|| later.rfind(char::is_whitespace));
    found.map_or(full, |at| half + at)
}
