//! Tables: templates and what they say; templates that are none; words that could be taken for somebody else's.

use ruma::user_id;

use super::*;
use crate::message::{Mention, MentionTarget};

fn text(words: &str) -> Node {
    Node::Text(words.to_owned())
}

fn strong(words: &str) -> Node {
    Node::Strong(vec![text(words)])
}

fn filling<'a>(name: &'a str, message: RichText) -> Filling<'a> {
    Filling { name, user_id: user_id!("@ada:example.org"), message, file: "map.pdf" }
}

fn said(templates: &RelayTemplates, kind: TemplateKind, name: &str, message: &str) -> RichText {
    templates.write(kind, filling(name, RichText::plain(message)), 1_000)
}

#[test]
fn the_usual_templates() {
    use TemplateKind::{Edit, Emote, File, Location, Notice, Reaction, Sticker, Text};
    for (kind, expected) in [
        (Text, vec![strong("Ada"), text(": hello")]),
        (Notice, vec![strong("Ada"), text(": hello")]),
        (Emote, vec![text("* "), strong("Ada"), text(" hello")]),
        (Edit, vec![text("hello")]),
        (File, vec![strong("Ada"), text(" sent map.pdf")]),
        (Sticker, vec![strong("Ada"), text(" sent a sticker")]),
        (Location, vec![strong("Ada"), text(" is here: hello")]),
        (Reaction, vec![strong("Ada"), text(" reacted with hello")]),
    ] {
        let templates = RelayTemplates::default();
        assert_eq!(said(&templates, kind, "Ada", "hello").0, expected, "{kind:?}");
        let is_unset = kind == Edit;
        assert_eq!(kind.usual().is_none(), is_unset, "{kind:?}");
        assert_eq!(templates.for_edit(kind), kind, "an edit looks as before: {kind:?}");
    }
}

#[test]
fn templates_say_what_is_written_in_them() {
    let emphasis = |inside: Vec<Node>| Node::Emphasis(inside);
    for (name, template, expected) in [
        ("no marks", "{name}: {message}", vec![text("Ada: hello")]),
        ("the id", "{user_id} {message}", vec![text("@ada:example.org hello")]),
        ("both", "{name} ({user_id}): {message}", vec![text("Ada (@ada:example.org): hello")]),
        ("italics around all", "_{name} {message}_", vec![emphasis(vec![text("Ada hello")])]),
        (
            "a mark in another",
            "**{name} _says_**: {message}",
            vec![Node::Strong(vec![text("Ada "), emphasis(vec![text("says")])]), text(": hello")],
        ),
        (
            "characters that mean themselves",
            r"\*\*{name}\_\{\}\\: {message}",
            vec![text(r"**Ada_{}\: hello")],
        ),
        ("a lone star and a lone backslash", r"* {name} \ {message}", vec![text(r"* Ada \ hello")]),
        ("lines", "{name}:\n{message}", vec![text("Ada:"), Node::LineBreak, text("hello")]),
        ("said twice", "{name}: {message} {message}", vec![text("Ada: hello hello")]),
        ("other scripts", "«{name}» — {message} 🎈", vec![text("«Ada» — hello 🎈")]),
    ] {
        let mut templates = RelayTemplates::default();
        templates.set(TemplateKind::Text, Template::read(TemplateKind::Text, template).expect(name));
        assert_eq!(said(&templates, TemplateKind::Text, "Ada", "hello").0, expected, "{name}");
    }
}

