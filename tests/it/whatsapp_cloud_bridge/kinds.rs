//! Everything that a person can send, as it arrives.

use futures_util::StreamExt;
use magpie_common::{
    message::{AttachmentKind, FileSource, RemoteEvent, Tone},
    platform::Session,
};
use magpie_tests::whatsapp_cloud::SentFile;
use serde_json::json;

use super::Stage;

async fn fetched(session: &dyn Session, source: &FileSource) -> (Option<String>, Vec<u8>) {
    let FileSource::Remote(file) = source else { panic!("it is a file of WhatsApp's") };
    let mut download = session.download(file).await.expect("the file is there");
    let mut bytes = Vec::new();
    while let Some(piece) = download.stream.next().await {
        bytes.extend_from_slice(&piece.expect("it does not break off"));
    }
    (download.mime, bytes)
}

#[tokio::test]
async fn words_of_every_kind_arrive() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    let sim = &stage.sim;
    let first = sim.person_says(chat, "*hello* you");
    let hello = stage.arrived("hello you").await;
    assert_eq!((hello.chat.clone(), hello.id.as_str()), (stage.alice(), &*first));
    assert_eq!(hello.sender.ids.primary, stage.user(chat));
    assert_eq!(hello.sender.name.as_deref(), Some("Alice"));

    sim.person_replies(chat, &first, "an answer");
    assert_eq!(
        stage.arrived("an answer").await.message.reply_to.as_ref().map(|id| id.as_str()),
        Some(&*first)
    );
    sim.person_forwards(chat, "a rumor", 9);
    assert!(stage.arrived("a rumor").await.message.text.to_plain().starts_with("Forwarded many times"));
    sim.person_comes_from_ad(chat, "what is this?", json!({
        "source_url": "https://example.org/ad", "source_id": "1", "source_type": "ad", "headline": "Birds!", "body": "All of them",
        "media_type": "image", "image_url": "https://example.org/ad.jpg", "ctwa_clid": "x"
    }));
    assert!(stage.arrived("what is this?").await.message.text.to_plain().contains("Came from “Birds!”"));
    sim.person_asks_about(chat, "how much?", ("7", "seed"));
    assert!(stage.arrived("how much?").await.message.text.to_plain().contains("About the product seed"));
    sim.person_shares_location(
        chat,
        json!({"latitude": 53.5, "longitude": 10.0, "name": "Home", "address": "Here 1"}),
    );
    stage.arrived("📍 Home, Here 1").await;
    sim.person_shares_contacts(chat, json!([{
        "name": {"formatted_name": "Carol", "first_name": "Carol"}, "phones": [{"phone": "+1 650", "wa_id": "1650", "type": "HOME"}]
    }]));
    stage.arrived("👤 Carol\n+1 650 (home)").await;
    sim.person_orders(
        chat,
        json!({"catalog_id": "7", "text": "soon please", "product_items": [
            {"product_retailer_id": "seed", "quantity": 2, "item_price": 3.5, "currency": "EUR"}
        ]}),
    );
    stage.arrived("🛒 Order\n- 2 × seed").await;
    sim.person_sends_unsupported(chat);
    assert_eq!(stage.arrived("only the WhatsApp app can show").await.message.tone, Tone::Notice);
    sim.person_opens_chat(chat);
    stage.arrived("Opened the chat").await;
    session.close().await;
}

#[tokio::test]
async fn files_of_every_kind_arrive_whole() {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.small.with_alice();
    for (nth, (kind, file)) in [
        (Image, SentFile::new("image", "image/jpeg", b"a picture").caption("see *this*")),
        (Video, SentFile::new("video", "video/mp4", b"a film")),
        (Voice, SentFile::voice(b"some words")),
        (Audio, SentFile::new("audio", "audio/mpeg", b"a song")),
        (Sticker, SentFile::new("sticker", "image/webp", b"a sticker")),
        (File, SentFile::new("document", "application/pdf", b"a paper").filename("paper.pdf")),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = file.bytes.clone();
        stage.sim.person_sends_file(chat, file);
        let arrived =
            stage.recorder.wait_for("a file", |recorder| recorder.messages().get(nth).cloned()).await;
        let [attachment] = arrived.message.attachments.as_slice() else { panic!("{kind:?} has no file") };
        assert_eq!(attachment.kind, kind);
        let (_, found) = fetched(&*session, &attachment.source).await;
        assert_eq!(found, bytes, "{kind:?}");
    }
    assert_eq!(stage.recorder.messages()[0].message.text.to_plain(), "see this");

    // WhatsApp keeps files for some days only.
    let [attachment] = &stage.recorder.messages()[0].message.attachments[..] else { panic!("it has a file") };
    let FileSource::Remote(file) = &attachment.source else { panic!("it is WhatsApp's") };
    stage.sim.media_expires(file.as_str().trim_start_matches("media/"));
    let error = session.download(file).await.expect_err("it is gone");
    assert!(error.to_string().contains("send it again"), "{error}");
    session.close().await;
    stage.should_be_honest("files_of_every_kind_arrive_whole");
}

#[tokio::test]
async fn what_the_owner_writes_on_the_phone_is_ours() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_says(stage.small.with_alice(), "hello");
    stage.arrived("hello").await;
    stage.sim.owner_says(stage.small.with_alice(), "from the phone");
    let echo = stage.arrived("from the phone").await;
    assert_eq!((echo.chat, echo.sender.ids.primary), (stage.alice(), session.me()));
    session.close().await;
    stage.should_be_honest("what_the_owner_writes_on_the_phone_is_ours");
}

#[tokio::test]
async fn what_nobody_understands_is_kept() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let post = magpie_tests::whatsapp_cloud::Post::new("hologram", json!({"shape": "a bird"}));
    stage.sim.person_posts(stage.small.with_alice(), post);
    let raw = stage
        .happened("an unknown message", |event| match event {
            RemoteEvent::Unknown { chat: Some(chat), name, raw }
                if name == "hologram" && chat == stage.alice() =>
            {
                Some(raw)
            }
            _ => None,
        })
        .await;
    assert!(raw.contains("a bird"));
    stage.sim.tells(stage.small.number, "new_field", json!({
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": stage.small.number.to_string()}
    }));
    stage
        .happened("an unknown field", |event| match event {
            RemoteEvent::Unknown { chat: None, name, .. } if name == "new_field" => Some(()),
            _ => None,
        })
        .await;
    session.close().await;
}
