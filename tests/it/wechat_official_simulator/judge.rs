//! wechatpy, `@wecom/crypto` and `wechat-crypto` read what is sealed here, and what they seal is read here and by the bridge.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::LoginId,
    platform::{EventSink, Platform, WebhookHead},
    testkit::platform_suite::Recorder,
};
use magpie_tests::{
    harness::tools::{Component, need},
    wechat_envelope::{
        Envelope,
        judge::{Judge, Library, NODE, PYTHON},
    },
    wechat_official::{AES_KEY, APP_ID, APP_SECRET, Mode, TOKEN},
};
use magpie_wechat::{WeChat, WeChatConfig};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{Scene, field, sealed};

/// Random messages for each library and direction.
const MESSAGES: usize = 200;

/// Of all lengths up to a few blocks, in letters of all lengths.
fn message(random: &mut StdRng) -> String {
    const LETTERS: [char; 8] = ['a', '<', '&', ']', '鸟', '\u{1f426}', '\n', 'é'];
    let length = random.random_range(0..120);
    (0..length).map(|_| LETTERS[random.random_range(0..LETTERS.len())]).collect()
}

/// Both sides read each other, and neither reads what was changed.
async fn judged(mut judge: Judge, libraries: [Library; 2]) -> anyhow::Result<()> {
    let seed = u64::from(u32::from_le_bytes(Clock::system().random_bytes()));
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for library in libraries {
        for nth in 0..MESSAGES {
            let receiver = if nth % 2 == 0 { APP_ID } else { "ww1234567890abcdef" };
            let envelope = Envelope::new(TOKEN, AES_KEY, receiver);
            let (time, nonce) = (format!("{}", 1_790_000_000 + nth), random.random::<u32>().to_string());
            let at = (&envelope, (time.as_str(), nonce.as_str()));
            let message = message(&mut random);

            let ours = envelope.seal(&message, random.random());
            let signature = envelope.sign(&[&time, &nonce, &ours]);
            let read = judge.open(library, at, (&ours, &signature)).await?;
            assert_eq!(read.as_deref(), Some(message.as_str()), "{library:?} does not read us");
            let other = envelope.sign(&[&time, "another nonce", &ours]);
            assert_eq!(judge.open(library, at, (&ours, &other)).await?, None, "{library:?}");

            let (theirs, signature) = judge.seal(library, at, &message).await?;
            assert_eq!(envelope.open(&theirs).as_deref(), Some(message.as_str()), "{library:?} is not read");
            assert_eq!(signature, envelope.sign(&[&time, &nonce, &theirs]), "{library:?}");
        }
    }
    judge.stop().await
}

#[tokio::test]
async fn real_wechatpy_reads_and_seals_callbacks() -> anyhow::Result<()> {
    let Some(installed) = need(Component::Judge(PYTHON)) else { return Ok(()) };
    judged(Judge::on_python(&installed)?, Library::ON_PYTHON).await
}

#[tokio::test]
async fn real_node_libraries_read_and_seal_callbacks() -> anyhow::Result<()> {
    let Some(installed) = need(Component::Judge(NODE)) else { return Ok(()) };
    judged(Judge::on_node(&installed)?, Library::ON_NODE).await
}

