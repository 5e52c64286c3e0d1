//! The tree as it grows, tag by tag.
//!
//! Two stacks on the heap: tags that are open, and nodes that are not finished. White space and blank lines wait until something
//! visible follows, as a browser does it, so the result has none at its edges. The number of unfinished nodes is bounded; a tag beyond
//! that gives only its words. Must never recurse. Next: `tree/flow.rs` for white
//! space, `tree/ends.rs` for what a finished node becomes.

use std::collections::HashMap;

use html5ever::LocalName;

use self::flow::{Before, Line, trim_end};
use crate::message::{MentionTarget, Node, RichText};

mod ends;
mod flow;

/// More unfinished nodes than [`RichText::bounded`] keeps, few enough to walk recursively.
const FRAMES_MAX: usize = 48;

/// What a tag means to the text inside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing.
    Plain,
    /// It is not shown.
    Skipped,
    /// It stands on lines of its own, this many line breaks away from its neighbors.
    Line(usize),
    Strong,
    Emphasis,
    Strike,
    Underline,
    Spoiler(Option<String>),
    Code,
    CodeBlock(Option<String>),
    Quote,
    Link(String),
    Pill {
        target: MentionTarget,
        name: String,
    },
    List(Option<u64>),
    Item,
    Heading(u8),
}

struct Open {
    name: LocalName,
    what: What,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Plain,
    Skipped,
    Line(usize),
    Inline,
    Block,
}

struct Frame {
    kind: Kind,
    nodes: Vec<Node>,
    items: Vec<Vec<Node>>,
    outer: Line,
    is_block: bool,
}

pub(super) struct Tree {
    everyone: bool,
    heard: String,
    open: Vec<Open>,
    names: HashMap<LocalName, usize>,
    frames: Vec<Frame>,
    root: Vec<Node>,
    line: Line,
    skipped: usize,
    row_begun: bool,
}

impl Tree {
    /// An empty tree; `everyone` tells whether `@room` is a mention.
    pub(super) fn new(everyone: bool) -> Self {
        Self {
            everyone,
            heard: String::new(),
            open: Vec::new(),
            names: HashMap::new(),
            frames: Vec::new(),
            root: Vec::new(),
            line: Line::default(),
            skipped: 0,
            row_begun: false,
        }
    }

    /// Words; they wait for the next tag, because an entity may cut them anywhere.
    pub(super) fn hear(&mut self, words: &str) {
        if self.skipped == 0 {
            self.heard.push_str(words);
        }
    }

    /// A node without anything inside.
    pub(super) fn leaf(&mut self, node: Node) {
        self.say();
        if self.skipped == 0 && !self.is_raw() {
            self.settle();
            self.push(node);
            self.line.before = Before::Words;
        }
    }

    /// `br`.
    pub(super) fn line_break(&mut self) {
        if self.is_raw() {
            self.hear("\n");
            return;
        }
        self.say();
        if self.skipped == 0 {
            self.line.space = false;
            self.line.breaks += 1;
        }
    }

    /// `hr`.
    pub(super) fn rule(&mut self) {
        self.boundary(1);
        self.hear("---");
        self.boundary(1);
    }

    /// A start tag within a line.
    pub(super) fn open(&mut self, name: &LocalName, kind: Kind) {
        self.say();
        let what = if kind == Kind::Skipped {
            self.skipped += 1;
            What::Skipped
        } else if self.skipped > 0 || self.is_raw() || self.is_repeated(&kind) {
            What::Plain
        } else {
            self.begin(kind)
        };
        *self.names.entry(name.clone()).or_default() += 1;
        self.open.push(Open { name: name.clone(), what });
    }

    /// A start tag that stands on lines of its own; it ends a paragraph.
    pub(super) fn open_block(&mut self, name: &LocalName, kind: Kind) {
        self.close(&LocalName::from("p"));
        if &**name == "tr" {
            self.row_begun = false;
        }
        self.open(name, kind);
    }

    /// `code`: the language of a block around it, or code within a line.
    pub(super) fn open_code(&mut self, name: &LocalName, language: Option<String>) {
        if let Some(Frame { kind: Kind::CodeBlock(known), nodes, .. }) = self.frames.last_mut() {
            if nodes.is_empty() && self.heard.trim().is_empty() {
                self.heard.clear();
            }
            *known = language.or(known.take());
        }
        self.open(name, Kind::Code);
    }

