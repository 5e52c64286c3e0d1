//! Files that cannot be drawn or converted, and what becomes of the others meanwhile.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use tempfile::TempDir;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    platform::{EventSink, Platform},
    store::{Durability, StoreSettings},
    testkit::{
        fake_homeserver::{FakeHomeserver, FakeSettings},
        fake_network::FakeNetwork,
        platform_suite::Recorder,
        store_suite,
    },
};

const SPEECH_TYPE: &str = "audio/ogg";

/// A mover of files between a fake network and a fake homeserver.
struct Stage {
    network: FakeNetwork,
    session: Arc<dyn Session>,
    homeserver: FakeHomeserver,
    media: Media,
    folder: TempDir,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = FakeHomeserver::start(FakeSettings::with_bridge("@fake_", "fakebot")).await.unwrap();
        let homeserver = Homeserver::new(fake.client_settings()).unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let settings = StoreSettings { url, durability: Durability::Normal, key: Secret::new("k") };
        let feed = Arc::new(store_suite::Recorder::default());
        let store = Store::open(&settings, Clock::fixed(1_000_000, 1), feed).await.unwrap();
        write_ffmpeg(&folder, "exit 1");
        write_program(&folder, "rust-silk", "exit 1");
        let silk = folder.path().join("rust-silk");
        let converter = Converter::find(&folder.path().join("ffmpeg"), "".as_ref())
            .map(|converter| converter.with_silk(Some(&silk), "".as_ref()));
        let settings =
            MediaSettings { size_bytes_max: 1_000_000, folder: folder.path().to_owned(), converter };
        let network = FakeNetwork::new(name);
        let login = network.configured_login().unwrap();
        let sink = EventSink::new(login.id.clone(), Arc::new(Recorder::default()));
        let session = network.connect(&login, sink).await.unwrap();
        let media = Media::new(store, homeserver, settings);
        Self { network, session, homeserver: fake, media, folder }
    }

    async fn bring_in(&self, file: &Attachment) -> Result<Attachment, MediaError> {
        self.media.bring_in(Some(&*self.session), file).await
    }
}

/// Puts a program in the place of ffmpeg.
fn write_ffmpeg(folder: &TempDir, script: &str) {
    write_program(folder, "ffmpeg", script);
}

