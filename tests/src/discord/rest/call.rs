//! A request, read whole.
//!
//! Queries may begin with an empty pair (`?&wait=true`), as some clients write them. Bodies with files are taken
//! apart by `upload`.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use bytes::Bytes;
use serde_json::Value;

use super::{
    answer::{Answer, ApiError},
    upload::{self, Form, Upload},
};
use crate::{discord::snowflake::Snowflake, openapi::Finding};

const BODY_BYTES_MAX: usize = 25 * 1024 * 1024;

/// What a route works on.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub method: String,
    /// Below the API's base, with a leading slash.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// The bot's token.
    pub token: Option<String>,
    pub media_type: Option<String>,
    pub body: Option<Value>,
    /// Files that came with the body.
    pub uploads: Vec<Upload>,
    /// What is wrong with the request beyond any description.
    pub oddities: Vec<Finding>,
}

impl Call {
    pub async fn read(request: Request<Body>, path: String) -> Result<Self, Answer> {
        let (head, body) = request.into_parts();
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        let query = query.into_owned().collect();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let token = header("authorization").and_then(|value| value.strip_prefix("Bot ")).map(str::to_owned);
        let media_type =
            header("content-type").map(|value| value.split(';').next().unwrap_or(value).trim().to_owned());
        let boundary = header("content-type").and_then(|value| multer::parse_boundary(value).ok());
        let (bytes, form) = match &boundary {
            Some(boundary) => {
                let form = upload::read(body, boundary).await;
                (Bytes::new(), form.map_err(|_| ApiError::not_json().into_answer())?)
            }
            None => (
                to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| ApiError::too_large().into_answer())?,
                Form::default(),
            ),
        };
        let mut call = Self {
            method: head.method.as_str().to_owned(),
            path,
            query,
            token,
            media_type: media_type.filter(|_| !bytes.is_empty() || boundary.is_some()),
            body: form.json,
            uploads: form.uploads,
            oddities: Vec::new(),
        };
        if call.media_type.as_deref() == Some("application/json") {
            let parsed = serde_json::from_slice(&bytes);
            call.body = Some(parsed.map_err(|_| ApiError::not_json().into_answer())?);
        } else if call.media_type.is_some() && boundary.is_none() {
            call.odd("body", "is of a media type that this simulator does not read yet");
        }
        if call.token.is_some()
            && !header("user-agent").is_some_and(|agent| agent.starts_with("DiscordBot ("))
        {
            call.odd("header user-agent", "must be of the form 'DiscordBot (url, version)'");
        }
        Ok(call)
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that is an id.
    pub fn query_id(&self, name: &str) -> Option<Snowflake> {
        self.query(name)?.parse().ok()
    }

    /// A field of the body; null when absent.
    pub fn field(&self, name: &str) -> &Value {
        self.body.as_ref().map_or(&Value::Null, |body| &body[name])
    }

    /// A text field of the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name).as_str()
    }

    fn odd(&mut self, part: &str, problem: &str) {
        let call = format!("{} {}", self.method, self.path);
        self.oddities.push(Finding { call, part: part.to_owned(), problem: problem.to_owned() });
    }
}
