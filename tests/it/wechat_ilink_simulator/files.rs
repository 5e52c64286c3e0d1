//! Files both ways, as the file server has them.

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_tests::wechat_ilink::{BotId, FileKind, KeySpelling, SentFile};
use serde_json::{Value, json};

use super::Scene;

/// The key of [`SEALED`] in hex.
const KEY: &str = "000102030405060708090a0b0c0d0e0f";
/// The 16 bytes 00, 11, ... ff, sealed with [`KEY`]: FIPS 197, appendix C.1, and a block of padding.
const SEALED: &str = "acTg2Gp7BDDYzbeAcLTFWpVPZPLk6G6e7oLSAhZoSJk=";

/// The sum of the 16 bytes.
const SUM: &str = "6e8311168ee16d6aa1aa48c64145003c";

fn plain() -> Vec<u8> {
    (0..=15_u8).map(|nth| nth * 0x11).collect()
}

async fn announce(scene: &Scene, bot: BotId, md5: &str) -> Value {
    let asked = json!({
        "filekey": "ffeeddccbbaa99887766554433221100", "media_type": 3, "to_user_id": scene.small.alice.to_string(),
        "rawsize": 16, "rawfilemd5": md5, "filesize": 32, "no_need_thumb": true, "aeskey": KEY,
    });
    scene.call(bot, "getuploadurl", asked).await
}

#[tokio::test]
async fn a_file_is_announced_brought_and_sent() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    let sealed = STANDARD.decode(SEALED).expect("it is Base64");
    scene.sim.gives_upload_urls();
    let upload = async |url: &str, bytes: &[u8]| {
        let request = scene.http.post(url).header("Content-Type", "application/octet-stream");
        request.body(bytes.to_vec()).send().await.expect("there is an answer")
    };
    let announced = announce(&scene, bot, &"0".repeat(32)).await;
    let url = announced["upload_full_url"].as_str().expect("there is an address");
    for (bytes, why) in [(&sealed[..16], "too short"), (&sealed[..], "another sum")] {
        let refused = upload(url, bytes).await;
        let has_words = refused.headers().contains_key("x-error-message");
        assert_eq!((refused.status().as_u16(), has_words), (400, true), "{why}");
    }
    assert_eq!(scene.sim.take_findings().len(), 2);

    let announced = announce(&scene, bot, SUM).await;
    let brought = upload(announced["upload_full_url"].as_str().expect("there is an address"), &sealed).await;
    let param = brought.headers()["x-encrypted-param"].to_str().expect("it is text").to_owned();
    scene.sim.person_says(bot, "hello");
    let context = scene.receive(bot, "").await["msgs"][0]["context_token"].clone();
    let media = json!({"encrypt_query_param": param, "aes_key": STANDARD.encode(KEY), "encrypt_type": 1});
    let item = json!({"type": 4, "file_item": {"media": media, "file_name": "a.txt", "len": "16"}});
    scene.say(bot, &context, item).await;
    assert_eq!(scene.sim.sent(bot)[0].file.as_deref(), Some(&plain()[..]));
    scene.should_be_right();
}

#[tokio::test]
async fn files_of_people_are_sealed_with_keys_in_every_spelling() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    for (nth, key) in [KeySpelling::Bytes, KeySpelling::Digits, KeySpelling::Beside, KeySpelling::None]
        .into_iter()
        .enumerate()
    {
        scene.sim.person_sends_file(bot, SentFile::new(FileKind::Image, &plain()).keyed(key));
        let item = scene.receive(bot, "").await["msgs"][nth]["item_list"][0]["image_item"].clone();
        let told = item["media"]["aes_key"].as_str().and_then(|key| STANDARD.decode(key).ok());
        let expected = match key {
            KeySpelling::Bytes => (Some(16), false),
            KeySpelling::Digits => (Some(32), false),
            KeySpelling::Beside => (None, true),
            KeySpelling::None => (None, false),
        };
        assert_eq!((told.map(|key| key.len()), item["aeskey"].is_string()), expected, "{key:?}");
        let param = item["media"]["encrypt_query_param"].as_str().expect("it lies somewhere").to_owned();
        let url = format!("{}/download", scene.sim.cdn_url());
        let got = scene.http.get(url).query(&[("encrypted_query_param", param)]).send().await;
        let bytes = got.expect("there is an answer").bytes().await.expect("it has an end");
        assert_eq!(bytes.len(), if key == KeySpelling::None { 16 } else { 32 });
        assert_eq!(bytes == plain(), key == KeySpelling::None);
    }
    scene.should_be_right();
}

#[tokio::test]
async fn tokens_at_the_file_server_are_found() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    let url = format!("{}/download?encrypted_query_param=none", scene.sim.cdn_url());
    let got = scene.http.get(url).bearer_auth(scene.sim.token(bot)).send().await;
    assert_eq!(got.expect("there is an answer").status(), 404);
    assert_eq!(scene.sim.take_findings().len(), 1);
    // And what was never announced cannot be sent.
    scene.sim.person_says(bot, "hello");
    let context = scene.receive(bot, "").await["msgs"][0]["context_token"].clone();
    let media = json!({"encrypt_query_param": "none", "aes_key": STANDARD.encode(KEY), "encrypt_type": 1});
    let item = json!({"type": 4, "file_item": {"media": media, "file_name": "a.txt", "len": "16"}});
    assert_eq!(scene.say(bot, &context, item).await["ret"], 0);
    assert_eq!(scene.sim.take_findings().len(), 1);
}
