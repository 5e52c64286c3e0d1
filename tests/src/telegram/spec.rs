//! Telegram's own description of the Bot API, as a check of requests, answers and updates.
//!
//! The description lists methods and types with their fields ("Array of MessageEntity") and lengths in prose. Bounds of entities are
//! checked wherever a text with entities stands, for they are counted in UTF-16 and often wrong. It only reports, and changes nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use serde::Deserialize;
use serde_json::Value;

use super::{model::Fields, text};
use crate::openapi::{Finding, read_document, specs_dir};

/// The description, read once for the whole process; none where it is not present.
pub fn description() -> Option<Arc<Spec>> {
    static READ: OnceLock<Option<Arc<Spec>>> = OnceLock::new();
    let read = || {
        let document = read_document(&specs_dir().join("telegram-bot-api.json")).ok()?;
        let spec = serde_json::from_value(document).expect("the description is what its README says");
        Some(Arc::new(Spec::new(spec)))
    };
    READ.get_or_init(read).clone()
}

#[derive(Deserialize)]
struct Document {
    methods: BTreeMap<String, Described>,
    types: BTreeMap<String, Described>,
}

/// A method or a type.
#[derive(Debug, Default, Deserialize)]
struct Described {
    #[serde(default)]
    fields: Vec<Field>,
    #[serde(default)]
    subtypes: Vec<String>,
    #[serde(default)]
    returns: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    types: Vec<String>,
    required: bool,
    description: String,
}

/// The description, ready to judge.
#[derive(Debug)]
pub struct Spec {
    methods: BTreeMap<String, Described>,
    types: BTreeMap<String, Described>,
}

/// Fields that came after the description and that newer clients do not go without.
const NEWER: [(&str, &str); 1] = [("ChatMemberAdministrator", "can_send_welcome_messages")];

/// Texts and the entities beside them.
const TEXTS: [(&str, &str); 7] = [
    ("text", "entities"),
    ("text", "text_entities"),
    ("caption", "caption_entities"),
    ("question", "question_entities"),
    ("explanation", "explanation_entities"),
    ("quote", "quote_entities"),
    ("description", "description_entities"),
];

impl Spec {
    fn new(document: Document) -> Self {
        let lower = |(name, method): (String, Described)| (name.to_lowercase(), method);
        Self { methods: document.methods.into_iter().map(lower).collect(), types: document.types }
    }

    /// Whether there is a method of this name, in lower case.
    pub fn knows(&self, method: &str) -> bool {
        self.methods.contains_key(method)
    }

    /// All that is wrong with a request. `files` are the names of uploaded parts.
    pub fn check_request(&self, method: &str, params: &Fields, files: &[String]) -> Vec<Finding> {
        let Some(known) = self.methods.get(method) else {
            return findings(method, "method", vec!["is not in the description".to_owned()]);
        };
        let mut problems = Vec::new();
        let mut given = Fields::new();
        for (name, value) in params {
            match known.fields.iter().find(|field| field.name == *name) {
                Some(field) => {
                    given.insert(name.clone(), unquoted(field, value));
                }
                // Bots name uploaded parts as they like, and "attach://" says which is meant.
                None => problems.push(format!("{name}: is no parameter")),
            }
        }
        for field in &known.fields {
            match given.get(&field.name) {
                None if files.contains(&field.name) => {}
                None if field.required => problems.push(format!("{}: is missing", field.name)),
                None => {}
                Some(value) => {
                    problems.extend(self.problems(&field.types, value, &field.name));
                    problems.extend(length_problem(field, value));
                    attachments(value, files, &mut problems);
                }
            }
        }
        bounds(&Value::Object(given), "", &mut problems);
        findings(method, "request", problems)
    }

    /// All that is wrong with what a method has given back.
    pub fn check_answer(&self, method: &str, result: &Value) -> Vec<Finding> {
        let Some(known) = self.methods.get(method) else { return Vec::new() };
        let mut problems = self.problems(&known.returns, result, "result");
        bounds(result, "result", &mut problems);
        findings(method, "answer", problems)
    }

    /// All that is wrong with an update.
    pub fn check_update(&self, kind: &str, update: &Value) -> Vec<Finding> {
        let mut problems = self.problems(&["Update".to_owned()], update, "update");
        bounds(update, "update", &mut problems);
        findings(kind, "update", problems)
    }

    /// What is wrong with a value that shall be of one of these types: the least of all.
    fn problems(&self, types: &[String], value: &Value, at: &str) -> Vec<String> {
        let each = types.iter().map(|kind| self.problems_of_one(kind, value, at));
        each.min_by_key(Vec::len).unwrap_or_default()
    }

