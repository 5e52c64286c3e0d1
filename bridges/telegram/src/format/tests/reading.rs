//! Texts with entities to the tree.

use super::*;

mod blocks;

type Case = (&'static str, &'static str, Vec<Entity>, Vec<Node>);

fn check((name, text, entities, expected): &Case) -> Result<(), String> {
    let read = read(text, entities, &Known);
    if read == RichText(expected.clone()).bounded() {
        return Ok(());
    }
    Err(format!("{name}\n  text     {text:?} {entities:?}\n  expected {expected:?}\n  read     {:?}", read.0))
}

#[test]
fn telegram_to_tree() {
    let cases: Vec<Case> = [
        words(),
        styles(),
        overlaps(),
        blocks::codes(),
        blocks::quotes(),
        links(),
        addresses(),
        people(),
        plain_kinds(),
        nonsense(),
    ]
    .concat();
    check_names(cases.iter().map(|case| case.0));
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failed.is_empty(), "{} of {} cases\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn words() -> Vec<Case> {
    vec![
        ("empty", "", vec![], vec![]),
        ("plain words", "hello there", vec![], vec![t("hello there")]),
        ("two lines", "a\nb", vec![], vec![t("a"), n(), t("b")]),
        ("empty line between", "a\n\nb", vec![], vec![t("a"), n(), n(), t("b")]),
        ("end is trimmed", "a \n\n", vec![], vec![t("a")]),
        ("tab is a space", "a\tb", vec![], vec![t("a b")]),
        ("line separator is a space", "a\u{2028}b", vec![], vec![t("a b")]),
        ("control characters go", "a\u{7}\u{1b}[31mb", vec![], vec![t("a[31mb")]),
        ("carriage return goes", "a\r\nb", vec![], vec![t("a"), n(), t("b")]),
        ("other scripts", "喜鹊 приве́т 👩‍🚀", vec![], vec![t("喜鹊 приве́т 👩‍🚀")]),
        ("html is text", "<b>x</b> &amp;", vec![], vec![t("<b>x</b> &amp;")]),
        ("markdown is text", "**x** _y_ `z`", vec![], vec![t("**x** _y_ `z`")]),
        ("username without entity is text", "@ada_l", vec![], vec![t("@ada_l")]),
        ("room is text", "@room", vec![], vec![t("@room")]),
    ]
}

fn styles() -> Vec<Case> {
    let ab = "a b c";
    vec![
        ("bold", "a", vec![bold(0, 1)], vec![strong(vec![t("a")])]),
        ("italic", "a", vec![italic(0, 1)], vec![em(vec![t("a")])]),
        ("underline", "a", vec![e(Kind::Underline, 0, 1)], vec![under(vec![t("a")])]),
        ("strike", "a", vec![e(Kind::Strikethrough, 0, 1)], vec![strike(vec![t("a")])]),
        ("spoiler", "a", vec![hidden(0, 1)], vec![spoiler(vec![t("a")])]),
        ("bold in the middle", ab, vec![bold(2, 1)], vec![t("a "), strong(vec![t("b")]), t(" c")]),
        ("bold at the start", ab, vec![bold(0, 1)], vec![strong(vec![t("a")]), t(" b c")]),
        ("bold at the end", ab, vec![bold(4, 1)], vec![t("a b "), strong(vec![t("c")])]),
        ("bold with spaces", ab, vec![bold(1, 3)], vec![t("a"), strong(vec![t(" b ")]), t("c")]),
        ("bold over lines", "a\nb", vec![bold(0, 3)], vec![strong(vec![t("a"), n(), t("b")])]),
        ("bold over an empty line", "a\n\nb", vec![bold(0, 4)], vec![strong(vec![t("a"), n(), n(), t("b")])]),
        ("bold italic", "a", vec![bold(0, 1), italic(0, 1)], vec![strong(vec![em(vec![t("a")])])]),
        (
            "italic bold is bold italic",
            "a",
            vec![italic(0, 1), bold(0, 1)],
            vec![strong(vec![em(vec![t("a")])])],
        ),
        (
            "italic in bold",
            ab,
            vec![bold(0, 5), italic(2, 1)],
            vec![strong(vec![t("a "), em(vec![t("b")]), t(" c")])],
        ),
        (
            "bold in italic",
            ab,
            vec![italic(0, 5), bold(2, 1)],
            vec![em(vec![t("a "), strong(vec![t("b")]), t(" c")])],
        ),
        (
            "all styles",
            "a",
            vec![
                bold(0, 1),
                italic(0, 1),
                e(Kind::Underline, 0, 1),
                e(Kind::Strikethrough, 0, 1),
                hidden(0, 1),
            ],
            vec![spoiler(vec![strong(vec![em(vec![under(vec![strike(vec![t("a")])])])])])],
        ),
        ("adjoining bolds are one", "ab", vec![bold(0, 1), bold(1, 1)], vec![strong(vec![t("a"), t("b")])]),
        ("bold twice is bold", "a", vec![bold(0, 1), bold(0, 1)], vec![strong(vec![t("a")])]),
        (
            "bold then italic",
            "ab",
            vec![bold(0, 1), italic(1, 1)],
            vec![strong(vec![t("a")]), em(vec![t("b")])],
        ),
        ("bold space is a space", ab, vec![bold(1, 1)], vec![t("a"), t(" "), t("b c")]),
        ("astral before", "🐦 b", vec![bold(3, 1)], vec![t("🐦 "), strong(vec![t("b")])]),
        ("astral inside", "🐦 b", vec![bold(0, 2)], vec![strong(vec![t("🐦")]), t(" b")]),
        ("combining mark inside", "e\u{301} b", vec![bold(0, 2)], vec![strong(vec![t("e\u{301}")]), t(" b")]),
        ("family inside", "👩‍🚀x", vec![bold(0, 5)], vec![strong(vec![t("👩‍🚀")]), t("x")]),
        ("control character inside", "a\u{7}b", vec![bold(0, 3)], vec![strong(vec![t("ab")])]),
        (
            "unsorted",
            ab,
            vec![bold(4, 1), italic(0, 1)],
            vec![em(vec![t("a")]), t(" b "), strong(vec![t("c")])],
        ),
    ]
}

