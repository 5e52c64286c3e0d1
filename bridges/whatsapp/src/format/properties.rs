//! What holds for any text.

use magpie_common::message::{Node, RichText};
use proptest::prelude::*;

use super::{Nobody, TEXT_CHARS_MAX, read, write};

/// Letters and digits, in order.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let leaf = prop_oneof![
        "[a-z*_~` @>.]{0,12}".prop_map(Node::Text),
        Just(Node::LineBreak),
        "[a-z ]{0,8}".prop_map(Node::Code),
    ];
    let node = leaf.prop_recursive(4, 32, 4, |inner| {
        let children = prop::collection::vec(inner, 0..4);
        prop_oneof![
            children.clone().prop_map(Node::Strong),
            children.clone().prop_map(Node::Emphasis),
            children.clone().prop_map(Node::Strike),
            children.clone().prop_map(Node::Underline),
            children.clone().prop_map(Node::Quote),
            prop::collection::vec(children, 0..3).prop_map(|items| Node::List { start: None, items }),
        ]
    });
    prop::collection::vec(node, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn reading_loses_no_words(text in "[a-zA-Z0-9*_~`> \\-.\n@:/]{0,200}") {
        // Numbers of lists are told by their place.
        let text = text.replace(char::is_numeric, "");
        let read = read(&text, &Nobody);
        prop_assert_eq!(letters(&read.to_plain()), letters(&text));
    }

    #[test]
    fn reading_anything_never_fails_and_shows_no_control_characters(text in "\\PC{0,100}[\u{0}-\u{1f}]{0,4}.{0,100}") {
        let read = read(&text, &Nobody);
        prop_assert!(!read.to_plain().chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn writing_loses_no_words_and_keeps_the_limit(nodes in nodes(), chars_max in 64_usize..200) {
        let text = RichText(nodes);
        let parts = write(&text, &Nobody, chars_max);
        for part in &parts {
            prop_assert!(part.text.chars().count() <= chars_max, "{}", part.text);
            prop_assert!(!part.text.trim().is_empty());
        }
        let written: String = parts.iter().map(|part| part.text.as_str()).collect();
        prop_assert_eq!(letters(&written), letters(&text.to_plain()));
    }

    #[test]
    fn what_is_read_and_written_again_reads_the_same(text in "[a-c*_~ \n]{0,60}") {
        let first = read(&text, &Nobody);
        let written: Vec<_> = write(&first, &Nobody, TEXT_CHARS_MAX).into_iter().map(|part| part.text).collect();
        let words = |text: &RichText| letters(&text.to_plain());
        prop_assert_eq!(words(&read(&written.concat(), &Nobody)), words(&first));
    }
}
