//! Reading line by line: quotes, headings, lists, small print; everything between goes to `inline`.
//!
//! Quotes do not nest in Discord, lists do. A code block may begin within a line and hides all marks inside it.

use magpie_common::message::Node;

use super::{Reading, inline};

/// Lists nested deeper are joined to this level.
const LIST_DEPTH_MAX: usize = 6;

/// Longer numbers are no list marks.
const NUMBER_DIGITS_MAX: usize = 9;

/// Where the lines stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the message itself.
    Top,
    /// In a quote, where another quote mark is text.
    Quote,
}

/// Reads lines.
pub(super) fn read(content: &str, reading: &Reading<'_>, place: Place) -> Vec<Node> {
    let mut blocks = Blocks { content, at: 0, no_fence: false, reading, place, out: Vec::new() };
    blocks.run();
    blocks.out
}

struct Blocks<'a> {
    content: &'a str,
    at: usize,
    /// No code block ends further on.
    no_fence: bool,
    reading: &'a Reading<'a>,
    place: Place,
    out: Vec<Node>,
}

/// What follows lines of text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Block,
    End,
}

struct Item {
    indent: usize,
    number: Option<u64>,
    text: String,
}

impl<'a> Blocks<'a> {
    fn run(&mut self) {
        let mut lines: Option<String> = None;
        while self.at < self.content.len() {
            let here = self.out.len();
            if self.block() {
                let block = self.out.split_off(here);
                self.flush(lines.take(), Next::Block);
                self.out.extend(block);
                continue;
            }
            let line = self.take_line();
            let line = small_print(line).unwrap_or(line);
            match &mut lines {
                Some(lines) => {
                    lines.push('\n');
                    lines.push_str(line);
                }
                None => lines = Some(line.to_owned()),
            }
        }
        self.flush(lines, Next::End);
    }

    fn flush(&mut self, lines: Option<String>, next: Next) {
        let Some(lines) = lines else { return };
        self.out.extend(tidy(inline::read(&lines, self.reading)));
        // An empty line before a block needs a break of its own: the block begins a line anyway.
        if next == Next::Block && (lines.is_empty() || lines.ends_with('\n')) {
            self.out.push(Node::LineBreak);
        }
    }

    /// Reads the block that begins at this line, if one does.
    fn block(&mut self) -> bool {
        let line = self.peek_line();
        let marked = line.trim_start_matches(' ');
        if self.place == Place::Top {
            if let Some(rest) = marked.strip_prefix(">>> ") {
                let start = self.at + line.len() - rest.len();
                let inside = &self.content[start..];
                self.at = self.content.len();
                self.push_quote(inside);
                return true;
            }
            if marked.starts_with("> ") {
                let quoted = self.take_quote();
                self.push_quote(&quoted);
                return true;
            }
        }
        if let Some((level, words)) = heading(marked) {
            let children = inline::read(words, self.reading);
            self.out.push(Node::Heading { level, children });
            self.at += line.len() + 1;
            return true;
        }
        if list_mark(line).is_some() {
            let items = self.take_items();
            let lists = build(&items, self.reading, 0);
            self.out.extend(lists);
            return true;
        }
        false
    }

    fn push_quote(&mut self, inside: &str) {
        let children = read(inside.trim_end_matches('\n'), self.reading, Place::Quote);
        self.out.push(Node::Quote(children));
    }

