//! From the tree to markup.

use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteGroupId},
    message::FileSource,
};

use super::*;
use crate::format::{Nobody, TEXT_CHARS_MAX, write};

type Case = (&'static str, Vec<Node>, &'static str);

fn signs() -> Vec<Case> {
    vec![
        ("nothing", vec![], ""),
        ("words", vec![t("hello")], "hello"),
        ("bold", vec![bold("a")], "*a*"),
        ("italic", vec![italic("a")], "_a_"),
        ("struck", vec![struck("a")], "~a~"),
        ("underlined", vec![Node::Underline(vec![t("a")])], "a"),
        ("code", vec![code("a")], "`a`"),
        ("code with signs", vec![code("*a*")], "`*a*`"),
        ("code with a backtick", vec![code("a`b")], "a`b"),
        ("empty code", vec![t("x"), code("")], "x"),
        ("a spoiler", vec![Node::Spoiler { reason: None, children: vec![t("a")] }], "||a||"),
        ("bold in a sentence", vec![t("say "), bold("a"), t(" now")], "say *a* now"),
        ("bold before a comma", vec![bold("a"), t(", b")], "*a*, b"),
        ("bold in brackets", vec![t("("), bold("a"), t(")")], "(*a*)"),
        ("bold within a word", vec![t("x"), bold("a"), t("y")], "xay"),
        ("bold before a letter", vec![bold("a"), t("y")], "ay"),
        ("bold behind a letter", vec![t("x"), bold("a")], "xa"),
        ("bold behind a digit", vec![t("1"), bold("a")], "1a"),
        ("bold behind another script", vec![t("喜"), bold("鹊")], "喜鹊"),
        ("bold italic", vec![b(vec![italic("a")])], "*_a_*"),
        ("italic bold", vec![i(vec![bold("a")])], "_*a*_"),
        ("three signs", vec![b(vec![i(vec![struck("a")])])], "*_~a~_*"),
        ("italic in bold", vec![b(vec![t("a "), italic("b"), t(" c")])], "*a _b_ c*"),
        ("italic within a bold word", vec![b(vec![t("a"), italic("b"), t("c")])], "*abc*"),
        ("bold in bold", vec![b(vec![t("a "), bold("b")])], "*a b*"),
        ("bolds side by side", vec![bold("a"), bold("b")], "*ab*"),
        ("bold beside italic", vec![bold("a"), italic("b")], "*a*_b_"),
        ("a blank at the beginning of bold", vec![t("x"), bold(" a")], "x *a*"),
        ("a blank at the end of bold", vec![bold("a "), t("x")], "*a* x"),
        ("blanks around bold", vec![t("x"), bold(" a "), t("y")], "x *a* y"),
        ("blank bold", vec![t("x"), bold(" "), t("y")], "x y"),
        ("empty bold", vec![t("x"), b(vec![]), t("y")], "xy"),
        ("bold over two lines", vec![b(vec![t("a"), BR, t("b")])], "*a*\n*b*"),
        ("bold over an empty line", vec![b(vec![t("a"), BR, BR, t("b")])], "*a*\n\n*b*"),
        ("bold italic over two lines", vec![b(vec![i(vec![t("a"), BR, t("b")])])], "*_a_*\n*_b_*"),
        ("bold that ends with a line", vec![b(vec![t("a"), BR]), t("b")], "*a*\nb"),
        ("bold emoji", vec![bold("👍")], "*👍*"),
        ("bold punctuation", vec![bold("!")], "*!*"),
        ("code in bold", vec![b(vec![t("a "), code("b")])], "*a `b`*"),
        ("code beside letters", vec![t("x"), code("a"), t("y")], "xay"),
        ("code with blanks", vec![code(" a ")], "`a`"),
        ("struck and bold", vec![struck("a"), t(" "), bold("b")], "~a~ *b*"),
    ]
}

