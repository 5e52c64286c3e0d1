//! Reading within lines: marks, code, links, mentions, escapes.
//!
//! One pass from left to right. Open marks wait in a short stack (each kind at most once), so nesting is bounded and time
//! grows with the length alone; searches for a closing part remember when they have failed once. Next: `emphasis`, the stack.

use magpie_common::message::{Mention, MentionTarget, Node};

use super::{Reading, angle, emphasis::Stack};

/// The longest `[label](url)` that is looked for.
const MASKED_BYTES_MAX: usize = 3000;

/// More backticks than this in a row are text.
const BACKTICKS_MAX: usize = 8;

/// Reads lines without block marks. Line breaks become nodes.
pub(super) fn read(source: &str, reading: &Reading<'_>) -> Vec<Node> {
    Reader::new(source, reading, false).run()
}

/// A link that shows its address.
pub(super) fn link_to(url: &str) -> Node {
    Node::Link { url: url.to_owned(), children: vec![Node::Text(url.to_owned())] }
}

/// How many bytes of `rest`, which begins with `http`, belong to a link that stands for itself.
pub(super) fn bare_link_bytes(rest: &str) -> usize {
    let end = rest.find(|c: char| c.is_whitespace() || c == '<').unwrap_or(rest.len());
    let mut url = &rest[..end];
    while let Some(last) = url.chars().next_back() {
        let unbalanced = last == ')' && url.matches(')').count() > url.matches('(').count();
        if !unbalanced && !matches!(last, '.' | ',' | ':' | ';' | '"' | '\'' | ']' | '>') {
            break;
        }
        url = &url[..url.len() - last.len_utf8()];
    }
    let scheme = if url.starts_with("https://") { "https://" } else { "http://" };
    if url.len() > scheme.len() { url.len() } else { 0 }
}

/// Whether a web address begins here.
pub(super) fn starts_link(rest: &str) -> bool {
    rest.starts_with("https://") || rest.starts_with("http://")
}

