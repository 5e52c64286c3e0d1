//! The simulator of WeCom, judged by wechatpy's clients, which take it for WeCom's own servers.

use std::path::Path;

use magpie_common::clock::Clock;
use magpie_tests::{
    harness::tools::{Component, need},
    wechat_envelope::judge::{CLIENTS, Judge},
    wechat_wecom::{AGENT_ID, CORP_ID, Customer, KF_ID, KF_SECRET, SECRET, SmallWorld, To, WeComSim, World},
};
use serde_json::{Value, json};

/// Where the clock stands at first.
const START_MS: i64 = 1_790_000_000_000;

const BIRDS: &[u8] = b"forty-two birds in a bush";

/// A small company, and wechatpy with two clients: the app, and customer service.
struct Scene {
    sim: WeComSim,
    small: SmallWorld,
    judge: Judge,
}

impl Scene {
    async fn new(installed: &Path) -> anyhow::Result<Self> {
        let (world, small) = World::small(Clock::fixed(START_MS, 7));
        let sim = WeComSim::start(world).await?;
        // Nobody listens there; what is told is looked at where it was written.
        sim.was_subscribed("http://127.0.0.1:9/hook");
        sim.brings_again_after_ms(0, 1);
        let mut scene = Self { sim, small, judge: Judge::with_clients(installed)? };
        scene.begin("app", SECRET).await?;
        scene.begin("service", KF_SECRET).await?;
        Ok(scene)
    }

    async fn begin(&mut self, client: &str, secret: &str) -> anyhow::Result<()> {
        let begin = json!({
            "do": "begin", "client": client, "kind": "wecom", "id": CORP_ID, "secret": secret, "simulator": self.sim.origin(),
        });
        anyhow::ensure!(self.judge.ask(&begin).await? == json!({}));
        Ok(())
    }

    /// Lets a client bring a file. Gives its id.
    async fn upload(&mut self, client: &str) -> anyhow::Result<Value> {
        let mut file =
            json!({"do": "upload", "client": client, "type": "file", "name": "a.txt", "mime": "text/plain"});
        file["bytes"] = json!(hex(BIRDS));
        Ok(self.judge.ask(&file).await?["told"]["media_id"].take())
    }

    async fn download(&mut self, client: &str, media: &Value) -> anyhow::Result<Value> {
        self.judge.ask(&json!({"do": "download", "client": client, "media": media})).await
    }

    /// What wechatpy reads from the newest callback.
    async fn newest_token(&mut self) -> anyhow::Result<Value> {
        let told = self.sim.callbacks().pop().map(|callback| callback.document).unwrap_or_default();
        let mut read = self.judge.ask(&json!({"do": "read", "document": told})).await?;
        assert_eq!(read["event"], "kf_msg_or_event");
        Ok(read["token"].take())
    }

