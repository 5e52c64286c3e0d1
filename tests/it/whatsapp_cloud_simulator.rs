//! The WhatsApp Cloud API simulator keeps its promises: its routes, its webhooks, its clock, its faults, and the judgment of pywa.

mod examples;
mod faults;
mod judge;
mod listener;
mod media;
mod messages;
mod number;
mod webhooks;
mod window;

use magpie_common::clock::Clock;
use magpie_tests::{
    openapi::skip,
    whatsapp_cloud::{Chat, SmallWorld, WhatsAppCloudSim, World},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use self::listener::Listener;

/// Where the clock stands at first: 1 April 2026.
const START_MS: i64 = 1_775_001_600_000;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// A small world on a clock that tests move, with a client that knows the token.
struct Scene {
    sim: WhatsAppCloudSim,
    small: SmallWorld,
    http: reqwest::Client,
}

impl Scene {
    async fn new() -> Self {
        let (world, small) = World::small(Clock::fixed(START_MS, 7));
        Self::of(world, small).await
    }

    async fn of(world: World, small: SmallWorld) -> Self {
        let sim = WhatsAppCloudSim::start(world).await.expect("a loopback port is free");
        Self { sim, small, http: reqwest::Client::new() }
    }

    /// The same with somebody who listens for webhooks.
    async fn with_listener() -> (Self, Listener) {
        let scene = Self::new().await;
        let listener = Listener::start(&scene.sim).await;
        scene.sim.subscribe(&listener.address).await.expect("the handshake passes");
        (scene, listener)
    }

    fn alice(&self) -> Chat {
        self.small.with_alice()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.sim.graph_url()))
            .bearer_auth(self.sim.secrets().token)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a message with these fields to Alice. Gives the answer.
    async fn sends(&self, fields: Value) -> (StatusCode, Value) {
        let mut body =
            json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234"});
        let all = body.as_object_mut().expect("it is an object");
        all.extend(fields.as_object().expect("it is one too").clone());
        self.post(&format!("/{}/messages", self.small.number), &body).await
    }

    /// Sends a text to Alice, which must be taken. Gives its id.
    async fn says(&self, text: &str) -> String {
        let (status, answer) = self.sends(json!({"type": "text", "text": {"body": text}})).await;
        assert_eq!(status, 200, "{answer}");
        answer["messages"][0]["id"].as_str().expect("the answer names the message").to_owned()
    }

    /// Nothing may have disagreed with Meta's description.
    fn should_be_honest(&self, test: &str) {
        if !self.sim.is_judged() {
            skip(test, "Meta's OpenAPI description is not present (see MAGPIE_SPECS)");
        }
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("the simulator answers");
    let status = response.status();
    let text = response.text().await.expect("the answer has an end");
    (
        status,
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("answers are JSON") },
    )
}

/// The code in a refusal.
fn code(answer: &Value) -> u64 {
    answer["error"]["code"].as_u64().unwrap_or_default()
}
