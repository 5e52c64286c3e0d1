//! The Bot API: one client, what each answer means, and the pauses that Telegram asks for.
//!
//! Requests are typed by `teloxide` where it knows them; answers are plain JSON, because Telegram adds fields at will and the typed layer
//! drops whole messages for one that it does not know. The transport is our own: we need the status of a refusal, a bound on each answer
//! and on its time, the length of an upload, and words without the token, which is in every address. Must never repeat a request by itself.
//! Reference: <https://core.telegram.org/bots/api#making-requests>. Next: `limiter`, `verdict`.

use std::{sync::Arc, time::Duration};

use magpie_common::{
    config::Secret,
    platform::{Answered, counted},
};
use reqwest::{RequestBuilder, Response, multipart::Form};
use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;
use url::Url;

use super::limiter::Limiter;
use crate::config::TelegramConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_MAX: usize = 4;
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A wait that makes sense is never longer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What Telegram means when it does not say how long.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

/// Speaks to the API with one bot's token.
pub(crate) struct Api {
    http: reqwest::Client,
    origin: String,
    token: Secret,
    pub(super) limiter: Arc<Limiter>,
}

/// Why a request has no answer that helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Surely not performed: no connection came about.
    #[error("Telegram could not be reached: {0}")]
    NotSent(String),
    /// Not performed: too many requests.
    #[error("Telegram asks to wait {0:?}")]
    Limited(Duration),
    /// Maybe performed: the connection ended before the answer, or it is none.
    #[error("the connection to Telegram ended before the answer: {0}")]
    Unclear(String),
    /// Not performed, as Telegram itself says: it failed.
    #[error("Telegram failed: {0}")]
    Failed(String),
    /// Not performed: the group goes on as this supergroup.
    #[error("the group has become a supergroup")]
    Migrated(i64),
    /// Not performed: Telegram says no.
    #[error("Telegram refuses: {} (code {})", .0.description, .0.code)]
    Refused(Refusal),
}

/// Telegram's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Like a status of HTTP.
    pub code: i64,
    /// Telegram's own words.
    pub description: String,
}

impl Refusal {
    /// Whether the words hold these, in any case.
    pub fn says(&self, words: &str) -> bool {
        self.description.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
    }
}

impl ApiError {
    /// Whether Telegram refused the bot's token; a token without a bot gives 404.
    pub fn is_bad_token(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 401
            || refusal.code == 404 && refusal.description.eq_ignore_ascii_case("not found"))
    }

    /// Whether there is no such thing, or none that we may see.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 403 || refusal.code == 400
            && ["not found", "invalid", "member list is inaccessible"].iter().any(|words| refusal.says(words)))
    }

    /// Whether somebody else takes the updates.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 409)
    }

    /// Whether Telegram refuses for a reason that its words tell.
    pub fn says(&self, words: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.says(words))
    }
}

impl Api {
    /// Takes the address of the server, the proxy, and the token.
    pub fn new(config: &TelegramConfig, token: Secret) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = &config.proxy {
            http = http.proxy(reqwest::Proxy::all(proxy.expose())?);
        }
        let origin = config.api_url.trim_end_matches('/').to_owned();
        Ok(Self { http: http.build()?, origin, token, limiter: Arc::default() })
    }

    /// The same with pauses that an earlier session was asked for.
    pub(super) fn with_limiter(self, limiter: Arc<Limiter>) -> Self {
        Self { limiter, ..self }
    }

    /// Asks by a request that the library knows.
    pub async fn ask<P: Payload + Serialize>(&self, request: &P) -> Result<Value, ApiError> {
        let fields = serde_json::to_value(request).map_err(|error| ApiError::NotSent(error.to_string()))?;
        self.call(P::NAME, &fields).await
    }

    /// Calls a method with these fields.
    pub async fn call(&self, method: &str, fields: &Value) -> Result<Value, ApiError> {
        self.call_within(method, fields, ANSWER_TIMEOUT).await
    }

    /// Calls a method whose answer may take longer.
    pub async fn call_within(
        &self,
        method: &str,
        fields: &Value,
        timeout: Duration,
    ) -> Result<Value, ApiError> {
        self.send(self.http.post(self.address(method)).json(fields).timeout(timeout)).await
    }

    /// Calls a method with files, for which there is more time.
    pub async fn upload(&self, method: &str, form: Form, more: Duration) -> Result<Value, ApiError> {
        let request = self.http.post(self.address(method)).multipart(form);
        self.send(request.timeout(ANSWER_TIMEOUT + more)).await
    }

    /// Opens a file under its path on the server.
    pub async fn open(&self, path: &str) -> Result<Response, ApiError> {
        let address = self.file_address(path).ok_or_else(|| {
            ApiError::NotSent("the file's path leads away from the server, so it is not fetched".to_owned())
        })?;
        let response = self.http.get(address).send().await.map_err(transport_error)?;
        match response.status().is_success() {
            true => Ok(response),
            false => {
                let code = i64::from(response.status().as_u16());
                let description = "the file is not given out".to_owned();
                Err(ApiError::Refused(Refusal { code, description }))
            }
        }
    }

    fn address(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.origin, self.token.expose().trim())
    }

    /// The address of a file, which is the API server's own or none.
    fn file_address(&self, path: &str) -> Option<Url> {
        let base = format!("{}/file/bot{}/", self.origin, self.token.expose().trim());
        let base = Url::parse(&base).ok()?;
        let is_plain =
            !path.contains("..") && !path.starts_with('/') && !path.contains(['\\', '?', '#', ':']);
        let url = base.join(path).ok()?;
        (is_plain && url.origin() == base.origin() && url.path().starts_with(base.path())).then_some(url)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, ApiError> {
        counted(perform(request).await, answered)
    }
}

