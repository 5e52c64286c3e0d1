//! The Discord simulator keeps its promises: its routes, its gateway, its faults, and the judgment of discord.js.

mod control;
mod faults;
mod files;
mod gateway;
mod judge;
mod reactions;
mod rest;

use magpie_tests::{
    discord::{DiscordSim, SmallWorld, World},
    openapi::skip,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// A small world with a client that knows the bot's token.
struct Scene {
    sim: DiscordSim,
    small: SmallWorld,
    http: reqwest::Client,
}

impl Scene {
    async fn new() -> Self {
        let (world, small) = World::small();
        Self::of(world, small).await
    }

    async fn of(world: World, small: SmallWorld) -> Self {
        let sim = DiscordSim::start(world).await.expect("a loopback port is free");
        let http = reqwest::Client::builder().user_agent("DiscordBot (https://example.org, 1)").build();
        Self { sim, small, http: http.expect("the client's settings are good") }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sim.rest_url());
        self.http.request(method, url).header("Authorization", format!("Bot {}", self.sim.token()))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(method, path).json(&body)).await
    }

    /// Nothing may have disagreed with Discord's description.
    fn should_be_honest(&self, test: &str) {
        if !self.sim.is_judged() {
            skip(test, "Discord's OpenAPI description is not present (see MAGPIE_SPECS)");
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
