//! One address that takes reports: JSON out, a status back. Redirects are not followed, and what the answer says is not read.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use url::Url;

use crate::{
    config::Secret,
    homeserver::{HomeserverError, bearer, connector},
};

/// How long one report may take.
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// Reports come one after the other.
const IDLE_CONNECTIONS_MAX: usize = 1;
/// Shorter than the keep-alive of servers and proxies.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Somewhere that takes reports.
pub struct Endpoint {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    authorization: HeaderValue,
}

/// Why a report was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// No answer came.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// No answer came in time.
    #[error("it did not answer within {} s", POST_TIMEOUT.as_secs())]
    Timeout,
    /// The answer was not one of success; a redirect is not followed.
    #[error("it answered {0}")]
    Status(StatusCode),
}

impl PostError {
    /// Whether the same report can be taken later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout => true,
            // A refused token is the operator's to mend, and what is told stays as it is.
            Self::Status(status) => {
                status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 404 | 408 | 429)
            }
        }
    }
}

impl Endpoint {
    /// Prepares the client; connects to nothing yet. Every report shows `as_token`.
    ///
    /// # Errors
    /// When the address or the token cannot be used, with words for the operator.
    pub fn new(url: &Url, as_token: &Secret) -> Result<Self, HomeserverError> {
        let unusable = |what: &str| HomeserverError::BadSettings(what.to_owned());
        let uri: Uri = url.as_str().parse().map_err(|_| unusable("an endpoint's address names no host"))?;
        let scheme = uri.scheme().cloned().ok_or_else(|| unusable("an endpoint's address has no scheme"))?;
        let authorization =
            bearer(as_token).ok_or_else(|| unusable("`as_token` has characters that no header can carry"))?;
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector(&scheme)?);
        Ok(Self { client, uri, authorization })
    }

    /// Sends one report, once.
    ///
    /// # Errors
    /// When it was not taken.
    pub async fn post(&self, json: Vec<u8>) -> Result<(), PostError> {
        let mut request = Request::new(Full::new(Bytes::from(json)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("magpie/", env!("CARGO_PKG_VERSION"))));
        let answer = tokio::time::timeout(POST_TIMEOUT, self.client.request(request)).await;
        let answer = answer.map_err(|_| PostError::Timeout)?;
        // The words of the client's own error say nothing without their cause.
        let cause = |error: &dyn std::error::Error| {
            error.source().map_or_else(|| error.to_string(), ToString::to_string)
        };
        match answer.map_err(|error| PostError::Unreachable(cause(&error)))?.status() {
            status if status.is_success() => Ok(()),
            status => Err(PostError::Status(status)),
        }
    }
}
