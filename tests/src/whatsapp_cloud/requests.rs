//! The log of requests: what came in and what was answered.

use serde_json::Value;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Path with the version, as it came.
    pub path: String,
    /// Query pairs.
    pub query: Vec<(String, String)>,
    /// The JSON body, or the text fields of a form; null without one.
    pub body: Value,
    /// The status that was answered; none while it is open, and for ever when the connection was cut.
    pub status: Option<u16>,
}
