//! An answer before it is bytes.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use serde_json::{Value, json};

/// Status, headers and a JSON body; or a file.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
    pub file: Option<Bytes>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub fn success() -> Self {
        Self::ok(json!({"success": true}))
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self { body: Some(body), ..Self::empty(status) }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None, file: None }
    }

    pub fn file(mime: &str, bytes: Bytes) -> Self {
        let headers = vec![("Content-Type".to_owned(), mime.to_owned())];
        Self { headers, file: Some(bytes), ..Self::empty(200) }
    }

    pub fn into_response(self) -> Response {
        let mut builder = Response::builder().status(self.status);
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        let body = match (self.body, self.file) {
            (Some(value), _) => {
                builder = builder.header("Content-Type", "application/json; charset=UTF-8");
                Body::from(value.to_string())
            }
            (None, Some(bytes)) => Body::from(bytes),
            (None, None) => Body::empty(),
        };
        let bad = || Response::builder().status(500).body(Body::empty()).expect("the status is well formed");
        builder.body(body).unwrap_or_else(|_| bad())
    }
}
