//! WeChat's JSON APIs, for Official Accounts and for WeCom: one client, one access token for all that speaks, and what each answer means.
//!
//! Answers say with a code inside whether they are errors, whatever their status is. Must never repeat a request by itself but for a token that
//! has ended, which surely did nothing, and where the door says so, for a platform that was too busy to look; never shows the token. Reference:
//! <https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html>.

use std::time::Duration;

use magpie_common::config::Secret;
use reqwest::{RequestBuilder, Response, multipart::Form};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};

use crate::json::text;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_MAX: usize = 4;
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A token is renewed so long before it ends; WeChat lets the old one hold for five minutes more.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// A token is never taken to hold longer.
const HOLDS_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// The platform is too busy to look at a request.
pub(crate) const BUSY: i64 = -1;

/// How long to wait before it is asked again.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Where an API is, and how one gets in.
pub(crate) struct Door {
    /// Its address.
    pub base: String,
    /// How a token is got.
    pub credentials: Credentials,
    /// Codes that say that the token has ended, or that another one has taken its place.
    pub token_ended: &'static [i64],
    /// How often a request is made that the platform is too busy for.
    pub tries_max: u32,
}

/// What a token is given for.
pub(crate) enum Credentials {
    /// Of an Official Account, by `POST /cgi-bin/stable_token`.
    Official {
        /// Its AppID.
        app_id: String,
        /// Its AppSecret.
        app_secret: Secret,
    },
    /// Of an app in WeCom, by `GET /cgi-bin/gettoken`.
    Corp {
        /// The id of the company.
        corp_id: String,
        /// The secret of the app.
        secret: Secret,
    },
}

/// Speaks to the API for one account.
pub(crate) struct Api {
    http: reqwest::Client,
    door: Door,
    /// Held while a new one is fetched, so that it is fetched once for all who wait.
    token: Mutex<Option<Token>>,
}

struct Token {
    secret: Secret,
    renew_at: Instant,
}

/// Why a request has no answer that helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Surely not performed: no connection came about.
    #[error("WeChat could not be reached: {0}")]
    NotSent(String),
    /// Maybe performed: the connection ended before the answer, or it is none.
    #[error("the connection to WeChat ended before the answer: {0}")]
    Unclear(String),
    /// Not performed: WeChat says no.
    #[error("WeChat refuses: {0}")]
    Refused(Refusal),
}

/// WeChat's no.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{} (code {code})", if message.is_empty() { "no reason given" } else { message })]
pub(crate) struct Refusal {
    /// WeChat's code. By it alone is decided what happens.
    pub code: i64,
    /// What it says.
    pub message: String,
}

impl ApiError {
    /// WeChat's code, where it gave one.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::NotSent(_) | Self::Unclear(_) => None,
        }
    }
}

