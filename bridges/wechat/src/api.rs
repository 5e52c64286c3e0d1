//! WeChat's JSON APIs, for Official Accounts and for WeCom: one client, one access token for all that speaks, and what each answer means.
//!
//! Answers say with a code inside whether they are errors, whatever their status is. Must never repeat a request by itself but for a token that
//! has ended, which surely did nothing, and where the door says so, for a platform that was too busy to look; never shows the token. Reference:
//! <https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html>.

use std::time::Duration;

use magpie_common::{
    config::Secret,
    platform::{Answered, counted},
};
use reqwest::{RequestBuilder, Response, multipart::Form};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};
use url::Url;

pub(crate) use self::error::{ApiError, BUSY, Refusal};
use self::error::{TOO_LONG, transport_error};
use crate::json::text;

mod error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_MAX: usize = 4;
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A token is renewed so long before it ends; WeChat lets the old one hold for five minutes more.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// A token is never taken to hold shorter, or each request would ask for one.
const HOLDS_MIN: Duration = Duration::from_secs(10);

/// A token is never taken to hold longer.
const HOLDS_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// A token is asked for by force no more often; WeChat allows it 20 times a day.
const FORCE_EVERY: Duration = Duration::from_secs(75 * 60);

/// How long to wait before it is asked again.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Where an API is, and how one gets in.
pub(crate) struct Door {
    /// Its address.
    pub base: String,
    /// How a token is got.
    pub credentials: Credentials,
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

/// Where WeChat keeps films.
const PLACES: [&str; 2] = [".qq.com", ".qpic.cn"];

/// Speaks to the API for one account.
pub(crate) struct Api {
    http: reqwest::Client,
    door: Door,
    held: Mutex<Held>,
}

/// What is known of the token. Locked while a new one is fetched, so that it is fetched once for all who wait.
#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// When none could be had the last time, and why.
    failed: Option<(Instant, ApiError)>,
    /// When one was asked for by force the last time.
    forced: Option<Instant>,
}

/// What comes when a file is asked for.
enum Opened {
    File(Response),
    Words(Value),
}

struct Token {
    secret: Secret,
    renew_at: Instant,
}

impl Token {
    fn is(&self, secret: &Secret) -> bool {
        self.secret.matches(secret.expose().as_bytes())
    }
}

