//! Files come in, are given out under addresses that expire, and are refused when they are too large.

use magpie_tests::discord::{FileBytes, cdn};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

use super::{Scene, answer};

fn form(json: &Value, files: Vec<(&'static str, Vec<u8>)>) -> multipart::Form {
    let text = multipart::Part::text(json.to_string()).mime_str("application/json").expect("a good type");
    let form = multipart::Form::new().part("payload_json", text);
    (0..).zip(files).fold(form, |form, (nth, (name, bytes))| {
        form.part(format!("files[{nth}]"), multipart::Part::bytes(bytes).file_name(name))
    })
}

#[tokio::test]
async fn files_come_in_and_go_out_until_their_address_expires() {
    let scene = Scene::new().await;
    let general = scene.small.general;
    let path = format!("/channels/{general}/messages");
    let picture = cdn::picture("a");
    let body = json!({"content": "look", "attachments": [{"id": 0, "filename": "a.png"}]});
    let request = scene.request(Method::POST, &path);
    let (status, sent) = answer(request.multipart(form(&body, vec![("a.png", picture.clone())]))).await;
    assert_eq!(status.as_u16(), 200, "{sent}");
    let attachment = &sent["attachments"][0];
    assert_eq!((&attachment["width"], &attachment["size"]), (&json!(16), &json!(picture.len())));
    let url = attachment["url"].as_str().expect("it has an address").to_owned();
    let read = async |url: &str| scene.http.get(url).send().await.expect("the CDN answers");
    assert_eq!(read(&url).await.bytes().await.expect("it has bytes"), picture);
    assert_eq!(read(&url.replace("hm=", "hm=0")).await.status().as_u16(), 404);
    scene.sim.file_addresses_expire();
    assert_eq!(read(&url).await.status().as_u16(), 404);
    // An edit names the files that stay.
    let id = sent["id"].as_str().expect("it has an id");
    let (_, edited) = scene
        .send(Method::PATCH, &format!("{path}/{id}"), json!({"content": "see", "attachments": []}))
        .await;
    assert_eq!(edited["attachments"], json!([]));
    scene.should_be_honest("files_come_in_and_go_out_until_their_address_expires");
}

#[tokio::test]
async fn large_files_are_refused_and_never_held() {
    let scene = Scene::new().await;
    let general = scene.small.general;
    let path = format!("/channels/{general}/messages");
    let large = || form(&json!({"content": ""}), vec![("large.bin", vec![7; 11 * 1024 * 1024])]);
    let (status, refused) = answer(scene.request(Method::POST, &path).multipart(large())).await;
    assert_eq!((status.as_u16(), &refused["code"]), (413, &json!(40_005)));
    scene.sim.takes_files_of(1024 * 1024 * 1024);
    let (status, _) = answer(scene.request(Method::POST, &path).multipart(large())).await;
    assert_eq!(status.as_u16(), 200);
    let stands = scene.sim.messages(general).pop().expect("it stands");
    assert!(matches!(&stands.files[0].bytes, FileBytes::Counted { size, .. } if *size == 11 * 1024 * 1024));
    // A file of a person can be of any size.
    let made =
        scene.sim.file("made.bin", "application/octet-stream", FileBytes::Made { size: 100_000, byte: 3 });
    scene.sim.person_sends_files(general, scene.small.alice, "", vec![made]);
    let (_, all) = scene.get(&path).await;
    let url = all[0]["attachments"][0]["url"].as_str().expect("it has an address");
    let bytes =
        scene.http.get(url).send().await.expect("the CDN answers").bytes().await.expect("it has bytes");
    assert!(bytes.len() == 100_000 && bytes.iter().all(|byte| *byte == 3));
    scene.should_be_honest("large_files_are_refused_and_never_held");
}
