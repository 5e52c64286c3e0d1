//! Tables of Matrix HTML and what is read from it, and the bounds that hostile HTML meets.

use std::fmt::Write;

use ruma::{EventId, RoomId, server_name, user_id};

use self::cases::CASES;
use super::*;
use crate::{
    convert::Known,
    ids::{GhostNames, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Person, TEXT_DEPTH_MAX},
};

#[rustfmt::skip]
mod cases;
mod properties;

pub(in crate::convert) fn ghosts() -> GhostNames {
    GhostNames::new("remote_", "remotebot", server_name!("example.org")).unwrap()
}

/// A portal in an old room, one in a room of version 12, a message, and somebody with two accounts.
pub(in crate::convert) fn known() -> Known {
    let mut known = Known::default();
    let chat = RemoteChatId::new("c1");
    let via = vec![server_name!("example.org").to_owned()];
    known.add_room(chat.clone(), RoomId::parse("!portal:example.org").unwrap(), via);
    known.add_address(ruma::RoomOrAliasId::parse("#general:example.org").unwrap(), chat.clone());
    let new_room = RoomId::parse("!abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").unwrap();
    known.add_room(RemoteChatId::new("c12"), new_room, Vec::new());
    known.add_message(chat, RemoteMessageId::new("m1"), EventId::parse("$said").unwrap());
    known.add_account(RemoteUserId::new("77"), user_id!("@dora:example.org").to_owned());
    known
}

pub(in crate::convert) fn read(html: &str, pings: &Pings) -> Option<RichText> {
    let (ghosts, known) = (ghosts(), known());
    let context = FromMatrix { may_mention_everyone: true, ..FromMatrix::new(&ghosts, &known) };
    read_html(html, pings, &context)
}

fn pings() -> Pings {
    let user_ids =
        [user_id!("@remote_42:example.org"), user_id!("@carol:example.org"), user_id!("@dora:example.org")];
    Pings { user_ids: user_ids.into_iter().map(ToOwned::to_owned).collect(), room: true }
}

/// The tree on one line: words in quotes, everything else by name.
pub(in crate::convert) fn show(nodes: &[Node]) -> String {
    let mut out = String::new();
    for node in nodes {
        if !out.is_empty() {
            out.push(' ');
        }
        let inside = || show(node.children());
        match node {
            Node::Text(words) => write!(out, "{words:?}"),
            Node::LineBreak => write!(out, "br"),
            Node::Strong(_) => write!(out, "strong[{}]", inside()),
            Node::Emphasis(_) => write!(out, "emphasis[{}]", inside()),
            Node::Strike(_) => write!(out, "strike[{}]", inside()),
            Node::Underline(_) => write!(out, "underline[{}]", inside()),
            Node::Quote(_) => write!(out, "quote[{}]", inside()),
            Node::Heading { level, .. } => write!(out, "heading{level}[{}]", inside()),
            Node::Spoiler { reason, .. } => {
                write!(out, "spoiler({})[{}]", reason.as_deref().unwrap_or("-"), inside())
            }
            Node::Code(code) => write!(out, "code({code:?})"),
            Node::CodeBlock { language, code } => {
                write!(out, "block({} {code:?})", language.as_deref().unwrap_or("-"))
            }
            Node::Link { url, .. } => write!(out, "link({url})[{}]", inside()),
            Node::Mention(mention) => write!(out, "{}", show_mention(mention)),
            Node::CustomEmoji { name, source } => write!(out, "emoji({name} {source:?})"),
            Node::List { start, items } => {
                let items: Vec<String> = items.iter().map(|item| format!("[{}]", show(item))).collect();
                let start = start.map_or_else(|| "-".to_owned(), |first| first.to_string());
                write!(out, "list({start}){}", items.concat())
            }
        }
        .unwrap();
    }
    out
}

