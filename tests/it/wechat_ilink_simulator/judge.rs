//! The vendor's own client, 2.4.9, must work against the simulator as against WeChat.

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_tests::{
    harness::tools::{Component, need},
    wechat_ilink::{FileKind, KeySpelling, Quote, SentFile, judge::Judge},
};
use serde_json::{Value, json};

use super::Scene;

async fn begin() -> anyhow::Result<Option<(Scene, Judge)>> {
    let Some(folder) = need(Component::Judge("wechat_ilink")) else { return Ok(None) };
    let scene = Scene::new().await;
    let judge = Judge::start(&scene.sim, &folder).await?;
    Ok(Some((scene, judge)))
}

async fn end(scene: Scene, judge: Judge) -> anyhow::Result<()> {
    judge.stop().await?;
    scene.should_be_right();
    Ok(())
}

/// A client that is signed in with a bot of Alice's.
macro_rules! signed_in {
    ($scene:ident, $judge:ident, $bot:ident) => {
        let Some(($scene, mut $judge)) = begin().await? else { return Ok(()) };
        let $bot = $scene.sim.has_bound($scene.small.alice);
        let account = json!({"do": "use", "token": $scene.sim.token($bot), "baseUrl": $scene.sim.api_url()});
        $judge.ask(&account).await?;
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn real_vendors_client_signs_in_by_every_way() -> anyhow::Result<()> {
    let Some((scene, mut judge)) = begin().await? else { return Ok(()) };
    let sim = &scene.sim;
    let shown = judge.ask(&json!({"do": "login"})).await?;
    let link = shown["link"].as_str().expect("there is a link").to_owned();
    sim.phone_shows_number(&link, "42");
    sim.wait_for_status("need_verifycode").await?;
    judge.ask(&json!({"do": "type", "number": "42"})).await?;
    sim.wait_for_status("scaned").await?;
    sim.code_is_redirected(&link);
    sim.wait_for_status("scaned_but_redirect").await?;
    let bot = sim.person_confirms(&link, scene.small.alice);
    let signed_in = judge.expect("login").await?;
    assert_eq!((&signed_in["connected"], &signed_in["accountId"]), (&json!(true), &json!(bot.to_string())));
    assert_eq!(signed_in["userId"], json!(scene.small.alice.to_string()));

    // A code that ran out is followed by another one.
    let codes = sim.codes().len();
    let shown = judge.ask(&json!({"do": "login"})).await?;
    sim.code_expires(shown["link"].as_str().expect("there is a link"));
    sim.wait_for_requests("get_bot_qrcode", codes + 2).await?;
    let code = sim.codes().pop().expect("there are codes");
    sim.code_is_blocked(&code);
    sim.wait_for_requests("get_bot_qrcode", codes + 3).await?;
    let bot = sim.person_confirms(&sim.codes().pop().expect("there are codes"), scene.small.bob);
    assert_eq!(judge.expect("login").await?["accountId"], json!(bot.to_string()));
    end(scene, judge).await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_vendors_client_talks() -> anyhow::Result<()> {
    signed_in!(scene, judge, bot);
    let (sim, alice) = (&scene.sim, scene.small.alice.to_string());
    assert_eq!(judge.ask(&json!({"do": "start"})).await?["ret"], 0);
    let hello = sim.person_says(bot, "hello, hello");
    sim.person_quotes(bot, &Quote::ById(hello), "you heard me?");
    let part = Quote::Part { id: hello, text: "hello, hello".to_owned(), part: "lo".to_owned() };
    sim.person_quotes(bot, &part, "that part");
    let got = judge.ask(&json!({"do": "receive"})).await?;
    let read = |nth: usize, name: &str| got["read"][nth][name].clone();
    assert_eq!(
        (read(0, "MessageSidFull"), read(0, "Body")),
        (json!(hello.to_string()), json!("hello, hello"))
    );
    assert_eq!((read(1, "ReplyToId"), read(1, "Body")), (json!(hello.to_string()), json!("you heard me?")));
    let wanted = got["msgs"][2]["item_list"][0]["ref_msg"]["partial_text"].clone();
    let resolved = judge.ask(&json!({"do": "part", "text": "hello, hello", "part": wanted})).await?;
    assert_eq!(resolved["resolved"], "lo");

    let context = &got["msgs"][2]["context_token"];
    let sent =
        judge.ask(&json!({"do": "send", "to": alice, "text": "good day", "contextToken": context})).await?;
    let all = sim.sent(bot);
    let [only] = &all[..] else { panic!("one was sent: {sent}") };
    assert_eq!((only.text(), &sent["messageId"]), ("good day", &json!(only.client_id)));
    assert_eq!(sent["serverMessageId"], json!(only.id.to_string()));
    let typing = json!({"do": "typing", "user": alice, "contextToken": context, "status": 1});
    judge.ask(&typing).await?;
    assert!(sim.sees_typing(bot));
    sim.contexts_expire(bot);
    let failed =
        judge.ask(&json!({"do": "send", "to": alice, "text": "lost", "contextToken": context})).await?;
    assert!(failed["failed"].as_str().is_some_and(|words| words.contains("ret=-2")), "{failed}");
    assert_eq!(judge.ask(&json!({"do": "stopped"})).await?["ret"], 0);
    sim.token_goes_stale(bot);
    assert_eq!(judge.ask(&json!({"do": "receive"})).await?["errcode"], -14);
    end(scene, judge).await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_vendors_client_brings_and_fetches_files() -> anyhow::Result<()> {
    signed_in!(scene, judge, bot);
    let (sim, alice) = (&scene.sim, scene.small.alice.to_string());
    let bytes = b"forty-two birds in a bush".to_vec();
    let mut context = Value::Null;
    for (kind, key, has_url) in [
        (FileKind::File, KeySpelling::Digits, false),
        (FileKind::Video, KeySpelling::Bytes, true),
        (FileKind::Voice, KeySpelling::Digits, true),
        (FileKind::Image, KeySpelling::None, false),
    ] {
        let file = SentFile::new(kind, &bytes).keyed(key);
        sim.person_sends_file(bot, if has_url { file.with_url() } else { file });
        let got = judge.ask(&json!({"do": "receive"})).await?;
        let item = got["msgs"][0]["item_list"][0].as_object().expect("there is an item").clone();
        let content = item.values().find(|value| value.is_object()).expect("it has content");
        let fetched = judge.ask(&json!({"do": "download", "media": content["media"]})).await?;
        assert_eq!(fetched["bytes"], json!(STANDARD.encode(&bytes)), "{kind:?} {key:?}");
        context = got["msgs"][0]["context_token"].clone();
    }
    for (nth, kind) in ["image", "video", "file"].into_iter().enumerate() {
        if kind == "file" {
            sim.gives_upload_urls();
        }
        let command = json!({
            "do": "sendFile", "to": alice, "kind": kind, "bytes": STANDARD.encode(&bytes), "name": "birds.txt",
            "text": "look", "contextToken": context,
        });
        let sent: Value = judge.ask(&command).await?;
        assert!(sent["failed"].is_null(), "{sent}");
        let all = sim.sent(bot);
        assert_eq!((all.len(), all[2 * nth].text()), (2 * nth + 2, "look"), "the words come before");
        assert_eq!(all[2 * nth + 1].file.as_deref(), Some(&bytes[..]), "{kind}");
    }
    end(scene, judge).await
}
