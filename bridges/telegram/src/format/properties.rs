//! What holds for every text, not only for the cases somebody thought of.

use magpie_common::message::{Node, RichText};
use proptest::prelude::*;

use super::{
    ENTITIES_MAX, Entity, Kind, Part, TEXT_UNITS_MAX, read,
    tests::{Known, e, t},
    units::{Places, units},
    write,
};

/// Words with all sorts of letters in them.
fn words() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec![
        "a",
        "b",
        "Z",
        "7",
        ".",
        "_",
        "@",
        "@ada_l",
        "@@",
        "x@y",
        " ",
        "  ",
        "#a",
        "/b",
        "é",
        "e\u{301}",
        "鹊",
        "🐦",
        "👩‍🚀",
        "\u{7}",
        "\u{202e}",
        "\u{200b}",
        "\t",
        "\r",
        "https://e.org/a",
        "https://e.org/@b",
        "\u{2028}",
    ]);
    prop_oneof![
        3 => prop::collection::vec(letters, 1..8).prop_map(|pieces| pieces.concat()),
        1 => "\\PC{0,12}",
        1 => any::<String>(),
    ]
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        6 => words().prop_map(Node::Text),
        1 => words().prop_map(Node::Code),
        1 => Just(Node::LineBreak),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let children = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            children.clone().prop_map(Node::Strong),
            children.clone().prop_map(Node::Emphasis),
            children.clone().prop_map(Node::Underline),
            children.clone().prop_map(Node::Strike),
            children.clone().prop_map(|children| Node::Spoiler { reason: None, children }),
            children.clone().prop_map(Node::Quote),
            children.clone().prop_map(|children| Node::Heading { level: 2, children }),
            children.clone().prop_map(|children| Node::Link { url: "https://e.org/a".into(), children }),
            prop::collection::vec(children, 1..3).prop_map(|items| Node::List { start: Some(1), items }),
            words().prop_map(|code| Node::CodeBlock { language: Some("c".into()), code }),
        ]
    })
}

fn any_text() -> impl Strategy<Value = RichText> {
    prop::collection::vec(node(), 1..8).prop_map(RichText)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Mention,
        Kind::Hashtag,
        Kind::Url,
        Kind::Email,
        Kind::Bold,
        Kind::Italic,
        Kind::Underline,
        Kind::Strikethrough,
        Kind::Spoiler,
        Kind::Blockquote,
        Kind::ExpandableBlockquote,
        Kind::Code,
        Kind::Pre { language: None },
        Kind::TextLink { url: "https://e.org".into() },
        Kind::TextLink { url: "x:y".into() },
        Kind::TextMention { user: super::User { id: 2, is_bot: false, first_name: String::new() } },
        Kind::CustomEmoji { id: "5".into() },
        Kind::Unknown("sparkle".into()),
    ])
}

fn entities() -> impl Strategy<Value = Vec<Entity>> {
    let place = || prop_oneof![8 => 0..40usize, 1 => Just(usize::MAX)];
    prop::collection::vec(
        (kind(), place(), place()).prop_map(|(kind, offset, length)| e(kind, offset, length)),
        0..20,
    )
}

/// Trees that Telegram can show exactly.
fn plain_tree() -> impl Strategy<Value = Vec<Node>> {
    let word = || "[a-z][a-z*_.🐦é -]{0,8}[a-z]";
    let marked = (word(), 0..9u8).prop_map(|(word, mark)| {
        let words = t(&word);
        match mark {
            0 => Node::Strong(vec![words]),
            1 => Node::Emphasis(vec![words]),
            2 => Node::Underline(vec![words]),
            3 => Node::Strong(vec![Node::Strike(vec![words])]),
            4 => Node::Spoiler { reason: None, children: vec![words, Node::Emphasis(vec![t("x")])] },
            5 => Node::Link { url: "https://e.org/a".into(), children: vec![Node::Strong(vec![words])] },
            6 => Node::Quote(vec![words, Node::LineBreak, Node::Strong(vec![t("x")])]),
            7 => Node::CodeBlock { language: Some("rust".into()), code: format!("{word}\n  {word}") },
            _ => Node::Code(word),
        }
    });
    prop::collection::vec((marked, word()).prop_map(|(node, words)| vec![t(&words), node]), 1..4)
        .prop_map(|pairs| pairs.concat())
}

