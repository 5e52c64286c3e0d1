//! From markup to the tree: blocks of code first, then lines that belong together, then what is in a line.

use magpie_common::message::{Mention, MentionTarget, Node, Person};

use super::{Names, ZERO_WIDTH, closes, is_sign, opens};

/// What encloses monospaced words.
const FENCE: &str = "```";

/// Digits of a mention.
const MENTION_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;

/// What a line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Words,
    Quote,
    Bullet,
    Number(u64),
}

/// The tree of a text.
pub(super) fn blocks(text: &str, names: &dyn Names) -> Vec<Node> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, code, after)) = fenced(rest) {
        lines(before.strip_suffix('\n').unwrap_or(before), names, &mut out);
        out.push(Node::CodeBlock { language: None, code: code.trim_matches('\n').to_owned() });
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    lines(rest, names, &mut out);
    out
}

/// The first monospaced words that stand on lines of their own, with what is before and after them.
fn fenced(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find(FENCE)?;
        let inside = start + FENCE.len();
        let end = inside + text[inside..].find(FENCE)?;
        let (before, code, after) = (&text[..start], &text[inside..end], &text[end + FENCE.len()..]);
        let is_alone = before.is_empty() || before.ends_with('\n');
        let ends_alone = after.is_empty() || after.starts_with('\n');
        if !code.trim().is_empty() && (code.contains('\n') || is_alone && ends_alone) {
            return Some((before, code, after));
        }
        from = end + FENCE.len();
    }
}

/// Lines without blocks of code.
fn lines(text: &str, names: &dyn Names, out: &mut Vec<Node>) {
    if text.is_empty() {
        return;
    }
    let all: Vec<(Sort, &str)> = text.split('\n').map(sort).collect();
    let mut rest = all.as_slice();
    while let Some((first, _)) = rest.first() {
        let count =
            rest.iter().enumerate().take_while(|(nth, (sort, _))| goes_on(*first, *nth, *sort)).count();
        let (group, after) = rest.split_at(count);
        rest = after;
        match first {
            Sort::Words => {
                for (nth, (_, words)) in group.iter().enumerate() {
                    if nth > 0 {
                        out.push(Node::LineBreak);
                    }
                    inline(words, names, out);
                }
            }
            Sort::Quote => {
                let mut inside = Vec::new();
                for (nth, (_, words)) in group.iter().enumerate() {
                    if nth > 0 {
                        inside.push(Node::LineBreak);
                    }
                    inline(words, names, &mut inside);
                }
                out.push(Node::Quote(inside));
            }
            Sort::Bullet | Sort::Number(_) => {
                let start = if let Sort::Number(start) = first { Some(*start) } else { None };
                let item = |(_, words): &(Sort, &str)| {
                    let mut inside = Vec::new();
                    inline(words, names, &mut inside);
                    inside
                };
                out.push(Node::List { start, items: group.iter().map(item).collect() });
            }
        }
    }
}

/// Whether the line after so many others still belongs to them.
fn goes_on(first: Sort, nth: usize, sort: Sort) -> bool {
    match (first, sort) {
        (Sort::Number(start), Sort::Number(number)) => {
            u64::try_from(nth).is_ok_and(|nth| start.checked_add(nth) == Some(number))
        }
        (first, sort) => first == sort,
    }
}

/// What a line is, and its words.
fn sort(line: &str) -> (Sort, &str) {
    if let Some(words) = line.strip_prefix("> ") {
        return (Sort::Quote, words);
    }
    if line == ">" {
        return (Sort::Quote, "");
    }
    let bullet = ["* ", "- ", "• "].into_iter().find_map(|bullet| line.strip_prefix(bullet));
    if let Some(words) = bullet.filter(|words| !words.trim().is_empty()) {
        return (Sort::Bullet, words);
    }
    if let Some((number, words)) = line.split_once(". ")
        && (1..=3).contains(&number.len())
        && !words.trim().is_empty()
        && let Ok(number) = number.parse()
    {
        return (Sort::Number(number), words);
    }
    (Sort::Words, line)
}

/// What is in a line.
fn inline(line: &str, names: &dyn Names, out: &mut Vec<Node>) {
    let chars: Vec<char> = line.chars().collect();
    Line { chars: &chars, names }.read(0..chars.len(), &[], out);
}

struct Line<'a> {
    chars: &'a [char],
    names: &'a dyn Names,
}

