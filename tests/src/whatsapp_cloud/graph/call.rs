//! A request, read whole.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use bytes::Bytes;
use multer::Multipart;
use serde_json::{Map, Value};

use crate::whatsapp_cloud::errors::GraphError;

/// Documents may have 100 MB.
const BODY_BYTES_MAX: usize = 110 * 1024 * 1024;

/// A file in a form.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub filename: Option<String>,
    pub mime: Option<String>,
    pub bytes: Bytes,
}

/// What a route works on.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub method: String,
    /// With the version and a leading slash.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub token: Option<String>,
    pub media_type: Option<String>,
    /// JSON, or the text fields of a form with the names of files.
    pub body: Option<Value>,
    pub upload: Option<Upload>,
    /// Outcome of the handshake that a subscription needs, where one was made.
    pub handshake: Option<Result<(), String>>,
    /// With which code a message fails after it was accepted.
    pub fails_later: Option<u32>,
}

impl Call {
    pub async fn read(request: Request<Body>) -> Result<Self, GraphError> {
        let (head, body) = request.into_parts();
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let in_query =
            || query.iter().find(|(name, _)| name == "access_token").map(|(_, token)| token.as_str());
        let token = bearer.or_else(in_query).map(str::to_owned);
        let content_type = header("content-type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_owned();
        let boundary = multer::parse_boundary(content_type).ok();
        let mut call = Self {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query,
            token,
            media_type: Some(media_type).filter(|it| !it.is_empty()),
            body: None,
            upload: None,
            handshake: None,
            fails_later: None,
        };
        match boundary {
            Some(boundary) => call.read_form(body, &boundary).await?,
            None => call.read_json(body).await?,
        }
        Ok(call)
    }

    async fn read_json(&mut self, body: Body) -> Result<(), GraphError> {
        let unreadable = |_| GraphError::parameter("The body is too large or was cut off");
        let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(unreadable)?;
        if bytes.is_empty() {
            self.media_type = None;
            return Ok(());
        }
        if self.media_type.as_deref() != Some("application/json") {
            return Err(GraphError::parameter("The body must be application/json or multipart/form-data"));
        }
        let parsed = serde_json::from_slice(&bytes).map_err(|_| GraphError::parameter("Invalid JSON"))?;
        self.body = Some(parsed);
        Ok(())
    }

    async fn read_form(&mut self, body: Body, boundary: &str) -> Result<(), GraphError> {
        let bad = |error: multer::Error| GraphError::parameter(format!("The form cannot be read: {error}"));
        let mut parts = Multipart::new(body.into_data_stream(), boundary);
        let mut fields = Map::new();
        while let Some(part) = parts.next_field().await.map_err(bad)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name != "file" {
                fields.insert(name, Value::from(part.text().await.map_err(bad)?));
                continue;
            }
            let (filename, mime) =
                (part.file_name().map(str::to_owned), part.content_type().map(ToString::to_string));
            fields.insert(name, Value::from(filename.clone().unwrap_or_default()));
            self.upload = Some(Upload { filename, mime, bytes: part.bytes().await.map_err(bad)? });
        }
        self.body = Some(Value::Object(fields));
        Ok(())
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A field of the body; null when absent.
    pub fn field(&self, name: &str) -> &Value {
        self.body.as_ref().map_or(&Value::Null, |body| &body[name])
    }

    /// A text field of the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name).as_str()
    }

    /// A text field that must be there.
    pub fn need(&self, name: &str) -> Result<&str, GraphError> {
        self.text(name).ok_or_else(|| GraphError::missing(name))
    }
}
