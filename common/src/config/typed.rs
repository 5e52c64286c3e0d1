//! The tree to settings, going on after each mistake.
//!
//! serde stops at the first mistake, so a mistaken value is dropped from the tree and the section is read again, until nothing is
//! wrong any more. Values of environment variables are texts and are read as whatever the setting wants: numbers, `true`,
//! lists as `a,b`, groups as `key=value,key=value`. Never repeats a value in its words, since it could be a secret.

use std::{fmt, slice};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess,
        SeqAccess, Unexpected, VariantAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
};

use super::{
    nearest::nearest,
    problems::{Problem, Problems},
    tree::{Entry, Node, Place, Value},
};

/// Reads the group at the top-level key `section`, or the whole file when that is `None`. `None` when it is beyond reading; then
/// the reasons are among the problems.
pub(crate) fn read<T: DeserializeOwned>(problems: &mut Problems, section: Option<&str>) -> Option<T> {
    let empty = Node::new(problems.document().start(), Value::Map(Vec::new()));
    loop {
        let root = &problems.document().root;
        let entry = section.map(|section| root.get(section));
        let node = match &entry {
            None => root,
            Some(Some(entry)) if !matches!(entry.node.value, Value::Null) => &entry.node,
            Some(_) => &empty,
        };
        if node.dropped.get() {
            return None;
        }
        let fault = match T::deserialize(node) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let title = entry.flatten().map(|entry| entry.key_place.clone());
        let is_about_section = fault.place.as_ref() == Some(&node.place);
        if let Some(problem) = fault.into_problem(title.filter(|_| is_about_section)) {
            problems.push(problem);
        }
        if problems.is_full() {
            return None;
        }
    }
}

/// One mistake on its way from serde to the report.
#[derive(Debug)]
pub(crate) struct Fault {
    place: Option<Place>,
    what: String,
    help: String,
    missing: Option<&'static str>,
    /// Follows from a mistake that was reported before.
    is_echo: bool,
    unknown: Option<(String, &'static [&'static str])>,
}

impl Fault {
    fn new(what: String, help: String) -> Self {
        Self { place: None, what, help, missing: None, is_echo: false, unknown: None }
    }

    /// Names the value that is at fault, unless a value inside it was named already, and drops it from the tree.
    fn blame(mut self, node: &Node) -> Self {
        if self.place.is_none() {
            self.is_echo =
                self.missing.and_then(|key| node.get(key)).is_some_and(|entry| entry.node.dropped.get());
            self.place = Some(node.place.clone());
            node.dropped.set(true);
        }
        self
    }

    /// The same for a key.
    fn blame_key(mut self, entry: &Entry) -> Self {
        entry.node.dropped.set(true);
        if let Some((_, choices)) = self.unknown.take() {
            self.help = allowed_keys(entry, choices);
        }
        self.place = Some(entry.key_place.clone().unknown());
        self
    }

    /// `title` is the key of the section, the better place to show when something is missing in it.
    fn into_problem(self, title: Option<Place>) -> Option<Problem> {
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
        Self::new(
            "this is not one of the choices".to_owned(),
            format!("{guess}Allowed here: {}.", choices.join(", ")),
        )
    }

    fn unknown_field(field: &str, choices: &'static [&'static str]) -> Self {
        let mut fault = Self::new(format!("unknown setting `{field}`"), String::new());
        fault.unknown = Some((field.to_owned(), choices));
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

impl Node {
    fn is_variable(&self) -> bool {
        matches!(self.place, Place::Variable(_))
    }

    /// The text of a variable, which may be read as another type.
    fn loose(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if self.is_variable() => Some(text.trim()),
            _ => None,
        }
    }

    fn visit<'de, V: Visitor<'de>>(&'de self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Natural(value) => visitor.visit_u64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_str(value),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Entries { rest: entries.iter(), current: None }),
        }
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let result = match self.loose() {
                Some("true") => visitor.visit_bool(true),
                Some("false") => visitor.visit_bool(false),
                Some(text) => match (text.parse::<u64>(), text.parse::<i64>(), text.parse::<f64>()) {
                    (Ok(value), _, _) => visitor.visit_u64(value),
                    (_, Ok(value), _) => visitor.visit_i64(value),
                    (_, _, Ok(value)) => visitor.visit_f64(value),
                    _ => visitor.visit_str(text),
                },
                None => self.visit(visitor),
            };
            result.map_err(|fault| fault.blame(self))
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit(visitor).map_err(|fault| fault.blame(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self).map_err(|fault| fault.blame(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.loose() {
            Some(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                visitor.visit_seq(SeqDeserializer::<_, Fault>::new(items))
            }
            None => self.visit(visitor),
        };
        result.map_err(|fault| fault.blame(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.loose() {
            Some(text) => {
                let entries = text.split(',').filter_map(|pair| pair.split_once('='));
                visitor
                    .visit_map(MapDeserializer::<_, Fault>::new(entries.map(|(k, v)| (k.trim(), v.trim()))))
            }
            None => self.visit(visitor),
        };
        result.map_err(|fault| fault.blame(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Map(entries) if entries.len() == 1 => visitor.visit_enum(Choice(&entries[0])),
            _ => self.visit(visitor),
        };
        result.map_err(|fault| fault.blame(self))
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct struct identifier ignored_any
    }
}

struct Items<'de>(slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.0.by_ref().find(|node| !node.dropped.get()).map(|node| seed.deserialize(node)).transpose()
    }
}

struct Entries<'de> {
    rest: slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.by_ref().find(|entry| !entry.node.dropped.get());
        let Some(entry) = self.current else { return Ok(None) };
        let key = IntoDeserializer::<Fault>::into_deserializer(entry.key.as_str());
        seed.deserialize(key).map(Some).map_err(|fault| fault.blame_key(entry))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let entry =
            self.current.take().ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        seed.deserialize(&entry.node)
    }
}

/// `choice: value`, a choice that carries something.
struct Choice<'de>(&'de Entry);

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let key = IntoDeserializer::<Fault>::into_deserializer(self.0.key.as_str());
        Ok((seed.deserialize(key).map_err(|fault| fault.blame_key(self.0))?, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Err(de::Error::custom("this choice stands alone, without a value"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(&self.0.node)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.0.node.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.node.deserialize_any(visitor)
    }
}