fn show_mention(Mention { target, label }: &Mention) -> String {
    match target {
        MentionTarget::Person(Person::Remote(id)) => format!("remote({id} {label:?})"),
        MentionTarget::Person(Person::Matrix(id)) => format!("matrix({id} {label:?})"),
        MentionTarget::Chat(id) => format!("chat({id} {label:?})"),
        MentionTarget::Message(chat, id) => format!("message({chat} {id} {label:?})"),
        MentionTarget::Room(id) => format!("room({id} {label:?})"),
        MentionTarget::Group(id) => format!("group({id} {label:?})"),
        MentionTarget::Everyone => "everyone".to_owned(),
    }
}

fn check(name: &str, html: &str, expected: &str) {
    let tree = read(html, &pings()).unwrap();
    assert_eq!(show(&tree.0), expected, "{name}: {html}");
}

#[test]
fn each_case_gives_its_tree() {
    for (name, html, expected) in CASES {
        check(name, html, expected);
    }
}

#[test]
fn there_are_at_least_a_hundred_cases_with_names_of_their_own() {
    let names: BTreeSet<&str> = CASES.iter().map(|(name, ..)| *name).collect();
    assert!(names.len() >= 100, "{}", names.len());
    assert_eq!(names.len(), CASES.len());
}

#[test]
fn only_who_may_and_says_so_mentions_everybody() {
    let (ghosts, known) = (ghosts(), known());
    let may = FromMatrix { may_mention_everyone: true, ..FromMatrix::new(&ghosts, &known) };
    let may_not = FromMatrix::new(&ghosts, &known);
    let said = Pings { room: true, ..Pings::default() };
    for (pings, context, expected) in [
        (&said, &may, "\"hi \" everyone"),
        (&said, &may_not, "\"hi @room\""),
        (&Pings::default(), &may, "\"hi @room\""),
    ] {
        assert_eq!(show(&read_html("hi @room", pings, context).unwrap().0), expected);
        assert_eq!(show(&read_plain("hi @room", pings, context).0), expected);
    }
}

#[test]
fn the_depth_is_bounded_and_what_was_hidden_stays_hidden() {
    for tag in ["b", "div", "blockquote", "ul><li", "span data-mx-spoiler", "font", "p", "pre", "x"] {
        let open = format!("<{tag}>");
        let tree =
            read(&format!("{}core", open.repeat((HTML_BYTES_MAX - 9) / open.len())), &Pings::default())
                .unwrap();
        assert!(depth(&tree.0) <= TEXT_DEPTH_MAX, "{tag}");
        assert_eq!(tree.to_plain().contains("core"), !tag.contains("spoiler"), "{tag}");
    }
    assert_eq!(read(&"<b>".repeat(100_000), &Pings::default()), None);
}

#[test]
fn formatting_that_never_ends_is_not_repeated_in_every_paragraph() {
    let fonts: String = (0..2_000).map(|nth| format!("<b x={nth}>")).collect();
    let bomb = format!("<p>{fonts}</p>{}", "<p>x</p>".repeat(4_000));
    let tree = read(&bomb, &Pings::default()).unwrap();
    assert!(tree.to_plain().starts_with("x\n\nx"));
}

#[test]
fn a_tag_with_thousands_of_attributes_is_not_read() {
    let attributes: String = (0..4_000).map(|nth| format!(" a{nth}")).collect();
    assert_eq!(read(&format!("<b{attributes}>x"), &Pings::default()), None);
}

#[test]
fn references_name_each_target_once() {
    let html = r##"<a href="https://matrix.to/#/@a:b.org">a</a><a href="https://matrix.to/#/@a:b.org">a</a>
        <a href="https://matrix.to/#/!r:b.org/$e">e</a><a href="https://b.org">w</a>"##;
    let found: Vec<MatrixId> = html_references(html);
    assert_eq!(found.len(), 2, "{found:?}");
}

fn depth(nodes: &[Node]) -> usize {
    nodes
        .iter()
        .map(|node| match node {
            Node::List { items, .. } => 1 + items.iter().map(|item| depth(item)).max().unwrap_or(0),
            other => 1 + depth(other.children()),
        })
        .max()
        .unwrap_or(0)
}