impl Line<'_> {
    /// Reads a stretch, inside of those signs already.
    fn read(&self, within: std::ops::Range<usize>, outside: &[char], out: &mut Vec<Node>) {
        let mut words = String::new();
        let mut at = within.start;
        // Signs that nothing closes any more: each is looked for once.
        let mut hopeless: Vec<char> = outside.to_vec();
        let flush = |words: &mut String, out: &mut Vec<Node>| {
            if !words.is_empty() {
                out.push(Node::Text(std::mem::take(words)));
            }
        };
        while at < within.end {
            if let Some(end) = self.address(at, within.end) {
                words.extend(&self.chars[at..end]);
                at = end;
                continue;
            }
            if let Some((end, mention)) = self.mention(at, within.end) {
                flush(&mut words, out);
                out.push(mention);
                at = end;
                continue;
            }
            let sign = self.chars[at];
            if is_sign(sign) && !hopeless.contains(&sign) && self.opens(at, within.clone()) {
                let width = if self.is_fence(at, within.end) { FENCE.len() } else { 1 };
                match self.close(at + width, (sign, width), within.end) {
                    Some(close) => {
                        flush(&mut words, out);
                        let inside = at + width..close;
                        out.push(self.enclosed(sign, inside, &hopeless_with(outside, sign)));
                        at = close + width;
                        continue;
                    }
                    None => hopeless.push(sign),
                }
            }
            // It only kept a sign from formatting.
            if sign != ZERO_WIDTH || !self.before(at).is_some_and(is_sign) {
                words.push(sign);
            }
            at += 1;
        }
        flush(&mut words, out);
    }

    fn enclosed(&self, sign: char, inside: std::ops::Range<usize>, outside: &[char]) -> Node {
        if sign == '`' {
            return Node::Code(self.chars[inside].iter().collect());
        }
        let mut children = Vec::new();
        self.read(inside, outside, &mut children);
        match sign {
            '*' => Node::Strong(children),
            '_' => Node::Emphasis(children),
            _ => Node::Strike(children),
        }
    }

    fn is_fence(&self, at: usize, end: usize) -> bool {
        at + FENCE.len() <= end && self.chars[at..at + FENCE.len()].iter().all(|c| *c == '`')
    }

    fn opens(&self, at: usize, within: std::ops::Range<usize>) -> bool {
        let width = if self.is_fence(at, within.end) { FENCE.len() } else { 1 };
        opens(self.chars[at], self.before(at), self.chars[..within.end].get(at + width).copied())
    }

    /// Where the sign stands that closes what one before `from` has opened.
    fn close(&self, from: usize, (sign, width): (char, usize), end: usize) -> Option<usize> {
        let is_close = |at: &usize| {
            let is_there = at + width <= end && self.chars[*at..at + width].iter().all(|c| *c == sign);
            is_there && closes(sign, self.chars[at - 1], self.chars.get(at + width).copied())
        };
        (from + 1..end).find(is_close)
    }

    fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).map(|before| self.chars[before])
    }

    /// Where an address ends that begins here: signs in it are its own.
    fn address(&self, at: usize, end: usize) -> Option<usize> {
        const BEGINNINGS: [&str; 3] = ["https://", "http://", "www."];
        if self.before(at).is_some_and(char::is_alphanumeric) || !matches!(self.chars[at], 'h' | 'w') {
            return None;
        }
        let begins = |beginning: &&str| {
            beginning.chars().eq(self.chars[at..end].iter().copied().take(beginning.len()))
        };
        BEGINNINGS.iter().find(|beginning| begins(beginning))?;
        let stop = at + self.chars[at..end].iter().take_while(|c| !c.is_whitespace()).count();
        let signs = self.chars[at..stop].iter().rev().take_while(|c| is_sign(**c)).count();
        Some(stop - signs)
    }

    fn mention(&self, at: usize, end: usize) -> Option<(usize, Node)> {
        if self.chars[at] != '@' || self.before(at).is_some_and(char::is_alphanumeric) {
            return None;
        }
        let digits: String = self.chars[at + 1..end].iter().take_while(|c| c.is_ascii_digit()).collect();
        if !MENTION_DIGITS.contains(&digits.len()) {
            return None;
        }
        let (person, label) = self.names.mentioned(&digits)?;
        let mention = Mention { target: MentionTarget::Person(Person::Remote(person)), label };
        Some((at + 1 + digits.len(), Node::Mention(mention)))
    }
}

fn hopeless_with(outside: &[char], sign: char) -> Vec<char> {
    outside.iter().copied().chain([sign]).collect()
}
