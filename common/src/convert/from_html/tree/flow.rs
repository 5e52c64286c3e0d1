//! How words, white space and line breaks follow one another, as a browser shows them.
//!
//! White space and blank lines wait until something visible follows. Must never leave any at the edge of a text. Next: `ends.rs`.

use super::{Frame, Kind, Tree};
use crate::{
    convert::{from_html::everyone, words::split_everyone},
    message::Node,
};

/// What stands before the place where the next words go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Before {
    #[default]
    Nothing,
    Words,
    Space,
    Break,
    Block,
}

/// The end of the text so far, and what waits for something visible to follow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub(super) before: Before,
    pub(super) space: bool,
    pub(super) breaks: usize,
    pub(super) gap: usize,
}

impl Tree {
    pub(super) fn push_block(&mut self, node: Node) {
        if let Some(Frame { kind: Kind::List(_), items, nodes, .. }) = self.frames.last_mut()
            && nodes.is_empty()
            && let Some(item) = items.last_mut()
        {
            // A list straight inside a list belongs to the item before it.
            item.push(node);
            return;
        }
        let Line { before, breaks, gap, .. } = self.line;
        let breaks = match before {
            Before::Nothing => 0,
            Before::Words | Before::Space if gap > 0 && breaks > 0 => breaks + 1,
            Before::Words | Before::Space if breaks < 2 => 0,
            Before::Words | Before::Space | Before::Break | Before::Block => breaks,
        };
        self.push_breaks(breaks);
        self.push(node);
        self.line = Line { before: Before::Block, ..Line::default() };
    }

    /// The edge of a paragraph or the like. A line break right before it ends the last line and is not seen.
    pub(super) fn boundary(&mut self, gap: usize) {
        self.say();
        if self.skipped > 0 {
            return;
        }
        self.line.space = false;
        if matches!(self.line.before, Before::Words | Before::Space) {
            self.line.breaks = self.line.breaks.saturating_sub(1);
            self.line.gap = self.line.gap.max(gap);
        }
    }

    /// Puts down what was heard since the last tag.
    pub(super) fn say(&mut self) {
        if self.heard.is_empty() {
            return;
        }
        let heard = std::mem::take(&mut self.heard);
        if self.is_raw() {
            // The line break right behind `<pre>` belongs to the markup (HTML standard, 13.1.2.5).
            let is_first =
                self.nodes().is_empty() && self.open.last().is_some_and(|open| &*open.name == "pre");
            return self.push_text(if is_first {
                heard.strip_prefix('\n').unwrap_or(&heard)
            } else {
                &heard
            });
        }
        if !self.everyone || matches!(self.frames.last(), Some(Frame { kind: Kind::Pill { .. }, .. })) {
            return self.say_words(&heard);
        }
        for (nth, piece) in split_everyone(&heard).into_iter().enumerate() {
            if nth > 0 {
                self.leaf(Node::Mention(everyone()));
            }
            self.say_words(piece);
        }
    }

    fn say_words(&mut self, words: &str) {
        const WHITE: [char; 5] = [' ', '\t', '\n', '\r', '\u{c}'];
        for (nth, word) in words.split(WHITE).enumerate() {
            let Line { before, breaks, gap, .. } = self.line;
            if nth > 0 && before == Before::Words && breaks == 0 && gap == 0 {
                self.line.space = true;
            }
            if !word.is_empty() {
                self.settle();
                self.push_text(word);
                self.line.before = Before::Words;
            }
        }
    }

    /// Something visible follows: puts down the space or the line breaks that waited for it.
    pub(super) fn settle(&mut self) {
        let Line { before, space, breaks, gap } = std::mem::take(&mut self.line);
        self.line.before = before;
        let breaks = match before {
            Before::Nothing => 0,
            Before::Words | Before::Space => breaks + gap,
            Before::Break | Before::Block => breaks,
        };
        let nodes = self.outside();
        if breaks > 0 {
            nodes.extend(std::iter::repeat_n(Node::LineBreak, breaks));
            self.line.before = Before::Break;
        } else if space {
            match nodes.last_mut() {
                Some(Node::Text(words)) => words.push(' '),
                _ => nodes.push(Node::Text(" ".to_owned())),
            }
            self.line.before = Before::Space;
        }
    }

    /// Where white space before the next words belongs: outside of formatting that has only just begun.
    fn outside(&mut self) -> &mut Vec<Node> {
        let begun = |frame: &Frame| !frame.is_block && frame.nodes.is_empty();
        let behind = self.frames.iter().rposition(|frame| !begun(frame));
        match behind.and_then(|at| self.frames.get_mut(at)) {
            Some(frame) => &mut frame.nodes,
            None => &mut self.root,
        }
    }

    fn push_breaks(&mut self, breaks: usize) {
        for _ in 0..breaks {
            self.push(Node::LineBreak);
        }
    }

    fn push_text(&mut self, words: &str) {
        if let Some(Node::Text(before)) = self.nodes().last_mut() {
            before.push_str(words);
        } else {
            self.push(Node::Text(words.to_owned()));
        }
    }

    pub(super) fn push(&mut self, node: Node) {
        self.nodes().push(node);
    }

    fn nodes(&mut self) -> &mut Vec<Node> {
        self.frames.last_mut().map_or(&mut self.root, |frame| &mut frame.nodes)
    }
}

pub(super) fn trim_end(nodes: &mut Vec<Node>) {
    while let Some(last) = nodes.last_mut() {
        match last {
            Node::LineBreak => {}
            Node::Text(words) => {
                words.truncate(words.trim_end_matches(' ').len());
                if !words.is_empty() {
                    return;
                }
            }
            _ => return,
        }
        nodes.pop();
    }
}