    fn peek_line(&self) -> &'a str {
        let rest = &self.content[self.at.min(self.content.len())..];
        &rest[..rest.find('\n').unwrap_or(rest.len())]
    }

    fn take_quote(&mut self) -> String {
        let mut quoted: Option<String> = None;
        while self.at < self.content.len() {
            let line = self.peek_line();
            let marked = line.trim_start_matches(' ');
            let Some(words) = marked.strip_prefix("> ").or_else(|| (marked == ">").then_some("")) else {
                break;
            };
            match &mut quoted {
                Some(quoted) => {
                    quoted.push('\n');
                    quoted.push_str(words);
                }
                None => quoted = Some(words.to_owned()),
            }
            self.at += line.len() + 1;
        }
        quoted.unwrap_or_default()
    }

    fn take_items(&mut self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        while self.at < self.content.len() {
            let line = self.peek_line();
            let indent = line.len() - line.trim_start_matches(' ').len();
            match (list_mark(line), items.last_mut()) {
                (Some((number, mark)), _) => {
                    let text = &self.take_line()[indent + mark..];
                    items.push(Item { indent, number, text: text.to_owned() });
                }
                (None, Some(item)) if indent >= item.indent + 2 && indent < line.len() => {
                    item.text.push('\n');
                    item.text.push_str(&self.take_line()[indent..]);
                }
                _ => break,
            }
        }
        items
    }

    /// The line here, with all lines of code blocks that begin in it.
    fn take_line(&mut self) -> &'a str {
        let start = self.at;
        let mut from = start;
        loop {
            let rest = &self.content[from..];
            let end = rest.find('\n').unwrap_or(rest.len());
            let Some(fence) = self.fence_within(from, from + end) else {
                self.at = from + end + 1;
                return &self.content[start..from + end];
            };
            from = fence;
        }
    }

    /// Where the code block that begins between two places ends.
    fn fence_within(&mut self, from: usize, to: usize) -> Option<usize> {
        if self.no_fence {
            return None;
        }
        let mut at = from;
        while let Some(found) = self.content[at..to].find("```") {
            at += found;
            if self.content[from..at].ends_with('\\') {
                at += 1;
                continue;
            }
            if let Some((_, _, taken)) = inline::fence(&self.content[at..]) {
                return Some(at + taken);
            }
            if !self.content[at + 3..].contains("```") {
                self.no_fence = true;
                return None;
            }
            at += 3;
        }
        None
    }
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let words = line[level..].strip_prefix(' ')?.trim();
    let level = u8::try_from(level).ok().filter(|level| (1..=3).contains(level))?;
    (!words.is_empty()).then_some((level, words))
}

fn small_print(line: &str) -> Option<&str> {
    line.trim_start_matches(' ').strip_prefix("-# ").filter(|words| !words.trim().is_empty())
}

/// The number of a list mark at the start of the line, if it is an ordered one, and the bytes from the mark to the words.
fn list_mark(line: &str) -> Option<(Option<u64>, usize)> {
    let marked = line.trim_start_matches(' ');
    let digits = marked.bytes().take_while(u8::is_ascii_digit).count();
    let (number, mark) = match digits {
        0 => (None, marked.strip_prefix(['-', '*'])?),
        1..=NUMBER_DIGITS_MAX => (Some(marked[..digits].parse().ok()?), marked[digits..].strip_prefix('.')?),
        _ => return None,
    };
    let words = mark.strip_prefix(' ')?.trim_start_matches(' ');
    (!words.trim().is_empty()).then_some((number, marked.len() - words.len()))
}

fn build(items: &[Item], reading: &Reading<'_>, depth: usize) -> Vec<Node> {
    let mut lists: Vec<Node> = Vec::new();
    let mut nth = 0;
    while let Some(item) = items.get(nth) {
        let inside = items[nth + 1..].iter().take_while(|later| later.indent > item.indent);
        let inside = if depth + 1 < LIST_DEPTH_MAX { inside.count() } else { 0 };
        let mut nodes = tidy(inline::read(item.text.trim_end(), reading));
        nodes.extend(build(&items[nth + 1..nth + 1 + inside], reading, depth + 1));
        match lists.last_mut() {
            Some(Node::List { start, items }) if start.is_some() == item.number.is_some() => {
                items.push(nodes)
            }
            _ => lists.push(Node::List { start: item.number, items: vec![nodes] }),
        }
        nth += 1 + inside;
    }
    lists
}

/// Takes out the line breaks that only bring a block to a line of its own.
fn tidy(nodes: Vec<Node>) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    let mut after_block = false;
    for node in nodes {
        if after_block && node == Node::LineBreak {
            after_block = false;
            continue;
        }
        after_block = node.is_block();
        if after_block
            && let [.., before, Node::LineBreak] = out.as_slice()
            && *before != Node::LineBreak
            && !before.is_block()
        {
            out.pop();
        }
        out.push(node);
    }
    out
}