fn words() -> Vec<Case> {
    vec![
        ("typed signs", vec![t("*a*")], "*\u{200b}a*"),
        ("typed italic", vec![t("_a_")], "_\u{200b}a_"),
        ("typed struck", vec![t("~a~")], "~\u{200b}a~"),
        ("typed code", vec![t("`a`")], "`\u{200b}a`"),
        ("a product", vec![t("5*3*2")], "5*3*2"),
        ("a lone star", vec![t("5 * 3")], "5 * 3"),
        ("an opening star", vec![t("*a")], "*a"),
        ("a snake", vec![t("snake_case_name")], "snake_case_name"),
        ("two numbers about", vec![t("~100 or ~200")], "~100 or ~200"),
        ("typed signs over two lines", vec![t("*a"), BR, t("b*")], "*a\nb*"),
        ("typed signs in bold", vec![b(vec![t("_a_ b")])], "*_\u{200b}a_ b*"),
        ("double stars", vec![t("**a**")], "**a**"),
        ("HTML", vec![t("<b>a</b> & c")], "<b>a</b> & c"),
        ("a control character", vec![t("a\u{7}b")], "ab"),
        ("a break in words", vec![t("a\nb")], "a\nb"),
        ("two lines", vec![t("a"), BR, t("b")], "a\nb"),
        ("an empty line", vec![t("a"), BR, BR, t("b")], "a\n\nb"),
        ("breaks at the end", vec![t("a"), BR, BR], "a"),
        ("breaks at the beginning", vec![BR, t("a")], "a"),
        ("only breaks", vec![BR, BR], ""),
        ("blanks", vec![t("   ")], ""),
        ("another script", vec![t("喜鹊")], "喜鹊"),
        ("a family of emoji", vec![t("👩‍👩‍👧")], "👩‍👩‍👧"),
    ]
}

fn blocks() -> Vec<Case> {
    vec![
        ("a block of code", vec![block("a")], "```a```"),
        ("code of lines", vec![block("a\nb")], "```a\nb```"),
        (
            "code of a language",
            vec![Node::CodeBlock { language: Some("rust".into()), code: "a".into() }],
            "```a```",
        ),
        ("code with signs in it", vec![block("*a* _b_")], "```*a* _b_```"),
        ("code with a fence in it", vec![block("a```b")], "```a'''b```"),
        ("code between words", vec![t("x"), block("a"), t("y")], "x\n```a```\ny"),
        ("code with breaks at its edges", vec![block("\na\n")], "```a```"),
        ("a quote", vec![quote(vec![t("a")])], "> a"),
        ("a quote of lines", vec![quote(vec![t("a"), BR, t("b")])], "> a\n> b"),
        ("a quote between words", vec![t("x"), quote(vec![t("a")]), t("y")], "x\n> a\ny"),
        ("bold in a quote", vec![quote(vec![bold("a")])], "> *a*"),
        ("a quote in a quote", vec![quote(vec![quote(vec![t("a")])])], "> > a"),
        ("bullets", vec![bullets(vec![vec![t("a")], vec![t("b")]])], "- a\n- b"),
        ("numbers", vec![numbers(1, vec![vec![t("a")], vec![t("b")]])], "1. a\n2. b"),
        ("numbers from nine", vec![numbers(9, vec![vec![t("a")], vec![t("b")]])], "9. a\n10. b"),
        ("bullets between words", vec![t("x"), bullets(vec![vec![t("a")]]), t("y")], "x\n- a\ny"),
        ("bold in a bullet", vec![bullets(vec![vec![bold("a")]])], "- *a*"),
        ("a bullet of lines", vec![bullets(vec![vec![t("a"), BR, t("b")]])], "- a\n  b"),
        ("bullets in a bullet", vec![bullets(vec![vec![t("a"), bullets(vec![vec![t("b")]])]])], "- a\n  - b"),
        ("a code block in a bullet", vec![bullets(vec![vec![block("a")]])], "- ```a```"),
        ("a heading", vec![Node::Heading { level: 1, children: vec![t("a")] }, t("b")], "*a*\nb"),
        ("a heading with bold", vec![Node::Heading { level: 2, children: vec![bold("a")] }], "*a*"),
        ("a heading after words", vec![t("x"), Node::Heading { level: 3, children: vec![t("a")] }], "x\n*a*"),
        ("two blocks", vec![quote(vec![t("a")]), bullets(vec![vec![t("b")]])], "> a\n- b"),
        ("typed signs in a quote", vec![quote(vec![t("*a*")])], "> *\u{200b}a*"),
    ]
}

