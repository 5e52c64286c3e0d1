//! What tells an orchestrator and an operator how we are: live, ready, metrics.
//!
//! Live means that we answer. Ready means that each named [`Condition`] is met; one that is not says why, in words.
//! Metrics are registered by the rooms that count, in the default registry, and never carry the name of a room, a user
//! or a message. None of these routes asks for a token, so none may tell a secret.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::{Encoder, TextEncoder};
use serde_json::json;

/// All that must hold before we say that we are ready. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, Option<String>>>>);

/// One thing that must hold. Whoever makes it true keeps it up to date.
#[derive(Clone, Debug)]
pub struct Condition {
    name: &'static str,
    readiness: Readiness,
}

impl Readiness {
    /// Nothing must hold yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition that is not met, with the words for what is missing.
    pub fn condition(&self, name: &'static str, missing: impl Into<String>) -> Condition {
        let condition = Condition { name, readiness: self.clone() };
        condition.unmet(missing);
        condition
    }

    /// What is missing, by name; empty when we are ready.
    pub fn missing(&self) -> BTreeMap<&'static str, String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(|(name, missing)| Some((*name, missing.clone()?))).collect()
    }

    fn set(&self, name: &'static str, missing: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, missing);
    }
}

impl Condition {
    /// It holds.
    pub fn met(&self) {
        self.readiness.set(self.name, None);
    }

    /// It does not hold; `missing` says what is wrong, without secrets, since anybody may ask.
    pub fn unmet(&self, missing: impl Into<String>) {
        self.readiness.set(self.name, Some(missing.into()));
    }
}

/// The routes `/live`, `/ready` and `/metrics`, and the spellings of the first two that other bridges' charts know.
pub fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/live", get(live))
        .route("/_matrix/mau/live", get(live))
        .route("/ready", get(ready))
        .route("/_matrix/mau/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(readiness)
}

/// `GET /live`
async fn live() -> Response {
    typed(StatusCode::OK, "application/json", "{}")
}

/// `GET /ready`
async fn ready(State(readiness): State<Readiness>) -> Response {
    let missing = readiness.missing();
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": missing.is_empty(), "missing": missing });
    typed(status, "application/json", body.to_string())
}

/// `GET /metrics`, in the text format of Prometheus.
async fn metrics() -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&prometheus::gather(), &mut text) {
        Ok(()) => typed(StatusCode::OK, prometheus::TEXT_FORMAT, text),
        Err(error) => {
            tracing::error!(%error, "The metrics could not be written.");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn typed(status: StatusCode, mime: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn ask(readiness: &Readiness) -> (StatusCode, String) {
        let (head, body) = ready(State(readiness.clone())).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_names_what_is_missing_until_all_is_met() {
        let readiness = Readiness::new();
        let homeserver = readiness.condition("homeserver", "not asked yet");
        let discord = readiness.condition("discord", "connecting");
        homeserver.met();
        let expected = r#"{"missing":{"discord":"connecting"},"ready":false}"#;
        assert_eq!(ask(&readiness).await, (StatusCode::SERVICE_UNAVAILABLE, expected.to_owned()));
        discord.met();
        assert_eq!(ask(&readiness).await, (StatusCode::OK, r#"{"missing":{},"ready":true}"#.to_owned()));
        homeserver.unmet("it does not answer");
        assert_eq!(ask(&readiness).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn metrics_are_text() {
        let counter = prometheus::register_int_counter!("health_test_total", "Counts.").unwrap();
        counter.inc();
        let body = metrics().await.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8(body.to_vec()).unwrap().contains("health_test_total 1"));
    }
}
