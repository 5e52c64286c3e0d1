//! How somebody's name is shown, and what it looks like. Pure.
//!
//! INVARIANT: no name that is shown can be taken for somebody else's: it is unlike all others in the room, or their id stands behind it.

use ruma::UserId;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::message::{clean_line, clean_name};

/// A name beside an id is cut to this, so that the id is seen.
const CHARS_BESIDE_ID_MAX: usize = 40;

/// What looks like a colon, which ends a name or holds the two halves of an id together.
const COLONS: [char; 8] =
    [':', '\u{2d0}', '\u{2d1}', '\u{589}', '\u{5c3}', '\u{2236}', '\u{a789}', '\u{fe13}'];

/// Letters of other scripts that look like these Latin ones, in capitals and in small letters.
const LOOKALIKES: [(&str, &str); 4] = [
    ("АВЕЅІЈКМНОРСТУХԌԚԜ", "abesijkmhopctyxgqw"),
    ("асԁеһіјӏорԛѕухѵԝ", "acdehijlopqsyxvw"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    ("αινορυχ", "aivopux"),
];

/// The name of somebody as it is compared with others: what they call themselves, or the first part of their id. On one line, not too long,
/// without what turns or hides text.
pub(super) fn clean(display_name: Option<&str>, user_id: &UserId) -> String {
    let name = display_name.map(clean_name).filter(|name| !without_pings(name).is_empty());
    name.unwrap_or_else(|| clean_name(user_id.localpart()))
}

/// The name as others read it. The id stands behind it where `is_shared` says that somebody else looks the same, and where it has signs in it
/// that make another name or an id of it. Never empty, and pings nobody.
pub(super) fn shown(name: &str, user_id: &UserId, is_shared: bool) -> String {
    let id = clean_line(user_id.as_str());
    let bare = without_pings(name);
    if name == id || bare.is_empty() {
        return id;
    }
    if !is_shared && !could_be_more(name) {
        return bare;
    }
    let cut: String = bare.chars().take(CHARS_BESIDE_ID_MAX).collect();
    format!("{} ({id})", cut.trim_end())
}

/// What a name looks like: the same for names that are easily confused.
pub(super) fn looks(name: &str) -> String {
    let decomposed = name.nfkd().filter(|c| !is_combining_mark(*c));
    let latin = decomposed.map(latin).flat_map(char::to_lowercase);
    let letters: String = latin.map(thin).filter(|c| c.is_alphanumeric()).collect();
    match letters.is_empty() {
        true => name.to_lowercase(),
        false => letters.replace("rn", "m").replace("vv", "w"),
    }
}

/// Whether there is a sign in it that makes an id, or a name with something said, of it.
fn could_be_more(name: &str) -> bool {
    name.nfkc().any(|c| c == '@' || COLONS.contains(&c))
}

/// The name without the signs that ping people or rooms. Within a word they ping nobody.
fn without_pings(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    for c in name.chars() {
        let is_sign = matches!(c, '@' | '\u{fe6b}' | '\u{ff20}');
        if !is_sign || kept.ends_with(char::is_alphanumeric) {
            kept.push(c);
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn latin(c: char) -> char {
    let found = LOOKALIKES.iter().find_map(|(theirs, ours)| {
        let at = theirs.chars().position(|it| it == c)?;
        ours.chars().nth(at)
    });
    found.unwrap_or(c)
}

/// The strokes that fonts hardly tell from each other.
fn thin(c: char) -> char {
    match c {
        'i' | '1' | '|' | 'ı' | 'ǀ' => 'l',
        '0' => 'o',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;
    use crate::message::VISIBLE_NAME_CHARS_MAX;

    #[test]
    fn names_that_look_alike_look_the_same() {
        for (one, other, is_same) in [
            ("Alex", "alex", true),
            ("Alex", "A l e x", true),
            ("Alex", "Alex.", true),
            ("Alex", "Аlех", true),
            ("ALEX", "ΑLΕΧ", true),
            ("Alex", "Ａｌｅｘ", true),
            ("Alex", "𝐀𝐥𝐞𝐱", true),
            ("Alex", "Aléx", true),
            ("Alex", "AIex", true),
            ("Alex", "A1ex", true),
            ("Alex", "A|ex", true),
            ("Bob", "B0b", true),
            ("Morna", "Moma", true),
            ("Alex", "Alex 🎈", true),
            ("Иван", "иван", true),
            ("喜鹊", "喜鹊 ", true),
            ("🎈", "🎈", true),
            ("Alex", "Alexa", false),
            ("Иван", "Ива", false),
            ("喜鹊", "喜", false),
            ("🎈", "🎉", false),
        ] {
            assert_eq!(
                looks(one) == looks(other),
                is_same,
                "{one} and {other}: {} {}",
                looks(one),
                looks(other)
            );
        }
    }

    #[test]
    fn every_lookalike_has_its_letter() {
        for (theirs, ours) in LOOKALIKES {
            assert_eq!(theirs.chars().count(), ours.chars().count(), "{theirs}");
            assert!(ours.is_ascii() && !theirs.chars().any(|c| c.is_ascii()), "{theirs}");
        }
    }

    #[test]
    fn names_as_they_are_shown() {
        let eve = user_id!("@eve:evil.org");
        let long = "é".repeat(200);
        let cut = "é".repeat(VISIBLE_NAME_CHARS_MAX);
        let cut_beside_id = format!("{} (@eve:evil.org)", "é".repeat(CHARS_BESIDE_ID_MAX));
        for (case, display, is_shared, expected) in [
            ("a name", "Eve", false, "Eve"),
            ("one that two have", "Eve", true, "Eve (@eve:evil.org)"),
            ("no name", "", false, "eve"),
            ("no name, and somebody else is called so", "", true, "eve (@eve:evil.org)"),
            ("only hidden characters", "\u{3164}\u{200b}", false, "eve"),
            ("only signs", "@@ @", false, "eve"),
            ("lines and hidden characters", "E\u{202e}v\ne\t\u{ad}", false, "Ev e"),
            ("markup stays what it is", "**E** _v_ <b>e</b>", false, "**E** _v_ <b>e</b>"),
            ("everybody", "@room", false, "room (@eve:evil.org)"),
            ("everybody, in brackets", "(@everyone)", false, "(everyone) (@eve:evil.org)"),
            ("somebody's id", "@alex:other.org", false, "alex:other.org (@eve:evil.org)"),
            ("an id without its sign", "alex:other.org", false, "alex:other.org (@eve:evil.org)"),
            ("an id in wide letters", "＠alex：other.org", false, "alex：other.org (@eve:evil.org)"),
            ("a name with an id", "Alex (@alex:other.org)", false, "Alex (alex:other.org) (@eve:evil.org)"),
            ("something said", "Alice: I agree", false, "Alice: I agree (@eve:evil.org)"),
            (
                "something said, with another colon",
                "Alice\u{a789} yes",
                false,
                "Alice\u{a789} yes (@eve:evil.org)",
            ),
            ("their own id", "@eve:evil.org", true, "@eve:evil.org"),
            ("an address", "eve@home", false, "eve@home (@eve:evil.org)"),
            ("a long one", &long, false, &cut),
            ("a long one that two have", &long, true, &cut_beside_id),
        ] {
            assert_eq!(shown(&clean(Some(display), eve), eve, is_shared), expected, "{case}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_has_lines_hidden_characters_or_pings(display in "\\PC*|[@: \\n\u{202e}\u{ad}A-z]*", is_shared: bool) {
            let eve = user_id!("@eve:evil.org");
            let name = shown(&clean(Some(&display), eve), eve, is_shared);
            proptest::prop_assert!(!name.is_empty() && name.chars().all(crate::message::is_visible), "{name:?}");
            let bare = name.strip_suffix("@eve:evil.org)").unwrap_or(&name);
            proptest::prop_assert!(bare == eve.as_str() || !bare.starts_with('@') && !bare.contains(" @"), "{name:?}");
            proptest::prop_assert!(!is_shared || name.contains("@eve:evil.org"), "{name:?}");
        }
    }
}
