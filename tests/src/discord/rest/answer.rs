//! Answers and errors of the REST API, in Discord's shapes.

use axum::{body::Body, response::Response};
use serde_json::{Value, json};

/// What a route gives back.
pub(crate) type Outcome = Result<Answer, ApiError>;

/// An answer before it is bytes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub fn no_content() -> Self {
        Self::empty(204)
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// The same with more headers; those it has already win.
    pub fn with_headers(mut self, more: Vec<(String, String)>) -> Self {
        for (name, value) in more {
            if !self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                self.headers.push((name, value));
            }
        }
        self
    }

    pub fn into_response(self) -> Response {
        let mut builder = Response::builder().status(self.status);
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        let body = match self.body {
            None => Body::empty(),
            Some(value) => {
                builder = builder.header("Content-Type", "application/json");
                Body::from(value.to_string())
            }
        };
        builder.body(body).expect("statuses and headers are the simulator's own or a test's")
    }
}

/// A refusal with Discord's own code.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: u16,
    code: u32,
    message: String,
    errors: Option<Value>,
}

impl ApiError {
    pub fn new(status: u16, code: u32, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), errors: None }
    }

    pub fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized")
    }

    pub fn not_found() -> Self {
        Self::new(404, 0, "404: Not Found")
    }

    pub fn method_not_allowed() -> Self {
        Self::new(405, 0, "405: Method Not Allowed")
    }

    pub fn unknown_channel() -> Self {
        Self::new(404, 10_003, "Unknown Channel")
    }

    pub fn unknown_guild() -> Self {
        Self::new(404, 10_004, "Unknown Guild")
    }

    pub fn unknown_member() -> Self {
        Self::new(404, 10_007, "Unknown Member")
    }

    pub fn unknown_message() -> Self {
        Self::new(404, 10_008, "Unknown Message")
    }

    pub fn unknown_role() -> Self {
        Self::new(404, 10_011, "Unknown Role")
    }

    pub fn unknown_user() -> Self {
        Self::new(404, 10_013, "Unknown User")
    }

    pub fn unknown_webhook() -> Self {
        Self::new(404, 10_015, "Unknown Webhook")
    }

    pub fn too_many_webhooks(max: usize) -> Self {
        Self::new(400, 30_007, &format!("Maximum number of webhooks reached ({max})"))
    }

    pub fn missing_access() -> Self {
        Self::new(403, 50_001, "Missing Access")
    }

    pub fn not_the_author() -> Self {
        Self::new(403, 50_005, "Cannot edit a message authored by another user")
    }

    pub fn cannot_message() -> Self {
        Self::new(400, 50_007, "Cannot send messages to this user")
    }

    pub fn empty_message() -> Self {
        Self::new(400, 50_006, "Cannot send an empty message")
    }

    pub fn wrong_channel_type() -> Self {
        Self::new(400, 50_024, "Cannot execute action on this channel type")
    }

    pub fn missing_permissions() -> Self {
        Self::new(403, 50_013, "Missing Permissions")
    }

    pub fn wrong_webhook_token() -> Self {
        Self::new(401, 50_027, "Invalid Webhook Token")
    }

    pub fn too_old_for_bulk() -> Self {
        Self::new(400, 50_034, "A message provided was too old to bulk delete")
    }

    pub fn too_large() -> Self {
        Self::new(413, 40_005, "Request entity too large")
    }

    pub fn not_json() -> Self {
        Self::new(400, 50_109, "The request body contains invalid JSON.")
    }

    pub fn no_history() -> Self {
        Self::new(400, 160_002, "Cannot reply without permission to read message history")
    }

    /// The form error, for one field.
    pub fn form(field: &str, code: &str, message: &str) -> Self {
        let mut error = Self::new(400, 50_035, "Invalid Form Body");
        error.errors = Some(json!({field: {"_errors": [{"code": code, "message": message}]}}));
        error
    }

    /// The form error for a text that is too long.
    pub fn too_long(field: &str, max: usize) -> Self {
        Self::form(field, "BASE_TYPE_MAX_LENGTH", &format!("Must be {max} or fewer in length."))
    }

    pub fn into_answer(self) -> Answer {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = self.errors {
            body["errors"] = errors;
        }
        Answer::json(self.status, body)
    }
}
