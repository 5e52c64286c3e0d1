//! From markup to the tree.

use super::*;
use crate::format::read;

type Case = (&'static str, &'static str, Vec<Node>);

fn signs() -> Vec<Case> {
    vec![
        ("nothing", "", vec![]),
        ("blanks", "  \n ", vec![]),
        ("words", "hello", vec![t("hello")]),
        ("bold", "*hello*", vec![bold("hello")]),
        ("italic", "_hello_", vec![italic("hello")]),
        ("struck", "~hello~", vec![struck("hello")]),
        ("code", "`hello`", vec![code("hello")]),
        ("monospace in a line", "a ```b``` c", vec![t("a "), code("b"), t(" c")]),
        ("bold in a sentence", "say *hello* now", vec![t("say "), bold("hello"), t(" now")]),
        ("bold of several words", "*hello you*", vec![bold("hello you")]),
        ("bold before a full stop", "*hello*.", vec![bold("hello"), t(".")]),
        ("bold in brackets", "(*hello*)", vec![t("("), bold("hello"), t(")")]),
        ("bold in quotation marks", "\"*hello*\"", vec![t("\""), bold("hello"), t("\"")]),
        ("bold after a dash", "-*hello*-", vec![t("-"), bold("hello"), t("-")]),
        ("bold at the end", "now *hello*", vec![t("now "), bold("hello")]),
        ("two bolds", "*a* *b*", vec![bold("a"), t(" "), bold("b")]),
        ("bold and italic", "*a* _b_", vec![bold("a"), t(" "), italic("b")]),
        ("italic in bold", "*a _b_ c*", vec![b(vec![t("a "), italic("b"), t(" c")])]),
        ("all of bold italic", "*_a_*", vec![b(vec![italic("a")])]),
        ("all of italic bold", "_*a*_", vec![i(vec![bold("a")])]),
        ("three signs", "*_~a~_*", vec![b(vec![i(vec![struck("a")])])]),
        ("struck in italic", "_a ~b~_", vec![i(vec![t("a "), struck("b")])]),
        ("code in bold", "*a `b`*", vec![b(vec![t("a "), code("b")])]),
        ("signs in code", "`*a*`", vec![code("*a*")]),
        ("signs in monospace", "x ```_a_``` y", vec![t("x "), code("_a_"), t(" y")]),
        ("a lone star", "5 * 3", vec![t("5 * 3")]),
        ("stars of a product", "5*3*2", vec![t("5*3*2")]),
        ("an opening star", "*hello", vec![t("*hello")]),
        ("a closing star", "hello*", vec![t("hello*")]),
        ("a blank behind the star", "* hello*", vec![bullets(vec![vec![t("hello*")]])]),
        ("a blank before the closing star", "x *hello *", vec![t("x *hello *")]),
        ("a star within a word", "he*l*lo", vec![t("he*l*lo")]),
        ("a letter behind", "*hel*lo", vec![t("*hel*lo")]),
        ("a letter before", "he*llo*", vec![t("he*llo*")]),
        ("a digit behind", "*hel*1", vec![t("*hel*1")]),
        ("two stars", "**", vec![t("**")]),
        ("double stars", "**hello**", vec![t("**hello**")]),
        ("three stars", "***", vec![t("***")]),
        ("an underscore in a name", "snake_case_name", vec![t("snake_case_name")]),
        ("a file's name", "_draft_v2", vec![t("_draft_v2")]),
        ("a tilde before a number", "~100", vec![t("~100")]),
        ("two tildes far apart", "~100 or ~200", vec![t("~100 or ~200")]),
        ("a lone backtick", "it`s", vec![t("it`s")]),
        ("an open backtick", "`hello", vec![t("`hello")]),
        ("empty code", "``", vec![t("``")]),
        ("another sign inside", "*a_b*", vec![bold("a_b")]),
        ("crossing signs", "*a _b* c_", vec![bold("a _b"), t(" c_")]),
        ("the same sign inside", "*a *b* c*", vec![bold("a *b"), t(" c*")]),
        ("bold does not reach beyond a line", "*a\nb*", vec![t("*a"), BR, t("b*")]),
        ("italic does not reach beyond a line", "_a\nb_", vec![t("_a"), BR, t("b_")]),
        ("bold in two lines", "*a*\n*b*", vec![bold("a"), BR, bold("b")]),
        ("bold emoji", "*👍*", vec![bold("👍")]),
        ("bold in another script", "*喜鹊*", vec![bold("喜鹊")]),
        ("a letter of another script behind", "*a*鹊", vec![t("*a*鹊")]),
        ("a sign that was kept from formatting", "*\u{200b}a*", vec![t("*a*")]),
    ]
}

