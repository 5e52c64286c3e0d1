//! The rich-text tree between all markups.
//!
//! Small on purpose: what most networks can show. Block nodes (`CodeBlock`, `Quote`, `List`, `Heading`) stand on lines of their own; a
//! converter adds the line breaks that its markup wants around them. Depth and size are bounded by [`RichText::bounded`].

use serde::{Deserialize, Serialize};

use super::Person;
use crate::ids::{RemoteChatId, RemoteGroupId, RemoteMessageId};

/// Deeper nesting than this is flattened to its text.
pub const TEXT_DEPTH_MAX: usize = 16;

/// A tree with more nodes than this loses its formatting and keeps its words.
pub const TEXT_NODES_MAX: usize = 4_000;

/// Words with their formatting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RichText(pub Vec<Node>);

/// One piece of formatted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// Words as they are; a line break is [`Node::LineBreak`], never a `\n` in here.
    Text(String),
    /// Bold.
    Strong(Vec<Node>),
    /// Italic.
    Emphasis(Vec<Node>),
    /// Struck out.
    Strike(Vec<Node>),
    /// Underlined.
    Underline(Vec<Node>),
    /// Hidden until somebody looks.
    Spoiler {
        /// Why it is hidden, where the sender said so.
        reason: Option<String>,
        /// What is hidden.
        children: Vec<Node>,
    },
    /// Code within a line.
    Code(String),
    /// Code on lines of its own.
    CodeBlock {
        /// The language, for coloring.
        language: Option<String>,
        /// The code, line breaks included.
        code: String,
    },
    /// Somebody else's words.
    Quote(Vec<Node>),
    /// Words that lead somewhere.
    Link {
        /// Where to; `http`, `https`, `mailto`, `ftp` or `magnet`.
        url: String,
        /// What is shown.
        children: Vec<Node>,
    },
    /// A person, chat, group or everybody, by id.
    Mention(Mention),
    /// An emoji that only the network has.
    CustomEmoji {
        /// The name, without colons.
        name: String,
        /// The picture.
        source: super::FileSource,
    },
    /// Items, each a small text of its own.
    List {
        /// The first number of an ordered list; none for bullets.
        start: Option<u64>,
        /// The items.
        items: Vec<Vec<Node>>,
    },
    /// A heading of level 1 to 6.
    Heading {
        /// 1 is the largest.
        level: u8,
        /// The words.
        children: Vec<Node>,
    },
    /// A new line.
    LineBreak,
}

/// Somebody or something named by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Who or what.
    pub target: MentionTarget,
    /// How it reads where the target cannot be shown, without a leading `@` or `#`.
    pub label: String,
}

/// What can be mentioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionTarget {
    /// A person on either side.
    Person(Person),
    /// A chat on the network.
    Chat(RemoteChatId),
    /// A message on the network.
    Message(RemoteChatId, RemoteMessageId),
    /// A Matrix room that is no portal of ours (a room id or an alias).
    Room(String),
    /// A group of people on the network.
    Group(RemoteGroupId),
    /// Everybody in the chat. Only made from a mention that the sender really was allowed to make.
    Everyone,
}

impl RichText {
    /// Words without formatting; line breaks are kept.
    pub fn plain(words: &str) -> Self {
        let mut nodes = Vec::new();
        for (line, words) in words.split('\n').enumerate() {
            if line > 0 {
                nodes.push(Node::LineBreak);
            }
            if !words.is_empty() {
                nodes.push(Node::Text(words.to_owned()));
            }
        }
        Self(nodes)
    }

    /// Whether there is nothing to see: no words, no emoji, no mention.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(Node::is_blank)
    }

    /// The words alone, as a client without formatting shows them: quotes with `> `, bullets with `- `, spoilers hidden.
    pub fn to_plain(&self) -> String {
        let mut out = String::new();
        write_plain(&self.0, &mut out);
        out.truncate(out.trim_end_matches('\n').len());
        out
    }

    /// Every mention, in reading order.
    pub fn mentions(&self) -> Vec<&Mention> {
        let mut found = Vec::new();
        collect_mentions(&self.0, &mut found);
        found
    }

    /// The same text within [`TEXT_DEPTH_MAX`] and [`TEXT_NODES_MAX`], with adjoining words joined. No words are lost.
    #[must_use]
    pub fn bounded(self) -> Self {
        if count(&self.0, 0) > TEXT_NODES_MAX {
            return Self::plain(&self.to_plain());
        }
        Self(bound(self.0, 0))
    }
}

