//! From the tree to one long text with spans.
//!
//! Spans lie one inside the other or apart. What Telegram lets stand inside nothing else (code, quotes) interrupts the styles around it,
//! which go on behind it. Every word passes [`Writer::put`], which sees to it that nobody is mentioned by accident. Next: `cut`.

use std::ops::Range;

use magpie_common::message::{Mention, MentionTarget, Node, Person, RichText};

use super::{Kind, Names, User, ZERO_WIDTH};

mod blocks;
mod links;

/// A text of any length.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) text: String,
    /// In reading order, the outer one first.
    pub(super) spans: Vec<Span>,
}

/// A stretch of a draft, in bytes, and what it is. [`Kind::Mention`] is not sent: Telegram finds it by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// How many spans are around it.
    pub(super) depth: usize,
}

/// Writes nodes.
pub(super) fn write(nodes: &[Node], names: &dyn Names) -> Draft {
    let mut writer = Writer {
        names,
        text: String::new(),
        spans: Vec::new(),
        open: Vec::new(),
        prefix: String::new(),
        line: Line::Fresh,
        block_ended: false,
        tail: Tail::Free,
        at_border: true,
    };
    writer.nodes(nodes);
    let Writer { text, mut spans, .. } = writer;
    spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end), span.depth));
    spans.retain(|span| !links::is_needless(span, &text));
    Draft { text, spans }
}

struct Writer<'a> {
    names: &'a dyn Names,
    text: String,
    spans: Vec<Span>,
    /// What has begun and has not ended, with where.
    open: Vec<(Kind, usize)>,
    /// What every line begins with: indentation, marks of quotes within quotes.
    prefix: String,
    line: Line,
    /// A block has ended and its line has not.
    block_ended: bool,
    tail: Tail,
    /// A span has just begun or ended, so that the text may be cut here.
    at_border: bool,
}

/// How far the line is.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    /// It lacks its prefix.
    Fresh,
    /// It has no words.
    Empty,
    Begun,
}

/// What the text ends with, for mentions.
#[derive(Clone, Copy, PartialEq)]
enum Tail {
    Free,
    /// An `@` that would begin a mention.
    At,
    /// A mention, which letters would make another one.
    Mention,
}

