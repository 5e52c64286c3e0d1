//! Refusals: a status, a code and words for the person, in the one shape that Matrix has for them.

use std::{collections::BTreeMap, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        Content, Header, Ref, RefOr, ResponseBuilder, Type,
        response::Response as Described,
        schema::{ObjectBuilder, Schema},
    },
};

use crate::store::StoreError;

/// The state of things does not fit what was asked: it may have been asked before.
const CONFLICT: &str = "APP.MAGPIE.CONFLICT";

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) errcode: &'static str,
    pub(super) error: String,
    pub(super) retry_after: Option<Duration>,
}

/// A refusal, as Matrix spells it.
#[derive(Serialize, ToSchema)]
pub(super) struct MatrixError {
    /// What went wrong, for programs.
    #[schema(examples("M_FORBIDDEN"))]
    errcode: String,
    /// What went wrong, for people.
    error: String,
    /// When to try again, in milliseconds; only with the status 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, errcode: &'static str, error: impl Into<String>) -> Self {
        Self { status, errcode, error: error.into(), retry_after: None }
    }

    pub(super) fn bad_parameter(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", error)
    }

    pub(super) fn missing_parameter(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_MISSING_PARAM", error)
    }

    pub(super) fn not_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", error)
    }

    pub(super) fn bad_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", error)
    }

    pub(super) fn missing_token() -> Self {
        let words = "Show the provisioning secret, or an OpenID token, as `Authorization: Bearer …`.";
        Self::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", words)
    }

    pub(super) fn unknown_token(error: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", error)
    }

    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error)
    }

    pub(super) fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", error)
    }

    pub(super) fn conflict(error: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, CONFLICT, error)
    }

    pub(super) fn body_late() -> Self {
        let words = "The body did not arrive in time.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", words)
    }

    pub(super) fn too_large(bytes_max: usize) -> Self {
        let words = format!("The body is larger than {bytes_max} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", words)
    }

    pub(super) fn too_many(retry_after: Duration) -> Self {
        let words = "Those are too many requests at once. Wait a moment.";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", words);
        Self { retry_after: Some(retry_after), ..refusal }
    }

    pub(super) fn away(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "M_UNKNOWN", error)
    }

    pub(super) fn late(error: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "M_UNKNOWN", error)
    }

    pub(super) fn internal() -> Self {
        let words = "That went wrong inside the bridge; its log says more.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", words)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "A provisioning request could not be answered.");
        let words = "The bridge's database did not answer. Try again later.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", words)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after_ms =
            self.retry_after.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1));
        let body = MatrixError { errcode: self.errcode.to_owned(), error: self.error, retry_after_ms };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(pause) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds(pause)));
        }
        response
    }
}

/// Rounded up: whoever comes a moment too early comes twice.
fn seconds(pause: Duration) -> u64 {
    pause.as_secs() + u64::from(pause.subsec_nanos() > 0)
}

/// The refusals that every route behind a door may answer.
pub(super) struct Door;

/// There is no such thing, or it is somebody else's.
pub(super) struct Absent;

/// The state of things does not fit what was asked.
pub(super) struct Conflict;

/// The body is too large or too slow.
pub(super) struct BadBody;

/// The network refused, or could not be asked.
pub(super) struct Away;

impl IntoResponses for Door {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let (seconds, scheme) =
            (Schema::from(ObjectBuilder::new().schema_type(Type::Integer).build()), text());
        described([
            (400, "A parameter is missing or not one."),
            (403, "The person may not do that."),
            (500, "Something went wrong inside the bridge."),
            (502, "The homeserver could not be asked about the token."),
            (503, "The bridge's database did not answer."),
            (504, "It took too long."),
        ])
        .into_iter()
        .chain([
            with_header(
                401,
                "The secret or token is missing, wrong or of another homeserver.",
                ("WWW-Authenticate", scheme),
            ),
            with_header(429, "Too many requests.", ("Retry-After", seconds)),
        ])
        .collect()
    }
}

impl IntoResponses for Absent {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described([(404, "There is no such thing, or it belongs to somebody else.")])
    }
}

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described([(409, "That does not fit how things stand; nothing was changed.")])
    }
}

impl IntoResponses for BadBody {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described([(408, "The body did not arrive in time."), (413, "The body is too large.")])
    }
}

impl IntoResponses for Away {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described([(502, "The network refused, or could not be asked.")])
    }
}

fn described<const N: usize>(answers: [(u16, &str); N]) -> BTreeMap<String, RefOr<Described>> {
    answers.into_iter().map(|(status, words)| (status.to_string(), refusal(words).build().into())).collect()
}

fn with_header(status: u16, words: &str, (name, schema): (&str, Schema)) -> (String, RefOr<Described>) {
    let response = refusal(words).header(name, Header::new(schema)).build();
    (status.to_string(), response.into())
}

fn refusal(words: &str) -> ResponseBuilder {
    let schema = Ref::from_schema_name(MatrixError::name());
    ResponseBuilder::new().description(words).content("application/json", Content::new(Some(schema)))
}

fn text() -> Schema {
    match String::schema() {
        RefOr::T(schema) => schema,
        RefOr::Ref(_) => Schema::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_told_too_short() {
        assert_eq!(seconds(Duration::from_secs(2)), 2);
        assert_eq!(seconds(Duration::from_millis(2_001)), 3);
        assert_eq!(seconds(Duration::from_nanos(1)), 1);
        let response = Refusal::too_many(Duration::from_millis(1_500)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }
}