fn overlaps() -> Vec<Case> {
    vec![
        (
            "bold over the start of italic",
            "abc",
            vec![bold(0, 2), italic(1, 2)],
            vec![strong(vec![t("a"), em(vec![t("b")])]), em(vec![t("c")])],
        ),
        (
            "the longer one stays whole",
            "abcd",
            vec![bold(0, 2), italic(1, 3)],
            vec![strong(vec![t("a"), em(vec![t("b")])]), em(vec![t("cd")])],
        ),
        (
            "three overlapping styles",
            "abcde",
            vec![bold(0, 3), italic(1, 3), hidden(2, 3)],
            vec![
                strong(vec![t("a"), em(vec![t("b"), spoiler(vec![t("c")])])]),
                spoiler(vec![em(vec![t("d")]), t("e")]),
            ],
        ),
        (
            "bold over the start of a link",
            "abc",
            vec![bold(0, 2), to("https://e.org", 1, 2)],
            vec![
                strong(vec![t("a"), link("https://e.org", vec![t("b")])]),
                link("https://e.org", vec![t("c")]),
            ],
        ),
        (
            "the first of two links",
            "abc",
            vec![to("https://e.org/1", 0, 2), to("https://e.org/2", 1, 2)],
            vec![link("https://e.org/1", vec![t("ab")]), t("c")],
        ),
        (
            "bold over half a person",
            "ab cd",
            vec![bold(0, 3), who(2, "b", 1, 4)],
            vec![strong(vec![t("a"), user("2", "b cd")])],
        ),
        (
            "bold over the end of code",
            "abcd",
            vec![mono(0, 2), bold(1, 2)],
            vec![code("ab"), strong(vec![t("c")]), t("d")],
        ),
        (
            "bold over the border of a quote",
            "ab\ncd",
            vec![cite(0, 2), bold(1, 4)],
            vec![quote(vec![t("a"), strong(vec![t("b")])]), strong(vec![t("cd")])],
        ),
        (
            "code over the border of a quote",
            "abcd",
            vec![cite(0, 2), mono(1, 2)],
            vec![quote(vec![t("a"), code("b")]), code("c"), t("d")],
        ),
        (
            "person over the border of a quote",
            "abcd",
            vec![cite(0, 2), who(2, "b", 1, 2)],
            vec![quote(vec![t("ab")]), t("cd")],
        ),
    ]
}

