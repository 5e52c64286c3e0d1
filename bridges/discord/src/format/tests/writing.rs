//! The tree to Discord's markup.

use super::*;

type Case = (&'static str, Vec<Node>, &'static str);

fn check((name, nodes, expected): &Case) -> Result<(), String> {
    let parts = write(&RichText(nodes.clone()), &Known);
    let written: Vec<&str> = parts.iter().map(|part| part.content.as_str()).collect();
    let written = written.join("<<CUT>>");
    if written == *expected {
        return Ok(());
    }
    Err(format!("{name}\n  tree     {nodes:?}\n  expected {expected:?}\n  written  {written:?}"))
}

#[test]
fn tree_to_discord() {
    let cases: Vec<Case> = [words(), marks(), codes(), blocks(), lists(), mentions(), links()].concat();
    check_names(cases.iter().map(|case| case.0));
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failed.is_empty(), "{} of {} cases\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn only_mentions_in_the_tree_are_allowed_to_ping() {
    let tree = RichText(vec![user("1", "Ada"), role("2", "mods"), t("@everyone <@5>"), user("1", "Ada")]);
    let parts = write(&tree, &Known);
    assert_eq!(parts.len(), 1);
    let expected = AllowedMentions { everyone: false, users: vec!["1".into()], roles: vec!["2".into()] };
    assert_eq!(parts[0].allowed, expected);
    let parts = write(&RichText(vec![everyone("room")]), &Known);
    assert!(parts[0].allowed.everyone);
}

fn words() -> Vec<Case> {
    vec![
        ("empty", vec![], ""),
        ("blank", vec![t("  "), n()], ""),
        ("plain words", vec![t("hello there")], "hello there"),
        ("two lines", vec![t("a"), n(), t("b")], "a\nb"),
        ("empty line between", vec![t("a"), n(), n(), t("b")], "a\n\nb"),
        ("line break in words", vec![t("a\nb")], "a b"),
        ("control characters go", vec![t("a\u{7}b\u{1}c")], "abc"),
        ("tab is a space", vec![t("a\tb")], "a b"),
        ("other scripts", vec![t("喜鹊 👩‍🚀")], "喜鹊 👩‍🚀"),
        ("star", vec![t("2*3*4")], "2\\*3\\*4"),
        ("underscore", vec![t("snake_case_")], "snake\\_case\\_"),
        ("tilde", vec![t("~~a~~")], "\\~\\~a\\~\\~"),
        ("bars", vec![t("||a||")], "\\|\\|a\\|\\|"),
        ("backtick", vec![t("`a`")], "\\`a\\`"),
        ("backslash", vec![t("a\\b")], "a\\\\b"),
        ("shrug", vec![t("¯\\_(ツ)_/¯")], "¯\\\\\\_(ツ)\\_/¯"),
        ("brackets", vec![t("[a](b)")], "\\[a\\](b)"),
        ("heading mark", vec![t("# a")], "\\# a"),
        ("heading mark within", vec![t("a # b")], "a # b"),
        ("heading mark on the second line", vec![t("a"), n(), t("## b")], "a\n\\## b"),
        ("quote mark", vec![t("> a")], "\\> a"),
        ("quote mark within", vec![t("a > b")], "a > b"),
        ("long quote mark", vec![t(">>> a")], "\\>>> a"),
        ("bullet mark", vec![t("- a")], "\\- a"),
        ("small print mark", vec![t("-# a")], "\\-# a"),
        ("star bullet", vec![t("* a")], "\\* a"),
        ("number mark", vec![t("1. a")], "1\\. a"),
        ("number with a fraction", vec![t("1.5")], "1\\.5"),
        ("number within", vec![t("a 1. b")], "a 1. b"),
        ("indented mark", vec![t("a"), n(), t("  # b")], "a\n\\# b"),
        ("user mention in words", vec![t("<@1>")], "\\<\u{200b}@1>"),
        ("role mention in words", vec![t("<@&2>")], "\\<\u{200b}@&2>"),
        ("channel mention in words", vec![t("<#3>")], "\\<\u{200b}#3>"),
        ("emoji in words", vec![t("<:a:5>")], "\\<\u{200b}:a:5>"),
        ("moving emoji in words", vec![t("<a:a:5>")], "\\<\u{200b}a:a:5>"),
        ("command in words", vec![t("</a:5>")], "\\<\u{200b}/a:5>"),
        ("date in words", vec![t("<t:0>")], "\\<\u{200b}t:0>"),
        ("place in words", vec![t("<id:guide>")], "\\<\u{200b}id:guide>"),
        ("everyone in words", vec![t("@everyone")], "@\u{200b}everyone"),
        ("here in words", vec![t("hi @here")], "hi @\u{200b}here"),
        ("loud everyone in words", vec![t("@EVERYONE")], "@\u{200b}EVERYONE"),
        ("mail address", vec![t("a@example.org")], "a@example.org"),
        ("less than", vec![t("a < b")], "a \\< b"),
        ("html", vec![t("<b>x</b>")], "\\<b>x\\<\u{200b}/b>"),
    ]
}

