//! Tables of trees and what is written for them.

use std::collections::BTreeSet;

use ruma::{OwnedMxcUri, user_id};

use super::*;
use crate::{
    convert::from_html::tests::{ghosts, known},
    ids::{RemoteChatId, RemoteFileId, RemoteGroupId, RemoteMessageId, RemoteUserId},
    message::Person,
};
use Node::{Emphasis, LineBreak, Link, List, Quote, Strike, Strong, Underline};

#[rustfmt::skip]
mod cases;

fn text(words: &str) -> Node {
    Node::Text(words.to_owned())
}

fn strong(words: &str) -> Node {
    Strong(vec![text(words)])
}

fn quote(words: &str) -> Node {
    Quote(vec![text(words)])
}

fn code(words: &str) -> Node {
    Node::Code(words.to_owned())
}

fn block(language: Option<&str>, code: &str) -> Node {
    Node::CodeBlock { language: language.map(ToOwned::to_owned), code: code.to_owned() }
}

fn spoiler(reason: Option<&str>, words: &str) -> Node {
    Node::Spoiler { reason: reason.map(ToOwned::to_owned), children: vec![text(words)] }
}

fn heading(level: u8) -> Node {
    Node::Heading { level, children: vec![text("a")] }
}

fn list(start: Option<u64>, items: &[&str]) -> Node {
    List { start, items: items.iter().map(|words| vec![text(words)]).collect() }
}

fn link(url: &str, words: &str) -> Node {
    Link { url: url.to_owned(), children: vec![text(words)] }
}

fn emoji(name: &str, source: FileSource) -> Node {
    Node::CustomEmoji { name: name.to_owned(), source }
}

fn matrix(uri: &str) -> FileSource {
    FileSource::Matrix(OwnedMxcUri::from(uri))
}

fn remote(id: &str) -> FileSource {
    FileSource::Remote(RemoteFileId::new(id))
}

fn person(id: &str) -> MentionTarget {
    MentionTarget::Person(Person::Remote(RemoteUserId::new(id)))
}

fn mention(target: MentionTarget, label: &str) -> Node {
    Node::Mention(Mention { target, label: label.to_owned() })
}

fn write(nodes: Vec<Node>) -> Formatted {
    let (ghosts, known) = (ghosts(), known());
    write_html(&RichText(nodes), &ToMatrix::new(&ghosts, &known))
}

fn check(name: &str, nodes: Vec<Node>, body: &str, html: Option<&str>) {
    let written = write(nodes);
    assert_eq!(written.body, body, "{name}");
    assert_eq!(written.html.as_deref(), html, "{name}");
}

#[test]
fn each_case_gives_its_body_and_html() {
    for (name, nodes, body, html) in cases::cases() {
        check(name, nodes, body, html);
    }
}

#[test]
fn there_are_at_least_a_hundred_cases_with_names_of_their_own() {
    let cases = cases::cases();
    let names: BTreeSet<&str> = cases.iter().map(|(name, ..)| *name).collect();
    assert!(names.len() >= 100, "{}", names.len());
    assert_eq!(names.len(), cases.len());
}

#[test]
fn only_mention_nodes_ping() {
    let pings = write(vec![
        text("@room @remote_1:example.org"),
        mention(person("42"), "Ada"),
        mention(person("77"), "Dora"),
        mention(MentionTarget::Group(RemoteGroupId::new("7")), "room"),
    ])
    .pings;
    let named = [user_id!("@remote_42:example.org"), user_id!("@dora:example.org")].map(ToOwned::to_owned);
    assert_eq!(pings, Pings { user_ids: named.into(), room: false });
    assert!(write(vec![mention(MentionTarget::Everyone, "")]).pings.room);
}

#[test]
fn not_everybody_can_be_pinged_one_by_one() {
    let crowd = (0..PINGS_MAX + 50).map(|nth| mention(person(&nth.to_string()), "x")).collect();
    assert_eq!(write(crowd).pings.user_ids.len(), PINGS_MAX);
}
