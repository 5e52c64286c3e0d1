//! What a node becomes when its tag ends.
//!
//! Must never keep a node without anything to see. Next: `flow.rs`.

use super::{
    Frame, Kind, Tree,
    flow::{Before, Line, trim_end},
};
use crate::{
    convert::words::one_line,
    message::{Mention, MentionTarget, Node, RichText},
};

impl Tree {
    pub(super) fn end_inline(&mut self, frame: Frame) {
        let Frame { kind, nodes: children, .. } = frame;
        if let Kind::Pill { target, name } = kind {
            let label = label(&target, name, children);
            self.push(Node::Mention(Mention { target, label }));
            self.line.before = Before::Words;
            return;
        }
        if children.is_empty() {
            return;
        }
        let node = match kind {
            Kind::Strong => Node::Strong(children),
            Kind::Emphasis => Node::Emphasis(children),
            Kind::Strike => Node::Strike(children),
            Kind::Underline => Node::Underline(children),
            Kind::Spoiler(reason) => Node::Spoiler { reason, children },
            Kind::Link(url) => Node::Link { url, children },
            Kind::Code => {
                self.line.before = Before::Words;
                Node::Code(raw(children).replace('\n', " "))
            }
            _ => return,
        };
        self.push(node);
    }

    pub(super) fn end_block(&mut self, frame: Frame) {
        let Frame { kind, nodes: mut children, mut items, outer, .. } = frame;
        self.line = outer;
        if !matches!(kind, Kind::CodeBlock(_)) {
            trim_end(&mut children);
        }
        let node = match kind {
            Kind::Item => {
                self.end_item(children);
                return;
            }
            Kind::List(start) => {
                if !children.is_empty() {
                    items.push(children);
                }
                if items.iter().all(Vec::is_empty) {
                    return self.boundary(1);
                }
                Node::List { start, items }
            }
            Kind::CodeBlock(language) => match code_lines(children) {
                code if code.is_empty() => return self.boundary(1),
                code => Node::CodeBlock { language, code },
            },
            _ if children.is_empty() => return self.boundary(1),
            Kind::Quote => Node::Quote(children),
            Kind::Heading(level) => Node::Heading { level, children },
            _ => return,
        };
        self.push_block(node);
    }

    fn end_item(&mut self, children: Vec<Node>) {
        if let Some(list) = self.frames.last_mut() {
            if !list.nodes.is_empty() {
                list.items.push(std::mem::take(&mut list.nodes));
            }
            list.items.push(children);
        }
        self.line = Line::default();
    }
}

/// How a mention reads: the words of its link without the sigil, which is not part of the name.
fn label(target: &MentionTarget, name: String, children: Vec<Node>) -> String {
    let shown = one_line(&RichText(children).to_plain());
    let label = match target {
        MentionTarget::Person(_) => shown.strip_prefix('@').unwrap_or(&shown),
        MentionTarget::Chat(_) => shown.strip_prefix('#').unwrap_or(&shown),
        _ => &shown,
    };
    let is_address = label.starts_with("https://matrix.to/") || label.starts_with("matrix:");
    if label.is_empty() || is_address { name } else { label.to_owned() }
}

fn raw(children: Vec<Node>) -> String {
    children
        .into_iter()
        .filter_map(|node| if let Node::Text(words) = node { Some(words) } else { None })
        .collect()
}

/// Markdown leaves a line break before the end of a block.
fn code_lines(children: Vec<Node>) -> String {
    let mut code = raw(children);
    if code.ends_with('\n') {
        code.pop();
    }
    code
}