impl Node {
    /// The nodes inside this one; nothing for leaves and lists.
    pub fn children(&self) -> &[Node] {
        match self {
            Self::Strong(children)
            | Self::Emphasis(children)
            | Self::Strike(children)
            | Self::Underline(children)
            | Self::Quote(children)
            | Self::Spoiler { children, .. }
            | Self::Link { children, .. }
            | Self::Heading { children, .. } => children,
            Self::Text(_)
            | Self::Code(_)
            | Self::CodeBlock { .. }
            | Self::Mention(_)
            | Self::CustomEmoji { .. }
            | Self::List { .. }
            | Self::LineBreak => &[],
        }
    }

    /// Whether the node stands on lines of its own.
    pub fn is_block(&self) -> bool {
        matches!(self, Self::CodeBlock { .. } | Self::Quote(_) | Self::List { .. } | Self::Heading { .. })
    }

    fn is_blank(&self) -> bool {
        match self {
            Self::Text(words) | Self::Code(words) | Self::CodeBlock { code: words, .. } => {
                words.trim().is_empty()
            }
            Self::LineBreak => true,
            Self::Mention(_) | Self::CustomEmoji { .. } => false,
            Self::List { items, .. } => items.iter().flatten().all(Self::is_blank),
            other => other.children().iter().all(Self::is_blank),
        }
    }

    fn map_children(self, change: &mut impl FnMut(Vec<Node>) -> Vec<Node>) -> Self {
        match self {
            Self::Strong(children) => Self::Strong(change(children)),
            Self::Emphasis(children) => Self::Emphasis(change(children)),
            Self::Strike(children) => Self::Strike(change(children)),
            Self::Underline(children) => Self::Underline(change(children)),
            Self::Quote(children) => Self::Quote(change(children)),
            Self::Spoiler { reason, children } => Self::Spoiler { reason, children: change(children) },
            Self::Link { url, children } => Self::Link { url, children: change(children) },
            Self::Heading { level, children } => Self::Heading { level, children: change(children) },
            Self::List { start, items } => {
                Self::List { start, items: items.into_iter().map(change).collect() }
            }
            leaf => leaf,
        }
    }
}

/// Counts nodes, and stops early: at a depth where the recursion itself would be a danger it reports too many.
fn count(nodes: &[Node], depth: usize) -> usize {
    const RECURSION_MAX: usize = 200;
    if depth > RECURSION_MAX {
        return TEXT_NODES_MAX + 1;
    }
    let inside = |node: &Node| match node {
        Node::List { items, .. } => items.iter().map(|item| 1 + count(item, depth + 1)).sum(),
        other => count(other.children(), depth + 1),
    };
    nodes.iter().map(|node| 1 + inside(node)).fold(0, usize::saturating_add)
}

fn bound(nodes: Vec<Node>, depth: usize) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let has_inside = !node.children().is_empty() || matches!(node, Node::List { .. });
        let node = if depth + 1 >= TEXT_DEPTH_MAX && has_inside {
            Node::Text(RichText(vec![node]).to_plain().replace('\n', " "))
        } else {
            node.map_children(&mut |children| bound(children, depth + 1))
        };
        match (out.last_mut(), node) {
            (Some(Node::Text(before)), Node::Text(words)) => before.push_str(&words),
            (_, Node::Text(words)) if words.is_empty() => {}
            (_, node) => out.push(node),
        }
    }
    out
}

fn write_plain(nodes: &[Node], out: &mut String) {
    for node in nodes {
        if node.is_block() && !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        match node {
            Node::Text(words) | Node::Code(words) => out.push_str(words),
            Node::CodeBlock { code, .. } => out.push_str(code),
            Node::LineBreak => out.push('\n'),
            Node::Spoiler { reason, .. } => {
                out.push_str("[spoiler");
                if let Some(reason) = reason {
                    out.push_str(": ");
                    out.push_str(reason);
                }
                out.push(']');
            }
            Node::Quote(children) => prefix_lines(children, "> ", "> ", out),
            Node::Link { url, children } => write_plain_link(url, children, out),
            Node::Mention(mention) => out.push_str(&mention.plain()),
            Node::CustomEmoji { name, .. } => {
                out.push(':');
                out.push_str(name);
                out.push(':');
            }
            Node::List { start, items } => write_plain_list(*start, items, out),
            Node::Strong(_)
            | Node::Emphasis(_)
            | Node::Strike(_)
            | Node::Underline(_)
            | Node::Heading { .. } => {
                write_plain(node.children(), out);
            }
        }
        if node.is_block() && !out.ends_with('\n') {
            out.push('\n');
        }
    }
}

