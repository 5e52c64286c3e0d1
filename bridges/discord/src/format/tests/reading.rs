//! Discord's markup to the tree.

use super::*;

type Case = (&'static str, &'static str, Vec<Node>);

fn check((name, content, expected): &Case) -> Result<(), String> {
    let read = read(content, &Reading { names: &Known, everyone: name.starts_with("pinged") });
    if read == RichText(expected.clone()) {
        return Ok(());
    }
    Err(format!("{name}\n  content  {content:?}\n  expected {expected:?}\n  read     {:?}", read.0))
}

#[test]
fn discord_to_tree() {
    let cases: Vec<Case> = [words(), marks(), codes(), blocks(), lists(), angles(), links()].concat();
    check_names(cases.iter().map(|case| case.0));
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failed.is_empty(), "{} of {} cases\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn words() -> Vec<Case> {
    vec![
        ("empty", "", vec![]),
        ("plain words", "hello there", vec![t("hello there")]),
        ("two lines", "a\nb", vec![t("a"), n(), t("b")]),
        ("empty line between", "a\n\nb", vec![t("a"), n(), n(), t("b")]),
        ("end is trimmed", "a \n\n", vec![t("a")]),
        ("tab is a space", "a\tb", vec![t("a b")]),
        ("control characters go", "a\u{7}\u{1b}[31mb", vec![t("a[31mb")]),
        ("carriage return goes", "a\r\nb", vec![t("a"), n(), t("b")]),
        ("other scripts", "喜鹊 приве́т 👩‍🚀", vec![t("喜鹊 приве́т 👩‍🚀")]),
        ("html is text", "<b>x</b> &amp;", vec![t("<b>x</b> &amp;")]),
        ("everyone without the right is text", "@everyone", vec![t("@everyone")]),
        ("here without the right is text", "hi @here", vec![t("hi @here")]),
        ("pinged everyone", "hi @everyone!", vec![t("hi "), everyone("everyone"), t("!")]),
        ("pinged here", "@here", vec![everyone("here")]),
        ("pinged in code is code", "`@everyone`", vec![code("@everyone")]),
        ("pinged but escaped", "\\@everyone", vec![t("@everyone")]),
        ("escaped star", "\\*a\\*", vec![t("*a*")]),
        ("escaped underscore", "\\_a\\_", vec![t("_a_")]),
        ("escaped backslash", "a\\\\b", vec![t("a\\b")]),
        ("backslash before a letter stays", "C:\\dir", vec![t("C:\\dir")]),
        ("backslash at the end stays", "a\\", vec![t("a\\")]),
        ("escaped mention is text", "\\<@1>", vec![t("<@1>")]),
        ("escaped backtick", "\\`a`", vec![t("`a`")]),
        ("shrug keeps its arm", "¯\\_(ツ)_/¯", vec![t("¯\\_(ツ)_/¯")]),
        ("colon emoji is text", ":smile:", vec![t(":smile:")]),
    ]
}

