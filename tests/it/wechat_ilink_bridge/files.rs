//! Files both ways, through the file server with its ciphers.

use futures_util::StreamExt;
use magpie_common::{
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, Message, RichText},
    platform::{DeliverError, Download, PlatformError, Session},
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_ilink::{Fault, FileKind, KeySpelling, Post, SentFile};
use serde_json::json;

use super::{Stage, ids, key, message};

const BIRDS: &[u8] = b"forty-two birds in a bush, and one more";

/// All of a file, or why it cannot be had.
async fn read(session: &dyn Session, file: &RemoteFileId) -> Result<Vec<u8>, PlatformError> {
    let Download { mut stream, .. } = session.download(file).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// The only file of the newest message.
async fn newest_file(stage: &Stage, before: usize) -> Attachment {
    let came = |recorder: &Recorder| recorder.messages().get(before).cloned();
    let arrived = stage.recorder.wait_for("a file", came).await;
    let [file] = &arrived.message.attachments[..] else { panic!("it is one file: {arrived:?}") };
    file.clone()
}

fn remote(file: &Attachment) -> &RemoteFileId {
    match &file.source {
        FileSource::Remote(id) => id,
        FileSource::Matrix(mxc) => panic!("{mxc} is not WeChat's"),
    }
}

fn outgoing(stage: &Stage, kind: AttachmentKind, name: &str, words: &str) -> Message {
    let source = FileSource::Matrix(stage.recorder.add_file(name, BIRDS.to_vec()));
    let size_bytes = Some(BIRDS.len() as u64);
    let file = Attachment { size_bytes, ..Attachment::new(kind, source, name) };
    Message { attachments: vec![file], ..Message::text(RichText::plain(words)) }
}

#[tokio::test]
async fn files_arrive_with_keys_in_every_spelling() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for (nth, (kind, spelling, has_url, shown)) in [
        (FileKind::Image, KeySpelling::Beside, false, AttachmentKind::Image),
        (FileKind::Image, KeySpelling::Bytes, true, AttachmentKind::Image),
        (FileKind::Image, KeySpelling::None, false, AttachmentKind::Image),
        (FileKind::File, KeySpelling::Digits, false, AttachmentKind::File),
        (FileKind::File, KeySpelling::Bytes, true, AttachmentKind::File),
        (FileKind::Video, KeySpelling::Digits, false, AttachmentKind::Video),
    ]
    .into_iter()
    .enumerate()
    {
        let file = SentFile::new(kind, BIRDS).keyed(spelling);
        stage.sim.person_sends_file(stage.bot, if has_url { file.with_url() } else { file });
        let file = newest_file(&stage, nth).await;
        assert_eq!(file.kind, shown, "{kind:?}");
        if kind == FileKind::File {
            assert_eq!(file.name, "birds.txt");
        }
        assert_eq!(read(&*session, remote(&file)).await.as_deref(), Ok(BIRDS), "{kind:?} {spelling:?}");
    }
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn what_was_spoken_comes_with_what_wechat_understood() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let spoken = SentFile::new(FileKind::Voice, b"\x02#!SILK_V3not really");
    stage.sim.person_sends_file(stage.bot, spoken.with("text", json!("a bird in the hand")));
    let arrived = stage.arrived("a bird in the hand").await;
    assert_eq!(arrived.message.attachments[0].kind, AttachmentKind::Voice);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn files_that_are_damaged_or_gone_are_told_and_harm_nothing() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_sends_file(stage.bot, SentFile::new(FileKind::File, BIRDS));
    let file = newest_file(&stage, 0).await;
    stage.sim.files_are_damaged();
    read(&*session, remote(&file)).await.expect_err("it cannot be opened");
    stage.sim.files_expire();
    let words = read(&*session, remote(&file)).await.expect_err("it is gone").to_string();
    assert!(words.chars().count() > 10, "{words}");
    for strange in ["", "ilink/", "ilink/AAAA", "media/1", "ilink/../../x"] {
        read(&*session, &RemoteFileId::new(strange)).await.expect_err(strange);
    }
    stage.alice_writes().await;
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn files_are_fetched_from_wechats_hosts_only() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let port = stage.sim.hosts()[0].split(':').nth(1).expect("there is a port").to_owned();
    for url in [
        format!("http://localhost:{port}/c2c/download?encrypted_query_param=x"),
        format!("http://127.0.0.1@localhost:{port}/c2c/download?encrypted_query_param=x"),
        "file:///etc/hostname".to_owned(),
    ] {
        let before = stage.recorder.messages().len();
        let media = json!({"full_url": url, "encrypt_type": 1});
        let item = json!({"type": 4, "file_item": {"media": media, "file_name": "a.txt", "len": "1"}});
        stage.sim.person_posts(stage.bot, Post::item(item));
        stage.sim.person_says(stage.bot, &format!("after {url}"));
        stage.arrived(&format!("after {url}")).await;
        // It may be left out of the message at once, or refused when somebody wants it.
        for message in stage.recorder.messages().split_off(before) {
            for file in &message.message.attachments {
                read(&*session, remote(file)).await.expect_err("that is no host of WeChat's");
            }
        }
    }
    assert_eq!(stage.sim.request_count("download"), 0);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn files_go_sealed_with_their_words_before_them() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    for (nth, (kind, name, number)) in [
        (AttachmentKind::Image, "a.png", 2),
        (AttachmentKind::Video, "b.mp4", 5),
        (AttachmentKind::File, "c.pdf", 4),
    ]
    .into_iter()
    .enumerate()
    {
        if nth == 1 {
            stage.sim.gives_upload_urls();
        }
        let sent = ids(session
            .deliver(&stage.chat(), &message(outgoing(&stage, kind, name, "look")), &key(nth))
            .await);
        assert_eq!(sent.len(), 2, "the words are a message of their own");
        let all = stage.sim.sent(stage.bot);
        let (words, file) = (&all[2 * nth], &all[2 * nth + 1]);
        assert_eq!(words.text(), "look");
        assert_eq!((&file.item["type"], file.file.as_deref()), (&json!(number), Some(BIRDS)), "{name}");
    }
    let requests = stage.sim.requests().into_iter().filter(|it| it.name == "getuploadurl");
    let keys: Vec<_> = requests.map(|it| it.body["aeskey"].to_string()).collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "each file has a key of its own");
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn an_upload_is_tried_again_and_given_up_with_words() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let file = |name: &str| message(outgoing(&stage, AttachmentKind::File, name, ""));
    stage.sim.fault("upload", Fault::Answer { status: 503, body: serde_json::Value::Null });
    let first = session.deliver(&stage.chat(), &file("a.txt"), &key(1)).await;
    if let Err(DeliverError::Retry { .. }) = first {
        ids(session.deliver(&stage.chat(), &file("a.txt"), &key(1)).await);
    } else {
        ids(first);
    }
    assert_eq!(stage.sim.sent_count(), 1, "nothing was said before the file lay there");
    stage.sim.fault("upload", Fault::Answer { status: 403, body: serde_json::Value::Null });
    let refused = session.deliver(&stage.chat(), &file("b.txt"), &key(2)).await;
    assert!(matches!(&refused, Err(DeliverError::Rejected(words)) if words.len() > 10), "{refused:?}");
    assert_eq!(stage.sim.sent_count(), 1);
    session.close().await;
    stage.should_be_right();
}