#[test]
fn texts_that_are_no_templates() {
    use TemplateKind::{File, Reaction, Text};
    let long = format!("{{name}}: {{message}}{}", "x".repeat(TEMPLATE_CHARS_MAX));
    for (name, kind, template, what) in [
        ("an unknown placeholder", Text, "{nam}: {message}", "`{nam}` is not a placeholder here"),
        ("one of another kind", File, "{name} {message}", "`{message}` is not a placeholder here"),
        ("a file in words", Text, "{name}: {file} {message}", "`{file}` is not a placeholder here"),
        ("one without an end", Text, "{name: {message", "`{` has no counterpart"),
        ("an end without a beginning", Text, "name}: {message}", "`}` has no counterpart"),
        ("nobody", Text, "{message}", "nobody is named: there is neither `{name}` nor `{user_id}`"),
        ("nothing", File, "", "nobody is named: there is neither `{name}` nor `{user_id}`"),
        ("no words", Text, "{name}:", "`{message}` is missing"),
        ("no emoji", Reaction, "{name} reacted", "`{message}` is missing"),
        ("bold without an end", Text, "**{name}: {message}", "`**` has no counterpart"),
        ("italics without an end", Text, "{name}_: {message}", "`_` has no counterpart"),
        ("crossed marks", Text, "**_{name}**_: {message}", "`_` has no counterpart"),
        ("words before the name", Text, "{message} ({name})", "`{message}` stands before the name"),
        ("a control character", Text, "{name}:\u{7} {message}", "this has a control character in it"),
        ("a hidden character", Text, "{name}:\u{202e} {message}", "this has a control character in it"),
        ("too long", Text, &long, "this has more than 200 characters"),
    ] {
        let error = Template::read(kind, template).expect_err(name);
        assert_eq!(error.to_string(), what, "{name}");
        assert!(error.help().ends_with('.'), "{name}: {}", error.help());
    }
    for kind in TemplateKind::ALL {
        assert!(kind.usual().is_none_or(|usual| Template::read(kind, usual).is_ok()), "{kind:?}");
    }
    let error = Template::read(File, "{nam}").unwrap_err();
    assert_eq!(error.help(), "Allowed here: {name}, {user_id}, {file}.");
}

#[test]
fn nothing_in_a_name_becomes_a_template_or_ends_it() {
    for (name, called, template, expected) in [
        ("marks", "**A** _b_ `c`", "**{name}**: {message}", "**A** _b_ `c`: hello"),
        ("placeholders", "{message}{user_id}", "**{name}**: {message}", "{message}{user_id}: hello"),
        ("what ends a name", "Alice: yes, says Bob", "**{name}**: {message}", "Alice yes, says Bob: hello"),
        ("at its end", "Alice:", "**{name}**: {message}", "Alice: hello"),
        ("many of them", "A: B:: C", "**{name}**: {message}", "A B: C: hello"),
        ("a colon within a word", "alice:example.org", "{name}: {message}", "alice:example.org: hello"),
        ("another end", "Alice> yes <Bob", "<{name}> {message}", "<Alice yes <Bob> hello"),
        ("a word as an end", "Alice says no, Bob", "{name} says {message}", "Alice no, Bob says hello"),
    ] {
        let mut templates = RelayTemplates::default();
        templates.set(TemplateKind::Text, Template::read(TemplateKind::Text, template).expect(name));
        let written = said(&templates, TemplateKind::Text, called, "hello");
        assert_eq!(written.to_plain(), expected, "{name}");
        let is_literal = |node: &Node| matches!(node, Node::Text(_) | Node::Strong(_));
        assert!(written.0.iter().all(is_literal), "{name}: {written:?}");
    }
}

#[test]
fn words_that_could_be_somebody_elses_are_quoted() {
    let plain = RichText::plain;
    let code = |code: &str| Node::CodeBlock { language: None, code: code.to_owned() };
    for (name, template, words, is_quoted) in [
        ("one line", "**{name}**: {message}", plain("Bob: I agree"), false),
        ("lines", "**{name}**: {message}", plain("hello\nworld"), false),
        ("another speaker", "**{name}**: {message}", plain("hello\nBob: I agree"), true),
        ("further down", "**{name}**: {message}", plain("a\n\n  Bob:\nb"), true),
        ("somebody acts", "**{name}**: {message}", plain("hello\n* Bob agrees"), true),
        ("an address and a time", "**{name}**: {message}", plain("see\nhttps://e.org at 12:30"), false),
        (
            "a heading",
            "**{name}**: {message}",
            RichText(vec![
                text("a"),
                Node::Heading { level: 1, children: vec![strong("Bob: "), text("yes")] },
            ]),
            true,
        ),
        ("code", "**{name}**: {message}", RichText(vec![text("a"), code("b: 1\nc: 2")]), false),
        ("below code", "**{name}**: {message}", RichText(vec![code("b: 1"), text("Bob: yes")]), true),
        ("another template", "<{name}> {message}", plain("hello\n<Bob> I agree"), true),
        ("which has no colon", "<{name}> {message}", plain("hello\nBob> I agree"), false),
        ("nothing tells a beginning", "{name} {message}", plain("hello\nworld"), true),
        ("too long for one message", "**{name}**: {message}", plain(&"x".repeat(41)), true),
        ("just not too long", "**{name}**: {message}", plain(&"x".repeat(40)), false),
    ] {
        let mut templates = RelayTemplates::default();
        for kind in [TemplateKind::Text, TemplateKind::Notice] {
            templates.set(kind, Template::read(kind, template).expect(name));
        }
        let written = templates.write(TemplateKind::Text, filling("Eve", words), 40);
        let quoted = written.0.iter().any(|node| matches!(node, Node::Quote(_)));
        assert_eq!(quoted, is_quoted, "{name}: {written:?}");
        if quoted {
            let plain = written.to_plain();
            assert!(plain.lines().skip(1).all(|line| line.starts_with('>')), "{name}: {plain}");
        }
    }
}