fn marks() -> Vec<Case> {
    vec![
        ("bold", "**a**", vec![strong(vec![t("a")])]),
        ("italic star", "*a*", vec![em(vec![t("a")])]),
        ("italic underscore", "_a_", vec![em(vec![t("a")])]),
        ("underline", "__a__", vec![under(vec![t("a")])]),
        ("strike", "~~a~~", vec![strike(vec![t("a")])]),
        ("spoiler", "||a||", vec![spoiler(vec![t("a")])]),
        ("bold italic", "***a***", vec![em(vec![strong(vec![t("a")])])]),
        ("bold italic closing apart", "***a* b**", vec![strong(vec![em(vec![t("a")]), t(" b")])]),
        ("italic bold closing apart", "***a** b*", vec![em(vec![strong(vec![t("a")]), t(" b")])]),
        ("underline italic", "___a___", vec![em(vec![under(vec![t("a")])])]),
        ("bold in italic", "*a **b** c*", vec![em(vec![t("a "), strong(vec![t("b")]), t(" c")])]),
        ("italic in bold", "**a *b* c**", vec![strong(vec![t("a "), em(vec![t("b")]), t(" c")])]),
        ("italic at the end of bold", "**a *b***", vec![strong(vec![t("a "), em(vec![t("b")])])]),
        ("underscore italic in bold", "**_a_**", vec![strong(vec![em(vec![t("a")])])]),
        ("bold in underline", "__**a**__", vec![under(vec![strong(vec![t("a")])])]),
        (
            "all marks",
            "||~~__**a**__~~||",
            vec![spoiler(vec![strike(vec![under(vec![strong(vec![t("a")])])])])],
        ),
        ("bold over lines", "**a\nb**", vec![strong(vec![t("a"), n(), t("b")])]),
        ("two bolds", "**a** **b**", vec![strong(vec![t("a")]), t(" "), strong(vec![t("b")])]),
        ("two spoilers side by side", "||a||||b||", vec![spoiler(vec![t("a")]), spoiler(vec![t("b")])]),
        ("bold within a word", "a**b**c", vec![t("a"), strong(vec![t("b")]), t("c")]),
        ("star italic within a word", "a*b*c", vec![t("a"), em(vec![t("b")]), t("c")]),
        ("snake case", "snake_case_name", vec![t("snake_case_name")]),
        ("double snake", "a __init__ b", vec![t("a "), under(vec![t("init")]), t(" b")]),
        ("star with a space", "2 * 3 * 4", vec![t("2 * 3 * 4")]),
        ("star before a space is no end", "*a *", vec![t("*a *")]),
        ("bold with edges of space", "** a **", vec![strong(vec![t(" a ")])]),
        ("unclosed bold", "**a", vec![t("**a")]),
        ("unclosed italic", "a *b", vec![t("a *b")]),
        ("unclosed inside closed", "**a _b**", vec![strong(vec![t("a _b")])]),
        ("crossing marks", "**a ~~b** c~~", vec![strong(vec![t("a ~~b")]), t(" c~~")]),
        ("empty bold", "****", vec![t("****")]),
        ("empty spoiler", "||||", vec![t("||||")]),
        ("one tilde", "~a~", vec![t("~a~")]),
        ("one bar", "a | b", vec![t("a | b")]),
        ("many stars", "*****", vec![t("*****")]),
        ("bold end inside italic", "*a**", vec![t("*a**")]),
        ("escaped end", "**a\\** b**", vec![strong(vec![t("a** b")])]),
        ("mark around a mention", "**<@1>**", vec![strong(vec![user("1", "Ada")])]),
        ("spoiler with a link", "||https://e.org||", vec![spoiler(vec![bare("https://e.org")])]),
    ]
}