fn write_program(folder: &TempDir, name: &str, script: &str) {
    let program = folder.path().join(name);
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn attachment(kind: AttachmentKind, mime: &str, source: FileSource) -> Attachment {
    let (name, mime) = ("file".to_owned(), Some(mime.to_owned()));
    let info = MediaInfo::default();
    Attachment { kind, source, id: None, name, mime, size_bytes: None, spoiler: false, info, link: None }
}

#[tokio::test]
async fn a_sticker_that_cannot_be_drawn_is_tried_once() {
    let stage = Stage::new("undrawable").await;
    let sticker = |id: &str| {
        let file = stage.network.add_file(id, &br#"{"w": 32, "h": 32, "layers": []}"#[..]);
        attachment(AttachmentKind::Sticker, LOTTIE_TYPE, FileSource::Remote(file))
    };
    let (first, same) = (sticker("first"), sticker("same"));
    for (file, downloads) in [(&first, 1), (&first, 1), (&same, 2), (&same, 2)] {
        assert_eq!(stage.bring_in(file).await, Err(MediaError::NotDrawn(LottieError::Blank)));
        assert_eq!(stage.network.downloads(), downloads);
    }
}

#[tokio::test]
async fn speech_that_cannot_be_converted_is_tried_once() {
    let stage = Stage::new("unconvertible").await;
    let speech = || {
        let source = FileSource::Matrix(stage.homeserver.put_media("audio/mp4", &b"speech"[..]));
        attachment(AttachmentKind::Voice, "audio/mp4", source)
    };
    let (failed, other) = (speech(), speech());
    assert_eq!(stage.media.speech(&failed, SPEECH_TYPE).await.kind, AttachmentKind::Audio);
    write_ffmpeg(&stage.folder, "cat /dev/fd/0");
    assert_eq!(stage.media.speech(&failed, SPEECH_TYPE).await.kind, AttachmentKind::Audio);
    assert_eq!(stage.media.speech(&other, SPEECH_TYPE).await.kind, AttachmentKind::Voice);
}

/// A spoken message of the network, in SILK.
fn silk(stage: &Stage, id: &str) -> Attachment {
    let bytes = [b"\x02#!SILK_V3 of ", id.as_bytes()].concat();
    let source = FileSource::Remote(stage.network.add_file(id, bytes));
    Attachment { name: "said.silk".to_owned(), ..attachment(AttachmentKind::Voice, "audio/silk", source) }
}

/// A second of the loudest sound, as samples.
const LOUD_SECOND: &str = "yes \"$(printf '\\377\\177')\" | tr -d '\\n' | head -c 48000";

#[tokio::test]
async fn speech_that_no_client_plays_comes_as_opus_with_its_length_and_loudness() {
    let stage = Stage::new("silk").await;
    write_program(&stage.folder, "rust-silk", LOUD_SECOND);
    write_ffmpeg(&stage.folder, "printf 'opus of '; wc -c | tr -d ' \\n'");
    let brought = stage.bring_in(&silk(&stage, "first")).await.unwrap();
    let FileSource::Matrix(mxc) = &brought.source else { panic!("it is in Matrix") };
    let stored = stage.homeserver.media(mxc).unwrap();
    assert_eq!((stored.mime.as_str(), &*stored.bytes), (SPEECH_TYPE, &b"opus of 48000"[..]));
    assert_eq!((brought.kind, brought.name.as_str()), (AttachmentKind::Voice, "said.ogg"));
    assert_eq!(brought.mime.as_deref(), Some(SPEECH_TYPE));
    assert_eq!((brought.info.duration_ms, brought.info.waveform), (Some(1_000), vec![1023; 64]));
}

#[tokio::test]
async fn speech_that_cannot_be_converted_comes_as_the_file_that_it_is() {
    let stage = Stage::new("unplayable").await;
    let said = silk(&stage, "first");
    let brought = stage.bring_in(&said).await.unwrap();
    let FileSource::Matrix(mxc) = &brought.source else { panic!("it is in Matrix") };
    let stored = stage.homeserver.media(mxc).unwrap();
    assert_eq!((stored.mime.as_str(), &*stored.bytes), ("audio/silk", &b"\x02#!SILK_V3 of first"[..]));
    assert_eq!((brought.kind, brought.name.as_str()), (AttachmentKind::File, "said.silk"));
    // What a client can play is left alone, and a file stays what it is.
    let source = FileSource::Remote(stage.network.add_file("mp3", &b"ID3 sound"[..]));
    let played = stage.bring_in(&attachment(AttachmentKind::Voice, "audio/mpeg", source)).await.unwrap();
    assert_eq!(played.kind, AttachmentKind::Voice);
    let file = Attachment { kind: AttachmentKind::File, ..silk(&stage, "file") };
    assert_eq!(stage.bring_in(&file).await.unwrap().name, "said.silk");
}

#[tokio::test]
async fn speech_goes_in_silk_with_its_length() {
    let stage = Stage::new("to-silk").await;
    write_ffmpeg(&stage.folder, LOUD_SECOND);
    write_program(&stage.folder, "rust-silk", "printf 'silk of '; wc -c | tr -d ' \\n'");
    let source = FileSource::Matrix(stage.homeserver.put_media(SPEECH_TYPE, &b"OggS"[..]));
    let said = Attachment {
        name: "Voice message.ogg".to_owned(),
        ..attachment(AttachmentKind::Voice, SPEECH_TYPE, source)
    };
    for _ in 0..2 {
        let spoken = stage.media.speech(&said, "audio/silk").await;
        let FileSource::Matrix(mxc) = &spoken.source else { panic!("it is in Matrix") };
        assert_eq!(&*stage.homeserver.media(mxc).unwrap().bytes, b"silk of 48000");
        assert_eq!((spoken.kind, spoken.name.as_str()), (AttachmentKind::Voice, "Voice message.silk"));
        assert_eq!((spoken.mime.as_deref(), spoken.info.duration_ms), (Some("audio/silk"), Some(1_000)));
    }
    let other = stage.media.speech(&said, "audio/flac").await;
    assert_eq!((other.kind, other.source), (AttachmentKind::Audio, said.source));
}

#[tokio::test]
async fn files_do_not_wait_for_speech() {
    let stage = Stage::new("busy").await;
    write_ffmpeg(&stage.folder, "exec sleep 1000");
    let source = FileSource::Matrix(stage.homeserver.put_media("audio/mp4", &b"speech"[..]));
    let speech = attachment(AttachmentKind::Voice, "audio/mp4", source);
    let speaking: Vec<_> = (0..8)
        .map(|_| {
            let (media, speech) = (stage.media.clone(), speech.clone());
            tokio::spawn(async move { media.speech(&speech, SPEECH_TYPE).await })
        })
        .collect();
    // All of them have begun.
    tokio::time::timeout(Duration::from_secs(5), async {
        while stage.media.0.speaking.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("speech is being converted");
    let source = FileSource::Remote(stage.network.add_file("file", &b"file"[..]));
    let file = attachment(AttachmentKind::File, "text/plain", source);
    let moved = tokio::time::timeout(Duration::from_secs(5), stage.bring_in(&file)).await;
    assert!(matches!(moved, Ok(Ok(_))), "{moved:?}");
    speaking.iter().for_each(tokio::task::JoinHandle::abort);
}
