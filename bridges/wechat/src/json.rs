//! What is read the same way in all of WeChat's JSON, and in its XML once that is read.

use std::borrow::Cow;

use magpie_common::{clock::TimestampMs, message::clean_name};
use serde_json::Value;
use sha1::{Digest, Sha1};

/// A text, or nothing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A number, however it is written; ids have 64 bits.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A time, which WeChat tells in seconds.
pub(crate) fn at_ms(value: &Value) -> Option<TimestampMs> {
    number(value).filter(|seconds| *seconds > 0)?.checked_mul(1000)
}

/// Words that tell something from others, as a part of its id: long ones, such as addresses, by their sum.
pub(crate) fn short(words: &str) -> Cow<'_, str> {
    const BYTES_MAX: usize = 200;
    if words.len() <= BYTES_MAX {
        return words.into();
    }
    Sha1::digest(words).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name fit to be shown; `None` when nothing is left of it.
pub(crate) fn name(value: &Value) -> Option<String> {
    Some(clean_name(text(value))).filter(|name| !name.is_empty())
}
