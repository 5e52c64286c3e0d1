//! One mistake on its way from serde to the report, in an operator's words.
//!
//! The words never repeat a value, since it could be a secret. Next: `typed`, which makes these.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::{
    nearest::nearest,
    problems::Problem,
    tree::{Entry, Node, Place},
};

/// One mistake on its way from serde to the report.
#[derive(Debug)]
pub(crate) struct Fault {
    place: Option<Place>,
    what: String,
    help: String,
    missing: Option<&'static str>,
    /// Follows from a mistake that was reported before.
    is_echo: bool,
    unknown: Option<&'static [&'static str]>,
}

impl Fault {
    fn new(what: String, help: String) -> Self {
        Self { place: None, what, help, missing: None, is_echo: false, unknown: None }
    }

    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Says what is allowed, where nothing else helps.
    pub(super) fn allowing(mut self, choices: &[&str]) -> Self {
        if self.help.is_empty() {
            self.help = allowed(choices);
        }
        self
    }

    /// Names the value that is at fault, unless a value inside it was named already, and drops it from the tree.
    pub(super) fn blame(mut self, node: &Node) -> Self {
        if self.place.is_none() {
            self.is_echo =
                self.missing.and_then(|key| node.get(key)).is_some_and(|entry| entry.node.dropped.get());
            self.place = Some(node.place.clone());
            node.dropped.set(true);
        }
        self
    }

    /// The same for a key.
    pub(super) fn blame_key(mut self, entry: &Entry) -> Self {
        entry.node.dropped.set(true);
        if let Some(choices) = self.unknown {
            self.help = allowed_keys(entry, choices);
        }
        self.place = Some(entry.key_place.clone().unknown());
        self
    }

    /// `title` is the key of the section, the better place to show when something is missing in it.
    pub(super) fn into_problem(self, title: Option<Place>) -> Option<Problem> {
        let place = match title {
            Some(title) if self.missing.is_some() => title,
            _ => self.place.unwrap_or(Place::File),
        };
        (!self.is_echo).then_some(Problem { place, what: self.what, help: self.help })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self::new(words.to_string(), String::new())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let wanted = plain_words(wanted);
        let help = match found {
            Unexpected::Bool(_) | Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_)
                if wanted == "text" =>
            {
                "Put the value in quotes."
            }
            Unexpected::Unit | Unexpected::Option => "Give a value, or take the line out.",
            _ => "",
        };
        Self::new(format!("this is {}, but {wanted} is needed", kind(found)), help.to_owned())
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(
            format!("this {} does not fit: {} is needed", noun(found), plain_words(wanted)),
            String::new(),
        )
    }

    fn unknown_variant(variant: &str, choices: &'static [&'static str]) -> Self {
        let guess = nearest(variant, choices.iter().copied());
        let guess = guess.map(|guess| format!("Did you mean `{guess}`? ")).unwrap_or_default();
        Self::new("this is not one of the choices".to_owned(), format!("{guess}{}", allowed(choices)))
    }

    fn unknown_field(field: &str, choices: &'static [&'static str]) -> Self {
        let mut fault = Self::new(format!("unknown setting `{field}`"), String::new());
        fault.unknown = Some(choices);
        fault
    }

    fn missing_field(field: &'static str) -> Self {
        let mut fault = Self::new(format!("`{field}` is missing"), format!("Add a line `{field}: …` here."));
        fault.missing = Some(field);
        fault
    }
}

/// What may stand in the place of an unknown key, in the spelling of the file or of the environment.
pub(super) fn allowed_keys(entry: &Entry, choices: &[&str]) -> String {
    let spelled: Vec<String> = match &entry.key_place {
        Place::Variable(name) => {
            let stem = name.strip_suffix("_FILE").unwrap_or(name);
            let stem = stem.strip_suffix(&entry.key.to_uppercase()).unwrap_or(stem);
            choices.iter().map(|choice| format!("{stem}{}", choice.to_uppercase())).collect()
        }
        _ => choices.iter().map(|choice| (*choice).to_owned()).collect(),
    };
    let guess = nearest(&entry.key, choices.iter().copied())
        .and_then(|guess| choices.iter().position(|choice| *choice == guess))
        .map(|index| format!("Did you mean `{}`? ", spelled[index]))
        .unwrap_or_default();
    format!("{guess}Allowed here: {}.", spelled.join(", "))
}

fn allowed(choices: &[&str]) -> String {
    format!("Allowed here: {}.", choices.join(", "))
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Unit | Unexpected::Option => "empty",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a group of settings",
        _ => "something else",
    }
}

fn noun(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        _ => "value",
    }
}

/// serde's words for a type, in an operator's words.
fn plain_words(wanted: &dyn Expected) -> String {
    let words = wanted.to_string();
    match words.as_str() {
        "a string" | "string" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a group of `key: value` lines".to_owned(),
        _ if words.starts_with("struct ") => "a group of `key: value` lines".to_owned(),
        _ if words.contains("enum ") => "one of its words".to_owned(),
        _ => words,
    }
}
