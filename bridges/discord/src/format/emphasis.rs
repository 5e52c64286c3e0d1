//! The marks that open and close around words: `**`, `*`, `_`, `__`, `~~`, `||`.
//!
//! Each kind is open at most once, so the stack has at most six frames. A mark that finds no partner is text again.

use magpie_common::message::Node;

/// Frames of marks that wait for their partner, and the nodes read so far.
#[derive(Default)]
pub(super) struct Stack {
    done: Vec<Node>,
    frames: Vec<Frame>,
}

struct Frame {
    mark: Mark,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Strong,
    Star,
    Underline,
    Underscore,
    Strike,
    Spoiler,
}

/// What stands around a run of marks.
#[derive(Clone, Copy)]
struct Around {
    before: Option<char>,
    after: Option<char>,
}

impl Mark {
    fn text(self) -> &'static str {
        match self {
            Self::Strong => "**",
            Self::Star => "*",
            Self::Underline => "__",
            Self::Underscore => "_",
            Self::Strike => "~~",
            Self::Spoiler => "||",
        }
    }

    fn wrap(self, nodes: Vec<Node>) -> Node {
        match self {
            Self::Strong => Node::Strong(nodes),
            Self::Star | Self::Underscore => Node::Emphasis(nodes),
            Self::Underline => Node::Underline(nodes),
            Self::Strike => Node::Strike(nodes),
            Self::Spoiler => Node::Spoiler { reason: None, children: nodes },
        }
    }

    fn can_open(self, around: Around) -> bool {
        match self {
            Self::Star => around.after.is_some_and(|c| !c.is_whitespace()),
            _ => around.after.is_some(),
        }
    }

    /// `snake_case_name` has no italics: an underscore closes only where no word goes on.
    fn can_close(self, around: Around) -> bool {
        match self {
            Self::Star => around.before.is_some_and(|c| !c.is_whitespace()),
            Self::Underscore => !around.after.is_some_and(|c| c.is_ascii_alphanumeric()),
            _ => true,
        }
    }
}

impl Stack {
    /// Adds a piece that is no text.
    pub(super) fn node(&mut self, node: Node) {
        self.top().push(node);
    }

    /// Adds words.
    pub(super) fn text(&mut self, words: &str) {
        append_text(self.top(), words);
    }

    /// Adds one letter.
    pub(super) fn letter(&mut self, letter: char) {
        self.text(letter.encode_utf8(&mut [0; 4]));
    }

    /// Takes a run of `count` equal marks.
    pub(super) fn marks(&mut self, mark: char, count: usize, before: Option<char>, after: Option<char>) {
        let around = Around { before, after };
        let (double, single) = match mark {
            '*' => (Mark::Strong, Some(Mark::Star)),
            '_' => (Mark::Underline, Some(Mark::Underscore)),
            '~' => (Mark::Strike, None),
            _ => (Mark::Spoiler, None),
        };
        let mut left = count;
        while left > 0 {
            let used = self.step(left, (double, single), around);
            if used == 0 {
                for _ in 0..left {
                    self.letter(mark);
                }
                return;
            }
            left -= used;
        }
    }

    /// Where in a link the partner of an open mark stands, which ends the link.
    pub(super) fn closes_within(&self, url: &str) -> Option<usize> {
        let closing = |frame: &Frame| match frame.mark {
            Mark::Star | Mark::Underscore => {
                url.ends_with(frame.mark.text()).then(|| url.len() - frame.mark.text().len())
            }
            _ => url.find(frame.mark.text()),
        };
        self.frames.iter().filter_map(closing).min()
    }

    /// Everything read; marks without a partner become text.
    pub(super) fn finish(mut self) -> Vec<Node> {
        self.flatten_from(0);
        self.done
    }

    fn top(&mut self) -> &mut Vec<Node> {
        match self.frames.last_mut() {
            Some(frame) => &mut frame.nodes,
            None => &mut self.done,
        }
    }

    fn position(&self, mark: Mark) -> Option<usize> {
        self.frames.iter().position(|frame| frame.mark == mark)
    }

    /// Uses up some of `left` marks; 0 when they mean nothing here.
    fn step(&mut self, left: usize, marks: (Mark, Option<Mark>), around: Around) -> usize {
        let (double, single) = marks;
        let double_open = self.position(double);
        let single_open = single.and_then(|mark| self.position(mark));
        if left >= 3 && double_open < single_open && double_open.is_some() {
            // Both are open and the single one is inside: it ends first.
            return self.close_if(single, around, 1);
        }
        if left >= 2 && double_open.is_some() {
            return self.close_if(Some(double), around, 2);
        }
        if (left == 1 || left == 3) && single_open.is_some() {
            let used = self.close_if(single, around, 1);
            if used > 0 || left == 1 {
                return used;
            }
        }
        self.open(left, marks, around)
    }

    fn open(&mut self, left: usize, marks: (Mark, Option<Mark>), around: Around) -> usize {
        let (double, single) = marks;
        if left > 3 || !double.can_open(around) {
            return 0;
        }
        let single = single.filter(|mark| mark.can_open(around) && self.position(*mark).is_none());
        match (left, single) {
            (1, Some(single)) | (3, Some(single)) => {
                self.push(single);
                1
            }
            (2 | 3, _) if self.position(double).is_none() => {
                self.push(double);
                2
            }
            _ => 0,
        }
    }

    fn push(&mut self, mark: Mark) {
        self.frames.push(Frame { mark, nodes: Vec::new() });
    }

    fn close_if(&mut self, mark: Option<Mark>, around: Around, width: usize) -> usize {
        let Some(mark) = mark else { return 0 };
        let Some(mut at) = self.position(mark) else { return 0 };
        if !mark.can_close(around) {
            return 0;
        }
        // `***a* b**`: two marks opened at the same place may close in either order.
        if self.frames[at].nodes.is_empty() && at + 1 < self.frames.len() {
            let other = self.frames[at + 1].mark;
            self.frames[at].mark = other;
            self.frames[at + 1].mark = mark;
            at += 1;
        }
        self.flatten_from(at + 1);
        if self.frames[at].nodes.is_empty() {
            return 0;
        }
        if let Some(frame) = self.frames.pop() {
            self.node(frame.mark.wrap(frame.nodes));
        }
        width
    }

    /// Turns the frames from `at` on back into text.
    fn flatten_from(&mut self, at: usize) {
        while self.frames.len() > at {
            if let Some(frame) = self.frames.pop() {
                self.text(frame.mark.text());
                for node in frame.nodes {
                    match node {
                        Node::Text(words) => self.text(&words),
                        other => self.node(other),
                    }
                }
            }
        }
    }
}

fn append_text(nodes: &mut Vec<Node>, words: &str) {
    match nodes.last_mut() {
        Some(Node::Text(before)) => before.push_str(words),
        _ => nodes.push(Node::Text(words.to_owned())),
    }
}