    fn problems_of_one(&self, kind: &str, value: &Value, at: &str) -> Vec<String> {
        let is_good = match kind {
            "Integer" => value.is_i64() || value.is_u64(),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            "String" | "InputFile" => value.is_string(),
            _ => {
                if let Some(of) = kind.strip_prefix("Array of ") {
                    let Some(items) = value.as_array() else {
                        return vec![format!("{at}: is no array but {value}")];
                    };
                    let of = [of.to_owned()];
                    let each = items.iter().enumerate();
                    return each
                        .flat_map(|(nth, it)| self.problems(&of, it, &format!("{at}[{nth}]")))
                        .collect();
                }
                return self.problems_of_object(kind, value, at);
            }
        };
        if is_good { Vec::new() } else { vec![format!("{at}: is no {kind} but {value}")] }
    }

    fn problems_of_object(&self, kind: &str, value: &Value, at: &str) -> Vec<String> {
        let Some(known) = self.types.get(kind) else { return vec![format!("{at}: {kind} is not described")] };
        if !known.subtypes.is_empty() {
            return self.problems(&known.subtypes, value, at);
        }
        let Some(object) = value.as_object() else {
            return vec![format!("{at}: is no {kind} but {value}")];
        };
        let mut problems = Vec::new();
        for field in &known.fields {
            let at = format!("{at}.{}", field.name);
            match object.get(&field.name) {
                None if field.required => problems.push(format!("{at}: is missing")),
                None => {}
                Some(value) => {
                    problems.extend(self.problems(&field.types, value, &at));
                    if constant(field).is_some_and(|wanted| value != wanted) {
                        // A wrong kind outweighs all else when the least wrong alternative is chosen.
                        problems.extend(vec![format!("{at}: is {value}"); 3]);
                    }
                }
            }
        }
        let is_unknown = |name: &&String| {
            let is_newer = NEWER.contains(&(kind, name.as_str()));
            !is_newer && !known.fields.iter().any(|field| field.name == **name)
        };
        problems.extend(
            object.keys().filter(is_unknown).map(|name| format!("{at}.{name}: is no field of {kind}")),
        );
        problems
    }
}

/// Forms give all values as text, and JSON may too.
fn unquoted(field: &Field, value: &Value) -> Value {
    let takes_text = field.types.iter().any(|kind| kind == "String" || kind == "InputFile");
    match value.as_str() {
        Some(text) if !takes_text => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        _ => value.clone(),
    }
}

/// What a field must always be, where its prose says so: `always "emoji"`.
fn constant(field: &Field) -> Option<&str> {
    let is_kind = matches!(field.name.as_str(), "type" | "status" | "source");
    let after = field.description.split_once("always \"").filter(|_| is_kind)?.1;
    after.split('"').next()
}

/// `1-4096 characters` of the prose.
fn length_problem(field: &Field, value: &Value) -> Option<String> {
    let before = field.description.split_once(" characters")?.0;
    let (least, most) = before.rsplit([' ', ';', '(']).next()?.split_once('-')?;
    let (least, most): (usize, usize) = (least.parse().ok()?, most.parse().ok()?);
    let length = text::length(value.as_str()?);
    (length < least || length > most)
        .then(|| format!("{}: has {length} UTF-16 units, not {least}-{most}", field.name))
}

/// Whatever is attached must be there.
fn attachments(value: &Value, files: &[String], problems: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if let Some(name) =
                text.strip_prefix("attach://").filter(|name| !files.iter().any(|it| it == name))
            {
                problems.push(format!("attach://{name}: is not in the form"));
            }
        }
        Value::Array(items) => items.iter().for_each(|it| attachments(it, files, problems)),
        Value::Object(fields) => fields.values().for_each(|it| attachments(it, files, problems)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn bounds(value: &Value, at: &str, problems: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (text, entities) in TEXTS {
                let (text, entities) = (object.get(text).and_then(Value::as_str), object.get(entities));
                let entities = entities.and_then(Value::as_array);
                let problem =
                    entities.and_then(|them| text::entities_problem(text.unwrap_or_default(), them));
                problems.extend(problem.map(|problem| format!("{at}: {problem}")));
            }
            object.iter().for_each(|(name, value)| bounds(value, &format!("{at}.{name}"), problems));
        }
        Value::Array(items) => items.iter().for_each(|it| bounds(it, at, problems)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn findings(call: &str, part: &str, problems: Vec<String>) -> Vec<Finding> {
    let finding = |problem| Finding { call: call.to_owned(), part: part.to_owned(), problem };
    problems.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests;
