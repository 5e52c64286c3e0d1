//! The pooled HTTP client: one request out, one capped answer back. Knows nothing of Matrix but its error shape.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use http::{
    HeaderValue, Method, Request, Response, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT},
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::de::DeserializeOwned;
use url::Url;

use super::{HomeserverError, bearers::Bearers, metrics, path::Path};
use crate::config::Secret;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an ordinary call may take. A busy homeserver needs tens of seconds to make a large room.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an upload may take.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// A slower upload is given up.
const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 64 * 1024;
/// An upload of which nothing moves for so long, its answer included, has stopped.
const UPLOAD_STALL: Duration = Duration::from_secs(120);
/// What is written at once of an upload that is at hand: what moves is counted by such pieces.
const PIECE_BYTES: usize = 64 * 1024;
/// Connections kept open between calls.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// Shorter than the keep-alive of homeservers and proxies, so that we rarely write into a closing connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read into memory. The longest one is a page of room history.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a request carries.
pub(super) enum Body {
    None,
    Json(Vec<u8>),
    Stream { mime: HeaderValue, size_bytes: u64, stream: BoxStream<'static, std::io::Result<Bytes>> },
}

/// What is written: bytes that are at hand, or a stream.
type Written = Either<Full<Bytes>, StreamBody<BoxStream<'static, std::io::Result<Frame<Bytes>>>>>;

impl Body {
    /// A file that is at hand.
    pub(super) fn of_bytes(mime: HeaderValue, mut bytes: Bytes) -> Self {
        let size_bytes = bytes.len() as u64;
        let pieces = std::iter::from_fn(move || {
            (!bytes.is_empty()).then(|| Ok(bytes.split_to(bytes.len().min(PIECE_BYTES))))
        });
        Self::Stream { mime, size_bytes, stream: futures_util::stream::iter(pieces).boxed() }
    }

    /// The same, with its pieces counted as they are written.
    fn counted(self, written: &Arc<AtomicU64>) -> Self {
        match self {
            Self::None | Self::Json(_) => self,
            Self::Stream { mime, size_bytes, stream } => {
                let written = Arc::clone(written);
                let count = move |_: &std::io::Result<Bytes>| {
                    written.fetch_add(1, Ordering::Relaxed);
                };
                Self::Stream { mime, size_bytes, stream: stream.inspect(count).boxed() }
            }
        }
    }
}

pub(super) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Written>,
    scheme: Scheme,
    authority: Authority,
    prefix: String,
    pub(super) upload_stall: Duration,
}

impl Transport {
    /// Prepares calls to a server; each call brings its own token.
    pub(super) fn new(url: &Url) -> Result<Self, HomeserverError> {
        let unusable = |what: &str| HomeserverError::BadSettings(what.to_owned());
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            other => return Err(unusable(&format!("`{other}:` is neither `http:` nor `https:`"))),
        };
        let authority = url.authority().parse().map_err(|_| unusable("the address names no host"))?;
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector(&scheme)?);
        let prefix = url.path().trim_end_matches('/').to_owned();
        Ok(Self { client, scheme, authority, prefix, upload_stall: UPLOAD_STALL })
    }

    /// Calls with a token.
    pub(super) fn with<'a>(&'a self, authorization: &'a HeaderValue) -> Caller<'a> {
        Caller { transport: self, authorization, bearers: None }
    }

    /// Calls with our own token.
    pub(super) fn with_ours<'a>(&'a self, bearers: &'a Bearers) -> Caller<'a> {
        Caller { transport: self, authorization: bearers.current(), bearers: Some(bearers) }
    }
}

/// The value of a header that carries a token.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
    authorization.set_sensitive(true);
    Some(authorization)
}

/// The client with one token.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    transport: &'a Transport,
    authorization: &'a HeaderValue,
    /// Where the token is from, when it is ours.
    bearers: Option<&'a Bearers>,
}

