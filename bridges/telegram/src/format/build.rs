//! From stretches of text to the tree: quotes and blocks of code first, then what is in their lines.
//!
//! One line break at a block's border only ends the line there, and is not part of the tree. Never recurses deeper than there are looks.

use std::ops::Range;

use magpie_common::{
    ids::RemoteUserId,
    message::{FileSource, Mention, MentionTarget, Node, Person},
};

use super::{
    Kind, Names,
    segment::{
        BOLD, ITALIC, LINK, LOOKS, Look, Mark, Marks, SPOILER, STRIKE, Segment, UNDERLINE, is_web, segments,
    },
};

/// A character as people see it: white space is a space, and what nobody sees is nothing.
pub(super) fn visible(c: char) -> Option<char> {
    match c {
        '\n' => Some(c),
        '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// The tree of a text.
pub(super) fn nodes(text: &str, marks: &Marks<'_>, names: &dyn Names) -> Vec<Node> {
    let builder = Builder { text, marks, names };
    let mut out = Vec::new();
    for Group { block, segments } in builder.grouped(segments(text, marks), |segment| segment.quote) {
        if block.is_none() {
            builder.lines(segments, &mut out);
            continue;
        }
        let mut inside = Vec::new();
        builder.lines(builder.trimmed(segments), &mut inside);
        if !inside.is_empty() {
            out.push(Node::Quote(inside));
        }
    }
    out
}

struct Builder<'a> {
    text: &'a str,
    marks: &'a Marks<'a>,
    names: &'a dyn Names,
}

/// Stretches of one block, or of what is between blocks.
struct Group {
    block: Option<usize>,
    segments: Vec<Segment>,
}

impl<'a> Builder<'a> {
    /// Lines and blocks of code.
    fn lines(&self, segments: Vec<Segment>, out: &mut Vec<Node>) {
        let groups = self.grouped(segments, |segment| {
            segment.whole.filter(|nth| matches!(self.marks.wholes[*nth].kind, Kind::Pre { .. }))
        });
        for Group { block, segments } in groups {
            match (block, segments.first()) {
                (Some(nth), Some(first)) => {
                    let Some(code) = self.code_block(&self.marks.wholes[nth]) else { continue };
                    // Nobody sees it before they want to, which matters more than how it looks.
                    let hidden = first.looks & SPOILER != 0;
                    out.push(if hidden { wrapped(SPOILER, vec![code], "") } else { code });
                }
                _ => self.inline(&segments, 0, out),
            }
        }
    }

    /// Puts together what belongs to one block, and takes away the line breaks that only end a line at its border.
    fn grouped(&self, segments: Vec<Segment>, block: impl Fn(&Segment) -> Option<usize>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for segment in segments {
            match groups.last_mut() {
                Some(last) if last.block == block(&segment) => last.segments.push(segment),
                _ => groups.push(Group { block: block(&segment), segments: vec![segment] }),
            }
        }
        let last = groups.len().saturating_sub(1);
        for (nth, group) in groups.iter_mut().enumerate() {
            if group.block.is_none() {
                let between = self.between(range(&group.segments), nth > 0, nth < last);
                clip(&mut group.segments, &between);
            }
        }
        groups
    }

    /// What is left of the words between two blocks.
    fn between(&self, words: Range<usize>, is_after: bool, is_before: bool) -> Range<usize> {
        let Range { mut start, mut end } = words;
        if is_after && self.text[start..end].starts_with('\n') {
            start += 1;
        }
        let rest = &self.text[start..end];
        let is_words = !rest.trim_start_matches('\n').is_empty();
        if is_before && is_words && rest.ends_with('\n') && !rest.ends_with("\n\n") {
            end -= 1;
        } else if is_before && !is_words && !is_after {
            end = start;
        }
        start..end
    }

    /// The same without line breaks at its edges.
    fn trimmed(&self, mut segments: Vec<Segment>) -> Vec<Segment> {
        let Range { start, end } = range(&segments);
        let words = &self.text[start..end];
        let from = start + words.len() - words.trim_start_matches('\n').len();
        let to = (start + words.trim_end().len()).max(from);
        clip(&mut segments, &(from..to));
        segments
    }

    /// What is in a line. The look that reaches farthest goes outside.
    fn inline(&self, segments: &[Segment], outside: Look, out: &mut Vec<Node>) {
        let mut rest = segments;
        while let Some(first) = rest.first() {
            let reach = |look: Look| {
                let is_in =
                    |other: &&Segment| other.looks & look != 0 && (look != LINK || other.link == first.link);
                rest.iter().take_while(is_in).count()
            };
            let looks = LOOKS.into_iter().filter(|look| first.looks & look & !outside != 0);
            let farthest = looks.map(|look| (reach(look), look)).rev().max_by_key(|(reach, _)| *reach);
            let Some((count, look)) = farthest else {
                self.leaf(first, out);
                rest = &rest[1..];
                continue;
            };
            let (run, after) = rest.split_at(count);
            let mut inside = Vec::new();
            self.inline(run, outside | look, &mut inside);
            if self.text[range(run)].trim().is_empty() {
                out.append(&mut inside);
            } else {
                out.push(wrapped(look, inside, self.url(first)));
            }
            rest = after;
        }
    }

    fn url(&self, segment: &Segment) -> &'a str {
        match segment.link.map(|nth| self.marks.links[nth].kind) {
            Some(Kind::TextLink { url }) => url,
            _ => "",
        }
    }

    fn leaf(&self, segment: &Segment, out: &mut Vec<Node>) {
        let words: String = self.text[segment.range.clone()].chars().filter_map(visible).collect();
        let whole = segment.whole.and_then(|nth| self.whole(&words, self.marks.wholes[nth].kind));
        if let Some(node) = whole {
            return out.push(node);
        }
        let is_code = segment.whole.is_some_and(|nth| *self.marks.wholes[nth].kind == Kind::Code);
        let leaf = if is_code { Node::Code } else { Node::Text };
        for (nth, line) in words.split('\n').enumerate() {
            if nth > 0 {
                out.push(Node::LineBreak);
            }
            if !line.is_empty() {
                out.push(leaf(line.to_owned()));
            }
        }
    }

    /// What is not cut, but for code.
    fn whole(&self, words: &str, kind: &Kind) -> Option<Node> {
        let person = |user: RemoteUserId| {
            let label = words.trim().trim_start_matches('@').replace('\n', " ");
            Node::Mention(Mention { target: MentionTarget::Person(Person::Remote(user)), label })
        };
        let link = |url: String| Node::Link { url, children: vec![Node::Text(words.replace('\n', " "))] };
        match kind {
            Kind::Mention => self.names.person(words.strip_prefix('@')?).map(person),
            Kind::TextMention { user } => Some(person(self.names.user(user.id))),
            Kind::Url if words.contains("://") => is_web(words).then(|| link(words.to_owned())),
            // Clients open an address without a scheme like this.
            Kind::Url => Some(link(format!("http://{words}"))),
            Kind::Email => Some(link(format!("mailto:{words}"))),
            Kind::CustomEmoji { id } => {
                let source = FileSource::Remote(self.names.emoji(id));
                Some(Node::CustomEmoji { name: words.replace('\n', " "), source })
            }
            _ => None,
        }
    }

    fn code_block(&self, mark: &Mark<'_>) -> Option<Node> {
        let code = self.text[mark.range.clone()].trim_matches('\n');
        let code: String = code.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        let language = match mark.kind {
            Kind::Pre { language } => language.clone(),
            _ => None,
        };
        (!code.trim().is_empty()).then_some(Node::CodeBlock { language, code })
    }
}

fn wrapped(look: Look, children: Vec<Node>, url: &str) -> Node {
    match look {
        LINK => Node::Link { url: url.to_owned(), children },
        BOLD => Node::Strong(children),
        ITALIC => Node::Emphasis(children),
        UNDERLINE => Node::Underline(children),
        STRIKE => Node::Strike(children),
        _ => Node::Spoiler { reason: None, children },
    }
}

/// Where neighboring stretches begin and end.
fn range(segments: &[Segment]) -> Range<usize> {
    let start = segments.first().map_or(0, |first| first.range.start);
    start..segments.last().map_or(start, |last| last.range.end)
}

fn clip(segments: &mut Vec<Segment>, to: &Range<usize>) {
    for Segment { range, .. } in segments.iter_mut() {
        *range = range.start.max(to.start)..range.end.min(to.end);
    }
    segments.retain(|segment| !segment.range.is_empty());
}
