//! Which links Telegram can show, which it finds by itself, and what the others become.

use super::{Kind, Span};

/// A link that Telegram takes, without what does not belong into an address. Only web links: those of Telegram itself could mention somebody.
pub(super) fn address(url: &str) -> Option<String> {
    let url: String = url.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let (scheme, rest) = url.split_once("://")?;
    let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_web && !rest.is_empty()).then_some(url)
}

/// Whether the words of a link are the link.
pub(super) fn is_shown(url: &str, words: &str) -> bool {
    let words = words.trim();
    words.is_empty() || words == url || url.strip_prefix("http://") == Some(words)
}

/// What stands behind the words of a link that Telegram does not take.
pub(super) fn spelled(url: &str, words: &str) -> String {
    let address = url.strip_prefix("mailto:").unwrap_or(url);
    match words.trim() {
        "" => address.to_owned(),
        words if words == url || words == address => String::new(),
        _ => format!(" ({address})"),
    }
}

/// Whether Telegram finds the link by itself.
pub(super) fn is_needless(span: &Span, text: &str) -> bool {
    let Kind::TextLink { url } = &span.kind else { return false };
    let is_apart = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#=&%+".contains(c);
    text[span.range.clone()] == **url
        && url.chars().all(is_plain)
        && url.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && url.contains('.')
        && is_apart(text[..span.range.start].chars().next_back())
        && is_apart(text[span.range.end..].chars().next())
}