#[tokio::test]
async fn real_wechatpy_reads_every_document() -> anyhow::Result<()> {
    let Some(installed) = need(Component::Judge(PYTHON)) else { return Ok(()) };
    let mut judge = Judge::on_python(&installed)?;
    let scene = Scene::new().await;
    let (sim, alice) = (&scene.sim, &scene.small.alice);
    sim.was_subscribed(APP_ID, "http://127.0.0.1:9/hook");
    sim.brings_again_after_ms(0, 1);
    let hello = sim.person_says(alice, "hello <b> & ]]> bye");
    sim.person_posts(alice, "voice", &[("MediaId", "m1"), ("Format", "amr"), ("Recognition", "你好")]);
    sim.person_shares_location(alice, ("23.134521", "113.358803"), "Tower");
    sim.person_shares_link(alice, "Birds", "https://example.org/?a=1&b=2");
    sim.person_presses(alice, "PRICES");
    sim.person_scans(alice, "7");
    sim.wait_until_all_is_taken().await?;
    let mut read = Vec::new();
    for told in sim.callbacks() {
        read.push(judge.ask(&json!({"do": "read", "document": told.document})).await?);
    }
    let kinds: Vec<&Value> = read.iter().map(|told| &told["type"]).collect();
    assert_eq!(kinds, ["text", "voice", "location", "link", "event", "event"]);
    assert_eq!(
        (&read[0]["fields"]["content"], &read[0]["source"]),
        (&json!("hello <b> & ]]> bye"), &json!(alice.openid))
    );
    assert_eq!(read[0]["id"].to_string(), hello);
    assert_eq!(read[1]["fields"]["recognition"], "你好");
    assert_eq!(read[2]["fields"]["label"], "Tower");
    assert_eq!(read[3]["fields"]["url"], "https://example.org/?a=1&b=2");
    let written = sim.written(alice, "<xml/>", Mode::Safe);
    let query = |name: &str| field(&written.query, name);
    let mut check = json!({"do": "plain_check", "token": TOKEN, "timestamp": query("timestamp"), "nonce": query("nonce")});
    check["signature"] = json!(query("signature"));
    assert_eq!(judge.ask(&check).await?, json!({}));
    check["nonce"] = json!("another");
    assert!(judge.ask(&check).await?["refused"].is_string());
    assert!(!sealed(&written.body).is_empty());
    judge.stop().await
}

/// What a library seals goes into the bridge as WeChat would bring it.
#[tokio::test]
async fn real_libraries_seal_what_the_bridge_takes() -> anyhow::Result<()> {
    let Some(python) = need(Component::Judge(PYTHON)) else { return Ok(()) };
    let Some(node) = need(Component::Judge(NODE)) else { return Ok(()) };
    let scene = Scene::new().await;
    let config = WeChatConfig {
        official_app_id: Some(APP_ID.to_owned()),
        official_app_secret: Some(Secret::new(APP_SECRET)),
        official_token: Some(Secret::new(TOKEN)),
        official_aes_key: Some(Secret::new(AES_KEY)),
        official_api_url: scene.sim.origin(),
        callback_age_max_minutes: 0,
        ..WeChatConfig::default()
    };
    let platform = WeChat::new(config, Clock::system())?;
    let recorder = Recorder::default();
    let login = platform.configured_logins().pop().expect("the configuration names an account");
    let sink = EventSink::new(LoginId::new(login.id.as_str()), Arc::new(recorder.clone()));
    let session = platform.connect(&login, sink).await?;
    let webhook = platform.webhook().expect("WeChat calls");
    let envelope = scene.sim.envelope(APP_ID);
    let mut expected = Vec::new();
    let (mut python, mut node) = (Judge::on_python(&python)?, Judge::on_node(&node)?);
    for (nth, library) in Library::ON_PYTHON.into_iter().chain(Library::ON_NODE).enumerate() {
        let judge = if Library::ON_PYTHON.contains(&library) { &mut python } else { &mut node };
        let words = format!("sealed by {library:?} 鸟");
        let document = format!(
            "<xml><FromUserName>oAlice-5x12ab</FromUserName><CreateTime>1790000000</CreateTime><MsgType>text</MsgType>\
             <Content>{words}</Content><MsgId>{}</MsgId></xml>",
            700 + nth
        );
        let (theirs, signature) = judge.seal(library, (&envelope, ("1790000000", "9")), &document).await?;
        let plain = envelope.sign(&["1790000000", "9"]);
        let query = format!(
            "signature={plain}&timestamp=1790000000&nonce=9&encrypt_type=aes&msg_signature={signature}"
        );
        let head = WebhookHead {
            method: Method::POST,
            path: format!("/official/{APP_ID}"),
            query: Some(query),
            headers: HeaderMap::new(),
        };
        assert_eq!(webhook.admit(&head), Ok(()), "{library:?}");
        let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt>{theirs}</Encrypt></xml>");
        assert_eq!(webhook.receive(&head, Bytes::from(body)).await.status, 200, "{library:?}");
        expected.push(words);
    }
    let said: Vec<String> = recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(said, expected);
    session.close().await;
    python.stop().await?;
    node.stop().await
}