fn codes() -> Vec<Case> {
    vec![
        ("code", "`a`", vec![code("a")]),
        ("code keeps marks", "`**a**`", vec![code("**a**")]),
        ("code keeps backslashes", "`a\\b`", vec![code("a\\b")]),
        ("code with a backtick", "``a`b``", vec![code("a`b")]),
        ("code with a backtick at the edge", "`` `a` ``", vec![code("`a`")]),
        ("code over lines", "`a\nb`", vec![code("a b")]),
        ("unclosed code", "`a", vec![t("`a")]),
        ("runs that do not match", "``a`", vec![t("``a`")]),
        ("code in bold", "**`a`**", vec![strong(vec![code("a")])]),
        ("block", "```\na\n```", vec![block("", "a")]),
        ("block with a language", "```rust\nfn a() {}\n```", vec![block("rust", "fn a() {}")]),
        ("block on one line", "```a```", vec![block("", "a")]),
        ("language alone is code", "```rust```", vec![block("", "rust")]),
        ("language with nothing after is code", "```rust\n```", vec![block("", "rust")]),
        ("first line with a space is code", "```a b\nc```", vec![block("", "a b\nc")]),
        ("block keeps marks and lines", "```\n**a**\n\n> b\n```", vec![block("", "**a**\n\n> b")]),
        ("block keeps indentation", "```\n  a\n```", vec![block("", "  a")]),
        ("block between words", "a\n```\nb\n```\nc", vec![t("a"), block("", "b"), t("c")]),
        ("block within a line", "a ```b``` c", vec![t("a "), block("", "b"), t(" c")]),
        ("empty line before a block", "a\n\n```\nb\n```", vec![t("a"), n(), n(), block("", "b")]),
        ("empty line after a block", "```\na\n```\n\nb", vec![block("", "a"), n(), t("b")]),
        ("two blocks", "```\na\n```\n```\nb\n```", vec![block("", "a"), block("", "b")]),
        ("empty block", "``````", vec![t("``````")]),
        ("unclosed block", "```\na", vec![t("```"), n(), t("a")]),
        ("heading in a block is code", "```\n# a\n- b\n```", vec![block("", "# a\n- b")]),
        ("escaped fence", "\\`\\`\\`a```", vec![t("```a```")]),
        ("language with signs", "```c++\na\n```", vec![block("c++", "a")]),
    ]
}

fn blocks() -> Vec<Case> {
    vec![
        ("quote", "> a", vec![quote(vec![t("a")])]),
        ("quote of two lines", "> a\n> b", vec![quote(vec![t("a"), n(), t("b")])]),
        ("quote then words", "> a\nb", vec![quote(vec![t("a")]), t("b")]),
        ("words then quote", "a\n> b", vec![t("a"), quote(vec![t("b")])]),
        ("quote, empty line, words", "> a\n\nb", vec![quote(vec![t("a")]), n(), t("b")]),
        ("words, empty line, quote", "a\n\n> b", vec![t("a"), n(), n(), quote(vec![t("b")])]),
        ("long quote", "a\n>>> b\nc", vec![t("a"), quote(vec![t("b"), n(), t("c")])]),
        ("quote without a space is text", ">a", vec![t(">a")]),
        ("quote in a quote is text", "> > a", vec![quote(vec![t("> a")])]),
        ("quote in the middle is text", "a > b", vec![t("a > b")]),
        ("empty line in a quote", "> a\n> \n> b", vec![quote(vec![t("a"), n(), n(), t("b")])]),
        ("block in a quote", "> ```\n> a\n> ```", vec![quote(vec![block("", "a")])]),
        ("bold in a quote", "> **a**", vec![quote(vec![strong(vec![t("a")])])]),
        ("list in a quote", "> - a", vec![quote(vec![bullets(vec![vec![t("a")]])])]),
        ("heading 1", "# a", vec![heading(1, "a")]),
        ("heading 2", "## a", vec![heading(2, "a")]),
        ("heading 3", "### a", vec![heading(3, "a")]),
        ("four marks are text", "#### a", vec![t("#### a")]),
        ("hash without a space is text", "#a", vec![t("#a")]),
        ("heading then words", "# a\nb", vec![heading(1, "a"), t("b")]),
        ("words then heading", "a\n# b", vec![t("a"), heading(1, "b")]),
        ("two headings apart", "# a\n\n# b", vec![heading(1, "a"), n(), heading(1, "b")]),
        ("heading in a quote", "> # a", vec![quote(vec![heading(1, "a")])]),
        ("small print", "-# a", vec![t("a")]),
        ("small print between", "a\n-# b\nc", vec![t("a"), n(), t("b"), n(), t("c")]),
        ("escaped quote", "\\> a", vec![t("> a")]),
        ("escaped heading", "\\# a", vec![t("# a")]),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        ("bullets", "- a\n- b", vec![bullets(vec![vec![t("a")], vec![t("b")]])]),
        ("star bullets", "* a\n* b", vec![bullets(vec![vec![t("a")], vec![t("b")]])]),
        ("numbers", "1. a\n2. b", vec![numbers(1, vec![vec![t("a")], vec![t("b")]])]),
        ("numbers from seven", "7. a", vec![numbers(7, vec![vec![t("a")]])]),
        (
            "nested bullets",
            "- a\n  - b\n- c",
            vec![bullets(vec![vec![t("a"), bullets(vec![vec![t("b")]])], vec![t("c")]])],
        ),
        (
            "numbers in bullets",
            "- a\n  1. b\n  2. c",
            vec![bullets(vec![vec![t("a"), numbers(1, vec![vec![t("b")], vec![t("c")]])]])],
        ),
        (
            "three levels",
            "- a\n  - b\n    - c",
            vec![bullets(vec![vec![t("a"), bullets(vec![vec![t("b"), bullets(vec![vec![t("c")]])]])]])],
        ),
        (
            "bullets then numbers",
            "- a\n1. b",
            vec![bullets(vec![vec![t("a")]]), numbers(1, vec![vec![t("b")]])],
        ),
        ("words then bullets", "a\n- b", vec![t("a"), bullets(vec![vec![t("b")]])]),
        ("bullets then words", "- a\nb", vec![bullets(vec![vec![t("a")]]), t("b")]),
        ("item of two lines", "- a\n  b", vec![bullets(vec![vec![t("a"), n(), t("b")]])]),
        ("marks in an item", "- **a**", vec![bullets(vec![vec![strong(vec![t("a")])]])]),
        ("block in an item", "- a\n  ```\nb\n```", vec![bullets(vec![vec![t("a"), block("", "b")]])]),
        ("dash without a space is text", "-a", vec![t("-a")]),
        ("dash alone is text", "a\n-", vec![t("a"), n(), t("-")]),
        ("number without a space is text", "1.5", vec![t("1.5")]),
        ("escaped bullet", "\\- a", vec![t("- a")]),
        ("escaped number", "1\\. a", vec![t("1. a")]),
        ("very long number is text", "12345678901. a", vec![t("12345678901. a")]),
    ]
}