    /// `li`, which ends the item before it.
    pub(super) fn open_item(&mut self, name: &LocalName) {
        self.close(name);
        self.say();
        let in_list = matches!(self.frames.last(), Some(Frame { kind: Kind::List(_), .. }));
        self.open(name, if in_list { Kind::Item } else { Kind::Line(1) });
    }

    /// `td` or `th`.
    pub(super) fn open_cell(&mut self, name: &LocalName) {
        self.say();
        if self.row_begun && !self.is_raw() {
            self.hear(" | ");
        }
        self.row_begun = true;
        self.open(name, Kind::Plain);
    }

    /// An end tag. It ends what was begun inside it; bold, italic and the like go on behind it.
    pub(super) fn close(&mut self, name: &LocalName) {
        self.say();
        let Some(at) = self.opened_at(name) else { return };
        let mut go_on = Vec::new();
        while self.open.len() > at {
            let Some(Open { name, what }) = self.open.pop() else { break };
            if let Some(count) = self.names.get_mut(&name) {
                *count -= 1;
            }
            let style = self.end(what);
            if self.open.len() > at
                && let Some(style) = style
            {
                go_on.push((name, style));
            }
        }
        for (name, style) in go_on.into_iter().rev() {
            self.open(&name, style);
        }
    }

    /// The finished text, within the bounds of [`RichText::bounded`].
    pub(super) fn finish(mut self) -> RichText {
        self.say();
        while let Some(Open { what, .. }) = self.open.pop() {
            self.end(what);
        }
        trim_end(&mut self.root);
        RichText(self.root).bounded()
    }

    /// Where the tag that an end tag means was opened. Only a tag that stands on lines of its own reaches out of a block.
    fn opened_at(&self, name: &LocalName) -> Option<usize> {
        if self.names.get(name).is_none_or(|count| *count == 0) {
            return None;
        }
        let reaches_out = matches!(
            &**name,
            "ul" | "ol"
                | "blockquote"
                | "pre"
                | "div"
                | "table"
                | "details"
                | "mx-reply"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
        );
        for (at, open) in self.open.iter().enumerate().rev() {
            if open.name == *name {
                return Some(at);
            }
            if open.what == What::Block && !reaches_out {
                return None;
            }
        }
        None
    }

    fn begin(&mut self, kind: Kind) -> What {
        if let Kind::Line(gap) = kind {
            self.boundary(gap);
            return What::Line(gap);
        }
        if kind == Kind::Plain {
            return What::Plain;
        }
        if self.frames.len() >= FRAMES_MAX {
            return self.begin_too_deep(&kind);
        }
        let is_block =
            matches!(kind, Kind::CodeBlock(_) | Kind::Quote | Kind::List(_) | Kind::Item | Kind::Heading(_));
        let outer = if is_block {
            std::mem::take(&mut self.line)
        } else {
            self.settle();
            self.line
        };
        self.frames.push(Frame { kind, nodes: Vec::new(), items: Vec::new(), outer, is_block });
        if is_block { What::Block } else { What::Inline }
    }

    /// Only words are kept so deep inside; what was hidden stays hidden.
    fn begin_too_deep(&mut self, kind: &Kind) -> What {
        if matches!(kind, Kind::Spoiler(_)) {
            self.hear("[spoiler]");
            self.say();
            self.skipped += 1;
            return What::Skipped;
        }
        What::Plain
    }

    /// Ends what a tag began, and tells what would have to go on behind it.
    fn end(&mut self, what: What) -> Option<Kind> {
        match what {
            What::Plain => {}
            What::Skipped => self.skipped -= 1,
            What::Line(gap) => self.boundary(gap),
            What::Inline | What::Block => {
                let frame = self.frames.pop()?;
                let style =
                    matches!(frame.kind, Kind::Strong | Kind::Emphasis | Kind::Strike | Kind::Underline)
                        .then(|| frame.kind.clone());
                if what == What::Inline {
                    self.end_inline(frame);
                } else {
                    self.end_block(frame);
                }
                return style;
            }
        }
        None
    }

    /// Whether white space counts here, and tags do not.
    fn is_raw(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { kind: Kind::Code | Kind::CodeBlock(_), .. }))
    }

    /// Bold within bold says nothing, and a link leads to one place.
    fn is_repeated(&self, kind: &Kind) -> bool {
        self.frames.iter().any(|frame| match kind {
            Kind::Strong | Kind::Emphasis | Kind::Strike | Kind::Underline => frame.kind == *kind,
            Kind::Link(_) | Kind::Pill { .. } => matches!(frame.kind, Kind::Link(_) | Kind::Pill { .. }),
            _ => false,
        })
    }
}
