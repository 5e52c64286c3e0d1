//! What is read the same way in all of Discord's JSON.

use serde_json::Value;

/// An id, which Discord writes as a string and some libraries as a number.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A list of ids.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// The messages of an answer: Discord gives the newest first.
pub(crate) fn oldest_first(answer: Value) -> Vec<Value> {
    let Value::Array(mut messages) = answer else { return Vec::new() };
    messages.sort_by_key(|message| text(&message["id"]).parse::<u64>().unwrap_or_default());
    messages
}
