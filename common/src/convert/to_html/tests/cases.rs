//! Trees and what they become.

use super::*;

type Case = (&'static str, Vec<Node>, &'static str, Option<&'static str>);

/// Name, tree, body, and HTML.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = words();
    cases.extend(formatting());
    cases.extend(blocks());
    cases.extend(links());
    cases.extend(mentions());
    cases
}

fn words() -> Vec<Case> {
    vec![
        ("nothing", vec![], "", None),
        ("words", vec![text("a")], "a", None),
        ("two lines", vec![text("a"), LineBreak, text("b")], "a\nb", None),
        ("blank line", vec![text("a"), LineBreak, LineBreak, text("b")], "a\n\nb", None),
        ("brackets without formatting", vec![text("<b>a</b>")], "<b>a</b>", None),
        ("brackets with formatting", vec![text("<b>"), strong("a")], "<b>a", Some("&lt;b&gt;<strong>a</strong>")),
        ("script", vec![strong("<script>x</script>")], "<script>x</script>", Some("<strong>&lt;script&gt;x&lt;/script&gt;</strong>")),
        ("ampersand", vec![strong("a & b &lt;")], "a & b &lt;", Some("<strong>a &amp; b &amp;lt;</strong>")),
        ("quotation marks", vec![strong("\"a\" 'b'")], "\"a\" 'b'", Some("<strong>&quot;a&quot; &#39;b&#39;</strong>")),
        ("comment", vec![strong("<!-- a -->")], "<!-- a -->", Some("<strong>&lt;!-- a --&gt;</strong>")),
        ("Markdown", vec![text("**a** _b_ `c`")], "**a** _b_ `c`", None),
        ("control characters in words", vec![text("a\u{7}b\u{1b}[1mc")], "ab[1mc", None),
        ("control characters in bold", vec![strong("a\0b\u{85}")], "ab", Some("<strong>ab</strong>")),
        ("tab", vec![text("a\tb")], "a\tb", None),
        ("line break overlooked in words", vec![strong("a\nb")], "a\nb", Some("<strong>a<br>b</strong>")),
        ("carriage return overlooked in words", vec![strong("a\r\nb")], "a\nb", Some("<strong>a<br>b</strong>")),
        ("emoji and right-to-left", vec![strong("👩‍🚀 שלום")], "👩‍🚀 שלום", Some("<strong>👩‍🚀 שלום</strong>")),
        ("room in words", vec![text("@room")], "@room", None),
        ("user id in words", vec![text("@carol:example.org")], "@carol:example.org", None),
        ("line break before formatting", vec![text("a"), LineBreak, strong("b")], "a\nb", Some("a<br><strong>b</strong>")),
        ("adjoining words", vec![text("a"), text("b")], "ab", None),
        ("spaces", vec![text("a  b ")], "a  b ", None),
    ]
}

