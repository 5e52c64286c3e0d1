//! The last messages as a reply needs them: who said what, in a few words. Never more than a screenful of them.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use magpie_common::message::{Node, RichText};
use serde_json::Value;

use super::world::Known;
use crate::{
    events::{MessageNames, shown_name},
    format::{self, Reading},
    json::text,
};

/// So many messages are remembered.
const MESSAGES_MAX: NonZeroUsize = NonZeroUsize::new(500).expect("it is not zero");

/// So much of a message is shown.
const WORDS_CHARS_MAX: usize = 80;

/// What is shown for something hidden.
const HIDDEN: &str = "▮▮▮";

/// A message as a reply shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Who said it.
    pub name: String,
    /// Its first words.
    pub words: String,
}

/// The last messages, by their ids.
pub(crate) struct SeenMessages(Mutex<LruCache<String, Seen>>);

impl Default for SeenMessages {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MESSAGES_MAX)))
    }
}

impl SeenMessages {
    /// A message, if it is remembered.
    pub fn get(&self, id: &str) -> Option<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Remembers a message.
    pub fn put(&self, id: &str, seen: Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(id.to_owned(), seen);
    }
}

impl Seen {
    /// Reads a message; `None` when it names nobody.
    pub fn of(message: &Value, known: &Known) -> Option<Self> {
        let name = shown_name(&message["author"], &message["member"]);
        if name.is_empty() || text(&message["id"]).is_empty() {
            return None;
        }
        let content = message["content"].as_str().unwrap_or_default();
        let names = MessageNames::of(message, known);
        let read = format::read(content, &Reading { names: &names, everyone: false });
        let plain = RichText(read.0.into_iter().map(veiled).collect()).to_plain();
        let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut words: String = line.chars().take(WORDS_CHARS_MAX).collect();
        if words.len() < line.len() {
            words.push('…');
        }
        Some(Self { name, words })
    }
}

/// What was hidden stays hidden in a quote, however deep it stands.
fn veiled(node: Node) -> Node {
    match node {
        Node::Spoiler { .. } => Node::Text(HIDDEN.to_owned()),
        Node::Strong(children) => Node::Strong(children.into_iter().map(veiled).collect()),
        Node::Emphasis(children) => Node::Emphasis(children.into_iter().map(veiled).collect()),
        Node::Strike(children) => Node::Strike(children.into_iter().map(veiled).collect()),
        Node::Underline(children) => Node::Underline(children.into_iter().map(veiled).collect()),
        Node::Quote(children) => Node::Quote(children.into_iter().map(veiled).collect()),
        Node::Link { url, children } => {
            Node::Link { url, children: children.into_iter().map(veiled).collect() }
        }
        Node::Heading { level, children } => {
            Node::Heading { level, children: children.into_iter().map(veiled).collect() }
        }
        Node::List { start, items } => {
            let veil = |item: Vec<Node>| item.into_iter().map(veiled).collect();
            Node::List { start, items: items.into_iter().map(veil).collect() }
        }
        leaf @ (Node::Text(_)
        | Node::Code(_)
        | Node::CodeBlock { .. }
        | Node::Mention(_)
        | Node::CustomEmoji { .. }
        | Node::LineBreak) => leaf,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_quote_is_short_and_hides_what_was_hidden() {
        let seen = |content: &str| {
            let mentions = json!([{"id": "6", "username": "bob", "member": {"nick": "Bobby"}}]);
            let author = json!({"username": "ada"});
            let message = json!({"id": "1", "author": author, "content": content, "mentions": mentions});
            Seen::of(&message, &Known::default()).unwrap().words
        };
        assert_eq!(seen("hello\nthere"), "hello there");
        assert_eq!(seen("it was **||the butler||**!"), "it was ▮▮▮!");
        assert_eq!(seen("ask <@6>, not <@7>"), "ask @Bobby, not @7");
        assert_eq!(seen(&"x".repeat(100)).chars().count(), WORDS_CHARS_MAX + 1);
    }
}
