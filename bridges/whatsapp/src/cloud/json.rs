//! What is read the same way in all of WhatsApp's JSON.

use magpie_common::{clock::TimestampMs, message::clean_name};
use serde_json::Value;

/// A text, or nothing.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A list, or nothing.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A time, which WhatsApp writes as a text of seconds.
pub(super) fn at_ms(value: &Value) -> Option<TimestampMs> {
    let seconds: i64 = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    (seconds > 0).then(|| seconds.checked_mul(1000)).flatten()
}

/// A name fit to be shown; `None` when nothing is left of it.
pub(super) fn name(value: &Value) -> Option<String> {
    Some(clean_name(text(value))).filter(|name| !name.is_empty())
}