/// The code block at the start of `rest`, which begins with three backticks: language, code, and bytes taken.
pub(super) fn fence(rest: &str) -> Option<(Option<&str>, &str, usize)> {
    let inside = &rest[3..];
    let end = inside.find("```")?;
    let (body, taken) = (&inside[..end], end + 6);
    let is_language = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.#".contains(&byte))
    };
    let (language, code) = match body.split_once('\n') {
        Some((word, code)) if is_language(word) && !code.trim_matches('\n').is_empty() => (Some(word), code),
        _ => (None, body),
    };
    let code = code.trim_matches('\n');
    (!code.is_empty()).then_some((language, code, taken))
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    stack: Stack,
    reading: &'a Reading<'a>,
    in_link: bool,
    /// Runs of so many backticks have no partner further on.
    unpaired: [bool; BACKTICKS_MAX],
    /// Where the next `](` is; beyond it nothing can be a masked link.
    next_label_end: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, reading: &'a Reading<'a>, in_link: bool) -> Self {
        let next_label_end = source.find("](");
        Self {
            source,
            at: 0,
            stack: Stack::default(),
            reading,
            in_link,
            unpaired: [false; BACKTICKS_MAX],
            next_label_end,
        }
    }

    fn run(mut self) -> Vec<Node> {
        while let Some(c) = self.rest().chars().next() {
            let taken = match c {
                '\n' => {
                    self.stack.node(Node::LineBreak);
                    1
                }
                '\\' => self.escape(),
                '`' => self.backticks(),
                '*' | '_' | '~' | '|' => self.marks(c),
                '<' => self.angle(),
                '[' if !self.in_link => self.masked_link(),
                'h' if !self.in_link => self.bare_link(),
                '@' => self.everyone(),
                '¯' => self.shrug(),
                _ => 0,
            };
            if taken == 0 {
                self.stack.letter(c);
            }
            self.at += if taken == 0 { c.len_utf8() } else { taken };
        }
        self.stack.finish()
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn before(&self) -> Option<char> {
        self.source[..self.at].chars().next_back()
    }

    fn escape(&mut self) -> usize {
        match self.rest()[1..].chars().next() {
            Some(c) if !c.is_alphanumeric() && !c.is_whitespace() => {
                self.stack.letter(c);
                1 + c.len_utf8()
            }
            _ => 0,
        }
    }

    fn shrug(&mut self) -> usize {
        const SHRUG: &str = "¯\\_(ツ)_/¯";
        if !self.rest().starts_with(SHRUG) {
            return 0;
        }
        self.stack.text(SHRUG);
        SHRUG.len()
    }

    fn marks(&mut self, mark: char) -> usize {
        let rest = self.rest();
        let count = rest.bytes().take_while(|byte| *byte == mark as u8).count();
        let after = rest[count..].chars().next();
        self.stack.marks(mark, count, self.before(), after);
        count
    }

    fn backticks(&mut self) -> usize {
        let rest = self.rest();
        let count = rest.bytes().take_while(|byte| *byte == b'`').count();
        if count >= 3 && !self.in_link && !self.unpaired[2] {
            if let Some((language, code, taken)) = fence(rest) {
                let language = language.map(str::to_owned);
                self.stack.node(Node::CodeBlock { language, code: code.to_owned() });
                return taken;
            }
            self.unpaired[2] = !rest[3..].contains("```");
        }
        if count > BACKTICKS_MAX || self.unpaired[count - 1] {
            self.stack.text(&rest[..count]);
            return count;
        }
        match code_span(rest, count) {
            Some((code, taken)) => {
                self.stack.node(Node::Code(code.replace('\n', " ")));
                taken
            }
            None => {
                self.unpaired[count - 1] = true;
                self.stack.text(&rest[..count]);
                count
            }
        }
    }

    fn angle(&mut self) -> usize {
        match angle::read(self.rest(), self.reading) {
            Some((Node::Text(words), taken)) => {
                self.stack.text(&words);
                taken
            }
            Some((Node::Link { .. }, _)) if self.in_link => 0,
            Some((node, taken)) => {
                self.stack.node(node);
                taken
            }
            None => 0,
        }
    }

    fn bare_link(&mut self) -> usize {
        let rest = self.rest();
        if !starts_link(rest) || self.before().is_some_and(char::is_alphanumeric) {
            return 0;
        }
        let url = &rest[..bare_link_bytes(rest)];
        let url = &url[..self.stack.closes_within(url).unwrap_or(url.len())];
        if url.len() <= "https://".len() {
            return 0;
        }
        self.stack.node(angle::message_link(url, self.reading).unwrap_or_else(|| link_to(url)));
        url.len()
    }

    fn masked_link(&mut self) -> usize {
        if self.next_label_end.is_some_and(|at| at < self.at) {
            self.next_label_end = self.rest().find("](").map(|at| at + self.at);
        }
        let Some(label_end) = self.next_label_end else { return 0 };
        if label_end - self.at > MASKED_BYTES_MAX {
            return 0;
        }
        let label = &self.source[self.at + 1..label_end];
        let Some((url, taken)) = masked_target(&self.source[label_end + 2..]) else { return 0 };
        if label.trim().is_empty() || label.contains(['[', ']']) && !brackets_escaped(label) {
            return 0;
        }
        let children = Reader::new(label, self.reading, true).run();
        self.stack.node(Node::Link { url: url.to_owned(), children });
        label_end + 2 + taken - self.at
    }

    fn everyone(&mut self) -> usize {
        if !self.reading.everyone {
            return 0;
        }
        let Some(name) = ["everyone", "here"].into_iter().find(|name| self.rest()[1..].starts_with(name))
        else {
            return 0;
        };
        let mention = Mention { target: MentionTarget::Everyone, label: name.to_owned() };
        self.stack.node(Node::Mention(mention));
        1 + name.len()
    }
}

/// Brackets inside a label belong to it only when they are escaped.
fn brackets_escaped(label: &str) -> bool {
    let mut escaped = false;
    for c in label.chars() {
        if matches!(c, '[' | ']') && !escaped {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    true
}

/// What stands between the parentheses of a masked link, and the bytes up to and with the closing one.
fn masked_target(rest: &str) -> Option<(&str, usize)> {
    if let Some(inside) = rest.strip_prefix('<') {
        let end = inside.find(['>', '\n'])?;
        let url = &inside[..end];
        let closed = inside[end..].starts_with(">)");
        return (closed && starts_link(url) && !url.contains(char::is_whitespace)).then_some((url, end + 3));
    }
    let mut depth = 0usize;
    for (at, c) in rest.char_indices().take(MASKED_BYTES_MAX) {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => {
                let url = &rest[..at];
                return (starts_link(url) && url.len() > 8).then_some((url, at + 1));
            }
            c if c.is_whitespace() || c == '<' => return None,
            _ => {}
        }
    }
    None
}

/// The code after `count` backticks up to the next run of exactly as many.
fn code_span(rest: &str, count: usize) -> Option<(&str, usize)> {
    let bytes = rest.as_bytes();
    let mut at = count;
    while at < bytes.len() {
        if bytes[at] != b'`' {
            at += 1;
            continue;
        }
        let run = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
        if run == count {
            let code = &rest[count..at];
            return Some((unpadded(code), at + count));
        }
        at += run;
    }
    None
}

/// One space beside a backtick at the edge is there only to keep it apart.
fn unpadded(code: &str) -> &str {
    let code = if code.trim_start().starts_with('`') { code.strip_prefix(' ').unwrap_or(code) } else { code };
    if code.trim_end().ends_with('`') { code.strip_suffix(' ').unwrap_or(code) } else { code }
}
