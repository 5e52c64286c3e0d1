//! The tree to texts with entities.

use super::*;

type Case = (&'static str, Vec<Node>, &'static str, Vec<Entity>);

fn check((name, nodes, text, entities): &Case) -> Result<(), String> {
    let parts = write(&RichText(nodes.clone()), &Known, TEXT_UNITS_MAX);
    let expected = Part { text: (*text).to_owned(), entities: entities.clone() };
    if parts == [expected.clone()] || text.is_empty() && parts.is_empty() {
        return Ok(());
    }
    Err(format!("{name}\n  tree     {nodes:?}\n  expected {expected:?}\n  written  {parts:?}"))
}

#[test]
fn tree_to_telegram() {
    let cases: Vec<Case> =
        [words(), styles(), codes(), quotes(), lists(), links(), people(), relayed()].concat();
    check_names(cases.iter().map(|case| case.0));
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failed.is_empty(), "{} of {} cases\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn words() -> Vec<Case> {
    vec![
        ("empty", vec![], "", vec![]),
        ("blank", vec![t("  "), n()], "", vec![]),
        ("blank bold", vec![strong(vec![t(" ")])], "", vec![]),
        ("plain words", vec![t("hello there")], "hello there", vec![]),
        ("two lines", vec![t("a"), n(), t("b")], "a\nb", vec![]),
        ("empty line between", vec![t("a"), n(), n(), t("b")], "a\n\nb", vec![]),
        ("line break in words", vec![t("a\nb")], "a b", vec![]),
        ("control characters go", vec![t("a\u{7}b\u{1}c")], "abc", vec![]),
        ("direction marks go", vec![t("a\u{202e}b\u{202c}c")], "abc", vec![]),
        ("tab is a space", vec![t("a\tb")], "a b", vec![]),
        ("line separator is a space", vec![t("a\u{2028}b")], "a b", vec![]),
        ("edges are trimmed", vec![n(), t(" a "), n()], "a", vec![]),
        ("other scripts", vec![t("喜鹊 👩‍🚀")], "喜鹊 👩‍🚀", vec![]),
        ("markup is words", vec![t("**a** <b> `c` [d](e)")], "**a** <b> `c` [d](e)", vec![]),
        ("username in words", vec![t("hi @ada_l")], "hi @\u{200b}ada_l", vec![]),
        ("room in words", vec![t("@room")], "@\u{200b}room", vec![]),
        ("sign alone", vec![t("a @ b @")], "a @ b @", vec![]),
        ("two signs", vec![t("@@ada")], "@@\u{200b}ada", vec![]),
        ("mail address", vec![t("a@example.org")], "a@example.org", vec![]),
        ("sign after a bracket", vec![t("(@ada)")], "(@\u{200b}ada)", vec![]),
        ("sign after a foreign letter", vec![t("é@ada")], "é@\u{200b}ada", vec![]),
        ("sign before a foreign letter", vec![t("@é")], "@é", vec![]),
        ("username over a border", vec![t("@"), strong(vec![t("ada")])], "@\u{200b}ada", vec![bold(1, 4)]),
        ("username at a border", vec![strong(vec![t("a")]), t("@ada")], "a@\u{200b}ada", vec![bold(0, 1)]),
        ("hashtag", vec![t("#a")], "#a", vec![]),
        ("command", vec![t("/start")], "/start", vec![]),
    ]
}

