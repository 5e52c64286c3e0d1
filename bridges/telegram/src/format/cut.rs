//! Cutting a text that is too long for one message, and the spans with it.
//!
//! A part ends at an empty line if there is one in its later half, else beside a block of code, else at a line, a word, or a character as
//! people see it. Nobody's name is cut. A part also ends before it has too many entities of which words would be lost; of bold, italic
//! and the like the innermost and last are left out instead.

use std::cmp::Reverse;

use unicode_segmentation::UnicodeSegmentation;

use super::{
    ENTITIES_MAX, Entity, Kind, Part,
    render::{Draft, Span, is_name},
    units::{bytes_within, units},
};

/// A smaller limit is not kept: nothing could be written sensibly.
const UNITS_MIN: usize = 64;

/// A character can have any number of marks over it; longer ones are cut.
const CHARACTER_BYTES_MAX: usize = 200;

/// Cuts a draft into parts of at most `units_max` UTF-16 units.
pub(super) fn parts(draft: &Draft, units_max: usize) -> Vec<Part> {
    let units_max = units_max.max(UNITS_MIN);
    let mut parts = Vec::new();
    let mut from = 0;
    loop {
        let rest = &draft.text[from..];
        from += rest.len() - rest.trim_start().len();
        if from == draft.text.len() {
            return parts;
        }
        let to = part_end(draft, from, units_max);
        parts.push(part(draft, from, to));
        from = to;
    }
}

fn part_end(draft: &Draft, from: usize, units_max: usize) -> usize {
    let rest = draft.text[from..].trim_end();
    let crowded = draft.spans.iter().filter(|span| span.range.end > from && is_kept(&span.kind));
    let limit = crowded.map(|span| span.range.start).nth(ENTITIES_MAX).unwrap_or(draft.text.len());
    let full = from + bytes_within(rest, units_max);
    if full == from + rest.len() && full <= limit {
        return draft.text.len();
    }
    if limit <= full {
        return limit;
    }
    let end = best_end(draft, from, full);
    let around = |span: &&Span| {
        is_name_of_somebody(&span.kind) && (span.range.start + 1..span.range.end).contains(&end)
    };
    let cut = draft.spans.iter().find(around).map(|span| span.range.start).filter(|start| *start > from);
    cut.unwrap_or(end)
}

/// The best place to end, in the later half of what fits.
fn best_end(draft: &Draft, from: usize, full: usize) -> usize {
    let text = &draft.text;
    let half = text.ceil_char_boundary(from + (full - from) / 2).max(from + 1);
    let half = text.ceil_char_boundary(half);
    let later = |separator: &'static str| {
        let end = text.floor_char_boundary((full + separator.len()).min(text.len()));
        text.get(half..end).map(|words| words.rmatch_indices(separator).map(move |(at, _)| half + at))
    };
    let is_code = |span: &&Span| matches!(span.kind, Kind::Pre { .. });
    let codes = || draft.spans.iter().filter(is_code).map(|span| &span.range);
    let in_code = |at: &usize| codes().any(|code| code.start < *at && *at < code.end);
    let paragraph = later("\n\n").and_then(|mut found| found.find(|at| !in_code(at)));
    let beside_code =
        || codes().flat_map(|code| [code.start, code.end]).filter(|at| (half..=full).contains(at)).max();
    let line = || later("\n").and_then(|mut found| found.next());
    let word = || {
        let end = full + text[full..].chars().next().filter(|c| c.is_whitespace()).map_or(0, char::len_utf8);
        text.get(half..end)?.rfind(char::is_whitespace).map(|at| half + at)
    };
    paragraph
        .or_else(beside_code)
        .or_else(line)
        .or_else(word)
        .unwrap_or_else(|| character_end(text, from, full))
}

/// The last place that is not within a character, and before which there is none that would make a mention of what follows.
fn character_end(text: &str, from: usize, full: usize) -> usize {
    let is_fine = |at: usize| {
        let follows = &text[at..];
        !(follows.starts_with('@') && follows[1..].starts_with(is_name))
    };
    let start = text.floor_char_boundary(full.saturating_sub(CHARACTER_BYTES_MAX)).max(from);
    let near = &text[start..text.ceil_char_boundary((full + CHARACTER_BYTES_MAX).min(text.len()))];
    let mut borders = near.grapheme_indices(true).map(|(at, _)| start + at);
    let best = borders.rfind(|at| start < *at && *at <= full && is_fine(*at));
    best.unwrap_or(full)
}

fn is_name_of_somebody(kind: &Kind) -> bool {
    matches!(kind, Kind::Mention | Kind::TextMention { .. })
}

/// Whether an entity is never left out.
fn is_kept(kind: &Kind) -> bool {
    !kind.is_style() && *kind != Kind::Mention
}

fn part(draft: &Draft, from: usize, to: usize) -> Part {
    let text = draft.text[from..to].trim_end();
    let to = from + text.len();
    let within = |span: &Span| {
        let range = span.range.start.max(from)..span.range.end.min(to);
        let is_seen = range.start < range.end && !draft.text[range.clone()].trim().is_empty();
        (is_seen && span.kind != Kind::Mention).then(|| Span { range, ..span.clone() })
    };
    let mut spans: Vec<Span> = draft.spans.iter().filter_map(within).collect();
    if spans.len() > ENTITIES_MAX {
        spans.sort_by_key(|span| (span.kind.is_style(), span.depth, span.range.start));
        spans.truncate(ENTITIES_MAX);
    }
    spans.sort_by_key(|span| (span.range.start, Reverse(span.range.end), span.depth));
    let (mut seen, mut offset) = (from, 0);
    let to_entity = |Span { range, kind, .. }: Span| {
        offset += units(&draft.text[seen..range.start]);
        seen = range.start;
        Entity { kind, offset, length: units(&draft.text[range]) }
    };
    Part { text: text.to_owned(), entities: spans.into_iter().map(to_entity).collect() }
}