fn write_plain_list(start: Option<u64>, items: &[Vec<Node>], out: &mut String) {
    for (nth, item) in items.iter().enumerate() {
        let bullet = match start {
            Some(first) => format!("{}. ", first.saturating_add(nth as u64)),
            None => "- ".to_owned(),
        };
        prefix_lines(item, &bullet, &" ".repeat(bullet.len()), out);
        out.push('\n');
    }
}

fn write_plain_link(url: &str, children: &[Node], out: &mut String) {
    let shown = RichText(children.to_vec()).to_plain();
    if shown.is_empty() || shown == url {
        out.push_str(url);
    } else {
        out.push_str(&shown);
        out.push_str(" (");
        out.push_str(url);
        out.push(')');
    }
}

fn prefix_lines(children: &[Node], first: &str, next: &str, out: &mut String) {
    let inside = RichText(children.to_vec()).to_plain();
    for (nth, line) in inside.split('\n').enumerate() {
        if nth > 0 {
            out.push('\n');
        }
        out.push_str(if nth == 0 { first } else { next });
        out.push_str(line);
    }
}

fn collect_mentions<'a>(nodes: &'a [Node], found: &mut Vec<&'a Mention>) {
    for node in nodes {
        match node {
            Node::Mention(mention) => found.push(mention),
            Node::List { items, .. } => items.iter().for_each(|item| collect_mentions(item, found)),
            other => collect_mentions(other.children(), found),
        }
    }
}

impl Mention {
    /// How the mention reads as plain words.
    pub fn plain(&self) -> String {
        match &self.target {
            MentionTarget::Person(_) | MentionTarget::Group(_) => format!("@{}", self.label),
            MentionTarget::Chat(_) => format!("#{}", self.label),
            MentionTarget::Message(..) | MentionTarget::Room(_) => self.label.clone(),
            MentionTarget::Everyone => "@room".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Node {
        Node::Text(words.to_owned())
    }

    #[test]
    fn plain_words_keep_their_lines() {
        assert_eq!(RichText::plain("a\n\nb").0, [text("a"), Node::LineBreak, Node::LineBreak, text("b")]);
        assert_eq!(RichText::plain("a\n\nb").to_plain(), "a\n\nb");
    }

    #[test]
    fn plain_form_marks_quotes_lists_links_and_hides_spoilers() {
        let tree = RichText(vec![
            Node::Quote(vec![text("one"), Node::LineBreak, text("two")]),
            Node::List { start: Some(9), items: vec![vec![text("nine")], vec![text("ten")]] },
            Node::Link { url: "https://e.org".into(), children: vec![text("here")] },
            Node::Spoiler { reason: Some("end".into()), children: vec![text("he dies")] },
        ]);
        assert_eq!(tree.to_plain(), "> one\n> two\n9. nine\n10. ten\nhere (https://e.org)[spoiler: end]");
    }

    #[test]
    fn bounding_flattens_what_is_too_deep_and_loses_no_words() {
        let mut node = text("core");
        for _ in 0..100 {
            node = Node::Strong(vec![node]);
        }
        let bounded = RichText(vec![node]).bounded();
        assert_eq!(bounded.to_plain(), "core");
        let mut depth = 0;
        let mut inside = bounded.0.as_slice();
        while let [Node::Strong(children)] = inside {
            depth += 1;
            inside = children;
        }
        assert!(depth < TEXT_DEPTH_MAX, "{depth}");
    }

    #[test]
    fn bounding_a_bomb_keeps_the_words() {
        let bomb = RichText(vec![Node::Strong(vec![text("x")]); TEXT_NODES_MAX]).bounded();
        assert_eq!(bomb, RichText::plain(&"x".repeat(TEXT_NODES_MAX)));
    }
}
