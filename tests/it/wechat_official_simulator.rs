//! The simulator of Official Accounts keeps its promises: its codes, tokens, windows and callbacks, and the judgment of three libraries.

mod api;
mod callbacks;
mod clients;
mod judge;

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::StatusCode,
    routing::any,
};
use magpie_common::clock::Clock;
use magpie_tests::wechat_official::{APP_ID, APP_SECRET, OfficialSim, SmallWorld, World, Written};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

/// Where the clock stands at first.
const START_MS: i64 = 1_790_000_000_000;

/// A small world on a clock that tests move, and a client of the API.
struct Scene {
    sim: OfficialSim,
    small: SmallWorld,
    http: reqwest::Client,
}

impl Scene {
    async fn new() -> Self {
        let (world, small) = World::small(Clock::fixed(START_MS, 7));
        let sim = OfficialSim::start(world).await.expect("a loopback port is free");
        Self { sim, small, http: reqwest::Client::new() }
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.expect("the simulator answers");
        serde_json::from_slice(&answer.bytes().await.expect("the answer has an end")).expect("it is JSON")
    }

    /// Asks for a stable token.
    async fn token(&self, secret: &str, is_forced: bool) -> Value {
        let wanted = json!({
            "grant_type": "client_credential", "appid": APP_ID, "secret": secret, "force_refresh": is_forced,
        });
        self.ask(self.http.post(format!("{}/cgi-bin/stable_token", self.sim.origin())).json(&wanted)).await
    }

    async fn good_token(&self) -> String {
        let told = self.token(APP_SECRET, false).await;
        told["access_token"].as_str().expect("there is one").to_owned()
    }

    /// Sends a message with that token. Gives the code.
    async fn sends(&self, token: &str, body: &Value) -> i64 {
        let address = format!("{}/cgi-bin/message/custom/send?access_token={token}", self.sim.origin());
        code(&self.ask(self.http.post(address).json(body)).await)
    }

    /// Sends words to Alice.
    async fn says(&self, token: &str, words: &str) -> i64 {
        let to = &self.small.alice.openid;
        self.sends(token, &json!({"touser": to, "msgtype": "text", "text": {"content": words}})).await
    }
}

fn code(told: &Value) -> i64 {
    told["errcode"].as_i64().unwrap_or_default()
}

/// Somebody who listens for callbacks, and answers what a test says.
struct Listener {
    address: String,
    heard: mpsc::Receiver<Written>,
}

/// What a listener does with what it hears.
#[derive(Clone)]
struct Answering {
    told: mpsc::Sender<Written>,
    status: StatusCode,
    answer: &'static str,
}

async fn hear(
    State(answering): State<Answering>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> (StatusCode, String) {
    let query = query.unwrap_or_default();
    let echo = field(&query, "echostr");
    if !echo.is_empty() {
        return (StatusCode::OK, echo);
    }
    let body = String::from_utf8(body.to_vec()).unwrap_or_default();
    let _ = answering.told.send(Written { query, body }).await;
    (answering.status, answering.answer.to_owned())
}

impl Listener {
    async fn start(status: StatusCode, answer: &'static str) -> Self {
        let (told, heard) = mpsc::channel(64);
        let router = Router::new().route("/hook", any(hear)).with_state(Answering { told, status, answer });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let address = format!("http://{}/hook", listener.local_addr().expect("it listens"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, heard }
    }

    async fn next(&mut self) -> Written {
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), self.heard.recv()).await;
        next.expect("a callback comes").expect("somebody listens")
    }
}

/// A field of a query.
fn field(query: &str, name: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.into_owned().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
}

/// What stands sealed in a body.
fn sealed(body: &str) -> String {
    let rest = body.split_once("<Encrypt><![CDATA[").map(|(_, rest)| rest).unwrap_or_default();
    rest.split_once("]]>").map(|(sealed, _)| sealed.to_owned()).unwrap_or_default()
}
