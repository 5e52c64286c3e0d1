//! Code and quotes.

use super::*;

pub(super) fn codes() -> Vec<Case> {
    vec![
        ("code", "a b", vec![mono(0, 1)], vec![code("a"), t(" b")]),
        ("code with markup", "<b>*a*", vec![mono(0, 6)], vec![code("<b>*a*")]),
        ("code over lines", "a\nb", vec![mono(0, 3)], vec![code("a"), n(), code("b")]),
        ("blank code is a space", "a b", vec![mono(1, 1)], vec![t("a b")]),
        ("bold code", "a", vec![bold(0, 1), mono(0, 1)], vec![strong(vec![code("a")])]),
        ("hidden code", "a", vec![hidden(0, 1), mono(0, 1)], vec![spoiler(vec![code("a")])]),
        ("username in code", "@ada_l", vec![mono(0, 6), e(Kind::Mention, 0, 6)], vec![code("@ada_l")]),
        ("pre", "a", vec![pre("", 0, 1)], vec![block("", "a")]),
        ("pre with a language", "a", vec![pre("rust", 0, 1)], vec![block("rust", "a")]),
        ("pre with lines", "a\n\n  b", vec![pre("", 0, 6)], vec![block("", "a\n\n  b")]),
        ("pre keeps tabs", "\ta", vec![pre("", 0, 2)], vec![block("", "\ta")]),
        ("pre without control characters", "a\u{7}b\r\nc", vec![pre("", 0, 6)], vec![block("", "ab\nc")]),
        ("pre between words", "a\nb\nc", vec![pre("", 2, 1)], vec![t("a"), block("", "b"), t("c")]),
        ("pre within a line", "a b c", vec![pre("", 2, 1)], vec![t("a "), block("", "b"), t(" c")]),
        ("pre with its line breaks", "a\nb\nc", vec![pre("", 1, 3)], vec![t("a"), block("", "b"), t("c")]),
        ("empty line after pre", "a\nb\n\nc", vec![pre("", 2, 1)], vec![t("a"), block("", "b"), n(), t("c")]),
        (
            "empty line before pre",
            "a\n\nb\nc",
            vec![pre("", 3, 1)],
            vec![t("a"), n(), n(), block("", "b"), t("c")],
        ),
        ("two pres", "a\nb", vec![pre("", 0, 1), pre("c", 2, 1)], vec![block("", "a"), block("c", "b")]),
        (
            "two pres with an empty line",
            "a\n\nb",
            vec![pre("", 0, 1), pre("", 3, 1)],
            vec![block("", "a"), n(), block("", "b")],
        ),
        (
            "hidden pre stays hidden",
            "a",
            vec![pre("", 0, 1), hidden(0, 1)],
            vec![spoiler(vec![block("", "a")])],
        ),
        ("bold pre is pre", "a", vec![pre("", 0, 1), bold(0, 1)], vec![block("", "a")]),
        ("blank pre is nothing", "a \n b", vec![pre("", 1, 3)], vec![t("a "), n(), t(" b")]),
    ]
}

pub(super) fn quotes() -> Vec<Case> {
    let folded = |offset, length| e(Kind::ExpandableBlockquote, offset, length);
    vec![
        ("quote", "a", vec![cite(0, 1)], vec![quote(vec![t("a")])]),
        ("folded quote", "a", vec![folded(0, 1)], vec![quote(vec![t("a")])]),
        ("quote of lines", "a\nb", vec![cite(0, 3)], vec![quote(vec![t("a"), n(), t("b")])]),
        ("answer to a quote", "a\nb", vec![cite(0, 1)], vec![quote(vec![t("a")]), t("b")]),
        ("quote with its line break", "a\nb", vec![cite(0, 2)], vec![quote(vec![t("a")]), t("b")]),
        ("quote after words", "a\nb", vec![cite(2, 1)], vec![t("a"), quote(vec![t("b")])]),
        ("quote within a line", "a b c", vec![cite(2, 1)], vec![t("a "), quote(vec![t("b")]), t(" c")]),
        ("empty line after a quote", "a\n\nb", vec![cite(0, 1)], vec![quote(vec![t("a")]), n(), t("b")]),
        (
            "empty line before a quote",
            "a\n\nb",
            vec![cite(3, 1)],
            vec![t("a"), n(), n(), quote(vec![t("b")])],
        ),
        ("two quotes", "a\nb", vec![cite(0, 1), cite(2, 1)], vec![quote(vec![t("a")]), quote(vec![t("b")])]),
        (
            "two quotes with an empty line",
            "a\n\nb",
            vec![cite(0, 1), cite(3, 1)],
            vec![quote(vec![t("a")]), n(), quote(vec![t("b")])],
        ),
        ("bold in a quote", "a", vec![cite(0, 1), bold(0, 1)], vec![quote(vec![strong(vec![t("a")])])]),
        (
            "quote in bold",
            "a\nb",
            vec![bold(0, 3), cite(0, 1)],
            vec![quote(vec![strong(vec![t("a")])]), strong(vec![t("b")])],
        ),
        (
            "pre in a quote",
            "a\nb",
            vec![cite(0, 3), pre("", 2, 1)],
            vec![quote(vec![t("a"), block("", "b")])],
        ),
        ("code in a quote", "a", vec![cite(0, 1), mono(0, 1)], vec![quote(vec![code("a")])]),
        (
            "link in a quote",
            "a",
            vec![cite(0, 1), to("https://e.org", 0, 1)],
            vec![quote(vec![link("https://e.org", vec![t("a")])])],
        ),
        (
            "person in a quote",
            "@ada_l",
            vec![cite(0, 6), e(Kind::Mention, 0, 6)],
            vec![quote(vec![user("1", "ada_l")])],
        ),
        ("quote in a quote", "abc", vec![cite(0, 3), cite(1, 1)], vec![quote(vec![t("abc")])]),
        ("blank quote is words", "a\n \nb", vec![cite(2, 1)], vec![t("a"), n(), t(" "), n(), t("b")]),
    ]
}