fn angles() -> Vec<Case> {
    vec![
        ("user", "<@1>", vec![user("1", "Ada")]),
        ("user with nickname mark", "<@!1>", vec![user("1", "Ada")]),
        ("unknown user", "<@77>", vec![user("77", "77")]),
        ("role", "<@&2>", vec![role("2", "mods")]),
        ("unknown role", "<@&78>", vec![role("78", "78")]),
        ("channel", "see <#3>", vec![t("see "), channel("3", "general")]),
        ("unknown channel", "<#79>", vec![channel("79", "79")]),
        ("emoji", "<:wave:5>", vec![emoji("wave", "emojis/5.webp")]),
        ("moving emoji", "<a:wave:5>", vec![emoji("wave", "emojis/5.gif")]),
        ("two emoji", "<:a:5><:b:6>", vec![emoji("a", "emojis/5.webp"), emoji("b", "emojis/6.webp")]),
        ("command", "</play:9>", vec![t("/play")]),
        ("command with a part", "use </music play:9> now", vec![t("use /music play now")]),
        ("place customize", "<id:customize>", vec![t("Channels & Roles")]),
        ("place guide", "<id:guide>", vec![t("Server Guide")]),
        ("unknown place", "<id:x>", vec![t("<id:x>")]),
        ("date", "<t:0>", vec![t("1970-01-01 00:00 UTC")]),
        ("date short", "<t:1700000000:d>", vec![t("2023-11-14")]),
        ("time", "<t:1700000000:t>", vec![t("22:13 UTC")]),
        ("time with seconds", "<t:1700000000:T>", vec![t("22:13:20 UTC")]),
        ("date long", "<t:1700000000:F>", vec![t("2023-11-14 22:13 UTC")]),
        ("date relative", "<t:1700000000:R>", vec![t("2023-11-14 22:13 UTC")]),
        ("date before 1970", "<t:-86400:d>", vec![t("1969-12-31")]),
        ("leap day", "<t:1709164800:d>", vec![t("2024-02-29")]),
        ("date out of range is text", "<t:99999999999999:d>", vec![t("<t:99999999999999:d>")]),
        ("date of unknown style is text", "<t:0:q>", vec![t("<t:0:q>")]),
        ("letters in a mention are text", "<@x>", vec![t("<@x>")]),
        ("empty mention is text", "<@>", vec![t("<@>")]),
        ("too long an id is text", "<@123456789012345678901>", vec![t("<@123456789012345678901>")]),
        ("open angle is text", "a < b", vec![t("a < b")]),
        ("mention over lines is text", "<@\n1>", vec![t("<@"), n(), t("1>")]),
    ]
}

