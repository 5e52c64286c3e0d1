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
        let converter = Converter::find(&folder.path().join("ffmpeg"), "".as_ref());
        let settings =
            MediaSettings { size_bytes_max: 1_000_000, folder: folder.path().to_owned(), converter };
        let network = FakeNetwork::new(name);
        let login = network.configured_logins().pop().unwrap();
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
    let program = folder.path().join("ffmpeg");
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
