//! The few kinds of value that our tables hold, the same for both databases.

use serde::{Deserialize, Serialize};

use super::StoreError;

/// A bound parameter or a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    /// Nothing. As a parameter only for text columns, because PostgreSQL wants to know the type.
    Null,
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::from(value.as_deref())
    }
}

/// One row of an answer, read from the left to the right.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        match self.0.next() {
            Some(Value::Int(value)) => Ok(value),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        match self.0.next() {
            Some(Value::Text(value)) => Ok(value),
            other => Err(unexpected("text", other.as_ref())),
        }
    }

    pub(super) fn int_or_null(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Value::Int(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }

    pub(super) fn text_or_null(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            other => Err(unexpected("text", other.as_ref())),
        }
    }
}

/// Says what was found by kind only: a value may be something that must not reach a log.
fn unexpected(wanted: &str, found: Option<&Value>) -> StoreError {
    let found = match found {
        None => "no column",
        Some(Value::Null) => "nothing",
        Some(Value::Int(_)) => "a number",
        Some(Value::Text(_)) => "text",
    };
    StoreError::Corrupt(format!("a column should hold {wanted} and holds {found}"))
}