impl Caller<'_> {
    pub(super) fn path(&self, route: &'static str) -> Path {
        Path::new(&self.transport.prefix, route)
    }

    /// Calls and reads the JSON answer.
    pub(super) async fn call<T>(&self, method: Method, path: Path, body: Body) -> Result<T, HomeserverError>
    where
        T: DeserializeOwned,
    {
        let answer = self.call_raw(method, path, body).await?;
        serde_json::from_slice(&answer).map_err(|error| HomeserverError::Malformed(error.to_string()))
    }

    /// Asks without saying who we are, and reads the JSON answer.
    pub(super) async fn call_nameless<T>(&self, path: Path) -> Result<T, HomeserverError>
    where
        T: DeserializeOwned,
    {
        let mut request = self.request(Method::GET, path, Body::None)?;
        request.headers_mut().remove(AUTHORIZATION);
        let exchange = async {
            let response =
                self.transport.client.request(request).await.map_err(|e| HomeserverError::from_client(&e))?;
            read_answer(response).await
        };
        let answer = tokio::time::timeout(CALL_TIMEOUT, exchange).await;
        let answer = answer.unwrap_or(Err(HomeserverError::Timeout(CALL_TIMEOUT)))?;
        serde_json::from_slice(&answer).map_err(|error| HomeserverError::Malformed(error.to_string()))
    }

    /// Calls and gives back the bytes of the answer.
    pub(super) async fn call_raw(
        &self,
        method: Method,
        path: Path,
        body: Body,
    ) -> Result<Bytes, HomeserverError> {
        let (time, stall) = match &body {
            Body::None | Body::Json(_) => (CALL_TIMEOUT, CALL_TIMEOUT),
            Body::Stream { size_bytes, .. } => {
                let time = UPLOAD_TIMEOUT + Duration::from_secs(size_bytes / UPLOAD_BYTES_PER_SECOND_MIN);
                (time, self.transport.upload_stall)
            }
        };
        let written = Arc::default();
        let request = self.request(method, path, body.counted(&written))?;
        let exchange = async {
            let response =
                self.transport.client.request(request).await.map_err(|e| HomeserverError::from_client(&e))?;
            read_answer(response).await
        };
        let begun = Instant::now();
        let outcome = tokio::time::timeout(time, while_it_moves(exchange, &written, stall)).await;
        let outcome = outcome.unwrap_or(Err(HomeserverError::Timeout(time)));
        metrics::count_call(&outcome, begun.elapsed());
        if let (Some(bearers), Err(HomeserverError::TokenRefused(_))) = (self.bearers, &outcome) {
            bearers.refused(self.authorization);
        }
        outcome
    }

    /// Calls and gives back the answer unread once its head says success.
    pub(super) async fn open(&self, path: Path) -> Result<Response<Incoming>, HomeserverError> {
        let request = self.request(Method::GET, path, Body::None)?;
        let exchange = async {
            let response =
                self.transport.client.request(request).await.map_err(|e| HomeserverError::from_client(&e))?;
            if response.status().is_success() {
                return Ok(response);
            }
            match read_answer(response).await {
                Ok(_) => Err(HomeserverError::Malformed("it changed its mind".to_owned())),
                Err(error) => Err(error),
            }
        };
        let begun = Instant::now();
        let opened = tokio::time::timeout(CALL_TIMEOUT, exchange).await;
        let opened = opened.unwrap_or(Err(HomeserverError::Timeout(CALL_TIMEOUT)));
        metrics::count_call(&opened, begun.elapsed());
        opened
    }

    fn request(&self, method: Method, path: Path, body: Body) -> Result<Request<Written>, HomeserverError> {
        let unwritable = |error: http::Error| HomeserverError::BadRequest(error.to_string());
        let path = PathAndQuery::from_maybe_shared(Bytes::from(path.into_string()))
            .map_err(|error| unwritable(error.into()))?;
        let uri = Uri::builder()
            .scheme(self.transport.scheme.clone())
            .authority(self.transport.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(unwritable)?;
        let whole = |bytes: Bytes| Either::Left(Full::new(bytes));
        let mut length = None;
        let (content_type, written) = match body {
            Body::None => (None, whole(Bytes::new())),
            Body::Json(json) => (Some(HeaderValue::from_static("application/json")), whole(json.into())),
            Body::Stream { mime, size_bytes, stream } => {
                length = Some(HeaderValue::from(size_bytes));
                let frames = stream.map(|piece| piece.map(Frame::data)).boxed();
                (Some(mime), Either::Right(StreamBody::new(frames)))
            }
        };
        let mut request = Request::new(written);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("magpie/", env!("CARGO_PKG_VERSION"))));
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
        Ok(request)
    }
}

/// The outcome of an exchange, as long as something of it is written within every `stall`.
async fn while_it_moves<T>(
    exchange: impl Future<Output = Result<T, HomeserverError>>,
    written: &AtomicU64,
    stall: Duration,
) -> Result<T, HomeserverError> {
    let mut exchange = std::pin::pin!(exchange);
    loop {
        let before = written.load(Ordering::Relaxed);
        if let Ok(outcome) = tokio::time::timeout(stall, &mut exchange).await {
            return outcome;
        }
        if written.load(Ordering::Relaxed) == before {
            return Err(HomeserverError::Timeout(stall));
        }
    }
}

/// What makes connections, plain and over TLS.
pub(crate) fn connector(scheme: &Scheme) -> Result<HttpsConnector<HttpConnector>, HomeserverError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let provider = rustls::crypto::ring::default_provider();
    let unusable = |error: rustls::Error| HomeserverError::BadSettings(error.to_string());
    let builder = HttpsConnectorBuilder::new();
    // The list of trusted roots is memory that a homeserver on loopback never needs.
    let builder = if *scheme == Scheme::HTTP {
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder.with_tls_config(config)
    } else {
        builder.with_provider_and_webpki_roots(provider).map_err(unusable)?
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

async fn read_answer(response: Response<Incoming>) -> Result<Bytes, HomeserverError> {
    let (head, body) = response.into_parts();
    let bytes = read_capped(body).await?;
    if head.status.is_success() {
        return Ok(bytes);
    }
    Err(HomeserverError::from_answer(head.status, &head.headers, &bytes))
}

/// Reads a body to its end. The usual answer is one frame, which is passed on without a copy.
async fn read_capped(mut body: Incoming) -> Result<Bytes, HomeserverError> {
    let broken = |error: hyper::Error| HomeserverError::Broken(error.to_string());
    if body.size_hint().lower() > ANSWER_BYTES_MAX {
        return Err(HomeserverError::AnswerTooLarge(ANSWER_BYTES_MAX));
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if (first.len() + rest.len() + data.len()) as u64 > ANSWER_BYTES_MAX {
            return Err(HomeserverError::AnswerTooLarge(ANSWER_BYTES_MAX));
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
