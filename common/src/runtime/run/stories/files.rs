//! Files, stickers and custom emoji, from both sides.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

use super::*;
use crate::{
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, Emoji, FileSource, LOTTIE_TYPE, Message, Node, RichText},
    testkit::fake_network::FILE_BYTES_MAX,
};

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

fn attachment(kind: AttachmentKind, id: &RemoteFileId, name: &str) -> Attachment {
    Attachment { id: Some(id.clone()), ..Attachment::new(kind, FileSource::Remote(id.clone()), name) }
}

impl Stage {
    /// Somebody on the network sends files with words.
    async fn sends_files(&self, text: &str, attachments: Vec<Attachment>) -> RemoteMessage {
        let mut message = self.network.message(&self.chat, "carol", text);
        message.message.attachments = attachments;
        self.network.pushes(RemoteEvent::Message(message.clone())).await;
        message
    }
}

#[tokio::test]
async fn pictures_come_with_all_that_is_known_of_them_and_are_moved_once() {
    let stage = Stage::set("pictures").await;
    let (room, _) = stage.room().await;
    let large = stage.network.add_file("large", png(1_000, 500));
    let same = stage.network.add_file("same", png(1_000, 500));
    let picture = |id| Attachment { spoiler: true, ..attachment(AttachmentKind::Image, id, "a.png") };
    stage.sends_files("look", vec![picture(&large)]).await;
    let content = stage.fake.wait_for_body(&room, "look").await.content();
    assert_eq!((&content["msgtype"], &content["filename"]), (&json!("m.image"), &json!("a.png")));
    assert_eq!(content["page.codeberg.everypizza.msc4193.spoiler"], true);
    let info = &content["info"];
    assert_eq!(
        (&info["w"], &info["h"], &info["mimetype"]),
        (&json!(1_000), &json!(500), &json!("image/png"))
    );
    assert_eq!(info["thumbnail_info"]["w"], 800);
    assert!(info["xyz.amorgan.blurhash"].is_string());
    stage.sends_files("the same", vec![picture(&large)]).await;
    stage.sends_files("the same bytes", vec![picture(&same)]).await;
    let again = stage.fake.wait_for_body(&room, "the same bytes").await.content();
    assert_eq!((&again["url"], &again["info"]), (&content["url"], info));
    assert_eq!(stage.network.downloads(), 2);
    // Without words a file goes by its name; several are events of their own.
    let sticker = attachment(AttachmentKind::Sticker, &large, "wave");
    stage.sends_files("both", vec![picture(&large), sticker]).await;
    let event = stage.fake.wait_for(&room, |event| event.event_type == "m.sticker").await;
    assert_eq!((event.body(), &event.content()["url"]), ("wave".to_owned(), &content["url"]));
    stage.wait_until_shown(&room, &["first", "look", "the same", "the same bytes", "both", "a.png"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn what_cannot_be_brought_or_lies_is_shown_for_what_it_is() {
    let stage = Stage::set("hostile_files").await;
    let (room, _) = stage.room().await;
    let page = stage.network.add_file("page", &b"<html><script>alert(1)</script>"[..]);
    let lie = Attachment {
        mime: Some("image/png".to_owned()),
        ..attachment(AttachmentKind::Image, &page, "a.png")
    };
    stage.sends_files("a lie", vec![lie]).await;
    let content = stage.fake.wait_for_body(&room, "a lie").await.content();
    assert_eq!(content["msgtype"], "m.file");
    assert_eq!(content["info"]["mimetype"], "application/octet-stream");
    let mxc = ruma::OwnedMxcUri::from(content["url"].as_str().expect("an address"));
    assert_eq!(stage.fake.media(&mxc).expect("it was moved").mime, "application/octet-stream");
    let vast = stage.network.add_file("vast", &b"not so vast"[..]);
    // A file that claims to be huge is not even asked for; one that is gone holds nobody up for long.
    let huge = Attachment { size_bytes: Some(u64::MAX), ..attachment(AttachmentKind::File, &vast, "huge") };
    let gone = attachment(AttachmentKind::File, &RemoteFileId::new("gone"), "gone");
    let downloads = stage.network.downloads();
    stage.sends_files("too much", vec![huge]).await;
    let wanted = "📎 huge (the file could not be brought here: it is larger than 500 MiB)";
    stage.fake.wait_for(&room, |event| event.body() == format!("too much\n{wanted}")).await;
    assert_eq!(stage.network.downloads(), downloads);
    stage.sends_files("", vec![gone]).await;
    stage.hears(&room, "carol", "after").await;
    let shown = stage.shown(&room);
    assert!(shown[3].starts_with("📎 gone (the file could not be brought here"), "{shown:?}");
    stage.ends().await;
}

#[tokio::test]
async fn a_file_that_the_homeserver_does_not_take_is_not_fetched() {
    let stage = Stage::set("limited_files").await;
    stage.fake.limit_uploads(100_000);
    let (room, _) = stage.room().await;
    let large = stage.network.add_file("large", vec![7; 100_001]);
    let told = Attachment { size_bytes: Some(100_001), ..attachment(AttachmentKind::File, &large, "told") };
    let downloads = stage.network.downloads();
    stage.sends_files("too much", vec![told]).await;
    let why = "it is larger than 97 KiB, and the homeserver takes no more";
    let wanted = format!("too much\n📎 told (the file could not be brought here: {why})");
    stage.fake.wait_for(&room, |event| event.body() == wanted).await;
    assert_eq!(stage.network.downloads(), downloads);
    // One that does not say its size is given up as soon as it is known.
    stage.sends_files("", vec![attachment(AttachmentKind::File, &large, "untold")]).await;
    let wanted = format!("📎 untold (the file could not be brought here: {why})");
    stage.fake.wait_for(&room, |event| event.body() == wanted).await;
    stage.ends().await;
}

#[tokio::test]
async fn a_drawn_sticker_becomes_a_picture_or_keeps_its_name() {
    let stage = Stage::set("drawn_stickers").await;
    let (room, _) = stage.room().await;
    let square = json!([
        {"ty": "rc", "p": {"k": [8, 8]}, "s": {"k": [8, 8]}}, {"ty": "fl", "c": {"k": [1, 0, 0]}},
    ]);
    let drawing = json!({
        "w": 16, "h": 16, "ip": 0, "op": 1, "fr": 1, "layers": [{"ty": 4, "ip": 0, "op": 1, "shapes": square}],
    });
    let drawing = stage.network.add_file("drawing", drawing.to_string().into_bytes());
    let broken = stage.network.add_file("broken", &b"{}"[..]);
    let vast = stage.network.add_file("vast", vec![b' '; 600_000]);
    let drawn = |id, name| Attachment {
        mime: Some(LOTTIE_TYPE.to_owned()),
        ..attachment(AttachmentKind::Sticker, id, name)
    };
    stage.sends_files("", vec![drawn(&drawing, "square")]).await;
    let event = stage.fake.wait_for(&room, |event| event.event_type == "m.sticker").await;
    let (content, info) = (event.content(), &event.content()["info"]);
    assert_eq!((&content["body"], &info["mimetype"]), (&json!("square"), &json!("image/png")));
    assert_eq!((&info["w"], &info["h"]), (&json!(16), &json!(16)));
    let mxc = ruma::OwnedMxcUri::from(content["url"].as_str().expect("an address"));
    let stored = stage.fake.media(&mxc).expect("it was moved");
    assert_eq!((stored.mime.as_str(), &info["size"]), ("image/png", &json!(stored.bytes.len())));
    let picture = image::load_from_memory(&stored.bytes).expect("it is a picture").into_rgba8();
    assert_eq!((picture.get_pixel(8, 8).0, picture.get_pixel(1, 1).0), ([255, 0, 0, 255], [0; 4]));
    // The same drawing is drawn once, and the same file as a file is what it was.
    let downloads = stage.network.downloads();
    stage.sends_files("", vec![drawn(&drawing, "again")]).await;
    let again = stage.fake.wait_for(&room, |event| event.body() == "again").await.content();
    assert_eq!((&again["url"], stage.network.downloads()), (&content["url"], downloads));
    stage.sends_files("", vec![attachment(AttachmentKind::File, &drawing, "file.json")]).await;
    let file = stage.fake.wait_for_body(&room, "file.json").await.content();
    assert_ne!(file["url"], content["url"]);
    for (id, name) in [(&broken, "broken"), (&vast, "vast")] {
        stage.sends_files("", vec![drawn(id, name)]).await;
        stage.fake.wait_for_body(&room, &format!("(sticker “{name}”)")).await;
    }
    stage.ends().await;
}

#[tokio::test]
async fn an_edit_takes_one_file_away_and_adds_another() {
    let stage = Stage::set("edited_files").await;
    let (room, _) = stage.room().await;
    let ids = ["one", "two", "three"].map(|id| stage.network.add_file(id, id.as_bytes().to_vec()));
    let file = |nth: usize| attachment(AttachmentKind::File, &ids[nth], ids[nth].as_str());
    let message = stage.sends_files("words", vec![file(0), file(1)]).await;
    stage.wait_until_shown(&room, &["first", "words", "one", "two"]).await;
    let edited = Message {
        attachments: vec![file(1), file(2)],
        text: RichText::plain("new words"),
        ..Message::default()
    };
    let new = RemoteMessage { message: edited, ..message };
    stage.network.pushes(RemoteEvent::Edit { new, edited_ms: 9 }).await;
    stage.wait_until_shown(&room, &["first", "new words", "two", "three"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn files_go_out_and_large_ones_as_links() {
    let stage = Stage::set("outgoing_files").await;
    let (room, _) = stage.room().await;
    let alice = stage.fake.person("alice");
    let send = |bytes: Vec<u8>, name: &str| {
        let size = bytes.len();
        let mxc = stage.fake.put_media("text/html", bytes);
        let content = json!({
            "msgtype": "m.file", "body": "see", "filename": name, "url": mxc, "info": { "size": size },
        });
        alice.sends_content(&room, "m.room.message", &content)
    };
    send(b"small".to_vec(), "small.txt");
    let said = stage.network.wait_for_texts(&stage.chat, &["see"]).await;
    assert_eq!(said[0].whole.message.attachments[0].name, "small.txt");
    let large: Vec<u8> = (0..=FILE_BYTES_MAX).map(|byte| byte.to_le_bytes()[0]).collect();
    send(large.clone(), "../large \"file\".html");
    let said =
        stage.network.wait_until("the link", |network| network.said(&stage.chat).into_iter().nth(1)).await;
    let is_link = |node: &Node| match node {
        Node::Link { url, .. } => Some(url.clone()),
        _ => None,
    };
    let url = said.whole.message.text.0.iter().find_map(is_link).expect("there is a link");
    assert!(said.whole.message.attachments.is_empty());
    let (head, body) = get(&url).await;
    assert_eq!(body, large);
    assert_eq!(head["content-type"], "application/octet-stream");
    assert_eq!(head["x-content-type-options"], "nosniff");
    assert_eq!(head["content-disposition"], "attachment; filename=\"_large _file_.html\"");
    assert_eq!(get(&url.replace("files/", "files/A")).await.1, b"There is no such file.");
    stage.ends().await;
}

#[tokio::test]
async fn a_custom_emoji_goes_back_as_what_it_was() {
    let stage = Stage::set("custom_emoji").await;
    let (room, _) = stage.room().await;
    let id = stage.network.add_file("emoji/7", png(8, 8));
    let source = FileSource::Remote(id.clone());
    let mut message = stage.network.message(&stage.chat, "carol", "");
    let emoji = Node::CustomEmoji { name: "wave".to_owned(), source: source.clone() };
    message.message.text = RichText(vec![Node::Text("hi ".to_owned()), emoji.clone()]);
    stage.network.pushes(RemoteEvent::Message(message.clone())).await;
    let event = stage.fake.wait_for_body(&room, "hi :wave:").await;
    let html = event.content()["formatted_body"].as_str().unwrap_or_default().to_owned();
    assert!(html.contains("data-mx-emoticon") && html.contains("mxc://"), "{html}");
    let mxc = html.split('"').find(|part| part.starts_with("mxc://")).expect("an address").to_owned();
    let alice = stage.fake.person("alice");
    let content = json!({
        "msgtype": "m.text", "body": ":wave:", "format": "org.matrix.custom.html", "formatted_body": html,
    });
    alice.sends_content(&room, "m.room.message", &content);
    let said = stage
        .network
        .wait_until("it comes back", |network| network.said(&stage.chat).into_iter().next())
        .await;
    assert!(said.whole.message.text.0.contains(&emoji), "{said:?}");
    alice.reacts(&room, &event.event_id, &mxc);
    let reactions =
        stage.network.wait_until("the reaction", |network| network.reactions().into_iter().next()).await;
    assert!(
        matches!(&reactions, (on, Emoji::Custom { source: put, .. }) if *on == message.id && *put == source)
    );
    stage.ends().await;
}

/// Headers and body of an answer.
async fn get(url: &str) -> (http::HeaderMap, Vec<u8>) {
    use http_body_util::BodyExt;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<bytes::Bytes>>();
    let answer = client.get(url.parse().expect("a good address")).await.expect("an answer");
    let (head, body) = answer.into_parts();
    (head.headers, body.collect().await.expect("a whole answer").to_bytes().to_vec())
}
