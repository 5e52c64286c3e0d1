//! From entities that may lie anyhow to stretches of text, each with all that holds for the whole of it.
//!
//! Styles may overlap and are counted. Of quotes, links, and things that are not cut (people, code, emoji) the first one holds where two
//! of a sort overlap. Linear in the text, and `n log n` in its entities. Next: `build` makes the tree.

use std::ops::Range;

use super::{Entity, Kind, entity::READ_MAX, units::Places};

/// One kind of style, or being linked, as a bit.
pub(super) type Look = u8;

pub(super) const LINK: Look = 1;
pub(super) const SPOILER: Look = 1 << 1;
pub(super) const BOLD: Look = 1 << 2;
pub(super) const ITALIC: Look = 1 << 3;
pub(super) const UNDERLINE: Look = 1 << 4;
pub(super) const STRIKE: Look = 1 << 5;

/// Every look, the one first that goes outside when two are equally long.
pub(super) const LOOKS: [Look; 6] = [LINK, SPOILER, BOLD, ITALIC, UNDERLINE, STRIKE];

/// An entity in bytes, none of which are outside of the text or within a character.
#[derive(Clone, Debug)]
pub(super) struct Mark<'a> {
    pub(super) range: Range<usize>,
    pub(super) kind: &'a Kind,
}

/// Everything that a text's entities say, each list in reading order and without overlaps, but for the styles.
#[derive(Debug, Default)]
pub(super) struct Marks<'a> {
    pub(super) quotes: Vec<Mark<'a>>,
    pub(super) links: Vec<Mark<'a>>,
    pub(super) wholes: Vec<Mark<'a>>,
    styles: Vec<(Range<usize>, Look)>,
}

/// A stretch of text with what holds for all of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) range: Range<usize>,
    pub(super) looks: Look,
    /// Places in the lists of [`Marks`].
    pub(super) quote: Option<usize>,
    pub(super) link: Option<usize>,
    pub(super) whole: Option<usize>,
}

/// Sorts entities out.
pub(super) fn marks<'a>(text: &str, entities: &'a [Entity]) -> Marks<'a> {
    let places = Places::of(text);
    let to_mark = |entity: &'a Entity| {
        let range = places.bytes(entity.offset, entity.length)?;
        Some(Mark { range, kind: &entity.kind })
    };
    let mut all: Vec<Mark<'a>> = entities.iter().take(READ_MAX).filter_map(to_mark).collect();
    all.sort_by_key(|mark| (mark.range.start, std::cmp::Reverse(mark.range.end)));
    let mut marks = Marks::default();
    let mut wholes = Vec::new();
    for mark in all {
        match mark.kind {
            Kind::Bold => marks.styles.push((mark.range, BOLD)),
            Kind::Italic => marks.styles.push((mark.range, ITALIC)),
            Kind::Underline => marks.styles.push((mark.range, UNDERLINE)),
            Kind::Strikethrough => marks.styles.push((mark.range, STRIKE)),
            Kind::Spoiler => marks.styles.push((mark.range, SPOILER)),
            Kind::Code | Kind::Pre { .. } | Kind::Blockquote | Kind::ExpandableBlockquote
                if text[mark.range.clone()].trim().is_empty() => {}
            Kind::Blockquote | Kind::ExpandableBlockquote => add(&mut marks.quotes, mark),
            Kind::TextLink { url } if is_web(url) => add(&mut marks.links, mark),
            Kind::Mention
            | Kind::TextMention { .. }
            | Kind::Url
            | Kind::Email
            | Kind::CustomEmoji { .. }
            | Kind::Code
            | Kind::Pre { .. } => wholes.push(mark),
            Kind::Hashtag
            | Kind::Cashtag
            | Kind::BotCommand
            | Kind::PhoneNumber
            | Kind::TextLink { .. }
            | Kind::DateTime { .. }
            | Kind::Unknown(_) => {}
        }
    }
    for mark in wholes {
        add_whole(&mut marks, mark);
    }
    marks
}

