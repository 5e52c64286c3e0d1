//! Files that cannot be drawn or converted, and what becomes of the others meanwhile.

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::{
    clock::Clock,
    config::Secret,
    ids::LoginId,
    platform::{EventSink, Platform, SavedLogin},
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
    _homeserver: FakeHomeserver,
    media: Media,
    _folder: TempDir,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = FakeHomeserver::start(FakeSettings::with_bridge("@fake_", "fakebot")).await.unwrap();
        let homeserver = Homeserver::new(fake.client_settings()).unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let settings = StoreSettings { url, durability: Durability::Normal };
        let feed = Arc::new(store_suite::Recorder::default());
        let store = Store::open(&settings, Clock::fixed(1_000_000, 1), feed).await.unwrap();
        let settings =
            MediaSettings { size_bytes_max: 1_000_000, folder: folder.path().to_owned(), converter: None };
        let network = FakeNetwork::new(name);
        let login = SavedLogin { id: LoginId::new("fake"), name: String::new(), secret: Secret::new("") };
        let sink = EventSink::new(login.id.clone(), Arc::new(Recorder::default()));
        let session = network.connect(&login, sink).await.unwrap();
        let media = Media::new(store, homeserver, settings);
        Self { network, session, _homeserver: fake, media, _folder: folder }
    }

    async fn bring_in(&self, file: &Attachment) -> Result<Attachment, MediaError> {
        self.media.bring_in(Some(&*self.session), file).await
    }
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
