//! What is converted on its way, by a program that stands for ffmpeg.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

use super::*;
use crate::message::{Attachment, AttachmentKind, FileSource, RemoteEvent};

#[tokio::test]
async fn speech_goes_in_the_type_that_the_network_takes_or_as_sound() {
    let stage = Stage::set("speech").await;
    let (room, _) = stage.room().await;
    let alice = stage.fake.person("alice");
    let mut sent = Vec::new();
    for (bytes, mime) in
        [(&b"speech"[..], "audio/mp4"), (b"opus", "audio/ogg; codecs=opus"), (b"unspeakable", "audio/mp4")]
    {
        let mxc = stage.fake.put_media(mime, bytes);
        let content = json!({
            "msgtype": "m.audio", "body": "said.m4a", "url": mxc, "info": { "mimetype": mime },
            "org.matrix.msc3245.voice": {},
        });
        alice.sends_content(&room, "m.room.message", &content);
        sent.push(mxc);
    }
    let said = stage
        .network
        .wait_until("all three", |network| {
            Some(network.said(&stage.chat)).filter(|said| said.len() == sent.len())
        })
        .await;
    let files: Vec<&Attachment> = said.iter().map(|said| &said.whole.message.attachments[0]).collect();
    let FileSource::Matrix(converted) = &files[0].source else { panic!("it is a file of Matrix") };
    assert_eq!(&*stage.fake.media(converted).expect("it was moved").bytes, b"converted");
    let shown = |file: &Attachment| (file.kind, file.name.clone(), file.mime.clone(), file.size_bytes);
    let ogg = Some("audio/ogg".to_owned());
    assert_eq!(shown(files[0]), (AttachmentKind::Voice, "said.ogg".to_owned(), ogg, Some(9)));
    for (nth, kind) in [(1, AttachmentKind::Voice), (2, AttachmentKind::Audio)] {
        assert_eq!((files[nth].kind, &files[nth].source), (kind, &FileSource::Matrix(sent[nth].clone())));
    }
    stage.ends().await;
}

#[tokio::test]
async fn a_video_gets_the_small_picture_that_it_came_without() {
    let stage = Stage::set("videos").await;
    let (room, _) = stage.room().await;
    for (name, (width, height), small) in [("large", (1_000, 500), 800), ("small", (40, 20), 40)] {
        let mut bytes = Cursor::new(b"v".to_vec());
        bytes.set_position(1);
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).expect("a picture");
        let id = stage.network.add_file(name, bytes.into_inner());
        let video = Attachment::new(AttachmentKind::Video, FileSource::Remote(id), format!("{name}.mp4"));
        let video = Attachment { mime: Some("video/mp4".to_owned()), ..video };
        let mut message = stage.network.message(&stage.chat, "carol", name);
        message.message.attachments = vec![video];
        stage.network.pushes(RemoteEvent::Message(message)).await;
        let content = stage.fake.wait_for_body(&room, name).await.content();
        assert_eq!(
            (&content["msgtype"], &content["info"]["mimetype"]),
            (&json!("m.video"), &json!("video/mp4"))
        );
        let info = &content["info"];
        assert_eq!((&info["w"], &info["h"]), (&json!(width), &json!(height)), "{name}");
        assert_eq!(info["thumbnail_info"]["w"], small, "{name}");
        assert!(info["thumbnail_url"].is_string(), "{name}");
    }
    stage.ends().await;
}