fn styles() -> Vec<Case> {
    let a = || vec![t("a")];
    vec![
        ("bold", vec![strong(a())], "a", vec![bold(0, 1)]),
        ("italic", vec![em(a())], "a", vec![italic(0, 1)]),
        ("underline", vec![under(a())], "a", vec![e(Kind::Underline, 0, 1)]),
        ("strike", vec![strike(a())], "a", vec![e(Kind::Strikethrough, 0, 1)]),
        ("spoiler", vec![spoiler(a())], "a", vec![hidden(0, 1)]),
        (
            "spoiler with a reason",
            vec![Node::Spoiler { reason: Some("the end".into()), children: a() }],
            "(the end) a",
            vec![hidden(10, 1)],
        ),
        (
            "spoiler with a blank reason",
            vec![Node::Spoiler { reason: Some(" ".into()), children: a() }],
            "a",
            vec![hidden(0, 1)],
        ),
        ("bold in the middle", vec![t("a "), strong(a()), t(" c")], "a a c", vec![bold(2, 1)]),
        ("italic in bold", vec![strong(vec![t("a"), em(a())])], "aa", vec![bold(0, 2), italic(1, 1)]),
        ("bold italic", vec![strong(vec![em(a())])], "a", vec![bold(0, 1), italic(0, 1)]),
        ("italic bold", vec![em(vec![strong(a())])], "a", vec![italic(0, 1), bold(0, 1)]),
        ("bold in bold", vec![strong(vec![t("a"), strong(a())])], "aa", vec![bold(0, 2)]),
        ("two bolds", vec![strong(a()), t(" "), strong(a())], "a a", vec![bold(0, 1), bold(2, 1)]),
        ("bold over lines", vec![strong(vec![t("a"), n(), t("b")])], "a\nb", vec![bold(0, 3)]),
        ("bold space is a space", vec![t("a"), strong(vec![t(" ")]), t("b")], "a b", vec![]),
        ("empty bold", vec![t("a"), strong(vec![])], "a", vec![]),
        ("bold shrinks at the end", vec![strong(vec![t("a  ")])], "a", vec![bold(0, 1)]),
        ("bold shrinks at the start", vec![strong(vec![n(), t(" a")])], "a", vec![bold(0, 1)]),
        ("astral before", vec![t("🐦"), strong(a())], "🐦a", vec![bold(2, 1)]),
        ("astral inside", vec![strong(vec![t("🐦")])], "🐦", vec![bold(0, 2)]),
        ("combining mark inside", vec![strong(vec![t("e\u{301}")])], "e\u{301}", vec![bold(0, 2)]),
        ("heading", vec![heading(1, "a"), t("b")], "a\nb", vec![bold(0, 1)]),
        ("heading after words", vec![t("a"), heading(3, "b")], "a\nb", vec![bold(2, 1)]),
        ("bold heading", vec![strong(vec![heading(3, "b")])], "b", vec![bold(0, 1)]),
        ("two headings", vec![heading(1, "a"), heading(2, "b")], "a\nb", vec![bold(0, 1), bold(2, 1)]),
        ("empty heading", vec![t("a"), heading(1, " "), t("b")], "a\nb", vec![]),
    ]
}

fn codes() -> Vec<Case> {
    vec![
        ("code", vec![t("a "), code("b")], "a b", vec![mono(2, 1)]),
        ("code with a username", vec![code("@ada_l")], "@ada_l", vec![mono(0, 6)]),
        ("code after a sign", vec![t("@"), code("ada_l")], "@\u{200b}ada_l", vec![mono(2, 5)]),
        ("words after code with a sign", vec![code("@"), t("ada")], "@\u{200b}ada", vec![mono(0, 1)]),
        ("code with a line break", vec![code("a\nb")], "a b", vec![mono(0, 3)]),
        ("blank code", vec![t("a"), code(" "), t("b")], "a b", vec![]),
        ("empty code", vec![t("a"), code("")], "a", vec![]),
        (
            "code in bold",
            vec![strong(vec![t("a"), code("b"), t("c")])],
            "abc",
            vec![bold(0, 1), mono(1, 1), bold(2, 1)],
        ),
        ("only code in bold", vec![strong(vec![code("b")])], "b", vec![mono(0, 1)]),
        (
            "code in a link",
            vec![link("https://e.org", vec![code("b")])],
            "b",
            vec![to("https://e.org", 0, 1)],
        ),
        ("hidden code stays hidden", vec![spoiler(vec![code("b")])], "b", vec![hidden(0, 1)]),
        ("block of code", vec![block("", "a")], "a", vec![pre("", 0, 1)]),
        ("block with a language", vec![block("rust", "a\nb")], "a\nb", vec![pre("rust", 0, 3)]),
        ("block with a strange language", vec![block("c\n+ +<", "a")], "a", vec![pre("c++", 0, 1)]),
        ("block without a language's letters", vec![block("<>", "a")], "a", vec![pre("", 0, 1)]),
        ("block between words", vec![t("a"), block("", "b"), t("c")], "a\nb\nc", vec![pre("", 2, 1)]),
        ("block with line breaks", vec![block("", "\na\n\nb\n")], "a\n\nb", vec![pre("", 0, 4)]),
        ("block with tabs", vec![block("", "a\n\tb")], "a\n    b", vec![pre("", 0, 7)]),
        ("block with control characters", vec![block("", "a\u{7}b")], "ab", vec![pre("", 0, 2)]),
        ("block with a username", vec![block("", "@ada_l")], "@ada_l", vec![pre("", 0, 6)]),
        ("blank block", vec![t("a"), block("", "\n"), t("b")], "ab", vec![]),
        ("two blocks", vec![block("", "a"), block("", "b")], "a\nb", vec![pre("", 0, 1), pre("", 2, 1)]),
        (
            "block in bold",
            vec![strong(vec![t("a"), block("", "b"), t("c")])],
            "a\nb\nc",
            vec![bold(0, 2), pre("", 2, 1), bold(3, 2)],
        ),
        ("hidden block stays hidden", vec![spoiler(vec![block("", "a\nb")])], "a\nb", vec![hidden(0, 3)]),
        ("empty line after a block", vec![block("", "a"), n(), t("b")], "a\n\nb", vec![pre("", 0, 1)]),
    ]
}