#[test]
fn the_words_themselves_stay_as_they_are() {
    let bob = Mention { target: MentionTarget::Everyone, label: "room".to_owned() };
    let words = RichText(vec![strong("hi"), text(" "), Node::Mention(bob)]);
    let written = RelayTemplates::default().write(TemplateKind::Text, filling("Ada", words.clone()), 100);
    assert_eq!(written.0[..2], [strong("Ada"), text(": ")]);
    assert_eq!(written.0[2..], words.0);
}

#[test]
fn edits_have_a_template_of_their_own_when_it_is_set() {
    use TemplateKind::{Edit, Emote, File, Notice, Text};
    let mut templates = RelayTemplates::default();
    templates.set(Edit, Template::read(Edit, "**{name}** (edited): {message}").unwrap());
    for kind in [Text, Notice, Emote] {
        assert_eq!(templates.for_edit(kind), Edit);
    }
    assert_eq!(templates.for_edit(File), File);
    assert_eq!(said(&templates, Edit, "Ada", "x").to_plain(), "Ada (edited): x");
}

#[test]
fn a_room_has_templates_of_its_own_kind_by_kind() {
    use TemplateKind::{Edit, Emote, Sticker, Text};
    let read = |kind, text| Template::read(kind, text).unwrap();
    let mut bridge = RelayTemplates::default();
    bridge.set(Text, read(Text, "[{name}] {message}"));
    bridge.set(Emote, read(Emote, "~ {name} {message}"));
    let mut room = RoomTemplates::default();
    assert!(matches!(room.over(&bridge), std::borrow::Cow::Borrowed(_)));
    room.set(Text, read(Text, "<{name}> {message}"));
    room.set(Edit, read(Edit, "<{name}, again> {message}"));
    let all = room.over(&bridge).into_owned();
    for (kind, expected) in
        [(Text, "<Ada> hi"), (Edit, "<Ada, again> hi"), (Emote, "~ Ada hi"), (Sticker, "Ada sent a sticker")]
    {
        assert_eq!(said(&all, kind, "Ada", "hi").to_plain(), expected, "{kind:?}");
    }
    assert_eq!((all.for_edit(Text), bridge.for_edit(Text)), (Edit, Text));
    // What could be taken for somebody else's words is told by the room's own templates.
    for (words, is_quoted) in [("a\n<Bob> yes", true), ("a\n[Bob] yes", false)] {
        let written = said(&all, Text, "Ada", words).to_plain();
        assert_eq!(written.contains("\n> "), is_quoted, "{written}");
    }
    let own: Vec<_> = room.iter().map(|(kind, template)| (kind, template.text())).collect();
    assert_eq!(own, [(Text, "<{name}> {message}"), (Edit, "<{name}, again> {message}")]);
    room.reset(Edit);
    room.reset(Edit);
    room.reset(Text);
    assert_eq!((room.is_empty(), room.over(&bridge).as_ref()), (true, &bridge));
}

#[test]
fn kinds_are_known_by_their_keys() {
    for kind in TemplateKind::ALL {
        assert_eq!(TemplateKind::of_key(kind.key()), Some(kind));
    }
    assert_eq!(TemplateKind::of_key("reset"), None, "a command says that in the place of a kind");
}
