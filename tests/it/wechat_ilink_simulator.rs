//! The iLink simulator keeps its promises: codes, polls, sends, files, faults, and the judgment of the vendor's own client.

mod faults;
mod files;
mod judge;
mod signing_in;
mod talk;

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_tests::wechat_ilink::{BotId, ILinkSim, SmallWorld, World};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// A small world with a client that does everything right.
struct Scene {
    sim: ILinkSim,
    small: SmallWorld,
    http: reqwest::Client,
    number: AtomicU32,
}

impl Scene {
    async fn new() -> Self {
        let (world, small) = World::small();
        Self::of(world, small).await
    }

    async fn of(world: World, small: SmallWorld) -> Self {
        let sim = ILinkSim::start(world).await.expect("a loopback port is free");
        let http = reqwest::Client::builder().no_proxy().build().expect("the client's settings are good");
        Self { sim, small, http, number: AtomicU32::new(1) }
    }

    /// A request with the headers that belong to it.
    fn post(&self, path: &str, bot: Option<BotId>) -> RequestBuilder {
        let number = self.number.fetch_add(1, Ordering::Relaxed).to_string();
        let request = app(self.http.post(format!("{}/{path}", self.sim.api_url())))
            .header("AuthorizationType", "ilink_bot_token")
            .header("X-WECHAT-UIN", STANDARD.encode(number));
        match bot {
            Some(bot) => request.bearer_auth(self.sim.token(bot)),
            None => request,
        }
    }

    /// A call of a bot.
    async fn call(&self, bot: BotId, name: &str, mut body: Value) -> Value {
        body["base_info"] = json!({"channel_version": "0.1.0", "bot_agent": "Magpie/0.1.0"});
        answer(self.post(&format!("ilink/bot/{name}"), Some(bot)).json(&body)).await
    }

    async fn receive(&self, bot: BotId, cursor: &str) -> Value {
        self.call(bot, "getupdates", json!({"get_updates_buf": cursor})).await
    }

    async fn say(&self, bot: BotId, context: &Value, item: Value) -> Value {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let message = json!({
            "from_user_id": "", "to_user_id": self.small.alice.to_string(), "client_id": format!("magpie-{number}"),
            "message_type": 2, "message_state": 2, "item_list": [item], "context_token": context,
        });
        self.call(bot, "sendmessage", json!({"msg": message})).await
    }

    async fn code(&self, tokens: Value) -> String {
        let asked = self.post("ilink/bot/get_bot_qrcode", None).query(&[("bot_type", "3")]);
        let shown = answer(asked.json(&json!({"local_token_list": tokens}))).await;
        assert!(shown["qrcode_img_content"].as_str().is_some_and(|link| link.starts_with("https://")));
        shown["qrcode"].as_str().expect("a code has a text").to_owned()
    }

    async fn status(&self, base: &str, code: &str, number: Option<&str>) -> Value {
        let mut query = vec![("qrcode", code)];
        query.extend(number.map(|number| ("verify_code", number)));
        answer(app(self.http.get(format!("{base}/ilink/bot/get_qrcode_status"))).query(&query)).await
    }

    fn should_be_right(&self) {
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

fn app(request: RequestBuilder) -> RequestBuilder {
    request.header("iLink-App-Id", "bot").header("iLink-App-ClientVersion", "256")
}

async fn answer(request: RequestBuilder) -> Value {
    request.send().await.expect("the simulator answers").json().await.expect("answers are JSON")
}

fn text(words: &str) -> Value {
    json!({"type": 1, "text_item": {"text": words}})
}
