//! Files of every kind, both ways, whole: small ones inside of what is told, large ones under an id that the gateway keeps.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        Fault, FaultKind, JUDGE,
        content::{FileKind, file, file_at, text},
    },
};
use ruma::OwnedMxcUri;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::chat::{Chat, PIXEL};

/// Above this size gateways tell only where a file is.
const INSIDE_BYTES_MAX: usize = 20 * 1024;
/// A moving picture that does not move (GIF).
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// So much does not fit into one message of gRPC, either.
const LARGE_BYTES: usize = 5 * 1024 * 1024;

impl Chat {
    /// The bytes behind an event, as the homeserver has them.
    fn bytes_of(&self, event: &FakeEvent) -> Vec<u8> {
        let uri: OwnedMxcUri = event.content()["url"].as_str().unwrap_or_default().into();
        self.homeserver().media(&uri).expect("the file is there").bytes.to_vec()
    }

    /// Sends a file from the room; gives what has come of it at the gateway.
    async fn posts(&self, event_type: &str, bytes: Vec<u8>, mut content: Value) -> anyhow::Result<Value> {
        let mime = content["info"]["mimetype"].as_str().unwrap_or_default().to_owned();
        content["url"] = json!(self.homeserver().put_media(&mime, bytes));
        self.admin.sends_content(&self.room, event_type, &content);
        self.gateway().expect_sent("file", |event| event["to"] == self.conversation).await
    }
}

/// A file of that size that is no other one.
fn bytes(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn content(kind: &str, name: &str, mime: &str) -> Value {
    json!({"msgtype": kind, "body": name, "filename": name, "info": {"mimetype": mime}})
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_of_every_kind_come_whole() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let large = bytes(INSIDE_BYTES_MAX + 1);
    let cases: [(FileKind, &str, &[u8], &str); 5] = [
        (FileKind::Image, "bird.png", PIXEL, "m.image"),
        (FileKind::Video, "film.mp4", b"a film", "m.video"),
        (FileKind::Attachment, "paper.pdf", b"a paper", "m.file"),
        (FileKind::Attachment, "book.pdf", &large, "m.file"),
        (FileKind::Emoticon, "wink.gif", GIF, "m.sticker"),
    ];
    for (kind, name, bytes, shown) in cases {
        chat.li_says(file(kind, name, bytes)).await?;
        let is_it = |event: &FakeEvent| {
            let found = event.content();
            let is_kind = found["msgtype"] == shown || event.event_type == shown;
            is_kind && found["body"] == name
        };
        let event = chat.event(is_it).await;
        assert_eq!(chat.bytes_of(&event), bytes, "{name} is whole");
    }
    // Speech that nobody can convert is there all the same.
    chat.li_says(file(FileKind::Audio, "speech.sil", b"\x02#!SILK_V3 no speech")).await?;
    let is_sound =
        |event: &FakeEvent| matches!(event.content()["msgtype"].as_str(), Some("m.audio" | "m.file"));
    let sounds =
        |event: &FakeEvent| is_sound(event) && event.body() != "paper.pdf" && event.body() != "book.pdf";
    let event = chat.event(sounds).await;
    assert!(!chat.bytes_of(&event).is_empty());
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_of_every_kind_go_whole() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    for (event_type, content, bytes) in [
        ("m.room.message", content("m.image", "bird.png", "image/png"), PIXEL.to_vec()),
        ("m.room.message", content("m.video", "film.mp4", "video/mp4"), b"a film".to_vec()),
        ("m.room.message", content("m.audio", "song.mp3", "audio/mpeg"), b"a song".to_vec()),
        ("m.room.message", content("m.file", "paper.pdf", "application/pdf"), bytes(INSIDE_BYTES_MAX)),
        ("m.room.message", content("m.file", "book.pdf", "application/pdf"), bytes(INSIDE_BYTES_MAX + 1)),
        ("m.room.message", content("m.file", "shelf.pdf", "application/pdf"), bytes(LARGE_BYTES)),
        ("m.sticker", json!({"body": "magpie", "info": {"mimetype": "image/gif"}}), GIF.to_vec()),
    ] {
        let name = content["filename"].clone();
        let sent = chat.posts(event_type, bytes.clone(), content).await?;
        assert_eq!(sent["sha256"], json!(sha256(&bytes)), "{sent}");
        assert!(name.is_null() || sent["name"] == name, "{sent}");
        let is_uploaded = sent["boxType"] == 7;
        assert_eq!(is_uploaded, bytes.len() > INSIDE_BYTES_MAX, "{sent}");
    }
    // Words beside a file go before it or after it, and are not lost.
    let mut captioned = content("m.image", "nest.png", "image/png");
    captioned["body"] = json!("a nest");
    chat.posts("m.room.message", PIXEL.to_vec(), captioned).await?;
    chat.gateway().expect_text(chat.conversation, "a nest").await?;
    // What comes back of all of this is nobody's new message.
    chat.li_says(text("The last word.")).await?;
    chat.hears("The last word.").await;
    assert_eq!(chat.count("a nest"), 1, "only the picture bears it");
    let pictures = chat
        .homeserver()
        .events(&chat.room)
        .into_iter()
        .filter(|event| event.content()["msgtype"] == "m.image");
    assert_eq!(pictures.count(), 2, "only those of the admin");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_file_that_cannot_be_had_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    // There is none: the gateway says so each time.
    chat.li_says(json!({"type": 1, "filename": "gone.pdf"})).await?;
    chat.hears("gone.pdf").await;
    // It is asked for again where that can help.
    chat.gateway().fault(Fault { call: "messageFile", kind: FaultKind::CutBefore }).await?;
    chat.li_says(file(FileKind::Attachment, "there.pdf", b"after all")).await?;
    let event =
        chat.event(|event| event.body() == "there.pdf" && event.content()["msgtype"] == "m.file").await;
    assert_eq!(chat.bytes_of(&event), b"after all");
    chat.says("And words go on.").await?;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_picture_with_a_long_form_of_wechats_comes() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    // More than one message of gRPC has where nobody says otherwise.
    let mut picture = file(FileKind::Image, "long.png", PIXEL);
    picture["text"] = json!("x".repeat(LARGE_BYTES));
    chat.li_says(picture).await?;
    let event = chat.event(|event| event.body() == "long.png").await;
    assert_eq!(chat.bytes_of(&event), PIXEL);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_file_is_not_fetched_from_wherever_a_message_says() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    // Another program on the gateway's own machine.
    let hidden = std::net::TcpListener::bind("127.0.0.1:0")?;
    hidden.set_nonblocking(true)?;
    for host in ["127.0.0.1", "localhost"] {
        let name = format!("secret of {host}.pdf");
        let address = format!("http://{host}:{}/secret", hidden.local_addr()?.port());
        chat.li_says(file_at(FileKind::Attachment, &name, &address)).await?;
        let told = chat.hears(&name).await;
        assert_ne!(told.content()["msgtype"], "m.file", "{}", told.body());
    }
    assert!(hidden.accept().is_err(), "nobody asked there");
    chat.says("And words go on.").await?;
    chat.end().await
}
