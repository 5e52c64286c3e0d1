//! What is read the same way in all of Telegram's JSON.

use magpie_common::{clock::TimestampMs, message::clean_name};
use serde_json::Value;

/// A text, or nothing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A time, which Telegram counts in seconds.
pub(crate) fn at_ms(value: &Value) -> Option<TimestampMs> {
    value.as_i64().filter(|seconds| *seconds > 0)?.checked_mul(1000)
}

/// A name fit to be shown; `None` when nothing is left of it.
pub(crate) fn name(value: &Value) -> Option<String> {
    Some(clean_name(text(value))).filter(|name| !name.is_empty())
}

/// The name of a user as Telegram shows it.
pub(crate) fn user_name(user: &Value) -> Option<String> {
    let whole = format!("{} {}", text(&user["first_name"]), text(&user["last_name"]));
    Some(clean_name(&whole)).filter(|name| !name.is_empty()).or_else(|| name(&user["username"]))
}
