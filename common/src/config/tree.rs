//! YAML as a tree that remembers where everything stands.
//!
//! Keys that are set twice are reported here, because nobody can see them later. Knows nothing of what the settings mean.
//! Next: `typed`, which turns the tree into settings.

use std::{cell::Cell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{
    Location, Spanned,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use super::{
    nearest::nearest,
    problems::{Problem, Problems, Report},
};

/// Where something stands. Orders as a reader goes: the file as a whole, its lines, the environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The file as a whole.
    File,
    /// In the text; lines and columns count from 1, in characters.
    Text {
        line: usize,
        column: usize,
        length: usize,
        /// A key that nobody knows, whose value could be anything and is not shown.
        is_unknown: bool,
    },
    /// In this environment variable.
    Variable(String),
}

/// A file and what it says.
pub(crate) struct Document {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) root: Node,
}

pub(crate) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// Set once the value was found to be wrong; from then on it counts as absent.
    pub(super) dropped: Cell<bool>,
}

pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Natural(u64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// The text stays out, because there are secrets in it.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?})", self.name)
    }
}

impl Node {
    pub(super) fn new(place: Place, value: Value) -> Self {
        Self { place, value, dropped: Cell::new(false) }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under a key, or the entry of a list by its number, and the place that names it.
    fn step(&self, step: &str) -> Option<(&Node, &Place)> {
        match &self.value {
            Value::List(items) => {
                let index: usize = step.parse().ok()?;
                items.get(index).map(|item| (item, &item.place))
            }
            _ => self.get(step).map(|entry| (&entry.node, &entry.key_place)),
        }
    }

    /// Whether there is a dropped key that was probably meant to be `key`.
    fn has_misspelled(&self, key: &str) -> bool {
        self.entries().iter().any(|entry| entry.node.dropped.get() && nearest(&entry.key, [key]).is_some())
    }
}

/// Reads the text of the file `name`. Keys that are set twice are already in the result.
pub(crate) fn read(name: String, text: String) -> Result<Problems, Box<Report>> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        with_snippet: false,
    };
    let root = match serde_saphyr::from_str_with_options::<Option<Spanned<Value>>>(&text, options) {
        Ok(Some(root)) if !matches!(root.value, Value::Null) => Node::from(root),
        Ok(_) => Node::new(Place::File, Value::Map(Vec::new())),
        Err(error) => return Err(Box::new(Report::of_text(name, text, syntax_problem(&error)))),
    };
    let mut duplicates = Vec::new();
    find_duplicates(&root, &mut duplicates);
    let mut problems = Problems::new(Document { name, text, root });
    if !matches!(problems.document().root.value, Value::Map(_)) {
        problems.push(Problem {
            place: problems.document().root.place.clone(),
            what: "the file must be made of `section:` lines with settings below them".to_owned(),
            help: "Look at a fresh file: run `init` with another --config.".to_owned(),
        });
        problems.document().root.dropped.set(true);
    }
    duplicates.into_iter().for_each(|problem| problems.push(problem));
    Ok(problems)
}

