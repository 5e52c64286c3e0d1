//! From the tree to markup: first as tokens, in which signs know their partner; then the signs that would not format fall away.

use std::collections::{HashMap, HashSet};

use magpie_common::{
    ids::RemoteUserId,
    message::{Mention, MentionTarget, Node, Person, RichText},
};

use super::{Names, ZERO_WIDTH, closes, is_sign, opens, visible};

/// What encloses monospaced words.
const FENCE: &str = "```";

/// A piece of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// A character that is as it should be, whatever it looks like.
    Verbatim(char),
    /// A sign and the number of its pair.
    Open(char, usize),
    Close(char, usize),
}

/// Whom a mention names on WhatsApp, where that is possible.
pub(super) fn mentioned(mention: &Mention, names: &dyn Names) -> Option<(String, RemoteUserId)> {
    match &mention.target {
        MentionTarget::Person(Person::Remote(user)) => {
            Some((format!("@{}", names.digits(user)?), user.clone()))
        }
        MentionTarget::Person(Person::Matrix(_))
        | MentionTarget::Chat(_)
        | MentionTarget::Message(..)
        | MentionTarget::Room(_)
        | MentionTarget::Group(_)
        | MentionTarget::Everyone => None,
    }
}

/// The markup of a text.
pub(super) fn markup(nodes: &[Node], names: &dyn Names) -> String {
    let mut writer = Writer { names, tokens: Vec::new(), open: Vec::new(), pairs: 0 };
    writer.nodes(nodes);
    settled(writer.tokens)
}

struct Writer<'a> {
    names: &'a dyn Names,
    tokens: Vec<Token>,
    /// Signs that are open, with the number of their pair.
    open: Vec<(char, usize)>,
    pairs: usize,
}

impl Writer<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            if node.is_block() {
                self.line_ends();
            }
            self.node(node);
            if node.is_block() {
                self.line_ends();
            }
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(words) => self.words(words),
            Node::LineBreak => self.line_break(),
            Node::Strong(children) => self.signed('*', children),
            Node::Emphasis(children) => self.signed('_', children),
            Node::Strike(children) => self.signed('~', children),
            Node::Underline(children) => self.nodes(children),
            Node::Heading { children, .. } => self.signed('*', children),
            Node::Spoiler { children, .. } => {
                self.words("||");
                self.nodes(children);
                self.words("||");
            }
            Node::Code(code) => self.code(code),
            Node::CodeBlock { code, .. } => {
                let code = code.replace(FENCE, "'''");
                self.verbatim(&format!("{FENCE}{}{FENCE}", code.trim_matches('\n')));
            }
            Node::Quote(children) => self.prefixed(children, "> ", "> "),
            Node::Link { url, children } => self.link(url, children),
            Node::Mention(mention) => match mentioned(mention, self.names) {
                Some((words, _)) => self.words(&words),
                None => self.words(&mention.plain()),
            },
            Node::CustomEmoji { name, .. } => self.words(&format!(":{name}:")),
            Node::List { start, items } => {
                for (nth, item) in items.iter().enumerate() {
                    let bullet = match start {
                        Some(first) => format!("{}. ", first.saturating_add(nth as u64)),
                        None => "- ".to_owned(),
                    };
                    self.line_ends();
                    self.prefixed(item, &bullet, "  ");
                }
            }
        }
    }

    fn words(&mut self, words: &str) {
        for c in words.chars().filter_map(visible) {
            if c == '\n' { self.line_break() } else { self.tokens.push(Token::Char(c)) }
        }
    }

    /// Words in which signs mean nothing, line breaks included.
    fn verbatim(&mut self, words: &str) {
        self.tokens.extend(words.chars().filter_map(visible).map(Token::Verbatim));
    }

    fn code(&mut self, code: &str) {
        let is_plain = !code.contains('`') && !code.contains('\n') && !code.trim().is_empty();
        match is_plain {
            true => {
                self.begin('`');
                self.verbatim(code);
                self.end();
            }
            false => self.words(code),
        }
    }

    fn link(&mut self, url: &str, children: &[Node]) {
        let shown = RichText(children.to_vec()).to_plain();
        let is_bare = shown.trim().is_empty()
            || shown == url
            || url.strip_prefix("mailto:").or_else(|| url.strip_prefix("https://"))
                == Some(shown.trim_end_matches('/'));
        if is_bare {
            return self.words(url.strip_prefix("mailto:").unwrap_or(url));
        }
        self.nodes(children);
        self.words(&format!(" ({url})"));
    }

    /// Lines that all begin with something.
    fn prefixed(&mut self, children: &[Node], first: &str, next: &str) {
        let inside = markup(children, self.names);
        for (nth, line) in inside.trim_end_matches('\n').split('\n').enumerate() {
            if nth > 0 {
                self.line_break();
            }
            self.words(if nth == 0 { first } else { next });
            self.verbatim(line);
        }
    }

    fn signed(&mut self, sign: char, children: &[Node]) {
        if self.open.iter().any(|(open, _)| *open == sign) {
            return self.nodes(children);
        }
        self.begin(sign);
        self.nodes(children);
        self.end();
    }

    fn begin(&mut self, sign: char) {
        self.pairs += 1;
        self.open.push((sign, self.pairs));
        self.tokens.push(Token::Open(sign, self.pairs));
    }

    fn end(&mut self) {
        if let Some((sign, pair)) = self.open.pop() {
            self.tokens.push(Token::Close(sign, pair));
        }
    }

    /// Signs do not reach beyond a line, so they end with it and begin anew.
    fn line_break(&mut self) {
        let signs: Vec<char> = self.open.iter().map(|(sign, _)| *sign).collect();
        while !self.open.is_empty() {
            self.end();
        }
        self.tokens.push(Token::Char('\n'));
        signs.into_iter().for_each(|sign| self.begin(sign));
    }

    /// A block begins or ends here.
    fn line_ends(&mut self) {
        let last = self.tokens.iter().rev().find_map(|token| match token {
            Token::Char(c) | Token::Verbatim(c) => Some(*c),
            Token::Open(..) | Token::Close(..) => None,
        });
        if last.is_some_and(|c| c != '\n') {
            self.line_break();
        }
    }
}