fn links() -> Vec<Case> {
    vec![
        ("link", "a", vec![to("https://e.org", 0, 1)], vec![link("https://e.org", vec![t("a")])]),
        (
            "bold in a link",
            "ab",
            vec![to("https://e.org", 0, 2), bold(1, 1)],
            vec![link("https://e.org", vec![t("a"), strong(vec![t("b")])])],
        ),
        (
            "link in bold",
            "ab",
            vec![bold(0, 2), to("https://e.org", 1, 1)],
            vec![strong(vec![t("a"), link("https://e.org", vec![t("b")])])],
        ),
        (
            "bold link",
            "a",
            vec![bold(0, 1), to("https://e.org", 0, 1)],
            vec![link("https://e.org", vec![strong(vec![t("a")])])],
        ),
        (
            "link over lines",
            "a\nb",
            vec![to("https://e.org", 0, 3)],
            vec![link("https://e.org", vec![t("a"), n(), t("b")])],
        ),
        (
            "two links side by side",
            "ab",
            vec![to("https://e.org/1", 0, 1), to("https://e.org/2", 1, 1)],
            vec![link("https://e.org/1", vec![t("a")]), link("https://e.org/2", vec![t("b")])],
        ),
        ("script link is text", "a", vec![to("javascript:alert(1)", 0, 1)], vec![t("a")]),
        ("data link is text", "a", vec![to("data:text/html,x", 0, 1)], vec![t("a")]),
        ("app link is text", "a", vec![to("tg://user?id=1", 0, 1)], vec![t("a")]),
        ("link without scheme is text", "a", vec![to("e.org", 0, 1)], vec![t("a")]),
        ("loud scheme", "a", vec![to("HTTPS://e.org", 0, 1)], vec![link("HTTPS://e.org", vec![t("a")])]),
        (
            "code in a link",
            "a",
            vec![to("https://e.org", 0, 1), mono(0, 1)],
            vec![link("https://e.org", vec![code("a")])],
        ),
        (
            "custom emoji in a link",
            "🐦",
            vec![to("https://e.org", 0, 2), picture("5", 0, 2)],
            vec![link("https://e.org", vec![emoji("🐦", "emoji:5")])],
        ),
    ]
}

fn addresses() -> Vec<Case> {
    let url = |offset, length| e(Kind::Url, offset, length);
    vec![
        ("url", "see https://e.org/a", vec![url(4, 15)], vec![t("see "), bare("https://e.org/a")]),
        ("url without scheme", "e.org", vec![url(0, 5)], vec![link("http://e.org", vec![t("e.org")])]),
        (
            "bold url",
            "https://e.org",
            vec![url(0, 13), bold(0, 13)],
            vec![strong(vec![bare("https://e.org")])],
        ),
        (
            "url in a link",
            "https://e.org",
            vec![url(0, 13), to("https://f.org", 0, 13)],
            vec![link("https://f.org", vec![t("https://e.org")])],
        ),
        (
            "mail address",
            "a@e.org",
            vec![e(Kind::Email, 0, 7)],
            vec![link("mailto:a@e.org", vec![t("a@e.org")])],
        ),
    ]
}

fn people() -> Vec<Case> {
    let at = |offset, length| e(Kind::Mention, offset, length);
    vec![
        ("known username", "hi @ada_l!", vec![at(3, 6)], vec![t("hi "), user("1", "ada_l"), t("!")]),
        ("loud username", "@ADA_L", vec![at(0, 6)], vec![user("1", "ADA_L")]),
        ("unknown username is text", "hi @eve", vec![at(3, 4)], vec![t("hi @eve")]),
        ("mention without sign is text", "ada_l", vec![at(0, 5)], vec![t("ada_l")]),
        ("person by number", "Bob Smith", vec![who(2, "Bob", 0, 3)], vec![user("2", "Bob"), t(" Smith")]),
        ("person of two words", "Bob Smith", vec![who(2, "Bob", 0, 9)], vec![user("2", "Bob Smith")]),
        ("person with a sign", "@Bob", vec![who(2, "Bob", 0, 4)], vec![user("2", "Bob")]),
        ("person of two lines", "Bob\nSmith", vec![who(2, "Bob", 0, 9)], vec![user("2", "Bob Smith")]),
        ("bold person", "@ada_l", vec![bold(0, 6), at(0, 6)], vec![strong(vec![user("1", "ada_l")])]),
        ("hidden person", "@ada_l", vec![hidden(0, 6), at(0, 6)], vec![spoiler(vec![user("1", "ada_l")])]),
        (
            "person in a link is text",
            "@ada_l",
            vec![to("https://e.org", 0, 6), at(0, 6)],
            vec![link("https://e.org", vec![t("@ada_l")])],
        ),
        (
            "two people",
            "@ada_l@ada_l",
            vec![at(0, 6), at(6, 6)],
            vec![user("1", "ada_l"), user("1", "ada_l")],
        ),
        ("custom emoji", "a 🐦 b", vec![picture("5", 2, 2)], vec![t("a "), emoji("🐦", "emoji:5"), t(" b")]),
        (
            "bold custom emoji",
            "🐦",
            vec![bold(0, 2), picture("5", 0, 2)],
            vec![strong(vec![emoji("🐦", "emoji:5")])],
        ),
        (
            "two custom emoji",
            "🐦🐦",
            vec![picture("5", 0, 2), picture("6", 2, 2)],
            vec![emoji("🐦", "emoji:5"), emoji("🐦", "emoji:6")],
        ),
        ("custom emoji cut in two is text", "🐦", vec![picture("5", 0, 1)], vec![t("🐦")]),
    ]
}