async fn perform(request: RequestBuilder) -> Result<Value, ApiError> {
    let response = request.send().await.map_err(transport_error)?;
    let status = response.status();
    let body = read_capped(response).await.map_err(ApiError::Unclear)?;
    let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else {
        return Err(unreadable(status.as_u16()));
    };
    if answer["ok"] == true {
        return Ok(answer["result"].take());
    }
    Err(refusal(status.as_u16(), &answer))
}

fn answered(error: &ApiError) -> Answered {
    match error {
        ApiError::Limited(_) => Answered::Limited,
        ApiError::Refused(_) | ApiError::Migrated(_) => Answered::Refused,
        ApiError::NotSent(_) | ApiError::Unclear(_) | ApiError::Failed(_) => Answered::Failed,
    }
}

/// A gateway before the API may have given up on it, and it may have gone on all the same.
fn unreadable(status: u16) -> ApiError {
    match status {
        429 => ApiError::Limited(RETRY_AFTER_DEFAULT),
        413 => ApiError::Refused(Refusal { code: 413, description: "Request Entity Too Large".to_owned() }),
        401 | 403 | 404 => ApiError::Unclear(format!(
            "the answer with status {status} is not Telegram's; look at `platform.api_url` and at the proxy"
        )),
        _ => ApiError::Unclear(format!("the answer with status {status} is no JSON")),
    }
}

/// An answer that says `"ok": false`: nothing was done.
fn refusal(status: u16, answer: &Value) -> ApiError {
    if answer["ok"] != false {
        return ApiError::Unclear(format!("the answer with status {status} says neither yes nor no"));
    }
    let parameters = &answer["parameters"];
    if let Some(chat) = parameters["migrate_to_chat_id"].as_i64() {
        return ApiError::Migrated(chat);
    }
    let code = answer["error_code"].as_i64().unwrap_or_else(|| i64::from(status));
    let description = answer["description"].as_str().unwrap_or("no reason given").to_owned();
    let wait = parameters["retry_after"].as_u64().map(Duration::from_secs);
    match (code, wait) {
        (_, Some(wait)) => ApiError::Limited(wait.min(RETRY_AFTER_MAX)),
        (429, None) => ApiError::Limited(RETRY_AFTER_DEFAULT),
        (500.., None) => ApiError::Failed(description),
        _ => ApiError::Refused(Refusal { code, description }),
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

/// The address is left out of the words: it holds the token.
fn transport_error(error: reqwest::Error) -> ApiError {
    let before_write = error.is_connect() || error.is_builder();
    let words = reason(&error.without_url());
    if before_write { ApiError::NotSent(words) } else { ApiError::Unclear(words) }
}

/// The innermost reason, which says the most.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let limited = json!({"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 7", "parameters": {"retry_after": 7}});
        assert!(matches!(refusal(429, &limited), ApiError::Limited(wait) if wait == Duration::from_secs(7)));
        let moved = json!({"ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": -1_001_234_567_890_i64}});
        assert!(matches!(refusal(400, &moved), ApiError::Migrated(-1_001_234_567_890)));
        let failed = json!({"ok": false, "error_code": 500, "description": "Internal Server Error"});
        assert!(matches!(refusal(500, &failed), ApiError::Failed(_)));
        let unauthorized = json!({"ok": false, "error_code": 401, "description": "Unauthorized"});
        assert!(refusal(401, &unauthorized).is_bad_token());
        let no_chat = json!({"ok": false, "error_code": 400, "description": "Bad Request: chat not found"});
        assert!(refusal(400, &no_chat).is_not_found() && !refusal(400, &no_chat).is_bad_token());
        assert!(matches!(refusal(200, &json!({})), ApiError::Unclear(_)));
        assert!(matches!(unreadable(502), ApiError::Unclear(_)), "it may have gone on behind the gateway");
        // Only Telegram itself says that it does not take a token.
        for status in [401, 403, 404] {
            assert!(matches!(unreadable(status), ApiError::Unclear(words) if words.contains("api_url")));
        }
    }

    #[test]
    fn files_are_on_the_api_server_only() {
        let api = Api::new(&TelegramConfig::default(), Secret::new("1:abc")).expect("a client is made");
        let good = api.file_address("photos/file_1.jpg").map(String::from);
        assert_eq!(good.as_deref(), Some("https://api.telegram.org/file/bot1:abc/photos/file_1.jpg"));
        for bad in [
            "//evil.org/x",
            "https://evil.org/x",
            "../../bot1:abc/getMe",
            "/etc/passwd",
            "a?b",
            "%2e%2e/../x",
        ] {
            assert_eq!(api.file_address(bad), None, "{bad}");
        }
    }
}
