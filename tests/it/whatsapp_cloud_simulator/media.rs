//! Files in both directions: two steps, addresses for minutes, ids for days.

use magpie_tests::whatsapp_cloud::{ADDRESS_LIFE_MS, RECEIVED_LIFE_MS, SentFile, UPLOAD_LIFE_MS};
use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{Scene, answer, code};

impl Scene {
    async fn uploads(&self, mime: &str, bytes: &[u8]) -> (StatusCode, Value) {
        let file = Part::bytes(bytes.to_vec()).file_name("bird.png").mime_str(mime).expect("it is a type");
        let form = Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime.to_owned())
            .part("file", file);
        answer(self.request(Method::POST, &format!("/{}/media", self.small.number)).multipart(form)).await
    }

    async fn downloads(&self, url: &str) -> (StatusCode, Vec<u8>) {
        let request = self.http.get(url).bearer_auth(self.sim.secrets().token);
        let response = request.send().await.expect("the simulator answers");
        (response.status(), response.bytes().await.expect("it has an end").to_vec())
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is text").to_owned()
}

#[tokio::test]
async fn a_file_goes_up_and_to_a_person() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    let (status, up) = scene.uploads("image/png", b"a picture").await;
    assert_eq!(status, 200, "{up}");
    let id = text(&up["id"]);
    let (status, sent) =
        scene.sends(json!({"type": "image", "image": {"id": id, "caption": "A bird"}})).await;
    assert_eq!(status, 200, "{sent}");
    let stored = scene.sim.media(&id).expect("it is there");
    assert_eq!(
        (stored.mime.as_str(), &stored.bytes[..], stored.filename.as_deref()),
        ("image/png", &b"a picture"[..], Some("bird.png"))
    );
    for (kind, wanted) in [("video", 131_053), ("sticker", 131_053), ("document", 0)] {
        assert_eq!(code(&scene.sends(json!({"type": kind, kind: {"id": id}})).await.1), wanted, "{kind}");
    }
    let (_, found) = scene.get(&format!("/{id}?phone_number_id={}", scene.small.number)).await;
    assert_eq!((&found["file_size"], &found["mime_type"]), (&json!(9), &json!("image/png")));
    assert_eq!(scene.downloads(&text(&found["url"])).await, (StatusCode::OK, b"a picture".to_vec()));
    assert_eq!(answer(scene.request(Method::DELETE, &format!("/{id}"))).await.1, json!({"success": true}));
    assert_eq!(code(&scene.get(&format!("/{id}")).await.1), 100);
    scene.should_be_honest("a_file_goes_up_and_to_a_person");
}

#[tokio::test]
async fn addresses_end_before_ids_do() {
    let (scene, listener) = Scene::with_listener().await;
    let file = SentFile::new("image", "image/jpeg", b"a photo").caption("Look");
    scene.sim.person_sends_file(scene.alice(), file);
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let image = listener.messages()[0]["image"].clone();
    assert_eq!(
        (&image["caption"], &image["sha256"]),
        (&json!("Look"), &json!("1OJNdJpP4vFhry3pE8BAKwTjrih9r9D52/pKXFbGkoU="))
    );
    let path = format!("/{}", text(&image["id"]));
    let url = text(&scene.get(&path).await.1["url"]);
    scene.sim.advance_ms(ADDRESS_LIFE_MS - 1);
    assert_eq!(scene.downloads(&url).await, (StatusCode::OK, b"a photo".to_vec()));
    scene.sim.advance_ms(1);
    assert_eq!(scene.downloads(&url).await.0, 404);
    let again = text(&scene.get(&path).await.1["url"]);
    assert_eq!(scene.downloads(&again).await.0, 200);
    assert_eq!(scene.downloads(&again.replace("hash=", "hash=0")).await.0, 404, "addresses are signed");
    let without_token = scene.http.get(&again).send().await.expect("it answers");
    assert_eq!(without_token.status(), 401);
    scene.sim.advance_ms(RECEIVED_LIFE_MS - ADDRESS_LIFE_MS);
    assert_eq!(scene.get(&path).await.0, 400, "it is forgotten");
    scene.should_be_honest("addresses_end_before_ids_do");
}

#[tokio::test]
async fn uploads_have_limits_and_an_end() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    assert_eq!(code(&scene.uploads("image/gif", b"moving").await.1), 100);
    assert_eq!(code(&scene.uploads("image/png", &vec![0; 5 * 1024 * 1024 + 1]).await.1), 131_053);
    let form = Form::new().text("type", "image/png").part("file", Part::bytes(vec![1]));
    let (_, refused) =
        answer(scene.request(Method::POST, &format!("/{}/media", scene.small.number)).multipart(form)).await;
    assert_eq!(refused["error"]["message"], "(#100) The parameter messaging_product is required.");
    let id = text(&scene.uploads("audio/ogg; codecs=opus", b"a voice").await.1["id"]);
    assert_eq!(code(&scene.sends(json!({"type": "audio", "audio": {"id": id, "voice": true}})).await.1), 0);
    scene.sim.advance_ms(UPLOAD_LIFE_MS);
    scene.sim.person_says(scene.alice(), "Still there?");
    assert_eq!(code(&scene.sends(json!({"type": "audio", "audio": {"id": id}})).await.1), 131_053);
    let fresh = text(&scene.uploads("application/pdf", b"a page").await.1["id"]);
    scene.sim.media_expires(&fresh);
    assert_eq!(scene.get(&format!("/{fresh}")).await.0, 400);
    scene.should_be_honest("uploads_have_limits_and_an_end");
}