fn marks() -> Vec<Case> {
    vec![
        ("bold", vec![strong(vec![t("a")])], "**a**"),
        ("italic", vec![em(vec![t("a")])], "*a*"),
        ("underline", vec![under(vec![t("a")])], "__a__"),
        ("strike", vec![strike(vec![t("a")])], "~~a~~"),
        ("spoiler", vec![spoiler(vec![t("a")])], "||a||"),
        (
            "spoiler with a reason",
            vec![Node::Spoiler { reason: Some("film".into()), children: vec![t("a")] }],
            "(film) ||a||",
        ),
        ("italic in bold", vec![strong(vec![em(vec![t("a")])])], "**_a_**"),
        ("bold in italic", vec![em(vec![strong(vec![t("a")])])], "_**a**_"),
        ("bold in italic before a letter", vec![em(vec![strong(vec![t("a")])]), t("b")], "***a***b"),
        ("italic within a word", vec![t("a"), em(vec![t("b")]), t("c")], "a*b*c"),
        ("italic with edges of space", vec![em(vec![t(" a ")]), t(".")], "_ a _."),
        ("italic beside a star", vec![t("*"), em(vec![t("a")])], "\\*_a_"),
        ("italic in underline", vec![under(vec![em(vec![t("a")])])], "__*a*__"),
        ("underline in italic", vec![em(vec![under(vec![t("a")])])], "*__a__*"),
        ("italic in italic", vec![em(vec![t("a"), em(vec![t("b")])])], "*ab*"),
        ("bolds side by side", vec![strong(vec![t("a")]), strong(vec![t("b")])], "**ab**"),
        ("spoilers side by side", vec![spoiler(vec![t("a")]), spoiler(vec![t("b")])], "||ab||"),
        ("bold and strike", vec![strong(vec![strike(vec![t("a")])])], "**~~a~~**"),
        ("blank bold", vec![t("a"), strong(vec![t(" ")]), t("b")], "a b"),
        ("empty bold", vec![t("a"), strong(vec![]), t("b")], "ab"),
        ("bold over lines", vec![strong(vec![t("a"), n(), t("b")])], "**a\nb**"),
        ("star in bold", vec![strong(vec![t("a*")])], "**a\\***"),
        ("bold around a quote", vec![strong(vec![quote(vec![t("a")])])], "> **a**"),
        (
            "spoiler around a quote hides the words",
            vec![spoiler(vec![t("a"), quote(vec![t("b")])])],
            "||a||\n> ||b||",
        ),
        ("spoiler around a list", vec![spoiler(vec![bullets(vec![vec![t("a")]])])], "- ||a||"),
        ("heading mark in bold", vec![strong(vec![t("# a")])], "**# a**"),
    ]
}

fn codes() -> Vec<Case> {
    vec![
        ("code", vec![code("a")], "`a`"),
        ("code keeps marks", vec![code("**a**\\")], "`**a**\\`"),
        ("code with a backtick", vec![code("a`b")], "``a`b``"),
        ("code with a backtick at the edge", vec![code("`a")], "`` `a``"),
        ("code with two backticks", vec![code("a``b")], "``a`\u{200b}`b``"),
        ("code with a line break", vec![code("a\nb")], "`a b`"),
        ("code that would ping", vec![code("@everyone <@1>")], "`@\u{200b}everyone <\u{200b}@1>`"),
        ("empty code", vec![t("a"), code("")], "a"),
        ("block", vec![block("", "a")], "```\na\n```"),
        ("block with a language", vec![block("rust", "fn a() {}")], "```rust\nfn a() {}\n```"),
        ("block with a strange language", vec![block("a b`", "x")], "```ab\nx\n```"),
        ("block keeps marks", vec![block("", "**a**\n> b")], "```\n**a**\n> b\n```"),
        ("block with a fence", vec![block("", "a```b")], "```\na`\u{200b}`\u{200b}`b\n```"),
        ("block between words", vec![t("a"), block("", "b"), t("c")], "a\n```\nb\n```\nc"),
        ("block after an empty line", vec![t("a"), n(), n(), block("", "b")], "a\n\n```\nb\n```"),
        ("block before an empty line", vec![block("", "a"), n(), t("b")], "```\na\n```\n\nb"),
        ("two blocks", vec![block("", "a"), block("", "b")], "```\na\n```\n```\nb\n```"),
        ("empty block", vec![t("a"), block("", "\n")], "a"),
        ("block in a spoiler", vec![spoiler(vec![block("", "a")])], "||```\na\n```||"),
        ("block in bold", vec![strong(vec![block("", "a")])], "```\na\n```"),
        ("block keeps indentation", vec![block("", "  a\n    b")], "```\n  a\n    b\n```"),
    ]
}