fn quotes() -> Vec<Case> {
    vec![
        ("quote", vec![quote(vec![t("a")])], "a", vec![cite(0, 1)]),
        ("quote and answer", vec![quote(vec![t("a")]), t("b")], "a\nb", vec![cite(0, 1)]),
        ("quote after words", vec![t("a"), quote(vec![t("b")])], "a\nb", vec![cite(2, 1)]),
        ("quote after a line", vec![t("a"), n(), quote(vec![t("b")])], "a\nb", vec![cite(2, 1)]),
        (
            "quote after an empty line",
            vec![t("a"), n(), n(), quote(vec![t("b")])],
            "a\n\nb",
            vec![cite(3, 1)],
        ),
        ("empty line after a quote", vec![quote(vec![t("a")]), n(), t("b")], "a\n\nb", vec![cite(0, 1)]),
        ("quote of lines", vec![quote(vec![t("a"), n(), t("b")])], "a\nb", vec![cite(0, 3)]),
        ("two quotes", vec![quote(vec![t("a")]), quote(vec![t("b")])], "a\nb", vec![cite(0, 1), cite(2, 1)]),
        ("blank quote", vec![t("a"), quote(vec![n(), t(" ")])], "a", vec![]),
        ("quote is trimmed", vec![quote(vec![n(), t("a"), n()]), t("b")], "a\nb", vec![cite(0, 1)]),
        (
            "quote in a quote",
            vec![quote(vec![quote(vec![t("a"), n(), t("b")]), t("c")])],
            "> a\n> b\nc",
            vec![cite(0, 9)],
        ),
        ("bold in a quote", vec![quote(vec![strong(vec![t("a")])])], "a", vec![cite(0, 1), bold(0, 1)]),
        (
            "quote in bold",
            vec![strong(vec![t("a"), quote(vec![t("b")]), t("c")])],
            "a\nb\nc",
            vec![bold(0, 2), cite(2, 1), bold(2, 1), bold(3, 2)],
        ),
        ("quote in a spoiler", vec![spoiler(vec![quote(vec![t("b")])])], "b", vec![cite(0, 1), hidden(0, 1)]),
        ("code in a quote", vec![quote(vec![t("a"), code("b")])], "ab", vec![cite(0, 2), mono(1, 1)]),
        (
            "block in a quote",
            vec![quote(vec![t("a"), block("", "b")])],
            "a\nb",
            vec![cite(0, 3), pre("", 2, 1)],
        ),
        (
            "quote in a link",
            vec![link("https://e.org", vec![quote(vec![t("a")])])],
            "> a",
            vec![to("https://e.org", 0, 3)],
        ),
        (
            "link in a quote",
            vec![quote(vec![link("https://e.org", vec![t("a")])])],
            "a",
            vec![cite(0, 1), to("https://e.org", 0, 1)],
        ),
        (
            "list in a quote",
            vec![quote(vec![bullets(vec![vec![t("a")], vec![t("b")]])])],
            "• a\n• b",
            vec![cite(0, 7)],
        ),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        ("bullets", vec![bullets(vec![vec![t("a")], vec![t("b")]])], "• a\n• b", vec![]),
        ("numbers", vec![numbers(1, vec![vec![t("a")], vec![t("b")]])], "1. a\n2. b", vec![]),
        ("numbers from nine", vec![numbers(9, vec![vec![t("a")], vec![t("b")]])], "9. a\n10. b", vec![]),
        ("largest number", vec![numbers(u64::MAX, vec![vec![t("a")]])], "18446744073709551615. a", vec![]),
        ("list between words", vec![t("a"), bullets(vec![vec![t("b")]]), t("c")], "a\n• b\nc", vec![]),
        ("lines in an item", vec![bullets(vec![vec![t("a"), n(), t("b")]])], "• a\n  b", vec![]),
        ("empty line in an item", vec![bullets(vec![vec![t("a"), n(), n(), t("b")]])], "• a\n\n  b", vec![]),
        (
            "list in a list",
            vec![bullets(vec![vec![t("a"), numbers(1, vec![vec![t("b")]])], vec![t("c")]])],
            "• a\n  1. b\n• c",
            vec![],
        ),
        ("bold in a list", vec![bullets(vec![vec![strong(vec![t("a")])]])], "• a", vec![bold(2, 1)]),
        (
            "code in a list",
            vec![numbers(1, vec![vec![t("a"), block("", "b\nc"), t("d")]])],
            "1. a\nb\nc\n   d",
            vec![pre("", 5, 3)],
        ),
        (
            "quote in a list",
            vec![bullets(vec![vec![t("a"), quote(vec![t("b"), n(), t("c")])]])],
            "• a\n  b\n  c",
            vec![cite(6, 5)],
        ),
        ("list of nothing", vec![t("a"), bullets(vec![vec![], vec![t(" ")]]), t("b")], "ab", vec![]),
        ("empty item", vec![numbers(1, vec![vec![], vec![t("b")]])], "2. b", vec![]),
        ("bold around a list", vec![strong(vec![bullets(vec![vec![t("a")]])])], "• a", vec![bold(0, 3)]),
    ]
}

