//! Files of every kind, both ways, whole; what has expired, what may be seen once.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{content::FileKind, faults::MediaRetries, person::bytes},
};
use ruma::OwnedMxcUri;
use serde_json::{Value, json};

use super::{
    Linked, Staged,
    chat::{Chat, PIXEL},
};

/// A sticker of one pixel (WebP).
const WEBP: &[u8] = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";

impl Chat {
    /// The bytes behind an event, as the homeserver has them.
    fn bytes_of(&self, event: &FakeEvent) -> Vec<u8> {
        let uri: OwnedMxcUri = event.content()["url"].as_str().unwrap_or_default().into();
        self.homeserver().media(&uri).expect("the file is there").bytes.to_vec()
    }

    /// Sends a file from the room.
    fn posts(&self, event_type: &str, data: &'static [u8], mut content: Value) {
        let mime = content["info"]["mimetype"].as_str().unwrap_or_default().to_owned();
        content["url"] = json!(self.homeserver().put_media(&mime, data));
        self.admin.sends_content(&self.room, event_type, &content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_of_every_kind_come_whole() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let waveform: Vec<u8> = (0..64).collect();
    let cases: [(Value, &[u8], &str, &str); 7] = [
        (
            json!({"image": bytes(PIXEL), "caption": "see *this*", "mimetype": "image/png"}),
            PIXEL,
            "m.image",
            "see this",
        ),
        (
            json!({"video": bytes(b"a film"), "seconds": 4, "mimetype": "video/mp4"}),
            b"a film",
            "m.video",
            "video.mp4",
        ),
        (
            json!({"video": bytes(b"a loop"), "gifPlayback": true, "mimetype": "video/mp4"}),
            b"a loop",
            "m.video",
            "gif.mp4",
        ),
        (
            json!({"audio": bytes(b"a song"), "seconds": 2, "mimetype": "audio/mpeg"}),
            b"a song",
            "m.audio",
            "audio.mp3",
        ),
        (
            json!({"audio": bytes(b"some words"), "ptt": true, "seconds": 3, "waveform": bytes(&waveform), "mimetype": "audio/ogg; codecs=opus"}),
            b"some words",
            "m.audio",
            "voice.ogg",
        ),
        (
            json!({"document": bytes(b"a paper"), "fileName": "paper.pdf", "mimetype": "application/pdf"}),
            b"a paper",
            "m.file",
            "paper.pdf",
        ),
        (json!({"sticker": bytes(WEBP), "mimetype": "image/webp"}), WEBP, "m.sticker", "sticker.webp"),
    ];
    for (mut content, data, kind, body) in cases {
        content["jpegThumbnail"] = json!("");
        chat.bobs.send(chat.alice(), content).await?;
        let is_it = |event: &FakeEvent| {
            let found = event.content();
            let is_kind = found["msgtype"] == kind || event.event_type == kind;
            is_kind && found["body"] == body
        };
        let event = chat.event(is_it).await;
        assert_eq!(chat.bytes_of(&event), data, "{body}");
        let content = event.content();
        if body == "voice.ogg" {
            assert!(content["org.matrix.msc3245.voice"].is_object(), "{content}");
            let audio = &content["org.matrix.msc1767.audio"];
            assert_eq!((&audio["duration"], &audio["waveform"][63]), (&json!(3_000), &json!(630)));
        }
        if body == "see this" {
            assert_eq!((&content["info"]["w"], &content["filename"]), (&json!(1), &json!("image.png")));
        }
    }
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_an_album_comes_as_its_files() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let bob = &chat.linked.on.bob;
    bob.send(chat.alice(), json!({"albumMessage": {"expectedImageCount": 2}})).await?;
    for caption in ["the first", "the second"] {
        let fields = json!({"caption": caption, "mimetype": "image/png"});
        bob.send_file(chat.alice(), FileKind::Image, PIXEL, fields).await?;
        let event = chat.event(|event| event.body() == caption).await;
        assert_eq!((chat.bytes_of(&event), &event.content()["msgtype"]), (PIXEL.to_vec(), &json!("m.image")));
    }
    assert_eq!(chat.homeserver().messages(&chat.room).len(), 3);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_of_every_kind_go_whole() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let file = |kind: &str, name: &str, mime: &str| json!({"msgtype": kind, "body": name, "filename": name, "info": {"mimetype": mime}});
    let mut picture = file("m.image", "bird.png", "image/png");
    picture["body"] = json!("a bird");
    let mut voice = file("m.audio", "voice.ogg", "audio/ogg");
    voice["org.matrix.msc3245.voice"] = json!({});
    voice["org.matrix.msc1767.audio"] = json!({"duration": 3_000, "waveform": vec![512; 100]});
    let mut sticker = file("m.sticker", "magpie", "image/webp");
    sticker.as_object_mut().expect("it is an object").remove("msgtype");
    let cases: [(&str, Value, &'static [u8], FileKind); 6] = [
        ("m.room.message", picture, PIXEL, FileKind::Image),
        ("m.room.message", file("m.video", "film.mp4", "video/mp4"), b"a film", FileKind::Video),
        ("m.room.message", file("m.audio", "song.mp3", "audio/mpeg"), b"a song", FileKind::Audio),
        ("m.room.message", voice, b"OggS some words", FileKind::Audio),
        ("m.room.message", file("m.file", "paper.pdf", "application/pdf"), b"a paper", FileKind::Document),
        ("m.sticker", sticker, b"a sticker", FileKind::Sticker),
    ];
    for (event_type, content, data, kind) in cases {
        chat.posts(event_type, data, content.clone());
        let heard = chat.bob_gets(|event| event["kind"] == kind.part()).await?;
        let id = heard["id"].as_str().unwrap_or_default();
        assert_eq!(chat.bobs.download(id).await?, data, "{content}");
        let part = &heard["message"][kind.part()];
        match content["filename"].as_str().unwrap_or_default() {
            "bird.png" => assert_eq!(heard["text"], "a bird"),
            "voice.ogg" => {
                assert_eq!((&part["ptt"], &part["seconds"]), (&json!(true), &json!(3)), "{part}");
                assert_eq!(part["mimetype"], "audio/ogg; codecs=opus");
                assert!(part["waveform"].as_str().is_some_and(|points| points.len() > 80), "{part}");
            }
            "paper.pdf" => assert_eq!(part["fileName"], "paper.pdf"),
            _ => {}
        }
    }
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_that_have_expired_come_back_from_the_phone() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let alice = &chat.linked.on.alice;
    // Held back until WhatsApp has deleted the file: the phone has read the message and still has it.
    let document =
        |name: &str| json!({"document": bytes(b"long ago"), "mimetype": "text/plain", "fileName": name});
    let expired = async |name: &str| {
        chat.sim().hold(&chat.linked.device, true).await?;
        let id = chat.bobs.send(chat.alice(), document(name)).await?;
        alice.expect(&id).await?;
        chat.sim().expire_media().await?;
        chat.sim().hold(&chat.linked.device, false).await
    };
    expired("a.txt").await?;
    let event = chat.event(|event| event.content()["msgtype"] == "m.file").await;
    assert_eq!(chat.bytes_of(&event), b"long ago");
    // The phone does not have it any more: the room says so.
    alice.set_media_retries(MediaRetries::Refuse).await?;
    expired("b.txt").await?;
    let words = chat.hears("b.txt").await.body();
    assert!(words.contains("your phone did not send it again"), "{words}");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_may_be_seen_once_comes_where_that_is_wanted() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let once =
        || json!({"image": bytes(PIXEL), "viewOnce": true, "mimetype": "image/png", "jpegThumbnail": ""});
    let chat = Chat::begin().await?;
    chat.bobs.send(chat.alice(), once()).await?;
    let event = chat.event(|event| event.content()["msgtype"] == "m.image").await;
    assert_eq!(chat.bytes_of(&event), PIXEL);
    chat.end().await?;

    let mut staged = Staged::start().await?;
    let lines = format!(
        "{}linked_view_once: false\n",
        magpie_tests::whatsapp_linked::staged::platform_section(&staged.sim)
    );
    staged.stage.set_platform(lines);
    assert!(staged.bridge.stop().await?.success());
    staged.bridge = staged.stage.start().await?;
    let chat = Chat::of(Linked::of(staged).await?).await?;
    chat.bobs.send(chat.alice(), once()).await?;
    assert_eq!(chat.hears("may be seen once").await.content()["msgtype"], "m.notice");
    chat.end().await
}