fn plain_kinds() -> Vec<Case> {
    let date = Kind::DateTime { unix_time: 0, format: Some("wDT".to_owned()) };
    vec![
        ("hashtag", "#a b", vec![e(Kind::Hashtag, 0, 2)], vec![t("#a b")]),
        ("cashtag", "$USD b", vec![e(Kind::Cashtag, 0, 4)], vec![t("$USD b")]),
        ("command", "/start b", vec![e(Kind::BotCommand, 0, 6)], vec![t("/start b")]),
        ("phone number", "+12125550123", vec![e(Kind::PhoneNumber, 0, 12)], vec![t("+12125550123")]),
        ("date", "tomorrow", vec![e(date, 0, 8)], vec![t("tomorrow")]),
        ("unknown kind", "abc", vec![e(Kind::Unknown("sparkle".into()), 0, 3)], vec![t("abc")]),
        (
            "bold beside an unknown kind",
            "ab",
            vec![e(Kind::Unknown("sparkle".into()), 0, 2), bold(1, 1)],
            vec![t("a"), strong(vec![t("b")])],
        ),
        ("bold hashtag", "#a", vec![e(Kind::Hashtag, 0, 2), bold(0, 2)], vec![strong(vec![t("#a")])]),
    ]
}

fn nonsense() -> Vec<Case> {
    vec![
        ("no length", "abc", vec![bold(1, 0)], vec![t("abc")]),
        ("behind the end", "abc", vec![bold(3, 1)], vec![t("abc")]),
        ("far behind the end", "abc", vec![bold(usize::MAX, usize::MAX)], vec![t("abc")]),
        ("beyond the end", "abc", vec![bold(1, 99)], vec![t("a"), strong(vec![t("bc")])]),
        ("endless", "abc", vec![bold(0, usize::MAX)], vec![strong(vec![t("abc")])]),
        ("over the trimmed end", "ab  ", vec![bold(1, 3)], vec![t("a"), strong(vec![t("b")])]),
        ("only the trimmed end", "ab  ", vec![bold(2, 2)], vec![t("ab")]),
        ("starts within a pair", "🐦ab", vec![bold(1, 2)], vec![t("🐦"), strong(vec![t("a")]), t("b")]),
        ("ends within a pair", "a🐦b", vec![bold(0, 2)], vec![strong(vec![t("a")]), t("🐦b")]),
        ("within a pair", "🐦", vec![bold(1, 1)], vec![t("🐦")]),
        ("first half of a pair", "🐦", vec![bold(0, 1)], vec![t("🐦")]),
        ("from one pair into the next", "🐦🐦", vec![bold(1, 2)], vec![t("🐦🐦")]),
        ("entity in an empty text", "", vec![bold(0, 1)], vec![]),
        ("entity in blanks", " \n ", vec![bold(0, 3)], vec![]),
        ("quote of nothing", "a", vec![cite(1, 4)], vec![t("a")]),
        ("pre behind the end", "a", vec![pre("", 5, 5)], vec![t("a")]),
    ]
}

#[test]
fn thousands_of_entities_are_read_in_little_time_and_no_word_is_lost() {
    let text = "ab ".repeat(40_000);
    let kinds = [Kind::Bold, Kind::Italic, Kind::Underline, Kind::Spoiler, Kind::Code, Kind::Blockquote];
    let entities: Vec<Entity> =
        (0..20_000).map(|nth| e(kinds[nth % kinds.len()].clone(), nth * 3, 7 + nth % 5 * 100)).collect();
    let start = std::time::Instant::now();
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    let plain = read(&text, &entities, &Known);
    assert!(letters(&plain.to_plain()) <= letters(&text) + "spoiler".len() * 1_000);
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "took {:?}", start.elapsed());
    let nested: Vec<Entity> = (0..20_000).map(|nth| bold(nth, 40_000 - 2 * nth)).collect();
    assert_eq!(read(&text, &nested, &Known).to_plain(), text.trim_end());
}

#[test]
fn a_text_that_is_too_long_is_shown_as_it_is() {
    let text = "a\u{7}".repeat(PARSED_BYTES_MAX);
    assert_eq!(read(&text, &[bold(0, 5)], &Known), RichText::plain(&"a".repeat(PARSED_BYTES_MAX)));
}