impl Document {
    /// Lays `value` over the tree; a group that is not there yet is made.
    pub(super) fn set(&mut self, path: &[String], place: &Place, value: String) {
        let mut node = &mut self.root;
        for key in path {
            let Value::Map(entries) = &mut node.value else { return };
            let index = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
                let node = Node::new(place.clone(), Value::Map(Vec::new()));
                entries.push(Entry { key: key.clone(), key_place: place.clone(), node });
                entries.len() - 1
            });
            let entry = &mut entries[index];
            if matches!(entry.node.value, Value::Null) {
                entry.node.value = Value::Map(Vec::new());
            }
            node = &mut entry.node;
        }
        *node = Node::new(place.clone(), Value::Text(value));
    }

    /// Lays a value over the tree that could not be read, so that nothing else complains about it.
    pub(super) fn set_dropped(&mut self, path: &[String], place: &Place) {
        self.set(path, place, String::new());
        let mut node = &self.root;
        for key in path {
            let Some(entry) = node.get(key) else { return };
            node = &entry.node;
        }
        node.dropped.set(true);
    }

    /// Where the value at `path` stands, or what comes nearest to it; `None` when it, or something in it, was dropped as
    /// unreadable: then enough was said.
    pub(super) fn place(&self, path: &[&str]) -> Option<Place> {
        let (found, key_place) = self.find(path)?;
        match found.map(|node| (node, &node.value)) {
            Some((_, Value::Map(entries))) if entries.iter().any(|entry| entry.node.dropped.get()) => None,
            Some((_, Value::List(items))) if items.iter().any(|item| item.dropped.get()) => None,
            None | Some((_, Value::Null | Value::Map(_) | Value::List(_))) => Some(key_place),
            Some((node, _)) => Some(node.place.clone()),
        }
    }

    /// Where the key at the end of `path` stands, or what comes nearest to it; `None` as in [`Self::place`].
    pub(super) fn key_place(&self, path: &[&str]) -> Option<Place> {
        self.find(path).map(|(_, key_place)| key_place)
    }

    /// The value at `path`, if there is one, and the place of the last key on the way.
    fn find(&self, path: &[&str]) -> Option<(Option<&Node>, Place)> {
        let mut node = &self.root;
        let mut key_place = self.start();
        for step in path {
            if node.dropped.get() {
                return None;
            }
            let Some((next, place)) = node.step(step) else {
                return (!node.has_misspelled(step)).then_some((None, key_place));
            };
            key_place = place.clone();
            node = next;
        }
        (!node.dropped.get()).then_some((Some(node), key_place))
    }

    /// The first thing in the file.
    pub(super) fn start(&self) -> Place {
        let first = self
            .root
            .entries()
            .iter()
            .map(|entry| &entry.key_place)
            .find(|place| matches!(place, Place::Text { .. }));
        first.cloned().unwrap_or(Place::Text { line: 1, column: 1, length: 1, is_unknown: false })
    }
}

impl Place {
    /// The same place, as that of a key nobody knows.
    pub(super) fn unknown(self) -> Self {
        match self {
            Self::Text { line, column, length, .. } => Self::Text { line, column, length, is_unknown: true },
            other => other,
        }
    }

    fn new(location: Location) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(1).max(1);
        Self::Text {
            line: size(location.line()),
            column: size(location.column()),
            length: size(location.span().len()),
            is_unknown: false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Text { line, .. } => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

fn syntax_problem(error: &serde_saphyr::Error) -> Problem {
    let place = error.location().map_or(Place::File, |at| match Place::new(at) {
        Place::Text { line, column, .. } => Place::Text { line, column, length: 1, is_unknown: false },
        other => other,
    });
    let words = error.without_snippet().to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    let words = words.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Problem {
        place,
        what: format!("this is not YAML: {words}"),
        help: "Each line is `key: value`; groups are indented by two spaces, never by tabs; put texts with `: `, `#` or \
               `@` in quotes."
            .to_owned(),
    }
}

fn find_duplicates(node: &Node, problems: &mut Vec<Problem>) {
    if let Value::List(items) = &node.value {
        items.iter().for_each(|item| find_duplicates(item, problems));
    }
    for (index, entry) in node.entries().iter().enumerate() {
        if let Some(first) = node.entries()[..index].iter().find(|earlier| earlier.key == entry.key) {
            entry.node.dropped.set(true);
            problems.push(Problem {
                place: entry.key_place.clone(),
                what: format!("`{}` is set twice", entry.key),
                help: format!("It already stands on {}; keep one of the two.", first.key_place),
            });
        }
        find_duplicates(&entry.node, problems);
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self::new(Place::new(spanned.referenced), spanned.value)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Natural(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(Node::from(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Spanned<Value>>()? {
            let key_place = Place::new(key.referenced);
            entries.push(Entry { key: key.value, key_place, node: Node::from(node) });
        }
        Ok(Value::Map(entries))
    }
}
