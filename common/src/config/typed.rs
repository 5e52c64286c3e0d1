//! The tree to settings, going on after each mistake.
//!
//! serde stops at the first mistake, so a mistaken value is dropped from the tree and the section is read again, until nothing is
//! wrong any more. Values of environment variables are texts and are read as whatever the setting wants: numbers, `true`,
//! lists as `a,b`, groups as `key=value,key=value`. Never repeats a value in its words, since it could be a secret.

use std::slice;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
};

use super::{
    fault::Fault,
    problems::Problems,
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
        let is_about_section = fault.place() == Some(&node.place);
        if let Some(problem) = fault.into_problem(title.filter(|_| is_about_section)) {
            problems.push(problem);
        }
        if problems.is_full() {
            return None;
        }
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
                Some(text) => Loose(text).$method(visitor),
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
                visitor.visit_seq(SeqDeserializer::<_, Fault>::new(items.map(Loose)))
            }
            None => self.visit(visitor),
        };
        result.map_err(|fault| fault.blame(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.loose() {
            Some(text) => {
                let entries = text.split(',').filter_map(|pair| pair.split_once('='));
                visitor.visit_map(MapDeserializer::<_, Fault>::new(
                    entries.map(|(k, v)| (k.trim(), Loose(v.trim()))),
                ))
            }
            None => self.visit(visitor),
        };
        result.map_err(|fault| fault.blame(self))
    }

    /// A group is never a list, though serde would read one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.value {
            Value::List(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.visit(visitor),
        };
        result.map_err(|fault| fault.blame(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        choices: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Map(entries) if entries.len() == 1 => visitor.visit_enum(Choice(&entries[0])),
            _ => self.visit(visitor).map_err(|fault| fault.allowing(choices)),
        };
        result.map_err(|fault| fault.blame(self))
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A text from the environment, which is read as what the setting wants.
struct Loose<'de>(&'de str);

impl<'de> IntoDeserializer<'de, Fault> for Loose<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! loose_scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let text = self.0;
            match (text.parse::<bool>(), text.parse::<u64>(), text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(value), ..) => visitor.visit_bool(value),
                (_, Ok(value), ..) => visitor.visit_u64(value),
                (_, _, Ok(value), _) => visitor.visit_i64(value),
                (_, _, _, Ok(value)) => visitor.visit_f64(value),
                _ => visitor.visit_borrowed_str(text),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Loose<'de> {
    type Error = Fault;

    loose_scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(self.0))
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
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
