//! What follows the name of a command: read by what each argument is, with words for what is wrong.

use std::fmt;

use crate::store::JournalId;

/// One thing that follows a command's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    /// What people call it.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) needed: Needed,
}

/// What an argument is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number that `failed` shows.
    Number,
    /// One word.
    Word,
    /// Everything up to the end of the line.
    Rest,
    /// One word that nobody else may read: it is taken away, whatever becomes of the command.
    Secret,
}

/// Whether an argument may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    Always,
    No,
}

/// What followed a command's name, good for its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given<'a>(&'a str);

/// No command has more.
const ARGUMENTS_MAX: usize = 8;

impl<'a> Given<'a> {
    /// Holds the words against the arguments; says what is wrong with them.
    pub(super) fn read(arguments: &[Argument], words: &'a str) -> Result<Self, String> {
        let mut given = words.split_whitespace();
        for argument in arguments.iter().take(ARGUMENTS_MAX) {
            match (given.next(), argument.kind) {
                (None, _) if argument.needed == Needed::No => {}
                (None, _) => return Err(format!("Say which {}.", argument.name)),
                (Some(word), Kind::Number) if word.parse::<i64>().is_err() => {
                    return Err(format!("The {} is to be a number.", argument.name));
                }
                (Some(_), Kind::Number | Kind::Word | Kind::Secret) => {}
                (Some(_), Kind::Rest) => return Ok(Self(words.trim())),
            }
        }
        match (given.next(), arguments.len()) {
            (None, _) => Ok(Self(words.trim())),
            (Some(_), 0) => Err("Nothing follows this command.".to_owned()),
            (Some(_), _) => Err("That is more than this command takes.".to_owned()),
        }
    }

    /// The first argument.
    pub(super) fn word(self) -> Option<&'a str> {
        self.0.split_whitespace().next()
    }

    /// All of it.
    pub(super) fn rest(self) -> &'a str {
        self.0
    }

    /// All behind the first argument.
    pub(super) fn behind_word(self) -> Option<&'a str> {
        let (_, rest) = self.0.split_once(char::is_whitespace)?;
        Some(rest.trim_start())
    }

    /// The second argument.
    pub(super) fn second(self) -> Option<&'a str> {
        self.0.split_whitespace().nth(1)
    }

    /// The first argument as the number of a row; zero, which no row has, where it is none.
    pub(super) fn number(self) -> JournalId {
        JournalId::new(self.word().and_then(|word| word.parse().ok()).unwrap_or_default())
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.needed {
            Needed::Always => write!(f, "<{}>", self.name),
            Needed::No => write!(f, "[{}]", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: Argument = Argument { name: "number", kind: Kind::Number, needed: Needed::Always };
    const CHAT: Argument = Argument { name: "chat", kind: Kind::Word, needed: Needed::No };

    #[test]
    fn what_is_wrong_is_said() {
        let fault = |arguments: &[Argument], words| Given::read(arguments, words).unwrap_err();
        assert_eq!(fault(&[NUMBER], " "), "Say which number.");
        assert_eq!(fault(&[NUMBER], "five"), "The number is to be a number.");
        assert_eq!(fault(&[NUMBER], "5 6"), "That is more than this command takes.");
        assert_eq!(fault(&[], "x"), "Nothing follows this command.");
    }

    #[test]
    fn what_is_right_is_read() {
        assert_eq!(Given::read(&[NUMBER], " 5 ").unwrap().number(), JournalId::new(5));
        assert_eq!(Given::read(&[CHAT], "").unwrap().word(), None);
        assert_eq!(Given::read(&[CHAT], "c1").unwrap().word(), Some("c1"));
        let rest = Argument { name: "words", kind: Kind::Rest, needed: Needed::No };
        let behind = |words| Given::read(&[CHAT, rest], words).unwrap().behind_word();
        assert_eq!((behind("c1"), behind(" c1  a\n b ")), (None, Some("a\n b")));
        assert_eq!(format!("{NUMBER} {CHAT}"), "<number> [chat]");
    }
}
