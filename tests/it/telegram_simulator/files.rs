//! Files go both ways, within Telegram's limits.

use magpie_tests::telegram::{
    ChatKind, Fault, FileBytes, Gate, Media, MediaKind, Settings, TelegramSim, World,
};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::Scene;

/// A picture of one pixel.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

const MEBIBYTE: u64 = 1024 * 1024;

async fn upload(scene: &Scene, method: &str, (field, bytes): (&'static str, Vec<u8>)) -> Value {
    let form = Form::new()
        .text("chat_id", scene.small.private.to_string())
        .text(field, "attach://thing")
        .part("thing", Part::bytes(bytes).file_name("thing.bin"));
    let sent = scene.http.post(scene.method(method)).multipart(form).send().await;
    sent.expect("the simulator answers").json().await.expect("answers are JSON")
}

#[tokio::test]
async fn uploads_keep_their_bytes_and_have_limits() {
    let scene = Scene::new().await;
    let sent = upload(&scene, "sendDocument", ("document", b"words".to_vec())).await;
    let id = sent["result"]["message_id"].as_i64().expect("it was sent");
    assert_eq!(scene.sim.bytes_of(scene.small.private, id).as_deref(), Some(b"words".as_slice()));
    let photo = upload(&scene, "sendPhoto", ("photo", b"no picture".to_vec())).await;
    assert_eq!(photo["description"], "Bad Request: IMAGE_PROCESS_FAILED");
    let voice = upload(&scene, "sendVoice", ("voice", b"RIFFnoise".to_vec())).await;
    assert!(voice["result"].get("voice").is_none() && voice["result"].get("document").is_some(), "{voice}");
    scene.sim.settings(|settings| (settings.upload_bytes_max, settings.photo_bytes_max) = (1000, 100));
    let large = upload(&scene, "sendDocument", ("document", vec![1; 1001])).await;
    assert_eq!(
        (&large["error_code"], &large["description"]),
        (&json!(413), &json!("Request Entity Too Large"))
    );
    let large = upload(&scene, "sendPhoto", ("photo", [PNG, &[1; 100]].concat())).await;
    assert!(large["description"].to_string().contains("is too big for a photo"), "{large}");
    scene.should_be_honest("uploads_keep_their_bytes_and_have_limits");
}

#[tokio::test]
async fn downloads_have_a_limit_and_paths_expire() {
    let mut scene = Scene::new().await;
    let (chat, alice) = (scene.small.supergroup, scene.small.alice);
    let mut send = async |size: u64| {
        let file = scene.sim.file("f.bin", "application/octet-stream", FileBytes::Made { size, byte: 9 });
        let media = Media::new(MediaKind::Document, &file);
        scene.sim.person_sends_media(chat, alice, &media);
        (file, scene.update("message").await["document"]["file_id"].clone())
    };
    let (_, huge) = send(21 * MEBIBYTE).await;
    let (unique, good) = send(20 * MEBIBYTE).await;
    let refused = scene.refused("getFile", json!({"file_id": huge})).await;
    assert_eq!(refused, "Bad Request: file is too big");
    let path = async |scene: &Scene| {
        let got = scene.call("getFile", json!({"file_id": good})).await;
        let path = got["file_path"].as_str().expect("it has a path").to_owned();
        format!("{}/file/bot{}/{path}", scene.sim.url(), scene.sim.token())
    };
    let first = path(&scene).await;
    let loaded =
        scene.http.get(&first).send().await.expect("it answers").bytes().await.expect("it has an end");
    assert_eq!((loaded.len() as u64, loaded.iter().all(|byte| *byte == 9)), (20 * MEBIBYTE, true));
    scene.sim.file_paths_expire();
    assert_eq!(scene.http.get(&first).send().await.expect("it answers").status(), 404);
    let second = path(&scene).await;
    assert_eq!(scene.http.get(&second).send().await.expect("it answers").status(), 200);
    scene.sim.file_goes(&unique);
    let refused = scene.refused("getFile", json!({"file_id": good})).await;
    assert_eq!(refused, "Bad Request: wrong file_id or the file is temporarily unavailable");
    scene.sim.settings(|settings| *settings = Settings::self_hosted());
    scene.call("getFile", json!({"file_id": huge})).await;
    scene.should_be_honest("downloads_have_a_limit_and_paths_expire");
}

#[tokio::test]
async fn a_slow_file_ends_when_it_is_let_go() {
    let mut scene = Scene::new().await;
    let file = scene.sim.file("f.bin", "text/plain", FileBytes::Kept(b"slow words".as_slice().into()));
    let media = Media::new(MediaKind::Document, &file).with_caption("slow");
    scene.sim.person_sends_media(scene.small.private, scene.small.alice, &media);
    let heard = scene.update("message").await;
    assert_eq!((&heard["caption"], &heard["document"]["file_name"]), (&json!("slow"), &json!("f.bin")));
    let got = scene.call("getFile", json!({"file_id": heard["document"]["file_id"]})).await;
    let gate = Gate::default();
    scene.sim.fault("file", Fault::HoldAfter(gate.clone()));
    let path = got["file_path"].as_str().expect("it has a path");
    let url = format!("{}/file/bot{}/{path}", scene.sim.url(), scene.sim.token());
    let mut loading = scene.http.get(url).send().await.expect("it answers");
    assert_eq!(loading.chunk().await.expect("it comes").as_deref(), Some(b"slow ".as_slice()));
    gate.release();
    assert_eq!(loading.chunk().await.expect("it comes").as_deref(), Some(b"words".as_slice()));
    scene.should_be_honest("a_slow_file_ends_when_it_is_let_go");
}

#[tokio::test]
async fn an_album_is_one_group_and_comes_in_order() {
    let mut scene = Scene::new().await;
    let file = scene.sim.file("p.png", "image/png", FileBytes::Kept(PNG.into()));
    let part = Media::new(MediaKind::Photo, &file);
    let parts = [part.clone().with_caption("all"), part.clone(), part];
    scene.sim.person_sends_album(scene.small.group, scene.small.alice, &parts);
    let got = scene.updates().await;
    let groups: Vec<_> = got.iter().map(|it| it["message"]["media_group_id"].as_str()).collect();
    assert_eq!(groups.len(), 3);
    assert!(groups[0].is_some() && groups.iter().all(|group| *group == groups[0]), "{groups:?}");
    assert_eq!(got[0]["message"]["caption"], "all");
    scene.should_be_honest("an_album_is_one_group_and_comes_in_order");
}

#[tokio::test]
async fn a_file_id_is_good_for_its_own_bot_only() {
    let mut world = World::new();
    let (one, two, alice) = (world.bot("One", "one_bot"), world.bot("Two", "two_bot"), world.person("Alice"));
    let group = world.chat(ChatKind::Group, "Nest", alice);
    for bot in [one, two] {
        world.member(group, bot);
    }
    let sim = TelegramSim::start(world).await.expect("a port is free");
    let file = sim.file("n.txt", "text/plain", FileBytes::Kept(b"note".as_slice().into()));
    let id = sim.person_sends_media(group, alice, &Media::new(MediaKind::Document, &file));
    let seen = |bot| sim.message_json(group, id, bot).expect("it is there")["document"].clone();
    assert_eq!(seen(one)["file_unique_id"], seen(two)["file_unique_id"]);
    assert_ne!(seen(one)["file_id"], seen(two)["file_id"]);
    let http = reqwest::Client::new();
    for (given, answered) in [(one, true), (two, false)] {
        let url = format!("{}/bot{}/getFile", sim.url(), sim.token_of(one));
        let asked = http.post(url).json(&json!({"file_id": seen(given)["file_id"]})).send().await;
        let got: Value = asked.expect("it answers").json().await.expect("answers are JSON");
        assert_eq!(got["ok"], answered, "{got}");
    }
}

#[tokio::test]
async fn a_file_is_sent_again_by_its_id() {
    let mut scene = Scene::new().await;
    let file = scene.sim.file("s.webp", "image/webp", FileBytes::Kept(b"RIFF1234WEBP".as_slice().into()));
    let media =
        Media::new(MediaKind::Sticker, &file).with_details(json!({"emoji": "🐦", "set_name": "birds"}));
    scene.sim.person_sends_media(scene.small.private, scene.small.alice, &media);
    let heard = scene.update("message").await["sticker"].clone();
    assert_eq!((&heard["emoji"], &heard["set_name"]), (&json!("🐦"), &json!("birds")));
    let again = json!({"chat_id": scene.small.group, "sticker": heard["file_id"]});
    let sent = scene.call("sendSticker", again).await;
    assert_eq!(sent["sticker"]["file_unique_id"], json!(file));
    assert_eq!(sent["sticker"]["set_name"], "birds");
    let wrong = json!({"chat_id": scene.small.group, "sticker": "nonsense"});
    let refused = scene.refused("sendSticker", wrong).await;
    assert_eq!(refused, "Bad Request: wrong file identifier/HTTP URL specified");
    scene.should_be_honest("a_file_is_sent_again_by_its_id");
}