fn addresses() -> Vec<Case> {
    vec![
        ("an address", "https://e.org/a_b_c", vec![t("https://e.org/a_b_c")]),
        ("an address with signs", "https://e.org/_a_/*b*", vec![t("https://e.org/_a_/*b*")]),
        ("an address in bold", "*https://e.org*", vec![bold("https://e.org")]),
        ("an address without https", "www.e.org/_a_", vec![t("www.e.org/_a_")]),
        ("a plain address", "http://e.org/~a~", vec![t("http://e.org/~a~")]),
        ("bold beside an address", "*a* https://e.org/_b_", vec![bold("a"), t(" https://e.org/_b_")]),
        ("words with w", "www is *big*", vec![t("www is "), bold("big")]),
        ("a mention", "@16505551234", vec![ada()]),
        ("a mention in a sentence", "hi @16505551234!", vec![t("hi "), ada(), t("!")]),
        ("a mention in bold", "*@16505551234*", vec![b(vec![ada()])]),
        ("a mention of nobody", "@4915112345678", vec![t("@4915112345678")]),
        ("a mention that is too short", "@1650", vec![t("@1650")]),
        ("a mention that goes on", "@165055512345", vec![t("@165055512345")]),
        ("an address of mail", "a@16505551234", vec![t("a@16505551234")]),
        ("an at sign", "@ home", vec![t("@ home")]),
        ("a handle", "@ada", vec![t("@ada")]),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        ("two lines", "a\nb", vec![t("a"), BR, t("b")]),
        ("an empty line between", "a\n\nb", vec![t("a"), BR, BR, t("b")]),
        ("a quote", "> a", vec![quote(vec![t("a")])]),
        ("a quote of two lines", "> a\n> b", vec![quote(vec![t("a"), BR, t("b")])]),
        ("a quote with an empty line", "> a\n>\n> b", vec![quote(vec![t("a"), BR, BR, t("b")])]),
        ("a quote and words", "> a\nb", vec![quote(vec![t("a")]), t("b")]),
        ("words and a quote", "a\n> b", vec![t("a"), quote(vec![t("b")])]),
        ("a quote between words", "a\n> b\nc", vec![t("a"), quote(vec![t("b")]), t("c")]),
        ("bold in a quote", "> *a*", vec![quote(vec![bold("a")])]),
        ("no blank behind the sign", ">a", vec![t(">a")]),
        ("a comparison", "3 > 2", vec![t("3 > 2")]),
        ("a bullet", "- a", vec![bullets(vec![vec![t("a")]])]),
        ("a starred bullet", "* a", vec![bullets(vec![vec![t("a")]])]),
        ("bullets", "- a\n- b", vec![bullets(vec![vec![t("a")], vec![t("b")]])]),
        ("starred bullets", "* a\n* b", vec![bullets(vec![vec![t("a")], vec![t("b")]])]),
        ("bullets after words", "x:\n- a\n- b", vec![t("x:"), bullets(vec![vec![t("a")], vec![t("b")]])]),
        ("words after bullets", "- a\nx", vec![bullets(vec![vec![t("a")]]), t("x")]),
        ("bold in a bullet", "- *a*", vec![bullets(vec![vec![bold("a")]])]),
        ("a starred bullet with bold", "* *a*", vec![bullets(vec![vec![bold("a")]])]),
        ("a dash alone", "-", vec![t("-")]),
        ("a dash and a blank", "x\n- ", vec![t("x"), BR, t("-")]),
        ("a dash within", "a - b", vec![t("a - b")]),
        ("a number", "1. a", vec![numbers(1, vec![vec![t("a")]])]),
        ("numbers", "1. a\n2. b", vec![numbers(1, vec![vec![t("a")], vec![t("b")]])]),
        ("numbers from five", "5. a\n6. b", vec![numbers(5, vec![vec![t("a")], vec![t("b")]])]),
        (
            "numbers that do not follow",
            "1. a\n5. b",
            vec![numbers(1, vec![vec![t("a")]]), numbers(5, vec![vec![t("b")]])],
        ),
        ("a year", "2026. a", vec![t("2026. a")]),
        ("a number within", "a 1. b", vec![t("a 1. b")]),
        ("a number and nothing", "1.", vec![t("1.")]),
        ("a decimal", "1.5 litres", vec![t("1.5 litres")]),
        (
            "bullets and numbers",
            "- a\n1. b",
            vec![bullets(vec![vec![t("a")]]), numbers(1, vec![vec![t("b")]])],
        ),
        ("a quote and bullets", "> a\n- b", vec![quote(vec![t("a")]), bullets(vec![vec![t("b")]])]),
    ]
}

