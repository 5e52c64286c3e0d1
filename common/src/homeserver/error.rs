//! Why a call to the homeserver failed, in words that say what to do.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HomeserverError {
    /// The settings cannot be used. Final until the configuration changes.
    #[error("the homeserver's settings cannot be used: {0}")]
    BadSettings(String),
    /// No connection came about, so nothing was performed.
    #[error(
        "the homeserver cannot be reached: {0}. Check that it is running and that its address in the settings is right."
    )]
    Unreachable(String),
    /// The connection broke after the request may have been written.
    #[error("the connection to the homeserver broke: {0}")]
    Broken(String),
    /// No answer within the time allowed.
    #[error("the homeserver did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// 429: too many calls.
    #[error(
        "the homeserver limits our rate; set `rate_limited: false` in the registration and restart the homeserver"
    )]
    RateLimited {
        /// Not sooner than this, where the homeserver says so.
        retry_after: Option<Duration>,
    },
    /// 5xx: the homeserver, or a proxy before it, is in trouble.
    #[error("the homeserver answered {status}: {message}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// Its own words.
        message: String,
        /// Not sooner than this, where the homeserver says so.
        retry_after: Option<Duration>,
    },
    /// `M_UNKNOWN_TOKEN` or `M_MISSING_TOKEN`: the homeserver does not know our `as_token`.
    #[error(
        "the homeserver does not know our `as_token` ({0}). Add the registration file to its configuration (Synapse: \
         `app_service_config_files`), restart it, and check that both have the same file."
    )]
    TokenRefused(String),
    /// `M_FORBIDDEN`: the acting user may not do this.
    #[error("the homeserver forbids it: {0}")]
    Forbidden(String),
    /// `M_EXCLUSIVE`: the name lies outside our namespaces, or inside another bridge's.
    #[error(
        "the name belongs to another application service, or lies outside our own ({0}). Compare `namespaces` in the \
         registrations of all bridges; they must not overlap."
    )]
    Exclusive(String),
    /// `M_NOT_FOUND`, where that is not an ordinary answer.
    #[error("the homeserver knows nothing of that name: {0}")]
    NotFound(String),
    /// The content or file is larger than the homeserver allows.
    #[error("it is too large for the homeserver: {0}")]
    TooLarge(String),
    /// Any other refusal. Final.
    #[error("the homeserver refused with {status} {errcode}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The Matrix error code, empty when there was none.
        errcode: String,
        /// Its own words.
        message: String,
    },
    /// The answer is not what the specification promises. Often a proxy or a wrong address.
    #[error(
        "the homeserver's answer makes no sense ({0}). Check that `homeserver.url` leads to the homeserver itself."
    )]
    Malformed(String),
    /// The answer is larger than we are willing to read.
    #[error("the answer is larger than {0} bytes")]
    AnswerTooLarge(u64),
    /// What was to be sent cannot be written as a request. Final.
    #[error("the request cannot be written: {0}")]
    BadRequest(String),
}