impl Writer<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(words) => self.words(words),
            Node::LineBreak => {
                self.end_block();
                self.newline();
            }
            Node::Strong(children) => self.within(Kind::Bold, |writer| writer.nodes(children)),
            Node::Emphasis(children) => self.within(Kind::Italic, |writer| writer.nodes(children)),
            Node::Strike(children) => self.within(Kind::Strikethrough, |writer| writer.nodes(children)),
            Node::Underline(children) => self.within(Kind::Underline, |writer| writer.nodes(children)),
            Node::Spoiler { reason, children } => self.spoiler(reason.as_deref(), children),
            Node::Code(code) => self.code(code),
            Node::CodeBlock { language, code } => self.code_block(language.as_deref(), code),
            Node::Quote(children) => self.quote(children),
            Node::Heading { children, .. } => self.heading(children),
            Node::List { start, items } => self.list(*start, items),
            Node::Link { url, children } => self.link(url, children),
            Node::Mention(mention) => self.mention(mention),
            Node::CustomEmoji { name, .. } => self.emoji(name),
        }
    }

    fn newline(&mut self) {
        self.text.push('\n');
        self.line = Line::Fresh;
        self.tail = Tail::Free;
    }

    fn end_block(&mut self) {
        if self.block_ended {
            self.block_ended = false;
            self.newline();
        }
    }

    /// Words may follow.
    fn settle(&mut self) {
        self.end_block();
        if self.line == Line::Fresh {
            self.text.push_str(&self.prefix);
            self.line = Line::Empty;
        }
    }

    /// One character, kept from becoming part of a mention.
    fn put(&mut self, c: char) {
        let goes_on = match self.tail {
            Tail::Free => false,
            Tail::At => is_name(c),
            Tail::Mention => c.is_alphanumeric() || c == '_',
        };
        if goes_on {
            self.text.push(ZERO_WIDTH);
        }
        self.push(c);
    }

    fn push(&mut self, c: char) {
        // After a letter it belongs to a mail address.
        let after_letter = !self.at_border && self.text.chars().next_back().is_some_and(is_name);
        let begins_mention = c == '@' && !after_letter;
        self.at_border = false;
        self.tail = if begins_mention { Tail::At } else { Tail::Free };
        self.text.push(c);
        self.line = Line::Begun;
    }

    fn words(&mut self, words: &str) {
        self.settle();
        words.chars().filter_map(printable).for_each(|c| self.put(c));
    }

    /// Words in which Telegram finds no mentions because of the span that they make.
    fn shielded(&mut self, kind: Kind, words: &str) {
        let mut letters = words.chars();
        let first = letters.next();
        if self.tail != Tail::Free && first.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.text.push(ZERO_WIDTH);
        }
        self.begin(kind);
        first.into_iter().chain(letters).for_each(|c| self.push(c));
        self.end();
    }

    fn begin(&mut self, kind: Kind) {
        self.at_border = true;
        self.open.push((kind, self.text.len()));
    }

    fn end(&mut self) {
        self.at_border = true;
        let Some((kind, start)) = self.open.pop() else { return };
        if !self.text[start..].trim().is_empty() {
            self.spans.push(Span { range: start..self.text.len(), kind, depth: self.open.len() });
        }
    }

    fn is_in(&self, kind: &Kind) -> bool {
        self.open.iter().any(|(open, _)| open == kind)
    }

    fn is_linked(&self) -> bool {
        self.open.iter().any(|(open, _)| matches!(open, Kind::TextLink { .. } | Kind::TextMention { .. }))
    }

    /// Whether neither code nor quotes may stand here. What is hidden must not be shown as code.
    fn is_bound(&self) -> bool {
        self.is_linked() || self.is_in(&Kind::Spoiler)
    }

    fn within(&mut self, kind: Kind, write: impl FnOnce(&mut Self)) {
        if self.is_in(&kind) {
            return write(self);
        }
        self.settle();
        self.begin(kind);
        write(self);
        self.end();
    }

    /// Writes something that may not stand within styles; they go on behind it.
    fn apart(&mut self, write: impl FnOnce(&mut Self)) {
        let is_quote = |kind: &Kind| *kind == Kind::Blockquote;
        let from = self.open.iter().rposition(|(kind, _)| is_quote(kind)).map_or(0, |quote| quote + 1);
        let styles: Vec<Kind> = self.open[from..].iter().map(|(kind, _)| kind.clone()).collect();
        styles.iter().for_each(|_| self.end());
        write(self);
        styles.into_iter().for_each(|kind| self.begin(kind));
    }

    fn spoiler(&mut self, reason: Option<&str>, children: &[Node]) {
        if let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) {
            self.words(&format!("({reason}) "));
        }
        self.within(Kind::Spoiler, |writer| writer.nodes(children));
    }

    fn code(&mut self, code: &str) {
        let code: String = code.chars().filter_map(printable).collect();
        if self.is_bound() || code.trim().is_empty() {
            return self.words(&code);
        }
        self.settle();
        self.apart(|writer| writer.shielded(Kind::Code, &code));
    }

    fn link(&mut self, url: &str, children: &[Node]) {
        let shown = RichText(children.to_vec()).to_plain();
        match links::address(url) {
            _ if self.is_linked() => self.nodes(children),
            Some(url) if links::is_shown(&url, &shown) => {
                self.settle();
                let words: String = shown.chars().filter_map(printable).collect();
                let words = if words.trim().is_empty() { url.clone() } else { words };
                self.shielded(Kind::TextLink { url }, &words);
            }
            Some(url) => self.within(Kind::TextLink { url }, |writer| writer.nodes(children)),
            None => {
                self.nodes(children);
                let rest = links::spelled(url, &shown);
                self.words(&rest);
            }
        }
    }

    fn mention(&mut self, mention: &Mention) {
        let label = if mention.label.trim().is_empty() { "?" } else { mention.label.trim() };
        match &mention.target {
            MentionTarget::Person(Person::Remote(user)) if !self.is_linked() => {
                if let Some(username) = self.names.username(user).filter(|name| is_username(name)) {
                    self.ping(&username);
                } else if let Some(id) = self.names.number(user) {
                    let first_name = label.chars().filter_map(printable).take(64).collect();
                    let user = User { id, is_bot: false, first_name };
                    self.within(Kind::TextMention { user }, |writer| writer.words(label));
                } else {
                    self.words(label);
                }
            }
            MentionTarget::Person(_) => self.words(label),
            MentionTarget::Everyone | MentionTarget::Group(_) => self.words(&mention.plain()),
            MentionTarget::Chat(_) | MentionTarget::Message(..) | MentionTarget::Room(_) => {
                let words = vec![Node::Text(mention.plain())];
                match self.names.address(&mention.target) {
                    Some(url) => self.link(&url, &words),
                    None => self.nodes(&words),
                }
            }
        }
    }

    /// A mention that works.
    fn ping(&mut self, username: &str) {
        self.settle();
        let after_word = self.text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        if after_word || self.tail == Tail::Mention {
            self.text.push(ZERO_WIDTH);
        }
        self.begin(Kind::Mention);
        self.text.push('@');
        self.text.push_str(username);
        self.end();
        self.line = Line::Begun;
        self.tail = Tail::Mention;
    }

    /// Bots may not send custom emoji: what stands for it is written.
    fn emoji(&mut self, name: &str) {
        if name.is_ascii() { self.words(&format!(":{name}:")) } else { self.words(name) }
    }
}

/// What may stand in a username.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_username(name: &str) -> bool {
    (2..=32).contains(&name.len()) && name.chars().all(is_name)
}

/// A character as it may be written: white space is a space, and what Telegram takes away is nothing.
fn printable(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{202a}'..='\u{202e}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}
