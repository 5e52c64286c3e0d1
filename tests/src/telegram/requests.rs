//! The log of requests: what came in and what was answered.

use serde_json::Value;

use super::model::UserId;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// The bot that asked; none where the token was wrong.
    pub bot: Option<UserId>,
    /// The method's name in lower case.
    pub method: String,
    /// The parameters, from query and body.
    pub params: Value,
    /// The status that was answered; none while it is open, and for ever when the connection was cut.
    pub status: Option<u16>,
    /// The answer's body; null like the status.
    pub answer: Value,
}