fn formatting() -> Vec<Case> {
    vec![
        ("bold", vec![strong("a")], "a", Some("<strong>a</strong>")),
        ("italic", vec![Emphasis(vec![text("a")])], "a", Some("<em>a</em>")),
        ("strike", vec![Strike(vec![text("a")])], "a", Some("<del>a</del>")),
        ("underline", vec![Underline(vec![text("a")])], "a", Some("<u>a</u>")),
        ("bold and italic", vec![Strong(vec![Emphasis(vec![text("a")])])], "a", Some("<strong><em>a</em></strong>")),
        ("bold between words", vec![text("a "), strong("b"), text(" c")], "a b c", Some("a <strong>b</strong> c")),
        ("bold over two lines", vec![Strong(vec![text("a"), LineBreak, text("b")])], "a\nb", Some("<strong>a<br>b</strong>")),
        ("empty bold", vec![text("a"), Strong(vec![])], "a", None),
        ("spoiler", vec![spoiler(None, "a")], "[spoiler]", Some("<span data-mx-spoiler>a</span>")),
        ("spoiler with reason", vec![spoiler(Some("end"), "a")], "[spoiler: end]", Some("<span data-mx-spoiler=\"end\">a</span>")),
        ("spoiler with a hostile reason", vec![spoiler(Some("\"><script>"), "a")], "[spoiler: \"><script>]", Some("<span data-mx-spoiler=\"&quot;&gt;&lt;script&gt;\">a</span>")),
        ("spoiler reason on two lines", vec![spoiler(Some("a\nb"), "c")], "[spoiler: a\nb]", Some("<span data-mx-spoiler=\"a b\">c</span>")),
        ("code", vec![code("a")], "a", Some("<code>a</code>")),
        ("code with markup", vec![code("<b>&amp;")], "<b>&amp;", Some("<code>&lt;b&gt;&amp;amp;</code>")),
        ("code with a line break", vec![code("a\nb")], "a\nb", Some("<code>a b</code>")),
        ("code with two spaces", vec![code("a  b")], "a  b", Some("<code>a  b</code>")),
        ("code with control characters", vec![code("a\u{1}")], "a", Some("<code>a</code>")),
        ("custom emoji in Matrix", vec![emoji("magpie", matrix("mxc://example.org/abc"))], ":magpie:", Some("<img data-mx-emoticon src=\"mxc://example.org/abc\" alt=\":magpie:\" title=\":magpie:\" height=\"32\">")),
        ("custom emoji on the network", vec![emoji("magpie", remote("9"))], ":magpie:", None),
        ("custom emoji with a broken address", vec![emoji("magpie", matrix("https://evil.org/x.png"))], ":magpie:", None),
        ("custom emoji with a hostile name", vec![emoji("\"onload=\"x", matrix("mxc://example.org/abc"))], ":\"onload=\"x:", Some("<img data-mx-emoticon src=\"mxc://example.org/abc\" alt=\":&quot;onload=&quot;x:\" title=\":&quot;onload=&quot;x:\" height=\"32\">")),
        ("custom emoji between words", vec![text("a "), emoji("b", remote("9")), text(" c")], "a :b: c", None),
    ]
}

fn blocks() -> Vec<Case> {
    vec![
        ("code block", vec![block(None, "a\n  b")], "a\n  b", Some("<pre><code>a\n  b</code></pre>")),
        ("code block with language", vec![block(Some("rust"), "x")], "x", Some("<pre><code class=\"language-rust\">x</code></pre>")),
        ("code block with C++", vec![block(Some("c++"), "x")], "x", Some("<pre><code class=\"language-c++\">x</code></pre>")),
        ("code block with a hostile language", vec![block(Some("x\"><script>"), "x")], "x", Some("<pre><code>x</code></pre>")),
        ("code block with an empty language", vec![block(Some(""), "x")], "x", Some("<pre><code>x</code></pre>")),
        ("code block with markup", vec![block(None, "</code></pre><b>")], "</code></pre><b>", Some("<pre><code>&lt;/code&gt;&lt;/pre&gt;&lt;b&gt;</code></pre>")),
        ("code block between words", vec![text("a"), block(None, "b"), text("c")], "a\nb\nc", Some("a<pre><code>b</code></pre>c")),
        ("code block with a tab", vec![block(None, "\ta")], "\ta", Some("<pre><code>\ta</code></pre>")),
        ("quote", vec![quote("a")], "> a", Some("<blockquote>a</blockquote>")),
        ("quote of two lines", vec![Quote(vec![text("a"), LineBreak, text("b")])], "> a\n> b", Some("<blockquote>a<br>b</blockquote>")),
        ("quote then words", vec![quote("a"), text("b")], "> a\nb", Some("<blockquote>a</blockquote>b")),
        ("quote in a quote", vec![Quote(vec![quote("a"), text("b")])], "> > a\n> b", Some("<blockquote><blockquote>a</blockquote>b</blockquote>")),
        ("empty quote", vec![text("a"), Quote(vec![])], "a\n> ", None),
        ("heading 1", vec![heading(1)], "a", Some("<h1>a</h1>")),
        ("heading 6", vec![heading(6)], "a", Some("<h6>a</h6>")),
        ("heading 0", vec![heading(0)], "a", Some("<h1>a</h1>")),
        ("heading 9", vec![heading(9)], "a", Some("<h6>a</h6>")),
        ("heading then words", vec![heading(2), text("b")], "a\nb", Some("<h2>a</h2>b")),
        ("bullets", vec![list(None, &["a", "b"])], "- a\n- b", Some("<ul><li>a</li><li>b</li></ul>")),
        ("numbers", vec![list(Some(1), &["a", "b"])], "1. a\n2. b", Some("<ol><li>a</li><li>b</li></ol>")),
        ("numbers from nine", vec![list(Some(9), &["a", "b"])], "9. a\n10. b", Some("<ol start=\"9\"><li>a</li><li>b</li></ol>")),
        ("list in a list", vec![List { start: None, items: vec![vec![text("a"), list(None, &["b"])]] }], "- a\n  - b", Some("<ul><li>a<ul><li>b</li></ul></li></ul>")),
        ("list between words", vec![text("a"), list(None, &["b"]), text("c")], "a\n- b\nc", Some("a<ul><li>b</li></ul>c")),
        ("item with brackets", vec![list(None, &["<li>"])], "- <li>", Some("<ul><li>&lt;li&gt;</li></ul>")),
        ("formatted item", vec![List { start: None, items: vec![vec![strong("a")]] }], "- a", Some("<ul><li><strong>a</strong></li></ul>")),
        ("blank line before a quote", vec![text("a"), LineBreak, LineBreak, quote("b")], "a\n\n> b", Some("a<br><br><blockquote>b</blockquote>")),
    ]
}

