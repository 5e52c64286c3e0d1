//! What holds for every text, not only for the cases somebody thought of.

use std::time::{Duration, Instant};

use magpie_common::message::{Node, RichText, TEXT_DEPTH_MAX};
use proptest::prelude::*;

use super::{
    CONTENT_UNITS_MAX, Reading, read, split,
    tests::{Known, t},
    write,
};

fn back(text: &RichText) -> (String, RichText) {
    let parts = write(text, &Known);
    let contents: Vec<String> = parts.into_iter().map(|part| part.content).collect();
    let content = contents.join("");
    let text = read(&content, &Reading { names: &Known, everyone: false });
    (content, text)
}

/// Words with every sort of mark in them.
fn words() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec![
        "a",
        "b",
        "Z",
        "7",
        ".",
        ",",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "|",
        "||",
        "`",
        "```",
        "\\",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "#",
        "-",
        "@",
        "!",
        ":",
        "é",
        "鹊",
        "🐦",
        " x ",
        "1.",
        "<@1>",
        "@everyone",
        "@here",
        "<#3>",
        "<:a:5>",
    ]);
    prop::collection::vec(letters, 1..8).prop_map(|pieces| pieces.concat())
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        4 => words().prop_map(Node::Text),
        1 => "[a-z*_ ]{1,6}".prop_map(Node::Code),
        1 => Just(Node::LineBreak),
    ]
}

fn inline() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let children = prop::collection::vec(inner, 1..4);
        prop_oneof![
            children.clone().prop_map(Node::Strong),
            children.clone().prop_map(Node::Emphasis),
            children.clone().prop_map(Node::Underline),
            children.clone().prop_map(Node::Strike),
            children.clone().prop_map(|children| Node::Spoiler { reason: None, children }),
            children.prop_map(|children| Node::Link { url: "https://e.org/a".into(), children }),
        ]
    })
}

fn any_text() -> impl Strategy<Value = RichText> {
    let inlines = || prop::collection::vec(inline(), 1..5);
    let block = prop_oneof![
        3 => inlines(),
        1 => inlines().prop_map(|children| vec![Node::Quote(children)]),
        1 => inlines().prop_map(|children| vec![Node::Heading { level: 2, children }]),
        1 => prop::collection::vec(inlines(), 1..3).prop_map(|items| vec![Node::List { start: None, items }]),
        1 => "[a-z`\n*]{1,20}".prop_map(|code| vec![Node::CodeBlock { language: None, code }]),
    ];
    prop::collection::vec(block, 1..4).prop_map(|blocks| RichText(blocks.concat()))
}

/// Trees that Discord can show exactly: each mark at most once on the way, words with letters at their edges.
fn plain_tree() -> impl Strategy<Value = Vec<Node>> {
    let word = "[a-z][a-z*_~|`#>.@\\\\ -]{0,8}[a-z]".prop_map(Node::Text);
    let marked = (word, 0..6u8).prop_map(|(word, mark)| match mark {
        0 => Node::Strong(vec![word]),
        1 => Node::Emphasis(vec![word]),
        2 => Node::Underline(vec![word]),
        3 => Node::Strike(vec![Node::Strong(vec![word])]),
        4 => Node::Spoiler { reason: None, children: vec![Node::Emphasis(vec![word])] },
        _ => Node::Code("x".into()),
    });
    let pair =
        (marked, "[a-z][a-z*_~|`#>.@\\\\ -]{0,8}[a-z]").prop_map(|(node, words)| vec![t(&words), node]);
    prop::collection::vec(pair, 1..4).prop_map(|pairs| pairs.concat())
}

/// Everything in `content` that Discord would read as a mention or an emoji.
fn pings(content: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in content.match_indices('@') {
        let rest = &content[at + 1..];
        found.extend(
            ["everyone", "here"]
                .iter()
                .filter(|name| rest.starts_with(**name))
                .map(|name| format!("@{name}")),
        );
    }
    for (at, _) in content.match_indices('<') {
        let rest = &content[at + 1..];
        let is_ping = ["@", "#", ":", "a:", "/", "t:", "id:"].iter().any(|start| rest.starts_with(start));
        if is_ping && rest.contains('>') {
            found.push(rest.chars().take(20).collect());
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_unasked_mention_and_no_control_character_is_written(text in any_text()) {
        for part in write(&text, &Known) {
            prop_assert_eq!(pings(&part.content), Vec::<String>::new(), "{}", part.content);
            prop_assert!(!part.content.chars().any(|c| c.is_control() && c != '\n'), "{:?}", part.content);
            prop_assert!(!part.allowed.everyone && part.allowed.users.is_empty() && part.allowed.roles.is_empty());
        }
    }

    #[test]
    fn trees_come_back_as_they_were(nodes in plain_tree()) {
        let text = RichText(nodes).bounded();
        let (content, again) = back(&text);
        prop_assert_eq!(&again, &text, "{}", content);
    }

    #[test]
    fn words_are_never_lost_or_added(words in words()) {
        let text = RichText::plain(words.trim());
        let (content, again) = back(&text);
        let plain = again.to_plain().replace('\u{200b}', "");
        prop_assert_eq!(plain, words.trim(), "{}", content);
    }

    #[test]
    fn reading_and_writing_again_changes_nothing_more(content in "[a-c*_~|`<>@#:\\-\\[\\]()\n\\\\ ]{0,60}") {
        let first = read(&content, &Reading { names: &Known, everyone: false });
        let (_, second) = back(&first);
        let (_, third) = back(&second);
        prop_assert_eq!(second, third, "{}", content);
    }

    #[test]
    fn parts_are_never_too_long(text in any_text(), units_max in 60usize..200) {
        for part in split::parts(&text.0, &Known, units_max) {
            prop_assert!(split::units(&part.content) <= CONTENT_UNITS_MAX);
        }
    }
}

fn depth(nodes: &[Node]) -> usize {
    let inside = |node: &Node| match node {
        Node::List { items, .. } => items.iter().map(|item| depth(item)).max().unwrap_or(0),
        other => depth(other.children()),
    };
    nodes.iter().map(|node| 1 + inside(node)).max().unwrap_or(0)
}

#[test]
fn hostile_input_stays_shallow_and_takes_little_time() {
    let hostile = [
        "**",
        "*",
        "_",
        "__",
        "||",
        "~~",
        "`",
        "``",
        "[",
        "](",
        "<",
        "<@",
        "> ",
        ">>> ",
        "- ",
        "\\",
        "[a](https://e.org/",
        "* _",
        "**_",
        "``` ",
        "https://",
        "(((",
        "https://)",
        "\n- ",
        "\n> ",
        "\n  - ",
        "||**__~~",
        "`` ` ",
    ];
    for piece in hostile {
        let content = piece.repeat(10_000);
        let content: String = content.chars().take(super::PARSED_BYTES_MAX).collect();
        let start = Instant::now();
        let text = read(&content, &Reading { names: &Known, everyone: true });
        assert!(start.elapsed() < Duration::from_secs(2), "{piece:?} took {:?}", start.elapsed());
        assert!(depth(&text.0) <= TEXT_DEPTH_MAX, "{piece:?}");
        let start = Instant::now();
        let parts = write(&text, &Known);
        assert!(start.elapsed() < Duration::from_secs(10), "{piece:?} took {:?} to write", start.elapsed());
        assert!(parts.iter().all(|part| split::units(&part.content) <= CONTENT_UNITS_MAX));
    }
}
