//! The iLink API: one client, the heads and the facts about ourselves that every request bears, and what each answer means.
//!
//! Answers say with a number inside whether they are errors, whatever their status is. Must never repeat a request by itself, and never shows
//! the token. Facts: the vendor's own client, npm `@tencent-weixin/openclaw-weixin` 2.4.9. Next: `session/verdict`.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_common::{
    clock::Clock,
    config::Secret,
    message::clean_line,
    platform::{Answered, counted},
};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::account::Account;
use crate::{
    config::{WeChatConfig, web_address},
    json::{number, text},
    public::PublicOnly,
};

/// Within this an answer comes, unless WeChat is to wait for something.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(15);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_MAX: usize = 4;
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longer words of WeChat's are cut.
const WORDS_CHARS_MAX: usize = 200;

/// The app as which the vendor's client asks, and its version as one number: 2.4.9. No other is known to be taken.
const APP_ID: &str = "bot";
const APP_VERSION: &str = "2.4.9";
const APP_VERSION_NUMBER: u32 = (2 << 16) | (4 << 8) | 9;

/// Who we are.
const AGENT: &str = concat!("Magpie/", env!("CARGO_PKG_VERSION"));

/// The token is no good any more.
pub(super) const STALE: i64 = -14;

/// Speaks to the API, for one bot or for nobody yet.
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
    clock: Clock,
}

/// Why a request has no answer that helps.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// Surely not performed: no connection came about.
    #[error("WeChat could not be reached: {0}")]
    NotSent(String),
    /// Maybe performed: no answer came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// Maybe performed: the connection ended before the answer, or it is none.
    #[error("the connection to WeChat ended before the answer: {0}")]
    Unclear(String),
    /// Not performed: too much was asked.
    #[error("WeChat asks for a pause")]
    Busy,
    /// Not performed: WeChat says no.
    #[error("WeChat refuses: {0}")]
    Refused(Refusal),
}

/// WeChat's no.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{} (code {code})", if message.is_empty() { "no reason given" } else { message })]
pub(super) struct Refusal {
    /// WeChat's number. By it alone is decided what happens.
    pub code: i64,
    /// What it says.
    pub message: String,
}

impl ApiError {
    /// Whether the token is no good any more.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == STALE)
    }
}

impl Api {
    /// For nobody yet: the address where people sign in.
    pub fn new(config: &WeChatConfig, clock: Clock) -> Result<Self, reqwest::Error> {
        let base = config.ilink_api_url.trim_end_matches('/').to_owned();
        Ok(Self { http: client(config)?, base, token: None, clock })
    }

    /// For a bot.
    pub fn of(config: &WeChatConfig, clock: Clock, account: &Account) -> Result<Self, reqwest::Error> {
        let (base, token) = (account.base.clone(), Some(account.token.clone()));
        Ok(Self { http: client(config)?, base, token, clock })
    }

    /// Where this one asks.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The client alone, for files.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// `POST`: asks or does something. The body gets what is told about us.
    pub async fn post(&self, path: &str, mut body: Value, within: Duration) -> Result<Value, ApiError> {
        body["base_info"] = json!({"channel_version": APP_VERSION, "bot_agent": AGENT});
        self.post_bare(path, &body, within).await
    }

