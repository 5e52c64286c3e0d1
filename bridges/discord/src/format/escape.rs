//! Making words safe: nothing in them is read as markup, pings anybody, or turns into a mention or an emoji.

use super::{ZERO_WIDTH, inline};

/// Where words stand in the text that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// At the start of a line, where list, quote and heading marks count.
    LineStart,
    /// Anywhere else.
    Within,
}

/// What begins a mention, an emoji, a command, a date or a link after `<`.
const AFTER_ANGLE: [char; 8] = ['@', '#', ':', '/', 'a', 'h', 'i', 't'];

/// The letter as it may be shown; `None` for control characters.
pub(super) fn printable(c: char) -> Option<char> {
    match c {
        '\n' => Some(c),
        '\t' => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// Escapes words without line breaks.
pub(super) fn text(words: &str, place: At) -> String {
    let words: String =
        words.chars().filter_map(printable).map(|c| if c == '\n' { ' ' } else { c }).collect();
    let mut out = String::with_capacity(words.len() + 8);
    let mut rest = words.as_str();
    if place == At::LineStart {
        let skipped = line_mark(rest, &mut out);
        rest = &rest[skipped..];
    }
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        // Discord takes a link whole, backslashes included, so it must not be escaped inside.
        if c == 'h' && inline::starts_link(rest) && !before.is_some_and(char::is_alphanumeric) {
            let url = &rest[..inline::bare_link_bytes(rest)];
            if !url.is_empty() {
                out.push_str(&link(url));
                before = url.chars().next_back();
                rest = &rest[url.len()..];
                continue;
            }
        }
        rest = &rest[c.len_utf8()..];
        letter(c, rest, &mut out);
        before = Some(c);
    }
    out
}

/// Code as it is, without what would ping or end it.
pub(super) fn code(code: &str) -> String {
    let code: String = code.chars().filter_map(printable).collect();
    let mut out = String::with_capacity(code.len());
    let mut rest = code.as_str();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        out.push(c);
        if pings(c, rest) || c == '`' && rest.starts_with('`') {
            out.push(ZERO_WIDTH);
        }
    }
    out
}

/// A link's address in its safe spelling: nothing that ends it or pings.
pub(super) fn link(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '@' if pings(c, rest) => out.push_str("%40"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            // Marks would end what the link stands in.
            '*' => out.push_str("%2A"),
            '|' => out.push_str("%7C"),
            '`' => out.push_str("%60"),
            '\\' => out.push_str("%5C"),
            c if c.is_whitespace() || c.is_control() => out.push_str("%20"),
            c => out.push(c),
        }
    }
    out
}

fn letter(c: char, rest: &str, out: &mut String) {
    match c {
        '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '<' => {
            out.push('\\');
            out.push(c);
        }
        _ => out.push(c),
    }
    if pings(c, rest) {
        out.push(ZERO_WIDTH);
    }
}

/// Whether `c` with what follows would be read as a mention of any sort.
fn pings(c: char, rest: &str) -> bool {
    match c {
        '@' => ["everyone", "here"]
            .iter()
            .any(|name| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))),
        // What follows may stand in the next piece of the text.
        '<' => rest.is_empty() || rest.starts_with(AFTER_ANGLE),
        _ => false,
    }
}

/// Writes the start of a line so that it is no list, quote or heading mark; says how many bytes are done.
fn line_mark(words: &str, out: &mut String) -> usize {
    let indent = words.len() - words.trim_start_matches(' ').len();
    let marked = &words[indent..];
    let digits = marked.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && marked[digits..].starts_with('.') {
        out.push_str(&words[..indent + digits]);
        out.push_str("\\.");
        return indent + digits + 1;
    }
    if let Some(mark @ ('#' | '>' | '-' | '+')) = marked.chars().next() {
        out.push_str(&words[..indent]);
        out.push('\\');
        out.push(mark);
        return indent + 1;
    }
    0
}
