//! One HTTP request: its fault if it has one, its path taken apart, its caller made known.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use ruma::{OwnedUserId, UserId};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Fault, Shared, api, world::Refusal};
use crate::appservice::serve_connections;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut, as the test asked")]
pub(super) struct Cut;

/// An answer before it is HTTP.
pub(super) enum Answer {
    Json(Value),
    Bytes { mime: String, bytes: Bytes },
}

/// Who calls, as whom, with what.
pub(super) struct Call<'a> {
    pub(super) registration: usize,
    pub(super) user: OwnedUserId,
    pub(super) path: &'a str,
    pub(super) query: HashMap<Cow<'a, str>, Cow<'a, str>>,
    pub(super) mime: Option<&'a str>,
    pub(super) body: Bytes,
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { answer(&shared, request).await }
    });
    serve_connections(listener, service, stop).await;
}

async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let fault = shared.faults.take(&parts.method, parts.uri.path());
    match &fault {
        Some(Fault::CutBefore) => return Err(Cut),
        Some(Fault::Answer { status, body }) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(json_response(status, body));
        }
        Some(Fault::RateLimited { retry_after_ms }) => {
            let body = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": retry_after_ms });
            return Ok(json_response(StatusCode::TOO_MANY_REQUESTS, &body));
        }
        Some(Fault::HoldBefore(gate)) => gate.pass().await,
        Some(Fault::CutAfter | Fault::HoldAfter(_)) | None => {}
    }
    let answer = dispatch(shared, &parts, body).await;
    match fault {
        Some(Fault::CutAfter) => return Err(Cut),
        Some(Fault::HoldAfter(gate)) => gate.pass().await,
        _ => {}
    }
    Ok(match answer {
        Ok(Answer::Json(value)) => json_response(StatusCode::OK, &value),
        Ok(Answer::Bytes { mime, bytes }) => response(StatusCode::OK, &mime, bytes),
        Err(refusal) => {
            let body = json!({ "errcode": refusal.errcode, "error": refusal.error });
            json_response(refusal.status, &body)
        }
    })
}

async fn dispatch(shared: &Arc<Shared>, parts: &Parts, body: Bytes) -> Result<Answer, Refusal> {
    let path = parts.uri.path();
    let segments: Vec<Cow<'_, str>> = path.split('/').skip(1).map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    if segments == ["_matrix", "client", "versions"] {
        return Ok(Answer::Json(json!({ "versions": ["v1.11", "v1.15"], "unstable_features": {} })));
    }
    let query: HashMap<_, _> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).collect();
    if segments == ["_matrix", "federation", "v1", "openid", "userinfo"] {
        return openid_user(shared, parts, query.get("access_token").map(AsRef::as_ref));
    }
    let (registration, person) = caller(shared, parts)?;
    let registering = parts.method == Method::POST && segments == ["_matrix", "client", "v3", "register"];
    let user = match person {
        Some(person) => person,
        None => acting_user(shared, registration, query.get("user_id").map(AsRef::as_ref))?,
    };
    if !registering && !shared.world().users.contains_key(&user) {
        return Err(Refusal::forbidden(format!("Application service has not registered this user ({user})")));
    }
    let mime = parts.headers.get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok());
    let call = Call { registration, user, path, query, mime, body };
    api::answer(shared, &parts.method, &segments, call).await
}

/// `GET /_matrix/federation/v1/openid/userinfo`; the question is for everybody, so a token of a registration has no business there.
fn openid_user(shared: &Shared, parts: &Parts, token: Option<&str>) -> Result<Answer, Refusal> {
    let unknown =
        || Refusal::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "Access Token unknown or expired");
    if parts.headers.contains_key(AUTHORIZATION) {
        return Err(Refusal::bad("the question about an OpenID token shows a token".to_owned()));
    }
    let user =
        token.and_then(|token| shared.world().openid_tokens.get(token).cloned()).ok_or_else(unknown)?;
    Ok(Answer::Json(json!({ "sub": user })))
}

/// The registration that calls, or the person whose own token it is.
fn caller(shared: &Shared, parts: &Parts) -> Result<(usize, Option<OwnedUserId>), Refusal> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "Missing access token"));
    };
    let registration = shared.registrations.iter().position(|it| it.fixed.as_token == token);
    if let Some(registration) = registration {
        return Ok((registration, None));
    }
    let person = shared.world().tokens.get(token).cloned();
    person.map(|person| (0, Some(person))).ok_or_else(|| {
        Refusal::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "Invalid access token passed.")
    })
}

fn acting_user(
    shared: &Shared,
    registration: usize,
    masquerade: Option<&str>,
) -> Result<OwnedUserId, Refusal> {
    let registration = &shared.registrations[registration];
    let Some(user) = masquerade else { return Ok(registration.bot.clone()) };
    let user = UserId::parse(user).map_err(|error| Refusal::bad(error.to_string()))?;
    if registration.owns(&user) {
        return Ok(user);
    }
    Err(Refusal::forbidden(format!("Application service cannot masquerade as this user ({user}).")))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    response(status, "application/json", body.to_string().into())
}

fn response(status: StatusCode, mime: &str, bytes: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let mime = HeaderValue::from_str(mime).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, mime);
    response
}

/// Undoes percent-encoding; what is no valid escape stays.
fn decode(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = segment.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned().into()
}
