//! Somebody who listens for webhooks: answers the handshake, checks signatures, keeps what came, and answers as told.

use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use magpie_tests::whatsapp_cloud::{WhatsAppCloudSim, webhook};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

#[derive(Default)]
struct Heard {
    secret: String,
    verify_token: String,
    /// What the next POSTs are answered with; 200 afterwards.
    answers: VecDeque<u16>,
    bodies: Vec<Value>,
}

type Shared = Arc<Mutex<Heard>>;

/// A server on loopback.
pub struct Listener {
    pub address: String,
    heard: Shared,
    server: JoinHandle<()>,
}

impl Listener {
    pub async fn start(sim: &WhatsAppCloudSim) -> Self {
        let secrets = sim.secrets();
        let (secret, verify_token) = (secrets.app_secret, secrets.verify_token);
        let heard: Shared = Arc::new(Mutex::new(Heard { secret, verify_token, ..Heard::default() }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let address = format!("http://{}/hook", listener.local_addr().expect("it listens"));
        let routes = Router::new().route("/hook", get(challenge).post(hear)).with_state(Arc::clone(&heard));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { address, heard, server }
    }

    /// The next POSTs are answered so.
    pub fn answers(&self, statuses: &[u16]) {
        self.heard.lock().expect("nobody panics").answers = statuses.iter().copied().collect();
    }

    /// Every POST that was answered with 200, oldest first.
    pub fn bodies(&self) -> Vec<Value> {
        self.heard.lock().expect("nobody panics").bodies.clone()
    }

    /// The same without the envelope, one for each change.
    pub fn values(&self) -> Vec<Value> {
        let bodies = self.bodies();
        let entries = bodies.iter().flat_map(|body| body["entry"].as_array().into_iter().flatten());
        let changes = entries.flat_map(|entry| entry["changes"].as_array().into_iter().flatten());
        changes.map(|change| change["value"].clone()).collect()
    }

    /// All messages, oldest first.
    pub fn messages(&self) -> Vec<Value> {
        self.listed("messages")
    }

    /// All statuses, oldest first.
    pub fn statuses(&self) -> Vec<Value> {
        self.listed("statuses")
    }

    fn listed(&self, list: &str) -> Vec<Value> {
        self.values().iter().flat_map(|value| value[list].as_array().cloned().unwrap_or_default()).collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn challenge(State(heard): State<Shared>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let query = query.unwrap_or_default();
    let find = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let is_ours = find("hub.verify_token") == heard.lock().expect("nobody panics").verify_token;
    match is_ours && find("hub.mode") == "subscribe" {
        true => (StatusCode::OK, find("hub.challenge")),
        false => (StatusCode::FORBIDDEN, String::new()),
    }
}

async fn hear(State(heard): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut heard = heard.lock().expect("nobody panics");
    let given =
        headers.get(webhook::SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given != webhook::sign(&heard.secret, &body) {
        return StatusCode::FORBIDDEN;
    }
    let status = heard.answers.pop_front().unwrap_or(200);
    if status == 200 {
        heard.bodies.push(serde_json::from_slice(&body).expect("webhooks are JSON"));
    }
    StatusCode::from_u16(status).expect("the test gives real statuses")
}
