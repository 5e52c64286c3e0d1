//! What holds for every text, not only for the ones somebody thought of.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use ruma::html::{Html, NodeData, NodeRef};

use super::*;
use crate::convert::{Formatted, ToMatrix, write_html};

const WORDS: &str = "[a-zA-Z0-9<>&\"'é喜]{1,8}( [a-z<&;]{1,4}){0,2}";

/// Anything a network may send, and what it should not.
const NASTY: &str = "(\\PC|[\\x00-\\x1f\\x7f\\x85]|<script>|</code>|<b onclick=x>|\"|'|&lt;|@room|@carol:example.org|javascript:){0,8}";

fn write(tree: &RichText) -> Formatted {
    let (ghosts, known) = (ghosts(), known());
    write_html(tree, &ToMatrix::new(&ghosts, &known))
}

fn words() -> impl Strategy<Value = Node> {
    WORDS.prop_map(Node::Text)
}

fn mention_of(id: u32, label: String) -> Node {
    let target = MentionTarget::Person(Person::Remote(RemoteUserId::new(id.to_string())));
    Node::Mention(Mention { target, label })
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        4 => words(),
        1 => "[a-z<&  ]{1,6}".prop_map(Node::Code),
        1 => (100..200_u32, "[A-Za-z]{1,8}").prop_map(|(id, label)| mention_of(id, label)),
        1 => "[a-z]{1,8}".prop_map(|name| Node::CustomEmoji { name, source: FileSource::Matrix("mxc://e.org/a".into()) }),
        1 => ("https://[a-z]{1,8}[.]org/[?]a=1&b='\"", words())
            .prop_map(|(url, words)| Node::Link { url, children: vec![words] }),
    ]
}

fn inline(level: u32) -> BoxedStrategy<Node> {
    if level == 0 {
        return leaf().boxed();
    }
    let inside = move || vec(inline(level - 1), 1..3);
    // Each level has formatting of its own, because bold within bold is not kept.
    match level {
        1 => prop_oneof![2 => leaf(), 1 => inside().prop_map(Node::Strong), 1 => inside().prop_map(Node::Strike)].boxed(),
        2 => prop_oneof![2 => leaf(), 1 => inside().prop_map(Node::Emphasis), 1 => inside().prop_map(Node::Underline)]
            .boxed(),
        _ => prop_oneof![
            3 => inline(level - 1),
            1 => (proptest::option::of("[a-z\"<&]{1,5}"), inside())
                .prop_map(|(reason, children)| Node::Spoiler { reason, children }),
        ]
        .boxed(),
    }
}

/// Lines with one or two breaks between them, and none at the edges.
fn paragraph() -> impl Strategy<Value = Vec<Node>> {
    vec((vec(inline(3), 1..4), 1..3_usize), 1..3).prop_map(|lines| {
        let mut nodes = Vec::new();
        for (line, breaks) in lines {
            if !nodes.is_empty() {
                nodes.extend(vec![Node::LineBreak; breaks]);
            }
            nodes.extend(line);
        }
        nodes
    })
}

fn block(level: u32) -> BoxedStrategy<Node> {
    let inside = move || if level == 0 { paragraph().boxed() } else { tree(level - 1) };
    prop_oneof![
        inside().prop_map(Node::Quote),
        (proptest::option::of(1..50_u64), vec(inside(), 1..3))
            .prop_map(|(start, items)| Node::List { start, items }),
        (1..=6_u8, vec(inline(3), 1..3)).prop_map(|(level, children)| Node::Heading { level, children }),
        (proptest::option::of("[a-z+#]{1,6}"), "[a-z<&\t]{1,5}(\n {0,4}[a-z]{1,5}){0,2}")
            .prop_map(|(language, code)| Node::CodeBlock { language, code }),
    ]
    .boxed()
}

/// Paragraphs with blocks between them.
fn tree(level: u32) -> BoxedStrategy<Vec<Node>> {
    (proptest::option::of(paragraph()), vec((block(level), proptest::option::of(paragraph())), 0..3))
        .prop_map(|(first, rest)| {
            let mut nodes = first.unwrap_or_default();
            for (block, paragraph) in rest {
                nodes.push(block);
                nodes.extend(paragraph.unwrap_or_default());
            }
            if nodes.is_empty() { vec![Node::Text("a".to_owned())] } else { nodes }
        })
        .boxed()
}

