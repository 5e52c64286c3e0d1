//! Speech in WeChat's own form, converted by programs that stand for ffmpeg and rust-silk: both ways, and where one of them fails.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        JUDGE, Tls,
        content::{FileKind, file},
    },
};
use ruma::OwnedMxcUri;
use serde_json::json;

use super::{LI, Signed, Staged, chat::Chat};

const SILK: &[u8] = b"\x02#!SILK_V3 said";

/// Half a second of samples, whatever it is asked for; but nothing of what nobody can convert.
const SAMPLES: &str = "grep -q broken && exit 1; head -c 24000 /dev/zero";

fn put(folder: &Path, name: &str, script: &str) -> (String, String) {
    let program = folder.join(name);
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    let setting = if name == "ffmpeg" { "MAGPIE_BRIDGE__FFMPEG" } else { "MAGPIE_BRIDGE__SILK" };
    (setting.to_owned(), program.display().to_string())
}

/// A chat whose bridge has these programs and knows that the gateway sends speech.
async fn chat(folder: &Path) -> anyhow::Result<Chat> {
    let ffmpeg = format!("case \"$*\" in *libopus*) printf 'OggS opus' ;; *) {SAMPLES} ;; esac");
    let silk = format!("case \"$1\" in encode) printf '\\002#!SILK_V3 ours' ;; *) {SAMPLES} ;; esac");
    let environment = vec![
        put(folder, "ffmpeg", &ffmpeg),
        put(folder, "rust-silk", &silk),
        ("MAGPIE_WECHAT_WECHATY_VOICE".to_owned(), "true".to_owned()),
    ];
    Chat::of(Signed::of(Staged::start_with(Tls::None, environment).await?).await?, LI).await
}

fn bytes(chat: &Chat, event: &FakeEvent) -> Vec<u8> {
    let uri: OwnedMxcUri = event.content()["url"].as_str().unwrap_or_default().into();
    chat.homeserver().media(&uri).expect("the file is there").bytes.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_speech_in_silk_is_a_voice_message_here_and_there() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let chat = chat(folder.path()).await?;
    chat.li_says(file(FileKind::Audio, "said.sil", SILK)).await?;
    let heard = chat.event(|event| event.content()["msgtype"] == "m.audio").await;
    let content = heard.content();
    assert_eq!((bytes(&chat, &heard), &content["body"]), (b"OggS opus".to_vec(), &json!("said.ogg")));
    assert_eq!(content["info"], json!({"mimetype": "audio/ogg", "size": 9, "duration": 500}));
    assert!(content["org.matrix.msc3245.voice"].is_object(), "{content}");

    let spoken = json!({
        "msgtype": "m.audio", "body": "Voice message.ogg", "info": {"mimetype": "audio/ogg"},
        "org.matrix.msc3245.voice": {}, "url": chat.homeserver().put_media("audio/ogg", &b"OggS spoken"[..]),
    });
    chat.admin.sends_content(&chat.room, "m.room.message", &spoken);
    let sent = chat.gateway().expect_sent("file", |event| event["to"] == LI).await?;
    assert_eq!((&sent["name"], &sent["voiceLength"]), (&json!("Voice message.sil"), &json!(500)), "{sent}");
    assert_eq!(sent["size"], b"\x02#!SILK_V3 ours".len(), "{sent}");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_speech_that_cannot_be_converted_is_a_file_that_says_so() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let chat = chat(folder.path()).await?;
    let broken = [SILK, b" broken"].concat();
    chat.li_says(file(FileKind::Audio, "said.sil", &broken)).await?;
    let heard = chat.event(|event| event.content()["msgtype"] == "m.file").await;
    let content = heard.content();
    assert_eq!((bytes(&chat, &heard), &content["filename"]), (broken, &json!("said.sil")));
    assert!(heard.body().contains("could not convert"), "{content}");

    // Words that nobody can convert go as the sound that they are.
    let spoken = json!({
        "msgtype": "m.audio", "body": "Voice message.ogg", "info": {"mimetype": "audio/ogg"},
        "org.matrix.msc3245.voice": {}, "url": chat.homeserver().put_media("audio/ogg", &b"OggS broken"[..]),
    });
    chat.admin.sends_content(&chat.room, "m.room.message", &spoken);
    let sent = chat.gateway().expect_sent("file", |event| event["to"] == LI).await?;
    assert_eq!((&sent["name"], &sent["voiceLength"]), (&json!("Voice message.ogg"), &json!(null)), "{sent}");
    chat.end().await
}