fn links_and_people() -> Vec<Case> {
    let remote = |id: &str| MentionTarget::Person(Person::Remote(RemoteUserId::new(id)));
    let source = FileSource::Remote(RemoteFileId::new("media/1"));
    vec![
        ("a bare link", vec![link("https://e.org/a", "https://e.org/a")], "https://e.org/a"),
        ("a link with words", vec![link("https://e.org", "here")], "here (https://e.org)"),
        ("a link without https", vec![link("https://e.org", "e.org")], "https://e.org"),
        ("a link with a slash", vec![link("https://e.org", "e.org/")], "https://e.org"),
        (
            "a link without words",
            vec![Node::Link { url: "https://e.org".into(), children: vec![] }],
            "https://e.org",
        ),
        ("mail", vec![link("mailto:a@e.org", "a@e.org")], "a@e.org"),
        ("mail with words", vec![link("mailto:a@e.org", "write")], "write (mailto:a@e.org)"),
        ("a bold link", vec![b(vec![link("https://e.org", "https://e.org")])], "*https://e.org*"),
        ("a mention", vec![ada()], "@16505551234"),
        ("a mention in a sentence", vec![t("hi "), ada(), t("!")], "hi @16505551234!"),
        ("a bold mention", vec![b(vec![ada()])], "*@16505551234*"),
        ("a mention of a stranger", vec![mention(remote("99999"), "Bob")], "@Bob"),
        (
            "a mention of a chat",
            vec![mention(MentionTarget::Chat(RemoteChatId::new("1")), "birds")],
            "#birds",
        ),
        (
            "a mention of a room",
            vec![mention(MentionTarget::Room("#a:e.org".into()), "#a:e.org")],
            "#a:e.org",
        ),
        ("a mention of a group", vec![mention(MentionTarget::Group(RemoteGroupId::new("1")), "all")], "@all"),
        ("a mention of everybody", vec![mention(MentionTarget::Everyone, "room")], "@room"),
        ("a custom emoji", vec![Node::CustomEmoji { name: "magpie".into(), source }], ":magpie:"),
    ]
}

#[test]
fn trees_are_written() {
    let cases: Vec<Case> = [signs(), words(), blocks(), links_and_people()].concat();
    check_names(cases.iter().map(|case| case.0));
    for (name, nodes, expected) in cases {
        let written: Vec<String> =
            write(&tree(nodes), &Ada, TEXT_CHARS_MAX).into_iter().map(|part| part.text).collect();
        assert_eq!(written.concat(), expected, "{name}");
    }
}

#[test]
fn who_is_mentioned_is_told_beside_the_words() {
    let parts = write(&tree(vec![t("hi "), ada(), t(" and "), ada()]), &Ada, TEXT_CHARS_MAX);
    assert_eq!(parts[0].mentions, [RemoteUserId::new("16505551234")]);
    let parts = write(&tree(vec![t("hi @16505551234")]), &Ada, TEXT_CHARS_MAX);
    assert!(parts[0].mentions.is_empty(), "typed digits mention nobody");
}

#[test]
fn long_texts_are_cut_where_it_hurts_least() {
    let cut = |nodes: Vec<Node>| -> Vec<String> {
        write(&tree(nodes), &Ada, 64).into_iter().map(|part| part.text).collect()
    };
    let (a, c) = ("a".repeat(40), "c".repeat(40));
    assert_eq!(cut(vec![t(&a), BR, BR, t(&c)]), [a.clone(), c.clone()], "at an empty line");
    assert_eq!(cut(vec![t(&a), BR, t(&c)]), [a.clone(), c.clone()], "at a line");
    assert_eq!(cut(vec![t(&format!("{a} {c}"))]), [a.clone(), c.clone()], "at a word");
    assert_eq!(cut(vec![t(&"a".repeat(64))]), ["a".repeat(64)], "what fits is not cut");
    assert_eq!(cut(vec![t(&"a".repeat(65))]).concat(), "a".repeat(65), "anywhere");
    let code = format!("{a}\n{c}");
    assert_eq!(cut(vec![block(&code)]), [format!("```{a}```"), format!("```{c}```")], "code stays code");
}

#[test]
fn many_signs_of_which_one_closes_take_no_time() {
    // A look at the rest of the line for each sign would take minutes.
    let words = format!("{}*", "*a ".repeat(300_000).trim_end());
    let written = crate::format::write::markup(&[Node::Text(words.clone())], &Nobody);
    assert_eq!(written.replace('\u{200b}', ""), words);
    assert_eq!(written.matches("*\u{200b}a").count(), 300_000);
}