/// What would be refused or not shown by Telegram.
fn faults(part: &Part, units_max: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let places = Places::of(&part.text);
    if units(&part.text) > units_max || part.text.is_empty() || part.text.trim() != part.text {
        faults.push("its length".to_owned());
    }
    if part.text.chars().any(|c| c.is_control() && c != '\n') {
        faults.push("a control character".to_owned());
    }
    if part.entities.len() > ENTITIES_MAX {
        faults.push("its number of entities".to_owned());
    }
    let stretch = |entity: &Entity| places.bytes(entity.offset, entity.length);
    for (nth, entity) in part.entities.iter().enumerate() {
        match stretch(entity).map(|range| &part.text[range]) {
            Some(words) if units(words) == entity.length && !words.trim().is_empty() => {}
            _ => faults.push(format!("{entity:?} covers nothing")),
        }
        for inner in &part.entities[nth + 1..] {
            let end = entity.offset + entity.length;
            if inner.offset < end && (inner.offset + inner.length > end || !may_hold(entity, inner)) {
                faults.push(format!("{inner:?} in {entity:?}"));
            }
        }
    }
    let is_shield =
        |entity: &&Entity| matches!(entity.kind, Kind::Code | Kind::Pre { .. } | Kind::TextLink { .. });
    let shields: Vec<_> = part.entities.iter().filter(is_shield).filter_map(stretch).collect();
    for (at, _) in part.text.match_indices('@') {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let after_name = part.text[..at].chars().next_back().is_some_and(is_name);
        let is_mention = !after_name && part.text[at + 1..].starts_with(is_name);
        if is_mention && !shields.iter().any(|range| range.contains(&at)) {
            faults.push(format!("a mention at {at}"));
        }
    }
    faults
}

/// <https://core.telegram.org/bots/api#formatting-options>, "Message entities can be nested".
fn may_hold(outer: &Entity, inner: &Entity) -> bool {
    let is_style = |kind: &Kind| kind.is_style() || *kind == Kind::Spoiler;
    let is_code = |kind: &Kind| matches!(kind, Kind::Code | Kind::Pre { .. });
    match (&outer.kind, &inner.kind) {
        (outer, inner) if outer == inner => false,
        (outer, inner) if is_code(outer) || is_code(inner) && is_style(outer) => false,
        (outer, _) if is_style(outer) => true,
        (_, inner) if is_style(inner) => true,
        (outer, _) => *outer == Kind::Blockquote,
    }
}

fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_with_any_entities_is_read(words in words(), more in words(), entities in entities()) {
        let text = format!("{words}\n{more}");
        let tree = read(&text, &entities, &Known);
        for part in write(&tree, &Known, TEXT_UNITS_MAX) {
            let mut faults = faults(&part, TEXT_UNITS_MAX);
            // People that were read are mentioned again.
            faults.retain(|fault| !fault.starts_with("a mention"));
            prop_assert_eq!(faults, Vec::<String>::new(), "{:?}", part);
        }
        let plain = tree.to_plain();
        prop_assert!(!plain.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{:?}", plain);
    }

    #[test]
    fn every_part_is_one_that_telegram_takes(text in any_text(), units_max in 64usize..300) {
        for part in write(&text, &Known, units_max) {
            prop_assert_eq!(faults(&part, units_max), Vec::<String>::new(), "{:?}", part);
        }
    }

    #[test]
    fn parts_together_are_the_whole_text(text in any_text(), units_max in 64usize..200) {
        let join = |parts: Vec<Part>| parts.into_iter().map(|part| solid(&part.text)).collect::<String>();
        let whole = write(&text, &Known, usize::MAX);
        prop_assert!(whole.len() <= 1 || whole.iter().any(|part| part.entities.len() > ENTITIES_MAX / 2));
        prop_assert_eq!(join(write(&text, &Known, units_max)), join(whole));
    }

    #[test]
    fn trees_come_back_as_they_were(nodes in plain_tree()) {
        let text = RichText(nodes).bounded();
        let parts = write(&text, &Known, TEXT_UNITS_MAX);
        prop_assert_eq!(parts.len(), 1);
        prop_assert_eq!(read(&parts[0].text, &parts[0].entities, &Known), text, "{:?}", parts);
    }

    #[test]
    fn reading_and_writing_again_changes_nothing_more(words in words(), entities in entities()) {
        let again = |tree: &RichText| match &write(tree, &Known, usize::MAX)[..] {
            [] => RichText::default(),
            [part, ..] => read(&part.text, &part.entities, &Known),
        };
        let first = again(&read(&words, &entities, &Known));
        let second = again(&first);
        prop_assert_eq!(again(&second), second);
    }
}
