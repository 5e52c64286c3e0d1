//! The routes of the application service API.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::Response,
    routing::{get, post, put},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use ruma::UserId;

use super::{
    answer::{MatrixError, json},
    metrics,
    registration::Tokens,
    transaction::{BodyError, Transaction},
};

/// The largest transaction: 100 events of 64 KiB and as many ephemeral and to-device messages fit easily.
pub const TRANSACTION_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A ping's body holds one short id.
const PING_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take to arrive once the token was right.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Takes what the homeserver tells.
pub trait Handler: Send + Sync + 'static {
    /// Stores a transaction. Called for each attempt of the homeserver, so it must recognize repeats by their event
    /// ids; may wait for the database, must not wait for any network.
    ///
    /// # Errors
    /// When it is not stored; the homeserver will send it again.
    fn transaction(
        &self,
        transaction: Transaction<'_>,
    ) -> impl Future<Output = Result<(), NotAccepted>> + Send;

    /// Whether this user is ours, making the account if need be. Called when somebody invites an unknown ghost.
    fn user_exists(&self, user: &UserId) -> impl Future<Output = bool> + Send;

    /// Whether this room alias is ours, making the room if need be.
    fn alias_exists(&self, alias: &str) -> impl Future<Output = bool> + Send;
}

/// The transaction was not stored. The words go into the homeserver's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not stored: {0}")]
pub struct NotAccepted(pub String);

/// The application service's routes.
pub fn router<H: Handler>(tokens: Tokens, handler: Arc<H>) -> Router {
    let door = Arc::new(Door { tokens, handler });
    Router::new()
        .route("/_matrix/app/v1/transactions/{txn_id}", put(transaction::<H>))
        .route("/_matrix/app/v1/users/{user_id}", get(user::<H>))
        .route("/_matrix/app/v1/rooms/{alias}", get(alias::<H>))
        .route("/_matrix/app/v1/ping", post(ping::<H>))
        .with_state(door)
}

struct Door<H> {
    tokens: Tokens,
    handler: Arc<H>,
}

/// `PUT /_matrix/app/v1/transactions/{txnId}`
async fn transaction<H: Handler>(
    State(door): State<Arc<Door<H>>>,
    Path(txn_id): Path<String>,
    request: Request,
) -> Result<Response, MatrixError> {
    check(&door.tokens, request.headers())?;
    let body = read_body(request.into_body(), TRANSACTION_BYTES_MAX).await?;
    let transaction = Transaction::parse(&txn_id, &body).map_err(refusal)?;
    metrics::count_events(&transaction);
    match door.handler.transaction(transaction).await {
        Ok(()) => {
            metrics::count_stored();
            Ok(done())
        }
        Err(error) => {
            metrics::count_not_stored();
            tracing::warn!(txn = %txn_id, %error, "The transaction was refused; the homeserver will send it again.");
            Err(MatrixError::new(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", error.to_string()))
        }
    }
}

/// `GET /_matrix/app/v1/users/{userId}`
async fn user<H: Handler>(
    State(door): State<Arc<Door<H>>>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    check(&door.tokens, &headers)?;
    let ours = match UserId::parse(user.as_str()) {
        Ok(user) => door.handler.user_exists(&user).await,
        Err(_) => false,
    };
    if ours { Ok(done()) } else { Err(not_found("there is no such user")) }
}

/// `GET /_matrix/app/v1/rooms/{roomAlias}`
async fn alias<H: Handler>(
    State(door): State<Arc<Door<H>>>,
    Path(alias): Path<String>,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    check(&door.tokens, &headers)?;
    if door.handler.alias_exists(&alias).await { Ok(done()) } else { Err(not_found("there is no such room")) }
}

/// `POST /_matrix/app/v1/ping`
async fn ping<H: Handler>(
    State(door): State<Arc<Door<H>>>,
    request: Request,
) -> Result<Response, MatrixError> {
    check(&door.tokens, request.headers())?;
    read_body(request.into_body(), PING_BYTES_MAX).await?;
    Ok(done())
}

/// Before anything of the body is read.
fn check(tokens: &Tokens, headers: &HeaderMap) -> Result<(), MatrixError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
    let given = given.ok_or_else(MatrixError::forbidden)?;
    if tokens.accepts(given) { Ok(()) } else { Err(MatrixError::forbidden()) }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

/// Reads a body to its end, the declared size checked first. One frame is passed on without a copy.
pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, MatrixError> {
    tokio::time::timeout(BODY_TIMEOUT, read_capped(body, bytes_max)).await.unwrap_or_else(|_| {
        Err(MatrixError::new(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", "the body did not arrive in time"))
    })
}

async fn read_capped(mut body: Body, bytes_max: usize) -> Result<Bytes, MatrixError> {
    let declared = body.size_hint().lower();
    if declared > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            MatrixError::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", "the body broke off before its end")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + whole.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            // The sender's word on the size is trusted only as far as memory is cheap.
            whole.reserve((declared as usize).clamp(first.len() + data.len(), 1024 * 1024));
            whole.extend_from_slice(&first);
            first = Bytes::new();
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

fn refusal(error: BodyError) -> MatrixError {
    metrics::count_malformed();
    match error {
        BodyError::NotJson(why) => MatrixError::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", why),
        BodyError::BadJson(why) => MatrixError::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", why),
    }
}

fn too_large(bytes_max: usize) -> MatrixError {
    let words = format!("the body is larger than {bytes_max} bytes");
    MatrixError::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", words)
}

fn not_found(words: &str) -> MatrixError {
    MatrixError::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", words)
}

fn done() -> Response {
    json(StatusCode::OK, "{}")
}

#[cfg(test)]
mod tests;