fn links() -> Vec<Case> {
    vec![
        ("bare link", "https://e.org/a", vec![bare("https://e.org/a")]),
        ("bare link within", "see https://e.org.", vec![t("see "), bare("https://e.org"), t(".")]),
        ("http link", "http://e.org", vec![bare("http://e.org")]),
        ("link with marks in it", "https://e.org/a_b_c*d*", vec![bare("https://e.org/a_b_c*d*")]),
        ("link in parentheses", "(https://e.org)", vec![t("("), bare("https://e.org"), t(")")]),
        ("link with its own parentheses", "https://e.org/a_(b)", vec![bare("https://e.org/a_(b)")]),
        ("link in bold", "**https://e.org**", vec![strong(vec![bare("https://e.org")])]),
        ("link in italics", "_https://e.org_", vec![em(vec![bare("https://e.org")])]),
        ("suppressed link", "<https://e.org>", vec![bare("https://e.org")]),
        ("masked link", "[a](https://e.org)", vec![link("https://e.org", vec![t("a")])]),
        ("masked link without preview", "[a](<https://e.org>)", vec![link("https://e.org", vec![t("a")])]),
        (
            "masked link with marks",
            "[**a**](https://e.org)",
            vec![link("https://e.org", vec![strong(vec![t("a")])])],
        ),
        (
            "masked link with parentheses",
            "[a](https://e.org/x_(y))",
            vec![link("https://e.org/x_(y)", vec![t("a")])],
        ),
        (
            "two masked links",
            "[a](https://e.org)[b](https://f.org)",
            vec![link("https://e.org", vec![t("a")]), link("https://f.org", vec![t("b")])],
        ),
        ("masked link to elsewhere is text", "[a](javascript:x)", vec![t("[a](javascript:x)")]),
        ("brackets alone are text", "[a] (b)", vec![t("[a] (b)")]),
        (
            "masked link without words is text",
            "[](https://e.org)",
            vec![t("[]("), bare("https://e.org"), t(")")],
        ),
        ("escaped masked link", "\\[a](https://e.org)", vec![t("[a]("), bare("https://e.org"), t(")")]),
        ("scheme alone is text", "https://", vec![t("https://")]),
        ("link after a letter is text", "xhttps://e.org", vec![t("xhttps://e.org")]),
        ("message link", "https://discord.com/channels/9/3/4", vec![message("3", "4", "#general")]),
        (
            "message link into a thread",
            "https://discord.com/channels/9/5/4",
            vec![message("3", "5/4", "https://discord.com/channels/9/5/4")],
        ),
        (
            "message link to the start of a thread",
            "https://discord.com/channels/9/5/5",
            vec![message("3", "5", "https://discord.com/channels/9/5/5")],
        ),
        (
            "message link in angles",
            "<https://ptb.discord.com/channels/9/3/4>",
            vec![message("3", "4", "#general")],
        ),
        (
            "message link to an unknown channel",
            "https://discord.com/channels/9/8/4",
            vec![message("8", "4", "https://discord.com/channels/9/8/4")],
        ),
        (
            "channel link is a link",
            "https://discord.com/channels/9/3",
            vec![bare("https://discord.com/channels/9/3")],
        ),
    ]
}