impl Api {
    /// Takes the door, and a proxy on the way to it.
    pub fn new(mut door: Door, proxy: Option<&Secret>) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = proxy {
            http = http.proxy(reqwest::Proxy::all(proxy.expose())?);
        }
        door.base.truncate(door.base.trim_end_matches('/').len());
        Ok(Self { http: http.build()?, door, held: Mutex::default() })
    }

    /// Whether WeChat takes the account.
    pub async fn prove(&self) -> Result<(), ApiError> {
        self.token(None).await.map(drop)
    }

    /// Asks for something. The path may have a query.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.authorized(|token| {
            let request = self.http.get(self.address(path, token)).timeout(ANSWER_TIMEOUT);
            told(request)
        })
        .await
    }

    /// Does something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.authorized(|token| {
            let request = self.http.post(self.address(path, token)).json(body).timeout(ANSWER_TIMEOUT);
            told(request)
        })
        .await
    }

    /// `POST /cgi-bin/media/upload`: brings a file, for which there is more time, and gives the name under which WeChat keeps it. The form can
    /// be read once only, so where the token had ended there is a new one, and the caller brings the file again; if it has ended again then,
    /// that is [`ApiError::with_fresh_token`].
    pub async fn upload(&self, kind: &str, form: Form, more: Duration) -> Result<String, ApiError> {
        let token = self.token(None).await?;
        let address = self.address(&format!("cgi-bin/media/upload?type={kind}"), &token);
        let request = self.http.post(address).multipart(form).timeout(ANSWER_TIMEOUT + more);
        let told = told(request).await;
        if told.as_ref().is_err_and(ApiError::is_ended_token) {
            self.token(Some(&token)).await?;
        }
        let told = told?;
        // Thumbnails have a word of their own.
        let media_id = ["media_id", "thumb_media_id"]
            .map(|name| text(&told[name]))
            .into_iter()
            .find(|id| !id.is_empty());
        let unclear = || ApiError::Unclear("it does not say under which name the file is kept".to_owned());
        media_id.map(str::to_owned).ok_or_else(unclear)
    }

    /// `GET /cgi-bin/media/get`: opens a file. Of films it tells where they are.
    pub async fn open(&self, media_id: &str) -> Result<Response, ApiError> {
        let opened = self.authorized(|token| {
            let request =
                self.http.get(self.address(&format!("cgi-bin/media/get?media_id={media_id}"), token));
            async move {
                let response = sent(request).await?;
                // An error comes in the place of the file, with success, and so does the address of a film.
                // A file may be words, too; then it is said to be one.
                let is_file = response.headers().contains_key(reqwest::header::CONTENT_DISPOSITION);
                match response.headers().get(reqwest::header::CONTENT_TYPE) {
                    Some(mime) if !is_file && is_words(mime.as_bytes()) => {
                        Ok(Opened::Words(answer(response).await?))
                    }
                    _ => Ok(Opened::File(response)),
                }
            }
        });
        let told = match opened.await? {
            Opened::File(response) => return Ok(response),
            Opened::Words(told) => told,
        };
        match Url::parse(text(&told["video_url"])) {
            Ok(url) if self.is_wechats(&url) => sent(self.http.get(url)).await,
            _ => {
                let message = "the answer is no file, and names no place of WeChat's".to_owned();
                Err(ApiError::Refused(Refusal { code: 0, message }))
            }
        }
    }

    /// Whether films may be fetched from there: WeChat's own places, and where the API itself is.
    fn is_wechats(&self, url: &Url) -> bool {
        let is_api = Url::parse(&self.door.base).is_ok_and(|base| base.origin() == url.origin());
        let is_web = matches!(url.scheme(), "http" | "https") && url.port().is_none();
        is_api || is_web && url.domain().is_some_and(|host| PLACES.iter().any(|place| host.ends_with(place)))
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
            Err(error) if error.is_ended_token() => {
                let token = self.token(Some(&token)).await?;
                request(&token).await.map_err(ApiError::with_fresh_token)
            }
            done => done,
        }
    }

    /// The token in use; another one where `ended` is it. Whoever has waited while none could be had takes that for an answer, so nobody waits
    /// for more than two attempts, however many there are.
    async fn token(&self, ended: Option<&Secret>) -> Result<Secret, ApiError> {
        let came = Instant::now();
        let mut held = self.held.lock().await;
        let is_ended = |known: &Token| ended.is_some_and(|ended| known.is(ended));
        if let Some(known) =
            held.token.as_ref().filter(|known| known.renew_at > Instant::now() && !is_ended(known))
        {
            return Ok(known.secret.clone());
        }
        if let Some((_, error)) = held.failed.as_ref().filter(|(at, _)| *at >= came) {
            return Err(error.clone());
        }
        held.token = None;
        match self.fetch_another(ended, &mut held.forced).await {
            Ok(fresh) => {
                let secret = fresh.secret.clone();
                held.token = Some(fresh);
                Ok(secret)
            }
            Err(error) => {
                held.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Looks whether WeChat still takes the account, whatever token is in use.
    pub async fn look(&self) -> Result<(), ApiError> {
        let before = self.held.lock().await.token.as_ref().map(|known| known.secret.clone());
        let fresh = self.fetch(false).await?;
        let mut held = self.held.lock().await;
        // One that came meanwhile is newer.
        let is_as_before = match (&held.token, &before) {
            (Some(known), Some(before)) => known.is(before),
            (None, _) => true,
            (Some(_), None) => false,
        };
        if is_as_before {
            held.token = Some(fresh);
        }
        Ok(())
    }

    /// Asks for a token; by force where it is still the one that has ended. WeChat gives the same one for as long as it believes in it.
    async fn fetch_another(
        &self,
        ended: Option<&Secret>,
        forced: &mut Option<Instant>,
    ) -> Result<Token, ApiError> {
        let fresh = self.fetch(false).await?;
        let is_ended = ended.is_some_and(|ended| fresh.is(ended));
        let may_force = matches!(self.door.credentials, Credentials::Official { .. })
            && forced.is_none_or(|at| at.elapsed() >= FORCE_EVERY);
        if !is_ended || !may_force {
            return Ok(fresh);
        }
        *forced = Some(Instant::now());
        Ok(self.fetch(true).await.unwrap_or(fresh))
    }

    /// Asks for a token. Until shortly before it ends, it is the same one, unless that is forced.
    async fn fetch(&self, is_forced: bool) -> Result<Token, ApiError> {
        let request = self.token_request(is_forced);
        let told = told(request.timeout(ANSWER_TIMEOUT)).await;
        // Without a token nothing was asked for that could have happened.
        let told = told.map_err(|error| match error {
            ApiError::Unclear(why) => ApiError::NotSent(why),
            known @ (ApiError::NotSent(_) | ApiError::Refused(_) | ApiError::BadToken(_)) => known,
        })?;
        let secret = Some(text(&told["access_token"])).filter(|token| !token.is_empty()).map(Secret::new);
        let secret = secret.ok_or_else(|| ApiError::NotSent("it gives no access token".to_owned()))?;
        let holds = Duration::from_secs(told["expires_in"].as_u64().unwrap_or_default()).min(HOLDS_MAX);
        let renew_at = Instant::now() + holds.saturating_sub(RENEW_BEFORE).max(HOLDS_MIN);
        Ok(Token { secret, renew_at })
    }

    fn token_request(&self, is_forced: bool) -> RequestBuilder {
        let base = &self.door.base;
        match &self.door.credentials {
            Credentials::Official { app_id, app_secret } => {
                let wanted = json!({
                    "grant_type": "client_credential", "appid": app_id, "secret": app_secret.expose(),
                    "force_refresh": is_forced,
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

/// Asks for an answer that is no file.
async fn told(request: RequestBuilder) -> Result<Value, ApiError> {
    let outcome = async { answer(sent(request).await?).await }.await;
    counted(outcome, |error| match error {
        error if error.asks_for_pause() => Answered::Limited,
        ApiError::Refused(_) | ApiError::BadToken(_) => Answered::Refused,
        ApiError::NotSent(_) | ApiError::Unclear(_) => Answered::Failed,
    })
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
            return Err(TOO_LONG.to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    fn api(base: &str) -> Api {
        let door = Door {
            base: base.to_owned(),
            credentials: Credentials::Official { app_id: "wx58".to_owned(), app_secret: Secret::new("0123") },
            tries_max: 1,
        };
        Api::new(door, None).expect("the settings are good")
    }

    /// A WeChat that a test plays itself, and a client of it.
    async fn played() -> (TcpListener, Api) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it listens");
        (listener, api(&format!("http://{address}")))
    }

    async fn gives(mut asker: TcpStream, token: &str) {
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert!(asker.read_buf(&mut request).await.expect("it asks") > 0);
        }
        let body = format!("{{\"access_token\": \"{token}\", \"expires_in\": 7200}}");
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        asker.write_all(format!("{head}{body}").as_bytes()).await.expect("it listens");
    }

    #[tokio::test]
    async fn whoever_waits_for_a_token_that_cannot_be_had_waits_once() {
        let (listener, api) = played().await;
        let asked = AtomicUsize::new(0);
        let hang_up = async {
            while let Ok(asker) = listener.accept().await {
                drop(asker);
                asked.fetch_add(1, Ordering::Relaxed);
            }
        };
        let all = async {
            let (one, two, three) = tokio::join!(api.token(None), api.token(None), api.token(None));
            assert!([one, two, three].iter().all(|it| matches!(it, Err(ApiError::NotSent(_)))));
            assert_eq!(asked.load(Ordering::Relaxed), 1, "each has asked for itself");
            assert!(api.token(None).await.is_err());
            assert_eq!(asked.load(Ordering::Relaxed), 2, "whoever comes later has asked nobody");
        };
        tokio::select! {
            () = all => {}
            () = hang_up => panic!("nobody can ask any more"),
        }
    }

    #[tokio::test]
    async fn a_look_does_not_put_an_older_token_in_the_place_of_a_newer_one() {
        let (listener, api) = played().await;
        let renewed = async {
            let (looks, _) = listener.accept().await.expect("it looks");
            let give = async {
                let (asker, _) = listener.accept().await.expect("it asks");
                gives(asker, "newer").await;
            };
            let (newer, ()) = tokio::join!(api.token(None), give);
            assert_eq!(newer.expect("it is given").expose(), "newer");
            gives(looks, "older").await;
        };
        let (looked, ()) = tokio::join!(api.look(), renewed);
        looked.expect("the account is taken");
        assert_eq!(api.token(None).await.expect("it is known").expose(), "newer");
    }

    #[test]
    fn films_are_fetched_from_wechat_alone() {
        let api = api("http://127.0.0.1:7/");
        for (url, is_theirs) in [
            ("http://vweixinp.tc.qq.com/1007/film.mp4", true),
            ("https://mmbiz.qpic.cn/film", true),
            ("http://127.0.0.1:7/film", true),
            ("http://127.0.0.1:8/film", false),
            ("http://qq.com.example.org/film", false),
            ("http://evilqq.com/film", false),
            ("http://tc.qq.com:8080/film", false),
            ("ftp://tc.qq.com/film", false),
            ("http://169.254.169.254/latest", false),
        ] {
            assert_eq!(api.is_wechats(&Url::parse(url).expect("it is one")), is_theirs, "{url}");
        }
    }
}
