//! Tables of both directions.

use std::collections::HashSet;

use magpie_common::{
    ids::RemoteUserId,
    message::{Mention, MentionTarget, Node, Person, RichText},
};

use super::Names;

mod reading;
mod writing;

/// Ada, whom digits can mention.
struct Ada;

impl Names for Ada {
    fn mentioned(&self, digits: &str) -> Option<(RemoteUserId, String)> {
        (digits == "16505551234").then(|| (RemoteUserId::new(digits), "Ada".to_owned()))
    }

    fn digits(&self, user: &RemoteUserId) -> Option<String> {
        (user.as_str() == "16505551234").then(|| user.to_string())
    }
}

fn t(words: &str) -> Node {
    Node::Text(words.to_owned())
}

fn b(children: Vec<Node>) -> Node {
    Node::Strong(children)
}

fn i(children: Vec<Node>) -> Node {
    Node::Emphasis(children)
}

fn s(children: Vec<Node>) -> Node {
    Node::Strike(children)
}

fn bold(words: &str) -> Node {
    b(vec![t(words)])
}

fn italic(words: &str) -> Node {
    i(vec![t(words)])
}

fn struck(words: &str) -> Node {
    s(vec![t(words)])
}

fn code(code: &str) -> Node {
    Node::Code(code.to_owned())
}

fn block(code: &str) -> Node {
    Node::CodeBlock { language: None, code: code.to_owned() }
}

fn quote(children: Vec<Node>) -> Node {
    Node::Quote(children)
}

fn bullets(items: Vec<Vec<Node>>) -> Node {
    Node::List { start: None, items }
}

fn numbers(start: u64, items: Vec<Vec<Node>>) -> Node {
    Node::List { start: Some(start), items }
}

fn link(url: &str, words: &str) -> Node {
    Node::Link { url: url.to_owned(), children: vec![t(words)] }
}

fn mention(target: MentionTarget, label: &str) -> Node {
    Node::Mention(Mention { target, label: label.to_owned() })
}

fn ada() -> Node {
    mention(MentionTarget::Person(Person::Remote(RemoteUserId::new("16505551234"))), "Ada")
}

const BR: Node = Node::LineBreak;

/// At least a hundred cases, each with a name of its own.
fn check_names(names: impl Iterator<Item = &'static str>) {
    let all: Vec<&str> = names.collect();
    let unique: HashSet<&str> = all.iter().copied().collect();
    assert!(all.len() >= 100, "only {} cases", all.len());
    assert_eq!(unique.len(), all.len(), "two cases share a name");
}

fn tree(nodes: Vec<Node>) -> RichText {
    RichText(nodes)
}
