//! The gateway that the bridge is tested at, judged by Wechaty's own client: what people do is told, what is sent is taken, and files are whole.

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        Client, Fault, FaultKind, Gateway, Habits, JUDGE, Tls,
        content::{FileKind, card, file, link, mention, mini_program, place, text},
    },
};
use serde_json::json;
use sha2::{Digest, Sha256};

const ME: &str = "wxid_me";
const LI: &str = "wxid_li";
const BIRDS: &str = "1001@chatroom";

/// Above this size files are told by an id.
const INSIDE_BYTES_MAX: usize = 20 * 1024;

async fn gateway(tls: Tls) -> anyhow::Result<Gateway> {
    let gateway = Gateway::start_with(tls).await?;
    gateway.contact(ME, "Me").await?;
    gateway.contact(LI, "Li Lei").await?;
    gateway.room(BIRDS, "Birds", &[LI, ME]).await?;
    Ok(gateway)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_wechatys_client_hears_what_people_say_and_do() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let gateway = gateway(Tls::Stock).await?;
    let client = Client::connect(&gateway).await?;
    gateway.shows_code("http://weixin.qq.com/x/code").await?;
    client
        .expect("scan", |scan| scan["qrcode"] == "http://weixin.qq.com/x/code" && scan["status"] == 2)
        .await?;
    gateway.login(ME).await?;
    client.expect("login", |login| login["contactId"] == ME).await?;

    gateway.says(LI, ME, text("Hello.")).await?;
    let direct = |message: &serde_json::Value| message["text"] == "Hello." && message["listenerId"] == ME;
    client.expect("message", direct).await?;
    gateway.says(LI, BIRDS, mention("@Me\u{2005}look", &[ME])).await?;
    let heard = client.expect("message", |message| message["roomId"] == BIRDS).await?;
    assert_eq!(heard["payload"]["mentionIdList"], json!([ME]));
    for size in [INSIDE_BYTES_MAX, INSIDE_BYTES_MAX + 1] {
        let bytes = vec![7; size];
        let said = gateway.says(LI, ME, file(FileKind::Attachment, "a.bin", &bytes)).await?;
        client.expect("message", |message| message["id"] == said.as_str()).await?;
        let fetched = client.tell("fetch", json!({"id": said})).await?;
        assert_eq!(fetched, json!({"size": size, "sha256": sha256(&bytes)}));
    }
    for (content, field, wanted) in [
        (link("Birds", "All of them.", "https://example.org/"), "title", "Birds"),
        (mini_program("Shop", "Seeds"), "title", "Shop"),
    ] {
        let kind = content["type"].clone();
        let said = gateway.says(LI, ME, content).await?;
        let part = client.tell("part", json!({"id": said, "type": kind})).await?;
        assert_eq!(part[field], wanted, "{part}");
    }
    let said = gateway.says(LI, ME, card(LI)).await?;
    assert_eq!(client.tell("part", json!({"id": said, "type": 3})).await?, LI);
    // Wechaty's client does not read places; the bridge does.
    gateway.says(LI, ME, place("Tower", "1 Road", (1.5, 2.5))).await?;
    client.expect("message", |message| message["type"] == 8).await?;

    gateway.names_room(BIRDS, "Rare birds", LI).await?;
    client
        .expect("room-topic", |event| event["newTopic"] == "Rare birds" && event["oldTopic"] == "Birds")
        .await?;
    assert_eq!(client.tell("room", json!({"id": BIRDS})).await?["topic"], "Rare birds");
    gateway.nick(BIRDS, LI, "Captain").await?;
    client.expect("dirty", |event| event["payloadType"] == 4).await?;
    assert_eq!(client.tell("member", json!({"room": BIRDS, "id": LI})).await?["roomAlias"], "Captain");
    gateway.leaves(BIRDS, &[LI], LI).await?;
    client.expect("room-leave", |event| event["removeeIdList"] == json!([LI])).await?;
    gateway.joins(BIRDS, &[LI], ME).await?;
    client.expect("room-join", |event| event["inviteeIdList"] == json!([LI])).await?;
    gateway.asks_friendship("f", LI, "It is me.").await?;
    client.expect("friendship", |event| event["friendshipId"] == "f").await?;
    assert_eq!(client.tell("friendship", json!({"id": "f"})).await?["hello"], "It is me.");
    gateway.invites("i", LI, "Choir").await?;
    client.expect("room-invite", |event| event["roomInvitationId"] == "i").await?;
    assert_eq!(client.tell("invitation", json!({"id": "i"})).await?["topic"], "Choir");
    gateway.recalls(LI, ME, "77").await?;
    client.expect("message", |message| message["type"] == 13 && message["text"] == "77").await?;
    gateway.logout().await?;
    client.expect("logout", |event| event["contactId"] == ME).await?;
    client.stop().await?;
    gateway.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_wechatys_client_sends_is_taken_and_comes_back() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let gateway = gateway(Tls::None).await?;
    gateway.login(ME).await?;
    let client = Client::connect(&gateway).await?;
    let id = client.tell("text", json!({"to": BIRDS, "text": "@Li\u{2005}hi", "mentions": [LI]})).await?;
    let sent = gateway.expect_sent("text", |event| event["to"] == BIRDS).await?;
    assert_eq!((&sent["id"], &sent["mentions"]), (&id, &json!([LI])));
    client.expect("message", |message| message["id"] == id && message["talkerId"] == ME).await?;
    for (size, kind) in [(INSIDE_BYTES_MAX, 1), (INSIDE_BYTES_MAX + 1, 7)] {
        let bytes = vec![7; size];
        let content = json!({"to": LI, "name": "a.bin", "base64": STANDARD.encode(&bytes)});
        client.tell("file", content).await?;
        let sent = gateway.expect_sent("file", |event| event["size"] == size).await?;
        assert_eq!((&sent["boxType"], &sent["sha256"]), (&json!(kind), &json!(sha256(&bytes))));
    }
    assert_eq!(client.tell("recall", json!({"id": id})).await?, true);
    gateway.expect_done("recall", |event| event["id"] == id).await?;

    gateway.has(Habits { ids: false, ..Habits::default() }).await?;
    let nothing = client.tell("text", json!({"to": LI, "text": "nameless"})).await?;
    assert!(nothing.is_null() || nothing == "", "{nothing}");
    gateway.fault(Fault::of_send(FaultKind::Refuse)).await?;
    assert!(client.tell("text", json!({"to": LI, "text": "refused"})).await.is_err());
    let texts = gateway.texts(LI);
    assert_eq!(texts.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(), ["nameless"]);
    client.stop().await?;
    gateway.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_only_the_owner_listens_and_a_killed_gateway_knows_the_same_world() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let gateway = gateway(Tls::None).await?;
    gateway.login(ME).await?;
    let stranger = Client::start(&gateway, "insecure_wrong").await?;
    assert!(stranger.tell("start", json!({})).await.is_err());
    assert!(gateway.seen("stream").is_empty(), "a stranger listens");
    stranger.stop().await?;

    let client = Client::connect(&gateway).await?;
    gateway.heard_by_somebody().await?;
    assert!(gateway.says_with(LI, ME, text("heard")).await?.heard);
    gateway.cut().await?;
    gateway.heard_by_nobody().await?;
    assert!(!gateway.says_with(LI, ME, text("not heard")).await?.heard);
    client.stop().await?;
    gateway.kill().await?;
    gateway.respawn().await?;
    let client = Client::connect(&gateway).await?;
    client.expect("login", |login| login["contactId"] == ME).await?;
    assert_eq!(client.tell("room", json!({"id": BIRDS})).await?["topic"], "Birds");
    gateway.says(LI, ME, text("again")).await?;
    client.expect("message", |message| message["text"] == "again").await?;
    client.stop().await?;
    gateway.stop().await
}
