//! The log of requests: what came in and what was answered.

use serde_json::Value;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Path below the API's base, with a leading slash.
    pub path: String,
    /// Query pairs.
    pub query: Vec<(String, String)>,
    /// The JSON body; null without one.
    pub body: Value,
    /// The status that was answered; none while it is open, and for ever when the connection was cut.
    pub status: Option<u16>,
}