fn blocks() -> Vec<Case> {
    vec![
        ("quote", vec![quote(vec![t("a")])], "> a"),
        ("quote of two lines", vec![quote(vec![t("a"), n(), t("b")])], "> a\n> b"),
        ("quote then words", vec![quote(vec![t("a")]), t("b")], "> a\nb"),
        ("words then quote", vec![t("a"), quote(vec![t("b")])], "a\n> b"),
        ("break before a quote", vec![t("a"), n(), quote(vec![t("b")])], "a\n> b"),
        ("empty line before a quote", vec![t("a"), n(), n(), quote(vec![t("b")])], "a\n\n> b"),
        ("two quotes", vec![quote(vec![t("a")]), quote(vec![t("b")])], "> a\n\n> b"),
        ("quote in a quote", vec![quote(vec![t("a"), quote(vec![t("b")])])], "> a\n> \\> b"),
        ("block in a quote", vec![quote(vec![block("", "a\nb")])], "> ```\n> a\n> b\n> ```"),
        ("list in a quote", vec![quote(vec![bullets(vec![vec![t("a")]])])], "> - a"),
        ("quote mark in a quote", vec![quote(vec![t("> a")])], "> \\> a"),
        ("empty quote", vec![t("a"), quote(vec![])], "a"),
        ("heading 1", vec![heading(1, "a")], "# a"),
        ("heading 3", vec![heading(3, "a")], "### a"),
        ("heading 4 is bold", vec![heading(4, "a")], "**a**"),
        ("heading 6 is bold", vec![heading(6, "a"), t("b")], "**a**\nb"),
        ("heading then words", vec![heading(2, "a"), t("b")], "## a\nb"),
        ("words then heading", vec![t("a"), heading(2, "b")], "a\n## b"),
        (
            "heading of two lines",
            vec![Node::Heading { level: 1, children: vec![t("a"), n(), t("b")] }],
            "# a b",
        ),
        ("heading in a quote", vec![quote(vec![heading(1, "a")])], "> # a"),
        ("empty heading", vec![Node::Heading { level: 1, children: vec![] }, t("a")], "a"),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        ("bullets", vec![bullets(vec![vec![t("a")], vec![t("b")]])], "- a\n- b"),
        ("numbers", vec![numbers(1, vec![vec![t("a")], vec![t("b")]])], "1. a\n2. b"),
        ("numbers from nine", vec![numbers(9, vec![vec![t("a")], vec![t("b")]])], "9. a\n10. b"),
        (
            "nested bullets",
            vec![bullets(vec![vec![t("a"), bullets(vec![vec![t("b")]])], vec![t("c")]])],
            "- a\n  - b\n- c",
        ),
        (
            "bullets in numbers",
            vec![numbers(1, vec![vec![t("a"), bullets(vec![vec![t("b")]])]])],
            "1. a\n   - b",
        ),
        ("item of two lines", vec![bullets(vec![vec![t("a"), n(), t("b")]])], "- a\n  b"),
        ("empty line in an item", vec![bullets(vec![vec![t("a"), n(), n(), t("b")]])], "- a\n  b"),
        ("item that is a list", vec![bullets(vec![vec![bullets(vec![vec![t("a")]])]])], "- \u{200b}\n  - a"),
        ("quote in an item", vec![bullets(vec![vec![t("a"), quote(vec![t("b")])]])], "- a\n  b"),
        ("heading in an item", vec![bullets(vec![vec![t("a"), heading(1, "b")]])], "- a\n  **b**"),
        ("block in an item", vec![bullets(vec![vec![t("a"), block("", "b\nc")]])], "- a\n  ```\nb\nc\n```"),
        ("mark in an item", vec![bullets(vec![vec![t("# a")]])], "- \\# a"),
        ("list then words", vec![bullets(vec![vec![t("a")]]), t("b")], "- a\nb"),
        ("list then indented words", vec![bullets(vec![vec![t("a")]]), t("  b")], "- a\nb"),
        ("words then list", vec![t("a"), bullets(vec![vec![t("b")]])], "a\n- b"),
        ("two lists", vec![bullets(vec![vec![t("a")]]), bullets(vec![vec![t("b")]])], "- a\n\n- b"),
        ("empty item", vec![bullets(vec![vec![], vec![t("b")]])], "- b"),
    ]
}