fn links() -> Vec<Case> {
    let url = "https://e.org/a";
    vec![
        ("link", vec![t("see "), link(url, vec![t("here")])], "see here", vec![to(url, 4, 4)]),
        ("bare link", vec![t("see "), bare(url), t(" now")], "see https://e.org/a now", vec![]),
        ("link without words", vec![link(url, vec![])], url, vec![]),
        ("bare link beside words", vec![t("a"), bare(url)], "ahttps://e.org/a", vec![to(url, 1, 15)]),
        ("bare link before words", vec![bare(url), t("b")], "https://e.org/ab", vec![to(url, 0, 15)]),
        (
            "bare link with a sign",
            vec![bare("https://e.org/@ada")],
            "https://e.org/@ada",
            vec![to("https://e.org/@ada", 0, 18)],
        ),
        (
            "bare link without scheme",
            vec![link("http://e.org", vec![t("e.org")])],
            "e.org",
            vec![to("http://e.org", 0, 5)],
        ),
        ("bold link", vec![strong(vec![link(url, vec![t("a")])])], "a", vec![bold(0, 1), to(url, 0, 1)]),
        (
            "bold in a link",
            vec![link(url, vec![t("a"), strong(vec![t("b")])])],
            "ab",
            vec![to(url, 0, 2), bold(1, 1)],
        ),
        (
            "link in a link",
            vec![link(url, vec![link("https://f.org", vec![t("a")])])],
            "a",
            vec![to(url, 0, 1)],
        ),
        ("link with a username", vec![link(url, vec![t("@ada")])], "@\u{200b}ada", vec![to(url, 0, 5)]),
        (
            "link with spaces",
            vec![link("https://e.org/ a\nb", vec![t("a")])],
            "a",
            vec![to("https://e.org/ab", 0, 1)],
        ),
        ("mail link", vec![link("mailto:a@e.org", vec![t("write")])], "write (a@e.org)", vec![]),
        ("bare mail link", vec![link("mailto:a@e.org", vec![t("a@e.org")])], "a@e.org", vec![]),
        ("other scheme", vec![link("ftp://e.org", vec![t("a")])], "a (ftp://e.org)", vec![]),
        ("bare other scheme", vec![bare("ftp://e.org")], "ftp://e.org", vec![]),
        ("app link is never sent", vec![link("tg://user?id=5", vec![t("a")])], "a (tg://user?id=5)", vec![]),
        ("script link is never sent", vec![link("javascript:x", vec![t("a")])], "a (javascript:x)", vec![]),
        (
            "long link",
            vec![link("https://e.org/(a)*_b", vec![t("a")])],
            "a",
            vec![to("https://e.org/(a)*_b", 0, 1)],
        ),
    ]
}