fn links() -> Vec<Case> {
    vec![
        ("link", vec![link("https://a.org", "a")], "a (https://a.org)", Some("<a href=\"https://a.org\">a</a>")),
        ("link in plain http", vec![link("http://a.org", "a")], "a (http://a.org)", Some("<a href=\"http://a.org\">a</a>")),
        ("link shown by its address", vec![link("https://a.org", "https://a.org")], "https://a.org", None),
        ("link without words", vec![Link { url: "https://a.org".into(), children: vec![] }], "https://a.org", None),
        ("bare link beside bold", vec![strong("a"), link("https://a.org", "https://a.org")], "ahttps://a.org", Some("<strong>a</strong><a href=\"https://a.org\">https://a.org</a>")),
        ("mail link", vec![link("mailto:a@b.org", "a")], "a (mailto:a@b.org)", Some("<a href=\"mailto:a@b.org\">a</a>")),
        ("ftp link", vec![link("ftp://a.org", "a")], "a (ftp://a.org)", Some("<a href=\"ftp://a.org\">a</a>")),
        ("magnet link", vec![link("magnet:?xt=a", "a")], "a (magnet:?xt=a)", Some("<a href=\"magnet:?xt=a\">a</a>")),
        ("upper-case link", vec![link("HTTPS://A.org", "a")], "a (HTTPS://A.org)", Some("<a href=\"HTTPS://A.org\">a</a>")),
        ("link with query", vec![link("https://a.org/?a=1&b=2", "a")], "a (https://a.org/?a=1&b=2)", Some("<a href=\"https://a.org/?a=1&amp;b=2\">a</a>")),
        ("link with quotation marks", vec![link("https://a.org/\"onclick=\"x", "a")], "a (https://a.org/\"onclick=\"x)", Some("<a href=\"https://a.org/&quot;onclick=&quot;x\">a</a>")),
        ("script link", vec![link("javascript:alert(1)", "a")], "a (javascript:alert(1))", None),
        ("script link in disguise", vec![link("java\nscript:x", "a"), strong("b")], "a (java\nscript:x)b", Some("a<strong>b</strong>")),
        ("data link", vec![link("data:text/html,x", "a")], "a (data:text/html,x)", None),
        ("relative link", vec![link("/a", "a")], "a (/a)", None),
        ("link with control characters", vec![link("https://a\u{1}.org", "a")], "a (https://a.org)", Some("<a href=\"https://a.org\">a</a>")),
        ("link with bold", vec![Link { url: "https://a.org".into(), children: vec![strong("a")] }], "a (https://a.org)", Some("<a href=\"https://a.org\"><strong>a</strong></a>")),
        ("link in a link", vec![Link { url: "https://a.org".into(), children: vec![link("https://b.org", "b")] }], "b (https://b.org) (https://a.org)", Some("<a href=\"https://a.org\">b</a>")),
        ("link in bold", vec![Strong(vec![link("https://a.org", "a")])], "a (https://a.org)", Some("<strong><a href=\"https://a.org\">a</a></strong>")),
    ]
}

