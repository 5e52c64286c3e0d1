//! Compiles the schemas of a description one by one, when they are first asked for.
//!
//! A schema is compiled together with only those components it reaches, because the whole document is over a megabyte and a
//! test uses a small part. It must never fetch anything: every reference is inside the document.

use std::collections::{BTreeSet, HashMap};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const PROBLEMS_MAX: usize = 8;
const COMPONENTS: &str = "#/components/schemas/";

/// The compiled schemas so far, by their text.
#[derive(Default)]
pub struct Schemas {
    compiled: HashMap<String, Result<Validator, String>>,
}

impl Schemas {
    /// What is wrong with a value, each with its place inside the value.
    pub fn problems(&mut self, document: &Value, schema: &Value, value: &Value) -> Vec<String> {
        let compiled = self.compiled.entry(schema.to_string()).or_insert_with(|| compile(document, schema));
        match compiled {
            Err(reason) => vec![format!("the description's own schema is unusable: {reason}")],
            Ok(validator) => {
                let errors = validator.iter_errors(value).take(PROBLEMS_MAX);
                errors.map(|error| format!("at '{}': {error}", error.instance_path())).collect()
            }
        }
    }
}

/// Follows `$ref` until something else comes; null when it leads nowhere.
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut current = value;
    while let Some(target) = current["$ref"].as_str() {
        let pointer = target.trim_start_matches('#');
        current = document.pointer(pointer).unwrap_or(&Value::Null);
    }
    current
}

/// A parameter's or header's text as the JSON value that its schema means; text that does not fit stays text.
pub fn from_text(schema: &Value, text: &str) -> Value {
    let parsed = match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("number") => text.parse::<f64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

fn compile(document: &Value, schema: &Value) -> Result<Validator, String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        for name in references(value) {
            if reached.insert(name)
                && let Some(component) = document["components"]["schemas"].get(name)
            {
                open.push(component);
            }
        }
    }
    let components: Map<String, Value> = reached
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), document["components"]["schemas"].get(name)?.clone())))
        .collect();
    let whole = json!({"allOf": [schema], "components": {"schemas": components}});
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.should_ignore_unknown_formats(true).build(&whole).map_err(|error| error.to_string())
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(fields) => {
            let own =
                fields.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix(COMPONENTS));
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        _ => Vec::new(),
    }
}
