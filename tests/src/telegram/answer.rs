//! What the Bot API answers: a result, or an error in its words.

use axum::{body::Body, response::Response};
use serde_json::{Value, json};

use super::model::ChatId;

/// A result, or why there is none.
pub(crate) type Outcome = Result<Value, ApiError>;

/// An error as the Bot API tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub code: u16,
    pub description: String,
    pub parameters: Option<Value>,
}

impl ApiError {
    pub fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: None }
    }

    /// 400 with `Bad Request: ` before the words.
    pub fn bad(words: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {words}"))
    }

    /// 403 with `Forbidden: ` before the words.
    pub fn forbidden(words: impl std::fmt::Display) -> Self {
        Self::new(403, format!("Forbidden: {words}"))
    }

    pub fn conflict(words: &str) -> Self {
        Self::new(409, format!("Conflict: {words}"))
    }

    pub fn migrated(to: ChatId) -> Self {
        let parameters = Some(json!({"migrate_to_chat_id": to}));
        Self { parameters, ..Self::bad("group chat was upgraded to a supergroup chat") }
    }

    pub fn too_many(retry_after: u64) -> Self {
        let description = format!("Too Many Requests: retry after {retry_after}");
        Self { code: 429, description, parameters: Some(json!({"retry_after": retry_after})) }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"ok": false, "error_code": self.code, "description": self.description});
        if let Some(parameters) = &self.parameters {
            body["parameters"] = parameters.clone();
        }
        body
    }
}

/// The status and the body of an outcome.
pub(crate) fn parts(outcome: &Outcome) -> (u16, Value) {
    match outcome {
        Ok(result) => (200, json!({"ok": true, "result": result})),
        Err(error) => (error.code, error.body()),
    }
}

/// A response with JSON.
pub(crate) fn response(status: u16, body: &Value) -> Response {
    let mut response = Response::builder().status(status).header("Content-Type", "application/json");
    if let Some(seconds) = body["parameters"]["retry_after"].as_u64() {
        response = response.header("Retry-After", seconds);
    }
    response.body(Body::from(body.to_string())).expect("the status is well formed")
}

/// A response without JSON.
pub(crate) fn bare(status: u16, text: &'static str) -> Response {
    Response::builder().status(status).body(Body::from(text)).expect("the status is well formed")
}