fn mentions() -> Vec<Case> {
    let matrix = serde_json::from_str(r#"{"person":{"matrix":"@bob:e.org"}}"#).unwrap();
    vec![
        ("user", vec![user("1", "Ada")], "<@1>"),
        ("user of no number", vec![user("webhook:1:ab", "Ada")], "@Ada"),
        ("user in matrix", vec![mention(matrix, "bob")], "@bob"),
        ("user named everyone", vec![user("x", "everyone")], "@\u{200b}everyone"),
        ("user with marks in the name", vec![user("x", "a*b")], "@a\\*b"),
        ("role", vec![role("2", "mods")], "<@&2>"),
        ("channel", vec![channel("3", "general")], "<#3>"),
        ("space", vec![channel("g9", "guild")], "\\#guild"),
        ("message", vec![message("3", "4", "x")], "https://discord.com/channels/9/3/4"),
        (
            "message before a letter",
            vec![message("3", "4", "x"), t("b")],
            "<https://discord.com/channels/9/3/4>b",
        ),
        ("message in a thread", vec![message("3", "5/4", "x")], "https://discord.com/channels/9/5/4"),
        ("message in an unknown channel", vec![message("8", "4", "there")], "there"),
        ("room", vec![mention(MentionTarget::Room("!a:e.org".into()), "#a:e.org")], "\\#a:e.org"),
        ("everyone", vec![everyone("room")], "@everyone"),
        ("mention after an angle", vec![t("<"), user("1", "Ada")], "\\<\u{200b}<@1>"),
        ("emoji", vec![emoji("wave", "emojis/5.webp")], "<:wave:5>"),
        ("moving emoji", vec![emoji("wave", "emojis/5.gif")], "<a:wave:5>"),
        ("emoji from elsewhere", vec![emoji("wave", "x/5")], ":wave:"),
        ("emoji with a strange name", vec![emoji("a>b", "emojis/5.webp")], ":a>b:"),
    ]
}

fn links() -> Vec<Case> {
    vec![
        ("bare link", vec![bare("https://e.org")], "https://e.org"),
        ("bare link before a letter", vec![bare("https://e.org"), t("a")], "<https://e.org>a"),
        ("bare link that ends with a dot", vec![bare("https://e.org/a.")], "<https://e.org/a.>"),
        ("bare link in bold", vec![strong(vec![bare("https://e.org")])], "**<https://e.org>**"),
        ("link without words", vec![link("https://e.org", vec![])], "https://e.org"),
        ("masked link", vec![link("https://e.org", vec![t("a")])], "[a](https://e.org)"),
        (
            "masked link with parentheses",
            vec![link("https://e.org/(a)", vec![t("a")])],
            "[a](https://e.org/%28a%29)",
        ),
        (
            "masked link with marks",
            vec![link("https://e.org", vec![strong(vec![t("a")])])],
            "[**a**](https://e.org)",
        ),
        (
            "masked link with brackets",
            vec![link("https://e.org", vec![t("[a]")])],
            "[\\[a\\]](https://e.org)",
        ),
        (
            "masked link with a mention",
            vec![link("https://e.org", vec![user("1", "Ada")])],
            "[@Ada](https://e.org)",
        ),
        (
            "words that look like a link",
            vec![link("https://e.org", vec![t("https://f.org")])],
            "https://f.org (<https://e.org>)",
        ),
        ("mail link", vec![link("mailto:a@e.org", vec![t("mail")])], "mail (mailto:a@e.org)"),
        ("link that pings", vec![bare("https://e.org/@everyone")], "https://e.org/%40everyone"),
        ("link with an angle", vec![link("https://e.org/<@1>", vec![])], "https://e.org/%3C@1%3E"),
        ("link in words is kept whole", vec![t("see https://e.org/a_b_c ok")], "see https://e.org/a_b_c ok"),
        ("masked link in words", vec![t("[a](https://e.org)")], "\\[a\\](https://e.org)"),
    ]
}