    /// `POST` without that.
    pub async fn post_bare(&self, path: &str, body: &Value, within: Duration) -> Result<Value, ApiError> {
        let number = u32::from_be_bytes(self.clock.random_bytes());
        let mut request = self
            .http
            .post(format!("{}/{path}", self.base))
            .header("AuthorizationType", "ilink_bot_token")
            .header("X-WECHAT-UIN", STANDARD.encode(number.to_string()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        perform(request.json(body), within).await
    }

    /// `GET`: asks at an address of its own, for nobody.
    pub async fn get(&self, base: &str, path: &str, within: Duration) -> Result<Value, ApiError> {
        perform(self.http.get(format!("{base}/{path}")), within).await
    }
}

fn client(config: &WeChatConfig) -> Result<reqwest::Client, reqwest::Error> {
    // Those may be anywhere; others WeChat tells, or somebody in a message.
    let own = [&config.ilink_api_url, &config.ilink_cdn_url].map(|address| web_address(address));
    let own = own.into_iter().flatten().filter_map(|url| url.host_str().map(str::to_owned));
    let mut http = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(PublicOnly::but(own, config));
    if let Some(proxy) = &config.proxy {
        http = http.proxy(reqwest::Proxy::all(proxy.expose())?);
    }
    http.build()
}

async fn perform(request: RequestBuilder, within: Duration) -> Result<Value, ApiError> {
    let request = request
        .header("iLink-App-Id", APP_ID)
        .header("iLink-App-ClientVersion", APP_VERSION_NUMBER.to_string())
        .timeout(within);
    counted(told(request).await, |error| match error {
        // Where WeChat is to wait for something, nothing has happened.
        ApiError::TimedOut if within > ANSWER_WITHIN => Answered::Ok,
        ApiError::Busy => Answered::Limited,
        ApiError::Refused(_) => Answered::Refused,
        ApiError::NotSent(_) | ApiError::TimedOut | ApiError::Unclear(_) => Answered::Failed,
    })
}

async fn told(request: RequestBuilder) -> Result<Value, ApiError> {
    let response = request.send().await.map_err(transport_error)?;
    match response.status() {
        status if status.is_success() => {}
        StatusCode::TOO_MANY_REQUESTS => return Err(ApiError::Busy),
        // A gateway in between may have given up on a request that went on all the same.
        status => return Err(ApiError::Unclear(format!("the answer has the status {status}"))),
    }
    let body = read_capped(response).await?;
    understood(serde_json::from_slice(&body).unwrap_or_default())
}

/// An answer, unless it says no.
fn understood(told: Value) -> Result<Value, ApiError> {
    if !told.is_object() {
        return Err(ApiError::Unclear("the answer is no JSON".to_owned()));
    }
    let codes = ["errcode", "ret"].map(|name| number(&told[name]).unwrap_or_default());
    let code = if codes.contains(&STALE) { Some(STALE) } else { codes.into_iter().find(|code| *code != 0) };
    match code {
        None => Ok(told),
        Some(code) => {
            let message = clean_line(text(&told["errmsg"])).chars().take(WORDS_CHARS_MAX).collect();
            Err(ApiError::Refused(Refusal { code, message }))
        }
    }
}

async fn read_capped(mut response: Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport_error)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ApiError::Unclear("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Addresses bear secrets of files and sign-ins, so none is told.
pub(super) fn transport_error(error: reqwest::Error) -> ApiError {
    let before_write = error.is_connect() || error.is_builder();
    if error.is_timeout() && !before_write {
        return ApiError::TimedOut;
    }
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
    use super::*;

    #[test]
    fn a_number_says_no_whatever_else_is_told() {
        let code = |told: Value| match understood(told) {
            Err(ApiError::Refused(refusal)) => Some(refusal.code),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        };
        for (told, expected) in [
            (json!({}), None),
            (json!({"ret": 0, "errcode": 0, "message_id": 5}), None),
            (json!({"ret": -2, "errmsg": "no context"}), Some(-2)),
            (json!({"errcode": -14}), Some(STALE)),
            (json!({"ret": -1, "errcode": -14}), Some(STALE)),
            (json!({"ret": -14, "errcode": 7}), Some(STALE)),
            (json!({"ret": "-14"}), Some(STALE)),
        ] {
            assert_eq!(code(told.clone()), expected, "{told}");
        }
        for bad in [Value::Null, json!([]), json!("x")] {
            assert!(matches!(understood(bad), Err(ApiError::Unclear(_))));
        }
    }

    #[test]
    fn the_version_is_one_number() {
        assert_eq!(APP_VERSION_NUMBER, 132_105);
        assert!(AGENT.len() <= 256 && AGENT.is_ascii());
    }
}
