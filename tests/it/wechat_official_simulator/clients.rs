//! wechatpy's client of Official Accounts works against the simulator as against WeChat's own servers.

use magpie_tests::{
    harness::tools::{Component, need},
    wechat_envelope::judge::{CLIENTS, Judge},
    wechat_official::{APP_ID, APP_SECRET, SentFile},
};
use serde_json::{Value, json};

use super::{Scene, code};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A client by the account's name, with that secret.
async fn begin(judge: &mut Judge, scene: &Scene, (client, secret): (&str, &str)) -> anyhow::Result<()> {
    let begin = json!({
        "do": "begin", "client": client, "kind": "official", "id": APP_ID, "secret": secret, "simulator": scene.sim.origin(),
    });
    anyhow::ensure!(judge.ask(&begin).await? == json!({}));
    Ok(())
}

#[tokio::test]
async fn real_wechatpy_answers_followers() -> anyhow::Result<()> {
    let Some(installed) = need(Component::Judge(CLIENTS)) else { return Ok(()) };
    let mut judge = Judge::with_clients(&installed)?;
    let scene = Scene::new().await;
    let (sim, alice) = (&scene.sim, &scene.small.alice);
    let to = alice.openid.as_str();
    begin(&mut judge, &scene, ("us", APP_SECRET)).await?;

    let person = judge.call("us", "user.get", json!([to])).await?;
    assert_eq!((&person["remark"], &person["unionid"]), (&json!("Alice"), &json!("o6_bmjrPTlm6_alice")));
    assert_eq!(judge.refused("us", "user.get", json!(["oNobody"])).await?, 40_003);
    assert_eq!(judge.refused("us", "message.send_text", json!([to, "too soon"])).await?, 45_015);

    sim.person_says(alice, "hello");
    judge.call("us", "message.send_text", json!([to, "你好 🐦 \"\\"])).await?;
    assert_eq!(sim.sent_to(alice)[0].words(), "你好 🐦 \"\\");

    // Files, both ways.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut file =
        json!({"do": "upload", "client": "us", "type": "image", "name": "a.png", "mime": "image/png"});
    file["bytes"] = json!(hex(PICTURE));
    let kept = judge.ask(&file).await?["told"]["media_id"].clone();
    judge.call("us", "message.send_image", json!([to, kept])).await?;
    assert_eq!(sim.sent_to(alice)[1].content["media_id"], kept);
    let (_, media) = sim.person_sends(alice, &SentFile::new("image", "image/png", PICTURE));
    let fetch = |media: &str| json!({"do": "download", "client": "us", "media": media});
    let fetched = judge.ask(&fetch(&media)).await?;
    assert_eq!(fetched, json!({"mime": "image/png", "bytes": hex(PICTURE)}));
    assert_eq!(judge.ask(&fetch("gone")).await?, json!({"refused": 40_007}));

    // Somebody else asks for a token, which ends the one in use: the client gets another, and goes on.
    let address = format!("{}/cgi-bin/token", sim.origin());
    let query = [("grant_type", "client_credential"), ("appid", APP_ID), ("secret", APP_SECRET)];
    let other: Value = scene.ask(scene.http.get(address).query(&query)).await;
    assert_eq!(code(&other), 0);
    sim.person_says(alice, "go on");
    for nth in 0..5 {
        judge.call("us", "message.send_text", json!([to, format!("answer {nth}")])).await?;
    }
    assert_eq!(sim.sent_to(alice).len(), 7);
    assert_eq!(judge.refused("us", "message.send_text", json!([to, "too many"])).await?, 45_047);

    begin(&mut judge, &scene, ("a thief", "wrong")).await?;
    assert_eq!(judge.refused("a thief", "user.get", json!([to])).await?, 40_125);
    judge.stop().await
}
