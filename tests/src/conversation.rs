//! A conversation as it stands on either side, in the same plain words, so that two sides can be compared field by field.
//!
//! Whatever a side shows in a form of its own (a webhook's line for a reply, parts of a long text, one voice for many reactions) is read
//! back into what it means. Nothing here knows how the bridge does it. Next: [`matrix`], [`discord`].

pub mod discord;
pub mod matrix;

use std::collections::BTreeSet;

/// Who reacts for people who have no account on the network.
pub const RELAY: &str = "the relay";

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The shown name of who wrote it.
    pub author: String,
    /// Its words, as they are now.
    pub words: String,
    /// Its files.
    pub files: Vec<File>,
    /// The words of the message that it answers.
    pub answers: Option<String>,
    /// The words at the root of its thread.
    pub thread: Option<String>,
    /// Who reacted, and with what.
    pub reactions: BTreeSet<(String, String)>,
    /// What the network itself shows below it.
    pub preview: Option<String>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its size; none for a sticker, whose size nobody tells.
    pub size_bytes: Option<u64>,
    /// Whether it is hidden.
    pub spoiler: bool,
    /// Length in milliseconds, where it was spoken.
    pub spoken_ms: Option<u64>,
}

impl Entry {
    /// The words of a message, or the name of its first file where it has none.
    fn label(&self) -> String {
        match self.files.first() {
            Some(file) if self.words.is_empty() => file.name.clone(),
            _ => self.words.clone(),
        }
    }
}

/// The first difference between two sides, in words; none when they hold the same.
pub fn difference(one: &[Entry], other: &[Entry]) -> Option<String> {
    let pairs = one.iter().zip(other).position(|(one, other)| one != other);
    match pairs {
        Some(at) => Some(format!("message {at}:\n{:#?}\n{:#?}", one[at], other[at])),
        None if one.len() != other.len() => {
            let all = |side: &[Entry]| side.iter().map(Entry::label).collect::<Vec<_>>();
            Some(format!("{} messages against {}:\n{:?}\n{:?}", one.len(), other.len(), all(one), all(other)))
        }
        None => None,
    }
}
