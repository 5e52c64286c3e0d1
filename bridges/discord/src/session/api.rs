//! Discord's HTTP API: one client, its rate limits, and what each failure means.
//!
//! Answers are plain JSON: what we need of them is little, and Discord adds fields at will. Must never repeat a request by
//! itself. Reference: <https://discord.com/developers/docs/reference>. Next: `limiter`.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use magpie_common::{
    config::Secret,
    platform::{Answered, counted},
};
use reqwest::{Method, Response, header::AUTHORIZATION};
use serde_json::Value;

use super::{deliver::Payload, limiter::Limiter};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS_MAX: usize = 4;
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
const USER_AGENT: &str =
    concat!("DiscordBot (https://matrix.org/ecosystem/bridges, ", env!("CARGO_PKG_VERSION"), ")");

/// Speaks to the API with one bot's token.
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
    token: Secret,
    limiter: Limiter,
    /// Discord bans addresses that go on after a refused token.
    refused: AtomicBool,
}

/// Why a request has no answer that helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Surely not performed: no connection came about.
    #[error("Discord could not be reached: {0}")]
    NotSent(String),
    /// Not performed: too many requests.
    #[error("Discord asks to wait {0:?}")]
    Limited(Duration),
    /// Maybe performed: the connection ended before the answer.
    #[error("the connection to Discord ended before the answer: {0}")]
    Unclear(String),
    /// Maybe performed: the server failed.
    #[error("Discord failed with status {0}")]
    Broken(u16),
    /// Not performed: the bot lacks these permissions, as people call them. Empty when it seems to hold all that it takes.
    #[error("the bot lacks permissions: {0}")]
    Lacking(String),
    /// Not performed: Discord says no.
    #[error("Discord refuses: {} (status {}, code {})", .0.message, .0.status, .0.code)]
    Refused(Refusal),
}

/// Discord's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Discord's own code, 0 where there is none.
    pub code: u64,
    /// Discord's own words.
    pub message: String,
}

impl ApiError {
    /// Whether Discord refused the bot's token.
    pub fn is_bad_token(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 401 && refusal.code == 0)
    }

    /// Whether there is no such thing, or none that we may see.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if matches!(refusal.status, 403 | 404))
    }
}

impl Api {
    /// Takes the address of the server without a path, and the token.
    pub fn new(origin: &str, token: Secret) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let base = format!("{}/api/v10", origin.trim_end_matches('/'));
        Ok(Self { http, base, token, limiter: Limiter::default(), refused: AtomicBool::new(false) })
    }

    /// `GET` a path below the API's base.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// `POST` to a path below the API's base.
    pub async fn post(&self, path: &str, body: impl Into<Payload>) -> Result<Value, ApiError> {
        self.call(Method::POST, path, Some(body.into())).await
    }

    /// `PATCH` a path below the API's base.
    pub async fn patch(&self, path: &str, body: impl Into<Payload>) -> Result<Value, ApiError> {
        self.call(Method::PATCH, path, Some(body.into())).await
    }

    /// `PUT` to a path below the API's base.
    pub async fn put(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, None).await
    }

    /// `DELETE` a path below the API's base.
    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Payload>) -> Result<Value, ApiError> {
        // The token of a webhook is in its path, and the bot's own does not belong there.
        let is_webhook = path.starts_with("/webhooks/");
        if self.refused.load(Ordering::Relaxed) && !is_webhook {
            let message = "the token was refused before".to_owned();
            return Err(ApiError::Refused(Refusal { status: 401, code: 0, message }));
        }
        self.limiter.pass(&method, path).await.map_err(ApiError::Limited)?;
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if !is_webhook {
            request = request.header(AUTHORIZATION, format!("Bot {}", self.token.expose()));
        }
        match body {
            Some(payload) if payload.files.is_empty() && payload.json.is_null() => {}
            Some(payload) if payload.files.is_empty() => request = request.json(&payload.json),
            Some(payload) => {
                let (form, more) = payload.into_form().map_err(transport_error)?;
                request = request.multipart(form).timeout(ANSWER_TIMEOUT + more);
            }
            None => {}
        }
        let outcome = match request.send().await {
            Ok(response) => {
                self.limiter.heed(&method, path, response.headers());
                self.read(&method, path, response).await
            }
            Err(error) => Err(transport_error(error)),
        };
        let outcome = counted(outcome, answered);
        if !is_webhook && outcome.as_ref().is_err_and(ApiError::is_bad_token) {
            self.refused.store(true, Ordering::Relaxed);
        }
        outcome
    }

    async fn read(&self, method: &Method, path: &str, response: Response) -> Result<Value, ApiError> {
        let status = response.status();
        let body = read_capped(response).await;
        if status.is_success() {
            let body = body.map_err(transport_error_after_answer)?;
            if body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&body).map_err(|error| ApiError::Unclear(error.to_string()));
        }
        let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        if status.as_u16() == 429 {
            return Err(ApiError::Limited(self.limiter.refused(method, path, &body)));
        }
        if status.is_server_error() {
            return Err(ApiError::Broken(status.as_u16()));
        }
        let message = body["message"].as_str().unwrap_or("no reason given").to_owned();
        let code = body["code"].as_u64().unwrap_or_default();
        Err(ApiError::Refused(Refusal { status: status.as_u16(), code, message }))
    }
}

fn answered(error: &ApiError) -> Answered {
    match error {
        ApiError::Limited(_) => Answered::Limited,
        ApiError::Refused(_) | ApiError::Lacking(_) => Answered::Refused,
        ApiError::NotSent(_) | ApiError::Unclear(_) | ApiError::Broken(_) => Answered::Failed,
    }
}

async fn read_capped(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The address is left out of the words: that of a webhook holds its token.
fn transport_error(error: reqwest::Error) -> ApiError {
    let before_write = error.is_connect() || error.is_builder();
    let words = reason(&error.without_url());
    if before_write { ApiError::NotSent(words) } else { ApiError::Unclear(words) }
}

fn transport_error_after_answer(words: String) -> ApiError {
    ApiError::Unclear(words)
}

/// The innermost reason, which says the most.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