fn monospace() -> Vec<Case> {
    vec![
        ("monospace alone", "```a```", vec![block("a")]),
        ("monospace of lines", "```a\nb```", vec![block("a\nb")]),
        ("monospace with breaks at its edges", "```\na\n```", vec![block("a")]),
        ("monospace after words", "x\n```a```", vec![t("x"), block("a")]),
        ("monospace before words", "```a```\nx", vec![block("a"), t("x")]),
        ("monospace between words", "x\n```a```\ny", vec![t("x"), block("a"), t("y")]),
        ("monospace of lines within a line", "x ```a\nb``` y", vec![t("x "), block("a\nb"), t(" y")]),
        ("signs in monospace of lines", "```*a*\n> b```", vec![block("*a*\n> b")]),
        ("two of them", "```a```\n```b```", vec![block("a"), block("b")]),
        ("an open fence", "```a", vec![t("```a")]),
        ("six backticks", "``````", vec![t("``````")]),
        ("blank monospace", "x\n``` ```", vec![t("x"), BR, code(" ")]),
        ("indented code", "```  a\n    b```", vec![block("  a\n    b")]),
    ]
}

fn oddities() -> Vec<Case> {
    vec![
        ("a tab", "a\tb", vec![t("a b")]),
        ("a control character", "a\u{7}b", vec![t("ab")]),
        ("a carriage return", "a\r\nb", vec![t("a"), BR, t("b")]),
        ("blanks at the end", "a  ", vec![t("a")]),
        ("blanks at the beginning", "  a", vec![t("  a")]),
        ("HTML", "<b>a</b> &amp;", vec![t("<b>a</b> &amp;")]),
    ]
}

#[test]
fn markup_is_read() {
    let cases: Vec<Case> = [signs(), addresses(), lines(), monospace(), oddities()].concat();
    check_names(cases.iter().map(|case| case.0));
    for (name, text, expected) in cases {
        assert_eq!(read(text, &Ada), tree(expected), "{name}: {text:?}");
    }
}

#[test]
fn hostile_texts_take_no_time() {
    for sign in ["*a ", "_a *b ~c ", "`", "```", "*_~", "@1", "> ", "https://*"] {
        let text = sign.repeat(crate::format::PARSED_BYTES_MAX / sign.len());
        assert!(!read(&text, &Ada).to_plain().is_empty(), "{sign}");
    }
}
