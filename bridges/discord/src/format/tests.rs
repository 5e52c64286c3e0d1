//! Tables of named cases, one per direction, and the words they are written with.

use std::collections::HashSet;

use magpie_common::{
    ids::{RemoteChatId, RemoteGroupId, RemoteMessageId, RemoteUserId},
    message::{FileSource, Mention, MentionTarget, Node, Person, RichText},
};

use super::*;
use crate::place::Spot;

mod reading;
mod splitting;
mod writing;

/// The names that the tables know.
pub(super) struct Known;

impl Names for Known {
    fn user(&self, id: &str) -> Option<String> {
        (id == "1").then(|| "Ada".to_owned())
    }

    fn role(&self, id: &str) -> Option<String> {
        (id == "2").then(|| "mods".to_owned())
    }

    fn channel(&self, id: &str) -> Option<String> {
        (id == "3").then(|| "general".to_owned())
    }

    fn guild_of(&self, channel: &str) -> Option<String> {
        (channel == "3").then(|| "9".to_owned())
    }

    fn message(&self, channel: &str, message: &str) -> (RemoteChatId, RemoteMessageId) {
        let spot = match channel {
            "5" => Spot { chat: "3".to_owned(), thread: Some("5".to_owned()) },
            _ => Spot::plain(channel),
        };
        (spot.chat(), spot.message(message))
    }
}

pub(super) fn t(words: &str) -> Node {
    Node::Text(words.to_owned())
}

fn n() -> Node {
    Node::LineBreak
}

fn strong(children: Vec<Node>) -> Node {
    Node::Strong(children)
}

fn em(children: Vec<Node>) -> Node {
    Node::Emphasis(children)
}

fn under(children: Vec<Node>) -> Node {
    Node::Underline(children)
}

fn strike(children: Vec<Node>) -> Node {
    Node::Strike(children)
}

fn spoiler(children: Vec<Node>) -> Node {
    Node::Spoiler { reason: None, children }
}

fn code(code: &str) -> Node {
    Node::Code(code.to_owned())
}

fn block(language: &str, code: &str) -> Node {
    let language = (!language.is_empty()).then(|| language.to_owned());
    Node::CodeBlock { language, code: code.to_owned() }
}

fn quote(children: Vec<Node>) -> Node {
    Node::Quote(children)
}

fn heading(level: u8, words: &str) -> Node {
    Node::Heading { level, children: vec![t(words)] }
}

fn bullets(items: Vec<Vec<Node>>) -> Node {
    Node::List { start: None, items }
}

fn numbers(start: u64, items: Vec<Vec<Node>>) -> Node {
    Node::List { start: Some(start), items }
}

fn link(url: &str, children: Vec<Node>) -> Node {
    Node::Link { url: url.to_owned(), children }
}

fn bare(url: &str) -> Node {
    link(url, vec![t(url)])
}

fn mention(target: MentionTarget, label: &str) -> Node {
    Node::Mention(Mention { target, label: label.to_owned() })
}

fn user(id: &str, label: &str) -> Node {
    mention(MentionTarget::Person(Person::Remote(RemoteUserId::new(id))), label)
}

fn role(id: &str, label: &str) -> Node {
    mention(MentionTarget::Group(RemoteGroupId::new(id)), label)
}

fn channel(id: &str, label: &str) -> Node {
    mention(MentionTarget::Chat(RemoteChatId::new(id)), label)
}

fn message(chat: &str, id: &str, label: &str) -> Node {
    mention(MentionTarget::Message(RemoteChatId::new(chat), RemoteMessageId::new(id)), label)
}

fn everyone(label: &str) -> Node {
    mention(MentionTarget::Everyone, label)
}

fn emoji(name: &str, file: &str) -> Node {
    let source = FileSource::Remote(magpie_common::ids::RemoteFileId::new(file));
    Node::CustomEmoji { name: name.to_owned(), source }
}

/// At least a hundred cases, each with a name of its own.
fn check_names(names: impl Iterator<Item = &'static str>) {
    let all: Vec<&str> = names.collect();
    let unique: HashSet<&str> = all.iter().copied().collect();
    assert!(all.len() >= 100, "only {} cases", all.len());
    assert_eq!(unique.len(), all.len(), "two cases share a name");
}