fn people() -> Vec<Case> {
    let everyone = || mention(MentionTarget::Everyone, "room");
    let matrix = |id: &str, label: &str| {
        mention(MentionTarget::Person(Person::Matrix(id.try_into().expect("an id"))), label)
    };
    let chat = |id: &str, label: &str| mention(MentionTarget::Chat(RemoteChatId::new(id)), label);
    let message = |id: &str| {
        let target = MentionTarget::Message(RemoteChatId::new(id), RemoteMessageId::new("7"));
        mention(target, "that message")
    };
    vec![
        ("person with a username", vec![t("hi "), user("1", "Ada"), t("!")], "hi @ada_l!", vec![]),
        ("person without a username", vec![t("hi "), user("2", "Bob")], "hi Bob", vec![who(2, "Bob", 3, 3)]),
        ("person without a number", vec![user("channel-5", "News")], "News", vec![]),
        ("person without a name", vec![user("2", " ")], "?", vec![who(2, "?", 0, 1)]),
        ("name with a username in it", vec![user("2", "@eve")], "@\u{200b}eve", vec![who(2, "@eve", 0, 5)]),
        ("name of two lines", vec![user("2", "Bob\nSmith")], "Bob Smith", vec![who(2, "Bob Smith", 0, 9)]),
        ("person beside letters", vec![t("a"), user("1", "Ada"), t("b")], "a\u{200b}@ada_l\u{200b}b", vec![]),
        ("two people", vec![user("1", "Ada"), user("1", "Ada")], "@ada_l\u{200b}@ada_l", vec![]),
        (
            "person before bold letters",
            vec![user("1", "A"), strong(vec![t("b")])],
            "@ada_l\u{200b}b",
            vec![bold(6, 2)],
        ),
        ("person before code", vec![user("1", "A"), code("b")], "@ada_l\u{200b}b", vec![mono(7, 1)]),
        ("bold person", vec![strong(vec![user("2", "Bob")])], "Bob", vec![bold(0, 3), who(2, "Bob", 0, 3)]),
        ("hidden person", vec![spoiler(vec![user("1", "Ada")])], "@ada_l", vec![hidden(0, 6)]),
        (
            "person in a link",
            vec![link("https://e.org", vec![user("1", "Ada")])],
            "Ada",
            vec![to("https://e.org", 0, 3)],
        ),
        ("person in Matrix", vec![matrix("@carol:e.org", "Carol")], "Carol", vec![]),
        ("person in Matrix with a sign", vec![matrix("@carol:e.org", "@carol")], "@\u{200b}carol", vec![]),
        ("everybody", vec![everyone()], "@\u{200b}room", vec![]),
        (
            "group",
            vec![mention(MentionTarget::Group(RemoteGroupId::new("5")), "mods")],
            "@\u{200b}mods",
            vec![],
        ),
        ("chat", vec![chat("-200", "talk")], "#talk", vec![]),
        ("chat with an address", vec![chat("-100", "talk")], "#talk", vec![to("https://t.me/magpie", 0, 5)]),
        ("message", vec![message("-200")], "that message", vec![]),
        (
            "message with an address",
            vec![message("-100")],
            "that message",
            vec![to("https://t.me/magpie/7", 0, 12)],
        ),
        ("room", vec![mention(MentionTarget::Room("#a:e.org".into()), "#a:e.org")], "#a:e.org", vec![]),
        ("custom emoji", vec![t("a "), emoji("🐦", "emoji:5")], "a 🐦", vec![]),
        ("custom emoji with a name", vec![emoji("party", "x")], ":party:", vec![]),
    ]
}

/// What a relay's template makes of somebody's words.
fn relayed() -> Vec<Case> {
    let name = || strong(vec![t("Ada")]);
    vec![
        ("relayed words", vec![name(), t(": hi")], "Ada: hi", vec![bold(0, 3)]),
        (
            "relayed bold words",
            vec![name(), t(": "), strong(vec![t("hi")])],
            "Ada: hi",
            vec![bold(0, 3), bold(5, 2)],
        ),
        (
            "relayed quote",
            vec![name(), t(": "), quote(vec![t("a"), n(), t("b")])],
            "Ada: \na\nb",
            vec![bold(0, 3), cite(6, 3)],
        ),
        (
            "relayed code",
            vec![name(), t(": "), block("c", "x;")],
            "Ada: \nx;",
            vec![bold(0, 3), pre("c", 6, 2)],
        ),
        ("relayed action", vec![t("* "), name(), t(" waves")], "* Ada waves", vec![bold(2, 3)]),
        (
            "relay name with a username",
            vec![strong(vec![t("@eve")]), t(": hi")],
            "@\u{200b}eve: hi",
            vec![bold(0, 5)],
        ),
        ("relay name with lines", vec![strong(vec![t("a\nb")]), t(": hi")], "a b: hi", vec![bold(0, 3)]),
    ]
}
