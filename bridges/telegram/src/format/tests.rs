//! Tables of named cases, one per direction, and the words they are written with.

use std::collections::HashSet;

use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteGroupId, RemoteMessageId, RemoteUserId},
    message::{FileSource, Mention, MentionTarget, Node, Person, RichText},
};

use super::*;

mod quotes;
mod reading;
mod splitting;
mod wire;
mod writing;

/// The people, chats and pictures that the tables know.
pub(super) struct Known;

impl Names for Known {
    fn person(&self, username: &str) -> Option<RemoteUserId> {
        username.eq_ignore_ascii_case("ada_l").then(|| RemoteUserId::new("1"))
    }

    fn user(&self, number: i64) -> RemoteUserId {
        RemoteUserId::new(number.to_string())
    }

    fn username(&self, user: &RemoteUserId) -> Option<String> {
        (user.as_str() == "1").then(|| "ada_l".to_owned())
    }

    fn number(&self, user: &RemoteUserId) -> Option<i64> {
        user.as_str().parse().ok()
    }

    fn emoji(&self, custom_emoji_id: &str) -> RemoteFileId {
        RemoteFileId::new(format!("emoji:{custom_emoji_id}"))
    }

    fn address(&self, target: &MentionTarget) -> Option<String> {
        match target {
            MentionTarget::Chat(chat) if chat.as_str() == "-100" => Some("https://t.me/magpie".to_owned()),
            MentionTarget::Message(chat, id) if chat.as_str() == "-100" => {
                Some(format!("https://t.me/magpie/{id}"))
            }
            _ => None,
        }
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

fn emoji(name: &str, file: &str) -> Node {
    let source = FileSource::Remote(RemoteFileId::new(file));
    Node::CustomEmoji { name: name.to_owned(), source }
}

/// An entity of a kind.
pub(super) fn e(kind: Kind, offset: usize, length: usize) -> Entity {
    Entity { kind, offset, length }
}

fn bold(offset: usize, length: usize) -> Entity {
    e(Kind::Bold, offset, length)
}

fn italic(offset: usize, length: usize) -> Entity {
    e(Kind::Italic, offset, length)
}

fn hidden(offset: usize, length: usize) -> Entity {
    e(Kind::Spoiler, offset, length)
}

fn mono(offset: usize, length: usize) -> Entity {
    e(Kind::Code, offset, length)
}

fn cite(offset: usize, length: usize) -> Entity {
    e(Kind::Blockquote, offset, length)
}

fn pre(language: &str, offset: usize, length: usize) -> Entity {
    let language = (!language.is_empty()).then(|| language.to_owned());
    e(Kind::Pre { language }, offset, length)
}

fn to(url: &str, offset: usize, length: usize) -> Entity {
    e(Kind::TextLink { url: url.to_owned() }, offset, length)
}

fn who(id: i64, first_name: &str, offset: usize, length: usize) -> Entity {
    let user = User { id, is_bot: false, first_name: first_name.to_owned() };
    e(Kind::TextMention { user }, offset, length)
}

fn picture(id: &str, offset: usize, length: usize) -> Entity {
    e(Kind::CustomEmoji { id: id.to_owned() }, offset, length)
}

/// At least a hundred cases, each with a name of its own.
fn check_names(names: impl Iterator<Item = &'static str>) {
    let all: Vec<&str> = names.collect();
    let unique: HashSet<&str> = all.iter().copied().collect();
    assert!(all.len() >= 100, "only {} cases", all.len());
    assert_eq!(unique.len(), all.len(), "two cases share a name");
}