/// What the homeserver refuses for good is only logged, with `what` follows from it; what can succeed later is passed on.
///
/// # Errors
/// When the same call can succeed later.
pub fn tolerate(done: Result<(), HomeserverError>, what: &str) -> Result<(), HomeserverError> {
    match done {
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            tracing::warn!(%error, "{what}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

impl HomeserverError {
    /// Whether the same call can succeed later as it is. A refused token counts, because the operator can mend that
    /// without touching the call.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Broken(_)
            | Self::Timeout(_)
            | Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::TokenRefused(_)
            | Self::Malformed(_) => true,
            Self::BadSettings(_)
            | Self::Forbidden(_)
            | Self::Exclusive(_)
            | Self::NotFound(_)
            | Self::TooLarge(_)
            | Self::Refused { .. }
            | Self::AnswerTooLarge(_)
            | Self::BadRequest(_) => false,
        }
    }

    /// Whether the call may have been performed although it failed.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Broken(_)
            | Self::Timeout(_)
            | Self::Server { .. }
            | Self::Malformed(_)
            | Self::AnswerTooLarge(_) => true,
            Self::BadSettings(_)
            | Self::Unreachable(_)
            | Self::RateLimited { .. }
            | Self::TokenRefused(_)
            | Self::Forbidden(_)
            | Self::Exclusive(_)
            | Self::NotFound(_)
            | Self::TooLarge(_)
            | Self::Refused { .. }
            | Self::BadRequest(_) => false,
        }
    }

    /// How long the homeserver wants us to wait, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The Matrix error code of a plain refusal.
    pub fn errcode(&self) -> Option<&str> {
        match self {
            Self::Refused { errcode, .. } => Some(errcode),
            _ => None,
        }
    }

    /// Reads an answer that is not a success.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let matrix: MatrixError = serde_json::from_slice(body).unwrap_or_default();
        let retry_after = matrix.retry_after_ms.map(Duration::from_millis).or_else(|| {
            let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
            Some(Duration::from_secs(seconds))
        });
        let message = matrix.error.unwrap_or_else(|| "no reason given".to_owned());
        let errcode = matrix.errcode.unwrap_or_default();
        if status == StatusCode::TOO_MANY_REQUESTS || errcode == "M_LIMIT_EXCEEDED" {
            return Self::RateLimited { retry_after };
        }
        if status.is_server_error() {
            return Self::Server { status: status.as_u16(), message, retry_after };
        }
        match errcode.as_str() {
            "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" => Self::TokenRefused(message),
            "M_FORBIDDEN" | "M_GUEST_ACCESS_FORBIDDEN" => Self::Forbidden(message),
            "M_EXCLUSIVE" => Self::Exclusive(message),
            "M_NOT_FOUND" => Self::NotFound(message),
            "M_TOO_LARGE" => Self::TooLarge(message),
            _ if status == StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(message),
            // Synapse says `M_UNKNOWN` for an unknown profile. `M_UNRECOGNIZED` is a missing call, not a missing thing.
            code if status == StatusCode::NOT_FOUND && !matches!(code, "" | "M_UNRECOGNIZED") => {
                Self::NotFound(message)
            }
            // 404 without a Matrix error is a proxy's or another server's page.
            "" if !status.is_redirection() => {
                Self::Malformed(format!("status {status} without a Matrix error"))
            }
            "" => Self::Malformed(format!("it redirects with status {status}")),
            _ => Self::Refused { status: status.as_u16(), errcode, message },
        }
    }

    /// Reads a failure of the HTTP client.
    pub(super) fn from_client(error: &hyper_util::client::legacy::Error) -> Self {
        let reason = root_cause(error);
        if error.is_connect() { Self::Unreachable(reason) } else { Self::Broken(reason) }
    }
}

#[derive(Default, Deserialize)]
struct MatrixError {
    errcode: Option<String>,
    error: Option<String>,
    retry_after_ms: Option<u64>,
}

/// The innermost error says what really happened; the outer ones only that something did.
fn root_cause(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> HomeserverError {
        let status = StatusCode::from_u16(status).unwrap();
        HomeserverError::from_answer(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn each_answer_has_its_variant_and_its_verdict() {
        let table = [
            (401, "M_UNKNOWN_TOKEN", "does not know our `as_token`", true, false),
            (403, "M_FORBIDDEN", "forbids it", false, false),
            (400, "M_EXCLUSIVE", "another application service", false, false),
            (404, "M_NOT_FOUND", "knows nothing", false, false),
            (404, "M_UNKNOWN", "knows nothing", false, false),
            (404, "M_UNRECOGNIZED", "refused with 404", false, false),
            (413, "M_TOO_LARGE", "too large", false, false),
            (400, "M_UNKNOWN", "refused with 400 M_UNKNOWN", false, false),
            (429, "M_LIMIT_EXCEEDED", "limits our rate", true, false),
            (502, "M_UNKNOWN", "answered 502", true, true),
        ];
        for (status, errcode, words, transient, may_have_happened) in table {
            let error = read(status, &format!(r#"{{"errcode":"{errcode}","error":"why"}}"#));
            assert!(error.to_string().contains(words), "{errcode}: {error}");
            assert_eq!(error.is_transient(), transient, "{errcode}");
            assert_eq!(error.may_have_happened(), may_have_happened, "{errcode}");
        }
    }

    #[test]
    fn a_page_that_is_not_matrix_is_named_as_such() {
        assert!(matches!(read(404, "<html>"), HomeserverError::Malformed(_)));
        assert!(matches!(read(502, "<html>"), HomeserverError::Server { status: 502, .. }));
        assert!(matches!(read(301, ""), HomeserverError::Malformed(_)));
    }

    #[test]
    fn the_pause_comes_from_the_body_or_else_from_the_header() {
        let body = br#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1500}"#;
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "3".parse().unwrap());
        let status = StatusCode::TOO_MANY_REQUESTS;
        let from_body = HomeserverError::from_answer(status, &headers, body);
        assert_eq!(from_body.retry_after(), Some(Duration::from_millis(1500)));
        let from_header = HomeserverError::from_answer(status, &headers, b"{}");
        assert_eq!(from_header.retry_after(), Some(Duration::from_secs(3)));
    }
}