/// Cuts a text wherever anything begins or ends.
pub(super) fn segments(text: &str, marks: &Marks<'_>) -> Vec<Segment> {
    let mut changes: Vec<(usize, Look, i32)> = Vec::new();
    for (range, look) in &marks.styles {
        changes.push((range.start, *look, 1));
        changes.push((range.end, *look, -1));
    }
    changes.sort_unstable();
    let mut changes = changes.into_iter().peekable();
    let mut counts = [0_i32; LOOKS.len()];
    let (mut quotes, mut links) = (At::new(&marks.quotes), At::new(&marks.links));
    let mut wholes = At::new(&marks.wholes);
    let mut out = Vec::new();
    for range in ranges(text, marks) {
        while let Some((_, look, change)) = changes.next_if(|(at, ..)| *at <= range.start) {
            counts[look.trailing_zeros() as usize] += change;
        }
        let link = links.covering(range.start);
        let styles = (0..LOOKS.len()).filter(|bit| counts[*bit] > 0).map(|bit| 1 << bit);
        let looks = styles.fold(if link.is_some() { LINK } else { 0 }, |all, look: Look| all | look);
        let (quote, whole) = (quotes.covering(range.start), wholes.covering(range.start));
        out.push(Segment { range, looks, quote, link, whole });
    }
    out
}

/// Whether Matrix may link to it: a text's links are `http`, `https`, `mailto`, `ftp` or `magnet`.
pub(super) fn is_web(url: &str) -> bool {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ["http", "https", "mailto", "ftp", "magnet"].contains(&scheme.as_str()))
}

/// Adds a mark unless it overlaps with the last one.
fn add<'a>(list: &mut Vec<Mark<'a>>, mark: Mark<'a>) {
    if list.last().is_none_or(|last| last.range.end <= mark.range.start) {
        list.push(mark);
    }
}

/// Adds something that is not cut. A quote's border cuts code all the same; anybody and anything else that lies across one is words.
fn add_whole<'a>(marks: &mut Marks<'a>, mark: Mark<'a>) {
    let Mark { range, kind } = mark;
    let is_link = matches!(kind, Kind::Mention | Kind::TextMention { .. } | Kind::Url | Kind::Email);
    if is_link && overlapping(&marks.links, &range).next().is_some() {
        return;
    }
    let mut borders: Vec<usize> = overlapping(&marks.quotes, &range)
        .flat_map(|quote| [quote.range.start, quote.range.end])
        .filter(|at| range.start < *at && *at < range.end)
        .collect();
    if borders.is_empty() {
        return add(&mut marks.wholes, Mark { range, kind });
    }
    if !matches!(kind, Kind::Code | Kind::Pre { .. }) {
        return;
    }
    borders.push(range.end);
    let mut start = range.start;
    for end in borders {
        if start < end {
            add(&mut marks.wholes, Mark { range: start..end, kind });
        }
        start = end;
    }
}

fn overlapping<'a, 'b>(list: &'b [Mark<'a>], range: &Range<usize>) -> impl Iterator<Item = &'b Mark<'a>> {
    let first = list.partition_point(|mark| mark.range.end <= range.start);
    let end = range.end;
    list[first..].iter().take_while(move |mark| mark.range.start < end)
}

/// The stretches between all borders, but for those within things that are not cut.
fn ranges(text: &str, marks: &Marks<'_>) -> Vec<Range<usize>> {
    let mut borders = vec![0, text.len()];
    let others = marks.quotes.iter().chain(&marks.links).map(|mark| &mark.range);
    for range in others.chain(marks.styles.iter().map(|(range, _)| range)) {
        borders.extend([range.start, range.end]);
    }
    let mut wholes = At::new(&marks.wholes);
    borders.sort_unstable();
    borders.retain(|at| wholes.covering(*at).is_none_or(|nth| marks.wholes[nth].range.start == *at));
    borders.extend(marks.wholes.iter().flat_map(|mark| [mark.range.start, mark.range.end]));
    borders.sort_unstable();
    borders.dedup();
    borders.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// A way through marks without overlaps.
struct At<'a, 'b> {
    list: &'b [Mark<'a>],
    next: usize,
}

impl<'a, 'b> At<'a, 'b> {
    fn new(list: &'b [Mark<'a>]) -> Self {
        Self { list, next: 0 }
    }

    /// The mark that covers a place; places must not go back.
    fn covering(&mut self, at: usize) -> Option<usize> {
        while self.list.get(self.next).is_some_and(|mark| mark.range.end <= at) {
            self.next += 1;
        }
        self.list.get(self.next).is_some_and(|mark| mark.range.start <= at).then_some(self.next)
    }
}
