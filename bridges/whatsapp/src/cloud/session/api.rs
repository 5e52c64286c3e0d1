//! The Graph API: one client, and what each answer means.
//!
//! Answers are plain JSON, because Meta adds fields at will. Must never repeat a request by itself, and never shows the token. Reference:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>. Next: `limiter`, `verdict`.

use std::{ops::RangeInclusive, time::Duration};

use hmac::{Hmac, Mac};
use magpie_common::{
    config::Secret,
    platform::{Answered, counted},
};
use reqwest::{RequestBuilder, Response, multipart::Form};
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use crate::{cloud::json::text, config::WhatsAppConfig};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_MAX: usize = 4;
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where files are besides the Graph API's own host: Meta's.
const FILE_HOSTS: [&str; 4] = ["fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net"];

/// Speaks to the API with one business's token.
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
    token: Secret,
}

/// Why a request has no answer that helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Surely not performed: no connection came about.
    #[error("WhatsApp could not be reached: {0}")]
    NotSent(String),
    /// Not performed: we, or WhatsApp, must wait first.
    #[error("WhatsApp asks to wait {0:?}")]
    Limited(Duration),
    /// Maybe performed: the connection ended before the answer, or it is none.
    #[error("the connection to WhatsApp ended before the answer: {0}")]
    Unclear(String),
    /// Not performed: WhatsApp says no.
    #[error("WhatsApp refuses: {0}")]
    Refused(Refusal),
}

/// WhatsApp's no, in answers and in statuses alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{} (code {code})", self.said())]
pub(crate) struct Refusal {
    /// The status of the answer; 0 in a webhook.
    pub status: u16,
    /// WhatsApp's code.
    pub code: i64,
    /// Its title or message.
    pub message: String,
    /// What it says beyond that.
    pub details: String,
}

impl Refusal {
    /// Reads an error of an answer or of a status.
    pub fn read(error: &Value, status: u16) -> Self {
        let message = if error["title"].is_string() { &error["title"] } else { &error["message"] };
        Self {
            status,
            code: error["code"].as_i64().unwrap_or_default(),
            message: text(message).to_owned(),
            details: text(&error["error_data"]["details"]).to_owned(),
        }
    }

    /// Whether WhatsApp does not take the token.
    pub fn is_bad_token(&self) -> bool {
        self.code == 190 || self.status == 401 && matches!(self.code, 0 | 102 | 104)
    }

    /// What says the most.
    fn said(&self) -> &str {
        let best = if self.details.is_empty() { &self.message } else { &self.details };
        if best.is_empty() { "no reason given" } else { best.trim_end_matches('.') }
    }
}

impl ApiError {
    /// Whether WhatsApp does not take the token.
    pub fn is_bad_token(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_bad_token())
    }

    /// Whether WhatsApp knows the app by another secret.
    pub fn is_bad_secret(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.message.contains("appsecret_proof"))
    }

    /// Whether there is no such thing, or none that we may see.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404 || refusal.code == 100)
    }
}

impl Api {
    /// Takes the address of the API, the proxy, and the token.
    pub fn new(config: &WhatsAppConfig, token: Secret) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = &config.cloud_proxy {
            http = http.proxy(reqwest::Proxy::all(proxy.expose())?);
        }
        let base = config.cloud_graph_url.trim_end_matches('/').to_owned();
        Ok(Self { http: http.build()?, base, token })
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.send(self.http.get(format!("{}/{path}", self.base)).timeout(ANSWER_TIMEOUT)).await
    }

    /// Asks for something and proves that we know the secret of the app to which the token belongs
    /// (<https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof>): with another secret WhatsApp refuses.
    pub async fn prove(&self, path: &str, app_secret: &Secret) -> Result<Value, ApiError> {
        let proof = proof(&self.token, app_secret);
        let request = self.http.get(format!("{}/{path}", self.base)).query(&[("appsecret_proof", proof)]);
        self.send(request.timeout(ANSWER_TIMEOUT)).await
    }

    /// What Meta knows of our token: its app, its rights, and for which business accounts it has them
    /// (<https://developers.facebook.com/docs/graph-api/reference/debug_token>).
    pub async fn look_at_token(&self) -> Result<Value, ApiError> {
        let request = self.http.get(format!("{}/debug_token", self.base));
        self.send(request.query(&[("input_token", self.token.expose())]).timeout(ANSWER_TIMEOUT)).await
    }

    /// Does something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send(self.http.post(format!("{}/{path}", self.base)).json(body).timeout(ANSWER_TIMEOUT)).await
    }

    /// Brings a file, for which there is more time.
    pub async fn upload(&self, path: &str, form: Form, more: Duration) -> Result<Value, ApiError> {
        let request = self.http.post(format!("{}/{path}", self.base)).multipart(form);
        self.send(request.timeout(ANSWER_TIMEOUT + more)).await
    }

    /// Opens a file at the address that WhatsApp gave for it.
    pub async fn open(&self, address: &str) -> Result<Response, ApiError> {
        let address = self.file_address(address).ok_or_else(|| {
            ApiError::NotSent("the file's address leads away from WhatsApp, so it is not fetched".to_owned())
        })?;
        let response = self.authorized(self.http.get(address)).send().await.map_err(transport_error)?;
        match response.status() {
            status if status.is_success() => Ok(response),
            status => Err(ApiError::Refused(Refusal {
                status: status.as_u16(),
                message: "the file is not given out".to_owned(),
                ..Refusal::default()
            })),
        }
    }

    /// The address of a file, which is Meta's or none: the token goes there.
    fn file_address(&self, address: &str) -> Option<Url> {
        let (url, base) = (Url::parse(address).ok()?, Url::parse(&self.base).ok()?);
        let host = url.host_str()?;
        let is_metas = FILE_HOSTS
            .iter()
            .any(|known| host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
        (url.origin() == base.origin() || is_metas && url.scheme() == "https" && url.port().is_none())
            .then_some(url)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.token.expose())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, ApiError> {
        counted(perform(self.authorized(request)).await, answered)
    }
}

