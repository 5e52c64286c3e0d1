//! Requests to the homeserver: JSON in, JSON out, every refusal an error with the server's own words.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

/// Longer than any long poll of ours.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
    /// Transaction ids count up: each login is a device of its own, so they never meet older ones.
    txns: Arc<AtomicU64>,
}

impl Client {
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        let base = Url::parse(base).with_context(|| format!("{base} is no address"))?;
        Ok(Self { http, base, token: String::new(), txns: Arc::default() })
    }

    pub fn authorize(&mut self, token: String) {
        self.token = token;
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn next_txn(&self) -> String {
        format!("person-{}", self.txns.fetch_add(1, Ordering::Relaxed))
    }

    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> anyhow::Result<Value> {
        json(self.request(Method::GET, path)?.query(query)).await
    }

    pub async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        json(self.request(Method::POST, path)?.json(body)).await
    }

    pub async fn put(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        json(self.request(Method::PUT, path)?.json(body)).await
    }

    pub async fn upload(&self, name: &str, mime: &str, bytes: Vec<u8>) -> anyhow::Result<Value> {
        let request = self.request(Method::POST, &["_matrix", "media", "v3", "upload"])?;
        json(request.query(&[("filename", name)]).header("Content-Type", mime).body(bytes)).await
    }

    pub async fn bytes(&self, path: &[&str]) -> anyhow::Result<Vec<u8>> {
        Ok(accepted(self.request(Method::GET, path)?).await?.bytes().await?.to_vec())
    }

    fn request(&self, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
        let mut url = self.base.clone();
        // Segment by segment, so that room ids and aliases are escaped.
        let segments = url.path_segments_mut();
        segments.map_err(|()| anyhow::anyhow!("{} cannot have a path", self.base))?.clear().extend(path);
        let request = self.http.request(method, url);
        Ok(if self.token.is_empty() { request } else { request.bearer_auth(&self.token) })
    }
}

async fn json(request: RequestBuilder) -> anyhow::Result<Value> {
    accepted(request).await?.json().await.context("the homeserver's answer is no JSON")
}

async fn accepted(request: RequestBuilder) -> anyhow::Result<Response> {
    let answer = request.send().await.context("the homeserver cannot be reached")?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    if !status.is_success() {
        bail!("the homeserver refused {path} with {status}: {}", answer.text().await.unwrap_or_default());
    }
    Ok(answer)
}
