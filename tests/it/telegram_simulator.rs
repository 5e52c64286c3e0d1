//! The Telegram simulator keeps its promises: its methods, its updates, its faults, and the judgment of two Python libraries.

mod chats;
mod control;
mod faults;
mod files;
mod judge;
mod messages;
mod updates;

use magpie_tests::{
    openapi::skip,
    telegram::{SmallWorld, TelegramSim, World},
};
use serde_json::{Value, json};

/// The kinds of updates that must be asked for by name, and the most important others.
const KINDS: [&str; 12] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "message_reaction",
    "message_reaction_count",
    "callback_query",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
];

/// A small world with a client.
struct Scene {
    sim: TelegramSim,
    small: SmallWorld,
    http: reqwest::Client,
    offset: i64,
}

impl Scene {
    async fn new() -> Self {
        let (world, small) = World::small();
        Self::of(world, small).await
    }

    async fn of(world: World, small: SmallWorld) -> Self {
        let sim = TelegramSim::start(world).await.expect("a loopback port is free");
        let scene = Self { sim, small, http: reqwest::Client::new(), offset: 0 };
        let asked = json!({"timeout": 0, "allowed_updates": KINDS});
        assert_eq!(scene.ask("getUpdates", asked).await["result"], json!([]));
        scene
    }

    fn method(&self, name: &str) -> String {
        format!("{}/bot{}/{name}", self.sim.url(), self.sim.token())
    }

    /// The whole answer.
    async fn ask(&self, method: &str, params: Value) -> Value {
        let sent = self.http.post(self.method(method)).json(&params).send().await;
        sent.expect("the simulator answers").json().await.expect("answers are JSON")
    }

    /// The result of a call that must succeed.
    async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer["result"].clone()
    }

    /// The description of a call that must fail.
    async fn refused(&self, method: &str, params: Value) -> String {
        let answer = self.ask(method, params).await;
        assert_eq!(answer["ok"], false, "{method}: {answer}");
        answer["description"].as_str().expect("errors are described").to_owned()
    }

    /// All updates that came since the last call.
    async fn updates(&mut self) -> Vec<Value> {
        let got = self.call("getUpdates", json!({"timeout": 0, "offset": self.offset})).await;
        let got = got.as_array().expect("it is a list").clone();
        if let Some(last) = got.last() {
            self.offset = last["update_id"].as_i64().expect("it is a number") + 1;
        }
        got
    }

    /// The only update that came since the last call, which must be of this kind.
    async fn update(&mut self, kind: &str) -> Value {
        let got = self.updates().await;
        assert_eq!(got.len(), 1, "{got:#?}");
        assert!(got[0].get(kind).is_some(), "no {kind} but {}", got[0]);
        got[0][kind].clone()
    }

    /// Nothing may have disagreed with Telegram's description.
    fn should_be_honest(&self, test: &str) {
        if !self.sim.is_judged() {
            skip(test, "Telegram's description is not present (see MAGPIE_SPECS)");
        }
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}