/// A tree with nasty words in every place that takes words.
fn nasty() -> impl Strategy<Value = Vec<Node>> {
    let leaf = (NASTY, NASTY).prop_flat_map(|(a, b)| {
        let children = vec![Node::Text(a.clone())];
        prop_oneof![
            Just(Node::Text(a.clone())),
            Just(Node::Code(a.clone())),
            Just(Node::CodeBlock { language: Some(b.clone()), code: a.clone() }),
            Just(Node::Spoiler { reason: Some(b.clone()), children: children.clone() }),
            Just(Node::Link { url: b.clone(), children: children.clone() }),
            Just(Node::Link { url: format!("https://{b}"), children }),
            Just(mention_of(5, a.clone())),
            Just(Node::Mention(Mention { target: MentionTarget::Room(b.clone()), label: a.clone() })),
            Just(Node::CustomEmoji { name: a.clone(), source: FileSource::Matrix("mxc://e.org/a".into()) }),
            Just(Node::CustomEmoji { name: a, source: FileSource::Matrix(b.into()) }),
        ]
    });
    vec(
        leaf.prop_recursive(4, 24, 4, |inside| {
            prop_oneof![
                vec(inside.clone(), 0..4).prop_map(Node::Strong),
                vec(inside.clone(), 0..4).prop_map(Node::Quote),
                vec(vec(inside, 0..3), 0..3).prop_map(|items| Node::List { start: None, items }),
            ]
        }),
        0..6,
    )
}

/// The tags and attributes that we may write, all of them in the list of the client-server API.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    let plain = [
        "strong",
        "em",
        "del",
        "u",
        "br",
        "blockquote",
        "pre",
        "ul",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ];
    let mut allowed: BTreeMap<&str, &[&str]> = plain.into_iter().map(|name| (name, [].as_slice())).collect();
    allowed.insert("a", &["href"]);
    allowed.insert("code", &["class"]);
    allowed.insert("ol", &["start"]);
    allowed.insert("span", &["data-mx-spoiler"]);
    allowed.insert("img", &["data-mx-emoticon", "src", "alt", "title", "height"]);
    allowed
}

fn assert_allowed(node: &NodeRef) -> Result<(), TestCaseError> {
    if let NodeData::Element(element) = node.data() {
        let name = &*element.name.local;
        let allowed = allowed();
        let Some(attributes) = allowed.get(name) else {
            return Err(TestCaseError::fail(format!("unexpected tag {name}")));
        };
        for attribute in element.attrs.borrow().iter() {
            let key = &*attribute.name.local;
            prop_assert!(attributes.contains(&key), "unexpected attribute {key} of {name}");
            if key == "href" {
                prop_assert!(links::web_url(&attribute.value).is_some(), "{}", &*attribute.value);
            }
        }
    }
    for child in node.children() {
        assert_allowed(&child)?;
    }
    Ok(())
}

fn is_clean(words: &str) -> bool {
    !words.contains(|c: char| c.is_control() && c != '\n' && c != '\t')
}

proptest! {
    #[test]
    fn a_tree_comes_back(nodes in tree(1)) {
        let tree = RichText(nodes).bounded();
        let written = write(&tree);
        let back = match &written.html {
            Some(html) => read(html, &written.pings).unwrap(),
            None => RichText::plain(&written.body),
        };
        prop_assert_eq!(show(&back.0), show(&tree.0), "{:?}", written.html);
    }

    #[test]
    fn no_control_character_unasked_mention_or_unescaped_html_goes_out(nodes in nasty()) {
        let tree = RichText(nodes);
        let asked = tree.clone().bounded().mentions().iter().any(|it| matches!(it.target, MentionTarget::Person(_)));
        let written = write(&tree);
        prop_assert!(is_clean(&written.body));
        let ghost = user_id!("@remote_5:example.org").to_owned();
        prop_assert!(written.pings.user_ids.iter().all(|user_id| asked && *user_id == ghost));
        prop_assert!(!written.pings.room);
        let html = written.html.unwrap_or_default();
        prop_assert!(is_clean(&html));
        for child in Html::parse(&html).children() {
            assert_allowed(&child)?;
        }
    }

    #[test]
    fn no_html_does_harm_when_read(
        pieces in vec(prop_oneof![
            "\\PC{0,4}|[\\x00-\\x1f]",
            "</?(b|i|p|div|blockquote|ul|ol|li|pre|code|a|span data-mx-spoiler|h1|table|tr|td|mx-reply|br|x)/?>",
            Just("<a href=\"https://matrix.to/#/@remote_9:example.org\">".to_owned()),
            "<a href=\"(https://matrix.to/#/|matrix:)[/!@#$%:a-z?]{0,8}\">",
            Just("@room".to_owned()),
        ], 0..60)
    ) {
        let tree = read(&pieces.concat(), &Pings::default()).unwrap();
        prop_assert!(depth(&tree.0) <= TEXT_DEPTH_MAX);
        prop_assert!(is_clean(&tree.to_plain()));
        for mention in tree.mentions() {
            prop_assert!(!matches!(mention.target, MentionTarget::Person(_) | MentionTarget::Everyone));
        }
    }
}