    async fn answers(&mut self, customer: &Customer, (id, words): (&str, &str)) -> anyhow::Result<Value> {
        let args = json!([customer.external, KF_ID, words, id]);
        self.judge.call("service", "kf_message.send_text", args).await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn real_wechatpy_writes_to_members() -> anyhow::Result<()> {
    let Some(installed) = need(Component::Judge(CLIENTS)) else { return Ok(()) };
    let mut scene = Scene::new(&installed).await?;
    let (alice, bob) = (scene.small.alice.clone(), scene.small.bob.clone());
    assert_eq!(scene.judge.call("app", "user.get", json!([alice])).await?["name"], "Alice");
    assert_eq!(scene.judge.refused("app", "user.get", json!(["nobody"])).await?, 60_111);
    let listed = scene.judge.call("app", "user.list", json!([1, true, 0, true])).await?;
    let names: Vec<&str> =
        listed.as_array().into_iter().flatten().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["Alice", "Bob"]);

    let sent = scene.judge.call("app", "message.send_text", json!([AGENT_ID, alice, "你好 🐦"])).await?;
    let arrived = scene.sim.sent_to(&To::Member(alice.clone()));
    assert_eq!((arrived[0].words(), &json!(arrived[0].id)), ("你好 🐦", &sent["msgid"]));
    let media = scene.upload("app").await?;
    scene.judge.call("app", "message.send_file", json!([AGENT_ID, alice, media])).await?;
    assert_eq!(scene.sim.sent_to(&To::Member(alice.clone()))[1].content["media_id"], media);
    assert_eq!(scene.download("app", &media).await?, json!({"mime": "text/plain", "bytes": hex(BIRDS)}));
    assert_eq!(scene.download("app", &json!("gone")).await?, json!({"refused": 40_007}));
    let wrong = json!([AGENT_ID, "nobody", "hello"]);
    assert_eq!(scene.judge.refused("app", "message.send_text", wrong).await?, 81_013);
    scene.sim.shows_app(&bob, false);
    let told = scene.judge.call("app", "message.send_text", json!([AGENT_ID, bob, "hello"])).await?;
    assert_eq!(told["invaliduser"], json!(bob), "a success that is none");

    // Tokens end: the client gets another, and goes on.
    scene.sim.ends_tokens();
    scene.judge.call("app", "message.send_text", json!([AGENT_ID, alice, "still here"])).await?;
    scene.begin("a thief", "wrong").await?;
    assert_eq!(scene.judge.refused("a thief", "user.get", json!([alice])).await?, 40_001);
    assert_eq!(
        scene.judge.refused("service", "message.send_text", json!([AGENT_ID, alice, "x"])).await?,
        48_002
    );
    scene.judge.stop().await
}

#[tokio::test]
async fn real_wechatpy_serves_customers() -> anyhow::Result<()> {
    let Some(installed) = need(Component::Judge(CLIENTS)) else { return Ok(()) };
    let mut scene = Scene::new(&installed).await?;
    let (carol, dave, bob) = (scene.small.carol.clone(), scene.small.dave.clone(), scene.small.bob.clone());

    // What customers send is pulled, by the token of a callback and by a cursor.
    let hello = scene.sim.customer_says(&carol, "hello 你好");
    scene.sim.customer_sends(&carol, ("file", "text/plain"), BIRDS);
    let token = scene.newest_token().await?;
    assert_eq!(scene.judge.refused("service", "kf.sync_msg", json!(["another token"])).await?, 95_007);
    let page = scene.judge.call("service", "kf.sync_msg", json!([token, "", 1])).await?;
    let first = &page["msg_list"][0];
    assert_eq!((&first["msgid"], &first["text"]["content"]), (&json!(hello), &json!("hello 你好")));
    assert_eq!(page["has_more"], 1);
    let page = scene.judge.call("service", "kf.sync_msg", json!([token, page["next_cursor"]])).await?;
    let media = page["msg_list"][0]["file"]["media_id"].clone();
    assert_eq!(scene.download("service", &media).await?["bytes"], json!(hex(BIRDS)));
    assert_eq!(page["has_more"], 0);
    let known = scene.judge.call("service", "kf.batchget_customer", json!([carol.external])).await?;
    assert_eq!(known["customer_list"][0]["nickname"], "Carol");

    // Five answers, under ids of the client's own.
    for nth in 0..4 {
        let told = scene.answers(&carol, (&format!("ours-{nth}"), "an answer")).await?;
        assert_eq!(told["msgid"], json!(format!("ours-{nth}")));
    }
    let media = scene.upload("service").await?;
    let file = json!([carol.external, KF_ID, media]);
    scene.judge.call("service", "kf_message.send_file", file.clone()).await?;
    assert_eq!(scene.sim.sent_to(&To::Customer(carol.clone())).len(), 5);
    assert_eq!(scene.judge.refused("service", "kf_message.send_file", file).await?, 95_001);

    // Whose hands the talk is in.
    let talk = json!([KF_ID, carol.external]);
    let state = scene.judge.call("service", "kf.get_service_state", talk.clone()).await?;
    assert_eq!(state["service_state"], 0);
    let to_bob = json!([KF_ID, carol.external, 3, bob]);
    scene.judge.call("service", "kf.trans_service_state", to_bob).await?;
    let state = scene.judge.call("service", "kf.get_service_state", talk).await?;
    assert_eq!(state["servicer_userid"], json!(bob));
    let late = json!([carol.external, KF_ID, "too late"]);
    assert_eq!(scene.judge.refused("service", "kf_message.send_text", late).await?, 95_018);

    // Who opens the chat is welcomed once.
    assert!(scene.sim.customer_opens(&dave));
    let token = scene.newest_token().await?;
    let page = scene.judge.call("service", "kf.sync_msg", json!([token, page["next_cursor"]])).await?;
    let code = page["msg_list"][0]["event"]["welcome_code"].clone();
    let words = json!([code, "text", {"text": {"content": "Welcome"}}]);
    scene.judge.call("service", "kf.send_msg_on_event", words.clone()).await?;
    assert_eq!(scene.sim.sent_to(&To::Customer(dave.clone()))[0].words(), "Welcome");
    assert!(scene.judge.refused("service", "kf.send_msg_on_event", words).await? > 0, "a code holds once");
    let unasked = json!([dave.external, KF_ID, "unasked"]);
    assert_eq!(scene.judge.refused("service", "kf_message.send_text", unasked).await?, 95_002);
    scene.judge.stop().await
}
