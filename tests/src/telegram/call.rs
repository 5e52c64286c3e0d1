//! A request, read whole: parameters from the query and from a body of JSON or of either kind of form, and uploaded files.

use std::collections::BTreeMap;

use axum::{
    body::{Body, BodyDataStream, to_bytes},
    http::Request,
};
use bytes::{Bytes, BytesMut};
use multer::Multipart;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    answer::ApiError,
    model::{ChatId, Fields, FileBytes, UserId},
};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// More of a file is summed and not kept: a bot cannot load it back from the official servers anyway.
const KEPT_BYTES_MAX: usize = 20 * 1024 * 1024;

/// A file as it came.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub name: String,
    pub mime: Option<String>,
    pub bytes: FileBytes,
}

/// What a method works on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    /// Who asks.
    pub bot: UserId,
    /// In lower case.
    pub method: String,
    pub params: Fields,
    /// By the names of their parts.
    pub uploads: BTreeMap<String, Upload>,
}

impl Call {
    pub async fn read(request: Request<Body>, (bot, method): (UserId, String)) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let mut call = Self { bot, method, ..Self::default() };
        call.take_pairs(head.uri.query().unwrap_or_default().as_bytes());
        let header =
            head.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Ok(boundary) = multer::parse_boundary(header) {
            call.take_parts(body, &boundary).await.map_err(|_| ApiError::bad("can't parse the form"))?;
            return Ok(call);
        }
        let bytes = to_bytes(body, BODY_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| ApiError::new(413, "Request Entity Too Large"))?;
        match header.split(';').next().unwrap_or_default().trim() {
            "application/json" if !bytes.is_empty() => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(fields)) => {
                    call.params.extend(fields.into_iter().filter(|(_, it)| !it.is_null()))
                }
                _ => return Err(ApiError::bad("can't parse JSON object")),
            },
            "application/x-www-form-urlencoded" => call.take_pairs(&bytes),
            _ => {}
        }
        Ok(call)
    }

    fn take_pairs(&mut self, bytes: &[u8]) {
        let pairs = url::form_urlencoded::parse(bytes).into_owned();
        self.params.extend(pairs.map(|(name, value)| (name, Value::String(value))));
    }

    async fn take_parts(&mut self, body: Body, boundary: &str) -> Result<(), multer::Error> {
        let stream: BodyDataStream = body.into_data_stream();
        let mut parts = Multipart::new(stream, boundary);
        while let Some(mut part) = parts.next_field().await? {
            let name = part.name().unwrap_or_default().to_owned();
            let Some(filename) = part.file_name().map(str::to_owned) else {
                self.params.insert(name, Value::String(part.text().await?));
                continue;
            };
            let mime = part.content_type().map(ToString::to_string);
            let mut taken = Taken::default();
            while let Some(piece) = part.chunk().await? {
                taken.add(&piece);
            }
            self.uploads.insert(name, Upload { name: filename, mime, bytes: taken.bytes() });
        }
        Ok(())
    }

    /// A parameter; null when absent. JSON in text is parsed.
    pub fn value(&self, name: &str) -> Value {
        match self.params.get(name) {
            Some(Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
            }
            Some(value) => value.clone(),
            None => Value::Null,
        }
    }

    /// A parameter that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.value(name).as_i64()
    }

    /// Whether a parameter is true.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name) == Value::Bool(true)
    }

    /// A parameter that is a list; empty when absent.
    pub fn list(&self, name: &str) -> Vec<Value> {
        self.value(name).as_array().cloned().unwrap_or_default()
    }

    /// `user_id`.
    pub fn user(&self) -> Result<UserId, ApiError> {
        self.number("user_id").ok_or_else(|| ApiError::bad("invalid user_id specified"))
    }

    /// The place that a chat's number stands for.
    pub fn place(&self, number: i64) -> ChatId {
        if number > 0 { ChatId::private(number, self.bot) } else { ChatId::group(number) }
    }
}

#[derive(Default)]
struct Taken {
    kept: BytesMut,
    sum: Sha256,
    size: u64,
}

impl Taken {
    fn add(&mut self, piece: &Bytes) {
        self.size += piece.len() as u64;
        self.sum.update(piece);
        if self.kept.len() + piece.len() <= KEPT_BYTES_MAX {
            self.kept.extend_from_slice(piece);
        }
    }

    fn bytes(self) -> FileBytes {
        if self.kept.len() as u64 == self.size {
            return FileBytes::Kept(self.kept.freeze());
        }
        let sha256 = self.sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        FileBytes::Counted { size: self.size, sha256 }
    }
}