impl Api {
    /// Takes the door, and a proxy on the way to it.
    pub fn new(mut door: Door, proxy: Option<&Secret>) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = proxy {
            http = http.proxy(reqwest::Proxy::all(proxy.expose())?);
        }
        door.base.truncate(door.base.trim_end_matches('/').len());
        Ok(Self { http: http.build()?, door, token: Mutex::default() })
    }

    /// Whether WeChat takes the account.
    pub async fn prove(&self) -> Result<(), ApiError> {
        self.token(None).await.map(drop)
    }

    /// Asks for something. The path may have a query.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.authorized(|token| {
            let request = self.http.get(self.address(path, token)).timeout(ANSWER_TIMEOUT);
            async move { answer(sent(request).await?).await }
        })
        .await
    }

    /// Does something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.authorized(|token| {
            let request = self.http.post(self.address(path, token)).json(body).timeout(ANSWER_TIMEOUT);
            async move { answer(sent(request).await?).await }
        })
        .await
    }

    /// Brings a file, for which there is more time. The form can be read once only, so a token that has ended is the caller's to heed.
    pub async fn upload(&self, path: &str, form: Form, more: Duration) -> Result<Value, ApiError> {
        let token = self.token(None).await?;
        let request = self.http.post(self.address(path, &token)).multipart(form);
        let told = answer(sent(request.timeout(ANSWER_TIMEOUT + more)).await?).await;
        if told.as_ref().is_err_and(|error| self.has_ended(error)) {
            // The caller tries again with another one.
            let _ = self.token(Some(&token)).await;
        }
        told
    }

    /// Opens a file.
    pub async fn open(&self, media_id: &str) -> Result<Response, ApiError> {
        self.authorized(|token| {
            let request =
                self.http.get(self.address(&format!("cgi-bin/media/get?media_id={media_id}"), token));
            async move {
                let response = sent(request).await?;
                // An error comes in the place of the file, with success.
                match response.headers().get(reqwest::header::CONTENT_TYPE) {
                    Some(mime) if is_words(mime.as_bytes()) => {
                        let told = answer(response).await?;
                        let message = match text(&told["video_url"]) {
                            "" => "the answer is no file",
                            _ => "the film is kept elsewhere, from where nothing is fetched",
                        };
                        Err(ApiError::Refused(Refusal { code: 0, message: message.to_owned() }))
                    }
                    _ => Ok(response),
                }
            }
        })
        .await
    }

    /// Performs a request, as often as a busy platform makes it necessary.
    async fn authorized<T, F: Future<Output = Result<T, ApiError>>>(
        &self,
        request: impl Fn(&Secret) -> F,
    ) -> Result<T, ApiError> {
        let mut tries = 1;
        loop {
            match self.once(&request).await {
                Err(error) if error.code() == Some(BUSY) && tries < self.door.tries_max => {
                    tries += 1;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Performs a request with the token; once more with a new one where it has ended.
    async fn once<T, F: Future<Output = Result<T, ApiError>>>(
        &self,
        request: &impl Fn(&Secret) -> F,
    ) -> Result<T, ApiError> {
        let token = self.token(None).await?;
        match request(&token).await {
            Err(error) if self.has_ended(&error) => {
                let token = self.token(Some(&token)).await?;
                request(&token).await
            }
            done => done,
        }
    }

    fn has_ended(&self, error: &ApiError) -> bool {
        error.code().is_some_and(|code| self.door.token_ended.contains(&code))
    }

    /// The token in use; another one where `ended` is it.
    async fn token(&self, ended: Option<&Secret>) -> Result<Secret, ApiError> {
        let mut token = self.token.lock().await;
        let is_ended =
            |known: &Token| ended.is_some_and(|ended| known.secret.matches(ended.expose().as_bytes()));
        if let Some(known) =
            token.as_ref().filter(|known| known.renew_at > Instant::now() && !is_ended(known))
        {
            return Ok(known.secret.clone());
        }
        *token = None;
        let request = self.token_request();
        let told = answer(sent(request.timeout(ANSWER_TIMEOUT)).await?).await?;
        let secret = Some(text(&told["access_token"])).filter(|token| !token.is_empty()).map(Secret::new);
        let secret = secret.ok_or_else(|| ApiError::Unclear("the answer has no token".to_owned()))?;
        let holds = Duration::from_secs(told["expires_in"].as_u64().unwrap_or_default()).min(HOLDS_MAX);
        let renew_at = Instant::now() + holds.saturating_sub(RENEW_BEFORE);
        *token = Some(Token { secret: secret.clone(), renew_at });
        Ok(secret)
    }

    fn token_request(&self) -> RequestBuilder {
        let base = &self.door.base;
        match &self.door.credentials {
            Credentials::Official { app_id, app_secret } => {
                let wanted = json!({
                    "grant_type": "client_credential", "appid": app_id, "secret": app_secret.expose(), "force_refresh": false,
                });
                self.http.post(format!("{base}/cgi-bin/stable_token")).json(&wanted)
            }
            Credentials::Corp { corp_id, secret } => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("corpid", corp_id).append_pair("corpsecret", secret.expose());
                self.http.get(format!("{base}/cgi-bin/gettoken?{}", query.finish()))
            }
        }
    }

    /// Opens a public picture at an address that the caller has checked. It gets no token.
    pub async fn open_public(&self, address: &str) -> Result<Response, ApiError> {
        sent(self.http.get(address)).await
    }

    fn address(&self, path: &str, token: &Secret) -> String {
        let sign = if path.contains('?') { '&' } else { '?' };
        let token: String = url::form_urlencoded::byte_serialize(token.expose().as_bytes()).collect();
        format!("{}/{path}{sign}access_token={token}", self.door.base)
    }
}

fn is_words(mime: &[u8]) -> bool {
    mime.starts_with(b"application/json") || mime.starts_with(b"text/")
}

async fn sent(request: RequestBuilder) -> Result<Response, ApiError> {
    let response = request.send().await.map_err(transport_error)?;
    match response.status() {
        status if status.is_success() => Ok(response),
        // A gateway in between may have given up on a request that went on all the same.
        status => Err(ApiError::Unclear(format!("the answer has the status {status}"))),
    }
}

async fn answer(response: Response) -> Result<Value, ApiError> {
    let body = read_capped(response).await.map_err(ApiError::Unclear)?;
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !told.is_object() {
        return Err(ApiError::Unclear("the answer is no JSON".to_owned()));
    }
    match told["errcode"].as_i64().unwrap_or_default() {
        0 => Ok(told),
        code => Err(ApiError::Refused(Refusal { code, message: text(&told["errmsg"]).to_owned() })),
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

/// The address bears the token, so it is never told.
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
