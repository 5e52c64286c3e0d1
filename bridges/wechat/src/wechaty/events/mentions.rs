//! Who is meant by `@` in a group. Only the ids beside the words say so; the words say where, by a name and a narrow blank behind it.

use magpie_common::message::{Mention, MentionTarget, Node, RichText};

use crate::faces;

/// What WeChat puts behind a name.
pub(in crate::wechaty) const BLANK: char = '\u{2005}';

/// A longer name is none.
const NAME_CHARS_MAX: usize = 64;

/// Somebody whom the ids name.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::wechaty) struct Named {
    /// Who.
    pub target: MentionTarget,
    /// What they may be called in the words, the likeliest first.
    pub names: Vec<String>,
}

/// A piece of the words.
enum Piece<'a> {
    Words(&'a str),
    /// A name of the one at this place of the list.
    Name(usize),
    /// Somebody's name, but whose is not clear.
    Somebody(&'a str),
}

/// Words in which these people are named.
pub(in crate::wechaty) fn read(words: &str, named: &[Named]) -> RichText {
    let mut pieces = cut(words, named);
    settle(&mut pieces, named.len());
    let mut nodes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Words(words) => nodes.extend(faces::read(words).0),
            Piece::Somebody(name) => nodes.push(Node::Text(format!("@{name} "))),
            Piece::Name(at) => {
                let label = named[at].names.first().cloned().unwrap_or_default();
                nodes.push(Node::Mention(Mention { target: named[at].target.clone(), label }));
                nodes.push(Node::Text(" ".to_owned()));
            }
        }
    }
    RichText(nodes)
}

fn cut<'a>(words: &'a str, named: &[Named]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let (mut begin, mut from) = (0, 0);
    while let Some(at) = words[from..].find('@').map(|at| from + at) {
        let after = &words[at + 1..];
        let found = known(after, named).map(|(nth, length)| (Piece::Name(nth), length));
        let found = found.or_else(|| somebody(after).map(|name| (Piece::Somebody(name), name.len())));
        let Some((piece, length)) = found.filter(|_| !named.is_empty()) else {
            from = at + 1;
            continue;
        };
        if begin < at {
            pieces.push(Piece::Words(&words[begin..at]));
        }
        pieces.push(piece);
        let end = at + 1 + length;
        // One blank belongs to the name.
        let blank = words[end..].chars().next().filter(|next| *next == BLANK || *next == ' ');
        begin = end + blank.map_or(0, char::len_utf8);
        from = begin;
    }
    if begin < words.len() {
        pieces.push(Piece::Words(&words[begin..]));
    }
    pieces
}

/// Who of the named is meant by the name at the beginning, and how long that is.
fn known(after: &str, named: &[Named]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    for (nth, person) in named.iter().enumerate() {
        for name in person.names.iter().filter(|name| !name.is_empty()) {
            let ends = |rest: &str| rest.chars().next().is_none_or(char::is_whitespace);
            let fits = after.strip_prefix(name.as_str()).is_some_and(ends);
            if fits && best.is_none_or(|(_, length)| length < name.len()) {
                best = Some((nth, name.len()));
            }
        }
    }
    best
}

/// A name with the blank behind it.
fn somebody(after: &str) -> Option<&str> {
    let end = after.char_indices().take(NAME_CHARS_MAX + 1).find(|(_, letter)| *letter == BLANK)?.0;
    let name = &after[..end];
    (!name.is_empty() && !name.contains(['\n', '@'])).then_some(name)
}

/// One name and one person that are left belong to each other: people are called by what others call them.
fn settle(pieces: &mut [Piece<'_>], people: usize) {
    let taken: Vec<usize> = pieces
        .iter()
        .filter_map(|piece| if let Piece::Name(nth) = piece { Some(*nth) } else { None })
        .collect();
    let mut left = (0..people).filter(|nth| !taken.contains(nth));
    let (Some(nth), None) = (left.next(), left.next()) else { return };
    let mut unclear = pieces.iter_mut().filter(|piece| matches!(piece, Piece::Somebody(_)));
    if let (Some(piece), None) = (unclear.next(), unclear.next()) {
        *piece = Piece::Name(nth);
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::{ids::RemoteUserId, message::Person};
    use proptest::prelude::{any, proptest};

    use super::*;

    fn person(id: &str, names: &[&str]) -> Named {
        Named {
            target: MentionTarget::Person(Person::Remote(RemoteUserId::new(id))),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn targets(text: &RichText) -> Vec<String> {
        let of = |mention: &&Mention| match &mention.target {
            MentionTarget::Person(Person::Remote(id)) => id.to_string(),
            other => format!("{other:?}"),
        };
        text.mentions().iter().map(of).collect()
    }

    #[test]
    fn names_are_found_where_they_stand() {
        let people = [person("a", &["Ada", "Ada L."]), person("b", &["鸟"])];
        for (words, plain, who) in [
            ("@Ada\u{2005}hello", "@Ada hello", vec!["a"]),
            ("so @Ada L.\u{2005}and @鸟\u{2005}", "so @Ada and @鸟 ", vec!["a", "b"]),
            ("@鸟", "@鸟 ", vec!["b"]),
            ("@Adam\u{2005}x @Ada y @鸟 z", "@Adam x @Ada y @鸟 z", vec!["a", "b"]),
            ("mail@example.org", "mail@example.org", vec![]),
        ] {
            let text = read(words, &people);
            let who: Vec<String> = who.into_iter().map(str::to_owned).collect();
            assert_eq!((text.to_plain().as_str(), targets(&text)), (plain, who), "{words}");
        }
    }

    #[test]
    fn the_one_who_is_left_is_meant_by_the_name_that_is_left() {
        let people = [person("a", &["Ada"]), person("b", &["Bob"])];
        let text = read("@Robert\u{2005}and @Ada\u{2005}!", &people);
        assert_eq!(targets(&text), ["b", "a"]);
        let two = read("@Robert\u{2005}and @Alice\u{2005}!", &people);
        assert_eq!(targets(&two), Vec::<String>::new(), "nobody guesses");
    }

    #[test]
    fn words_alone_name_nobody() {
        let text = read("@Ada\u{2005}hello", &[]);
        assert_eq!((text.to_plain().as_str(), text.mentions().len()), ("@Ada hello", 0));
    }

    proptest! {
        #[test]
        fn no_words_are_too_strange(words in any::<String>(), name in any::<String>()) {
            let text = read(&words, &[person("a", &[&name])]);
            assert!(text.mentions().len() <= words.matches('@').count());
            let _ = read(&format!("@{name}\u{2005}{words}"), &[person("a", &[&name])]);
        }
    }
}