fn mentions() -> Vec<Case> {
    let chat = |id: &str| MentionTarget::Chat(RemoteChatId::new(id));
    let message = |chat: &str, id: &str| MentionTarget::Message(RemoteChatId::new(chat), RemoteMessageId::new(id));
    let ada = "<a href=\"https://matrix.to/#/@remote_42:example.org\">@Ada</a>";
    vec![
        ("ghost", vec![mention(person("42"), "Ada"), text(": hi")], "@Ada: hi", Some("<a href=\"https://matrix.to/#/@remote_42:example.org\">@Ada</a>: hi")),
        ("ghost in bold", vec![Strong(vec![mention(person("42"), "Ada")])], "@Ada", Some("<strong><a href=\"https://matrix.to/#/@remote_42:example.org\">@Ada</a></strong>")),
        ("ghost twice", vec![mention(person("42"), "Ada"), mention(person("42"), "Ada")], "@Ada@Ada", Some(Box::leak(ada.repeat(2).into_boxed_str()))),
        ("ghost with a strange id", vec![mention(person("a/B"), "B")], "@B", Some("<a href=\"https://matrix.to/#/@remote_a%2F_b:example.org\">@B</a>")),
        ("ghost with a hostile name", vec![mention(person("42"), "<b>\n@room")], "@<b>\n@room", Some("<a href=\"https://matrix.to/#/@remote_42:example.org\">@&lt;b&gt; @room</a>")),
        ("ghost whose id is too long", vec![mention(person(Box::leak("x".repeat(300).into_boxed_str())), "X")], "@X", None),
        ("ghost in a link", vec![Link { url: "https://a.org".into(), children: vec![mention(person("42"), "Ada")] }], "@Ada (https://a.org)", Some("<a href=\"https://a.org\">@Ada</a>")),
        ("somebody with a Matrix account of their own", vec![mention(person("77"), "Dora")], "@Dora", Some("<a href=\"https://matrix.to/#/@dora:example.org\">@Dora</a>")),
        ("somebody in Matrix", vec![mention(MentionTarget::Person(Person::Matrix(user_id!("@carol:example.org").to_owned())), "Carol")], "@Carol", Some("<a href=\"https://matrix.to/#/@carol:example.org\">@Carol</a>")),
        ("everybody", vec![mention(MentionTarget::Everyone, "everyone")], "@room", None),
        ("everybody in bold", vec![Strong(vec![mention(MentionTarget::Everyone, "")])], "@room", Some("<strong>@room</strong>")),
        ("group", vec![mention(MentionTarget::Group(RemoteGroupId::new("7")), "mods")], "@mods", None),
        ("group named room", vec![mention(MentionTarget::Group(RemoteGroupId::new("7")), "room")], "@room", None),
        ("chat that is a portal", vec![mention(chat("c1"), "general")], "#general", Some("<a href=\"https://matrix.to/#/!portal:example.org?via=example.org\">#general</a>")),
        ("chat in a room of version 12", vec![mention(chat("c12"), "new")], "#new", Some("<a href=\"https://matrix.to/#/!abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\">#new</a>")),
        ("chat that is no portal", vec![mention(chat("c2"), "other")], "#other", None),
        ("message", vec![mention(message("c1", "m1"), "that")], "that", Some("<a href=\"https://matrix.to/#/!portal:example.org/$said?via=example.org\">that</a>")),
        ("message that is not bridged", vec![mention(message("c1", "m9"), "that")], "that", Some("<a href=\"https://matrix.to/#/!portal:example.org?via=example.org\">that</a>")),
        ("message in no portal", vec![mention(message("c2", "m1"), "that")], "that", None),
        ("room by alias", vec![mention(MentionTarget::Room("#a:b.org".into()), "a")], "a", Some("<a href=\"https://matrix.to/#/%23a:b.org\">a</a>")),
        ("room by id", vec![mention(MentionTarget::Room("!a:b.org".into()), "a")], "a", Some("<a href=\"https://matrix.to/#/!a:b.org\">a</a>")),
        ("room that is no id", vec![mention(MentionTarget::Room("javascript:x".into()), "a")], "a", None),
    ]
}