/// What is left when signs that would not format have fallen away.
fn settled(mut tokens: Vec<Token>) -> String {
    loop {
        let before = tokens.len();
        join(&mut tokens);
        shrink(&mut tokens);
        drop_idle(&mut tokens);
        if tokens.len() == before {
            break;
        }
    }
    let text = harmless(&tokens);
    text.trim_end().to_owned()
}

/// The text of tokens, in which signs that are only words do not format.
fn harmless(tokens: &[Token]) -> String {
    let char_of = |token: &Token| match token {
        Token::Char(c) | Token::Verbatim(c) | Token::Open(c, _) | Token::Close(c, _) => *c,
    };
    let chars: Vec<char> = tokens.iter().map(char_of).collect();
    let mut out = String::with_capacity(chars.len());
    let mut closings = last_closings(&chars);
    for (at, token) in tokens.iter().enumerate() {
        let c = chars[at];
        out.push(c);
        if c == '\n' {
            closings = last_closings(&chars[at + 1..]);
            closings.values_mut().for_each(|place| *place += at + 1);
        }
        let before = at.checked_sub(1).map(|before| chars[before]);
        let is_word = matches!(token, Token::Char(c) if is_sign(*c));
        let is_closed = closings.get(&c).is_some_and(|last| *last >= at + 2);
        if is_word && is_closed && opens(c, before, chars.get(at + 1).copied()) {
            out.push(ZERO_WIDTH);
        }
    }
    out
}

/// Where each sign closes for the last time in the first line of a text.
fn last_closings(chars: &[char]) -> HashMap<char, usize> {
    let line = chars.iter().take_while(|c| **c != '\n').count();
    let closing = |place: &usize| {
        let c = chars[*place];
        is_sign(c) && closes(c, chars[*place - 1], chars.get(*place + 1).copied())
    };
    (1..line).filter(closing).map(|place| (chars[place], place)).collect()
}

/// Two stretches of the same sign side by side are one.
fn join(tokens: &mut Vec<Token>) {
    let mut at = 1;
    while at < tokens.len() {
        match (tokens[at - 1], tokens[at]) {
            (Token::Close(closed, before), Token::Open(opened, after)) if closed == opened => {
                tokens.drain(at - 1..=at);
                for token in tokens.iter_mut().skip(at - 1) {
                    if *token == Token::Close(opened, after) {
                        *token = Token::Close(opened, before);
                        break;
                    }
                }
                at = at.saturating_sub(1).max(1);
            }
            _ => at += 1,
        }
    }
}

/// Blanks go outside of signs.
fn shrink(tokens: &mut [Token]) {
    let is_blank = |token: Token| matches!(token, Token::Char(c) | Token::Verbatim(c) if c.is_whitespace());
    for at in (1..tokens.len()).rev() {
        let mut place = at;
        while place < tokens.len() && is_blank(tokens[place]) && matches!(tokens[place - 1], Token::Open(..))
        {
            tokens.swap(place - 1, place);
            place += 1;
        }
    }
    for at in 1..tokens.len() {
        let mut place = at;
        while place > 0 && is_blank(tokens[place - 1]) && matches!(tokens[place], Token::Close(..)) {
            tokens.swap(place - 1, place);
            place -= 1;
        }
    }
}

/// Signs with nothing inside, or beside letters, fall away with their partner.
fn drop_idle(tokens: &mut Vec<Token>) {
    let is_letter = |token: Option<&Token>| matches!(token, Some(Token::Char(c) | Token::Verbatim(c)) if c.is_alphanumeric());
    let mut idle = HashSet::new();
    let mut opened: HashMap<usize, usize> = HashMap::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(sign, pair) => {
                let before = at.checked_sub(1).and_then(|before| tokens.get(before));
                if is_letter(before)
                    || matches!(before, Some(Token::Char(c) | Token::Verbatim(c)) if c == sign)
                {
                    idle.insert(*pair);
                }
                opened.insert(*pair, at);
            }
            Token::Close(sign, pair) => {
                let is_empty = opened.get(pair).is_some_and(|from| !has_words(&tokens[*from..at]));
                let after = tokens.get(at + 1);
                if is_empty
                    || is_letter(after)
                    || matches!(after, Some(Token::Char(c) | Token::Verbatim(c)) if c == sign)
                {
                    idle.insert(*pair);
                }
            }
            Token::Char(_) | Token::Verbatim(_) => {}
        }
    }
    tokens.retain(
        |token| !matches!(token, Token::Open(_, pair) | Token::Close(_, pair) if idle.contains(pair)),
    );
}

fn has_words(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| matches!(token, Token::Char(c) | Token::Verbatim(c) if !c.is_whitespace()))
}