async fn perform(request: RequestBuilder) -> Result<Value, ApiError> {
    let response = request.send().await.map_err(transport_error)?;
    let status = response.status();
    let body = read_capped(response).await.map_err(ApiError::Unclear)?;
    let answer = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    match status.is_success() {
        true if answer.is_object() => Ok(answer),
        true => Err(ApiError::Unclear("the answer is no JSON".to_owned())),
        false => Err(refusal(status.as_u16(), &answer)),
    }
}

fn answered(error: &ApiError) -> Answered {
    match error {
        ApiError::Limited(_) => Answered::Limited,
        ApiError::Refused(refusal) if refusal.status == 429 => Answered::Limited,
        ApiError::Refused(_) => Answered::Refused,
        ApiError::NotSent(_) | ApiError::Unclear(_) => Answered::Failed,
    }
}

/// The token, signed with the secret of its app.
fn proof(token: &Secret, app_secret: &Secret) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(app_secret.expose().as_bytes()).expect("any key will do");
    let signed = mac.chain_update(token.expose()).finalize().into_bytes();
    signed.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// WhatsApp's own codes: it has looked at the message. Others are of the Graph API in front of it.
const OWN_CODES: RangeInclusive<i64> = 130_000..=139_999;

/// An answer that says no. A gateway in between, or the Graph API itself, may have given up on a request that went on all the same.
fn refusal(status: u16, answer: &Value) -> ApiError {
    let error = &answer["error"];
    let refusal = if error.is_object() {
        Refusal::read(error, status)
    } else {
        Refusal { status, ..Refusal::default() }
    };
    let has_given_up = status == 408 || status >= 500 && !OWN_CODES.contains(&refusal.code);
    match status {
        _ if has_given_up => {
            ApiError::Unclear(format!("the answer has the status {status}: {}", refusal.said()))
        }
        400.. => ApiError::Refused(refusal),
        _ => ApiError::Unclear(format!("the answer has the status {status} and says nothing")),
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
    fn refusals_are_told_apart_from_doubt() {
        let error = json!({"error": {"message": "(#131047) Re-engagement message", "code": 131_047,
            "error_data": {"details": "Too late."}}});
        match refusal(400, &error) {
            ApiError::Refused(refusal) => {
                assert_eq!((refusal.code, &*refusal.details), (131_047, "Too late."))
            }
            other => panic!("{other:?}"),
        }
        let revoked =
            json!({"error": {"message": "Error validating access token", "code": 190, "error_subcode": 467}});
        assert!(refusal(401, &revoked).is_bad_token());
        assert!(!refusal(400, &error).is_bad_token());
    }

    #[test]
    fn a_server_that_gave_up_leaves_doubt_unless_whatsapp_itself_has_looked() {
        let error = |code: i64| json!({"error": {"message": "An unknown error occurred", "code": code}});
        for (status, answer) in [
            (502, Value::Null),
            (500, error(1)),
            (503, error(2)),
            (500, error(-1)),
            (408, Value::Null),
            (408, error(2)),
        ] {
            assert!(matches!(refusal(status, &answer), ApiError::Unclear(_)), "{status} {answer}");
        }
        for (status, answer) in
            [(500, error(131_000)), (503, error(131_016)), (400, error(2)), (429, Value::Null)]
        {
            assert!(matches!(refusal(status, &answer), ApiError::Refused(_)), "{status} {answer}");
        }
    }

    #[test]
    fn files_are_on_metas_hosts_only() {
        let api = Api::new(&WhatsAppConfig::default(), Secret::new("EAAJB")).expect("a client is made");
        for good in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=3",
            "https://graph.facebook.com/x",
        ] {
            assert!(api.file_address(good).is_some(), "{good}");
        }
        for bad in [
            "https://evil.org/x",
            "https://evilfbsbx.com/x",
            "https://fbsbx.com.evil.org/x",
            "http://lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com:444/x",
            "file:///etc/passwd",
            "x",
        ] {
            assert!(api.file_address(bad).is_none(), "{bad}");
        }
    }
}
