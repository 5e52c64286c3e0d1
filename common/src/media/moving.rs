//! Files of messages, moved from the network into the homeserver's media store.
//!
//! Each is moved once, whatever it is called: known by its id on the network, and by its sum. What somebody claims of a file is shown and never
//! believed; a file whose first bytes are no picture is not shown as one. Next: `spool`, `look`.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{
    ImageType, MediaError,
    look::{Look, look},
    pace::Pace,
    spool::{Cap, Spool, Spooled},
};
use crate::{
    homeserver::Homeserver,
    message::{Attachment, AttachmentKind, FileSource, MediaInfo, Thumbnail},
    platform::Session,
    store::{MediaRow, Store},
};

/// So many files are on their way at once; each takes a little memory and some disk.
const MOVED_AT_ONCE_MAX: usize = 4;

/// The type of a file of which nothing is known that could be believed.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Types that a browser would run or draw as a page.
const ACTIVE_TYPES: [&str; 6] = ["html", "xml", "svg", "javascript", "ecmascript", "xhtml"];

/// How files are moved; from the configuration.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// The largest file that is moved.
    pub size_bytes_max: u64,
    /// Where a file lies while it is moved.
    pub folder: PathBuf,
}

/// Moves files in. Cloning is cheap.
#[derive(Clone)]
pub struct Media(Arc<Inner>);

struct Inner {
    store: Store,
    homeserver: Homeserver,
    size_bytes_max: u64,
    spool: Spool,
    places: Semaphore,
    /// Pictures are unpacked one at a time, so that two large ones are never in memory together.
    unpacking: Semaphore,
}

/// What is remembered of a moved file.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    mime: String,
    /// Whether it can be shown as a picture.
    picture: bool,
    info: MediaInfo,
}

impl Media {
    /// Prepares; asks nobody.
    pub fn new(store: Store, homeserver: Homeserver, settings: MediaSettings) -> Self {
        let MediaSettings { size_bytes_max, folder } = settings;
        Self(Arc::new(Inner {
            store,
            homeserver,
            size_bytes_max,
            spool: Spool::new(folder),
            places: Semaphore::new(MOVED_AT_ONCE_MAX),
            unpacking: Semaphore::new(1),
        }))
    }

    /// A file of a remote message as it is in the media store, moved now if it is not there.
    ///
    /// # Errors
    /// When it is too large, or one of the two ends fails; [`MediaError::is_transient`] says whether to try again.
    pub async fn bring_in(
        &self,
        session: Option<&dyn Session>,
        attachment: &Attachment,
    ) -> Result<Attachment, MediaError> {
        let FileSource::Remote(file) = &attachment.source else { return Ok(attachment.clone()) };
        let key = format!("file:{file}");
        if let Some(known) = self.known(&key).await {
            return Ok(moved(attachment, known));
        }
        let cap = self.cap().await;
        if attachment.size_bytes.is_some_and(|size| size > cap.size_bytes_max) {
            return Err(cap.passed());
        }
        let session = session.ok_or(MediaError::NotConnected)?;
        let _place = self.0.places.acquire().await;
        let download = Pace::FILE.begin().wait(session.download(file)).await??;
        let mut spooled = self.0.spool.take(download, cap, Pace::FILE).await?;
        let sum = format!("sha256:{}", spooled.sha256);
        let row = match self.0.store.media(&sum).await.ok().flatten() {
            Some(same) => same,
            None => self.put_in(&mut spooled, attachment).await?,
        };
        for key in [&key, &sum] {
            if let Err(error) = self.0.store.save_media(key, &row).await {
                tracing::warn!(%error, "A file was moved but not remembered.");
            }
        }
        Ok(moved(attachment, row))
    }

    /// What we and the homeserver take. A homeserver that does not say its limit now says it to the upload.
    async fn cap(&self) -> Cap {
        let ours = Cap { size_bytes_max: self.0.size_bytes_max, is_homeserver: false };
        match self.0.homeserver.upload_bytes_max().await {
            Ok(Some(limit)) if limit < ours.size_bytes_max => {
                Cap { size_bytes_max: limit, is_homeserver: true }
            }
            Ok(_) => ours,
            Err(error) => {
                tracing::debug!(%error, "The homeserver does not say how large a file may be.");
                ours
            }
        }
    }

    async fn known(&self, key: &str) -> Option<MediaRow> {
        self.0.store.media(key).await.ok().flatten()
    }

    async fn put_in(&self, spooled: &mut Spooled, attachment: &Attachment) -> Result<MediaRow, MediaError> {
        let look = match spooled.image {
            Some(image) => self.look(spooled.reader().await?, image).await,
            None => Look::default(),
        };
        let bot = self.0.homeserver.bot();
        let mime = true_type(spooled.image, attachment.mime.as_deref());
        let mxc = bot.upload_stream(&mime, spooled.size_bytes, spooled.stream().await?).await?;
        let picture = look.size.is_some();
        let info = self.info(look).await;
        let info = serde_json::to_string(&Moved { mime, picture, info }).ok();
        Ok(MediaRow { mxc, size_bytes: spooled.size_bytes, info })
    }

    async fn look(&self, file: std::fs::File, image: ImageType) -> Look {
        let _alone = self.0.unpacking.acquire().await;
        // A fault in a decoder costs the picture its size, not the bridge its life.
        tokio::task::spawn_blocking(move || look(file, image)).await.unwrap_or_default()
    }

    /// The small copy goes up, too; a picture without one is shown all the same.
    async fn info(&self, look: Look) -> MediaInfo {
        let (width, height) = look.size.unzip();
        let mut info = MediaInfo { width, height, blurhash: look.blurhash, ..MediaInfo::default() };
        let Some(small) = look.small else { return info };
        let size_bytes = small.bytes.len() as u64;
        match self.0.homeserver.bot().upload(small.mime, None, small.bytes.into()).await {
            Ok(mxc) => {
                let (mime, (width, height)) = (small.mime.to_owned(), small.size);
                info.thumbnail = Some(Thumbnail { mxc, mime, size_bytes, width, height });
            }
            Err(error) => tracing::debug!(%error, "A picture stays without its small copy."),
        }
        info
    }
}

/// The attachment as it is after the move: what the network told of it is kept where nothing better was found.
fn moved(attachment: &Attachment, MediaRow { mxc, size_bytes, info }: MediaRow) -> Attachment {
    let found: Option<Moved> = info.and_then(|info| serde_json::from_str(&info).ok());
    let source = FileSource::Matrix(mxc);
    let known = Attachment { source, size_bytes: Some(size_bytes), ..attachment.clone() };
    let Some(Moved { mime, picture, info: found }) = found else { return known };
    let kind = match attachment.kind {
        AttachmentKind::Image | AttachmentKind::Sticker if !picture => AttachmentKind::File,
        kind => kind,
    };
    let told = attachment.info.clone();
    let info = MediaInfo {
        width: found.width.or(told.width),
        height: found.height.or(told.height),
        blurhash: found.blurhash.or(told.blurhash),
        thumbnail: found.thumbnail.or(told.thumbnail),
        duration_ms: told.duration_ms,
        waveform: told.waveform,
    };
    Attachment { kind, mime: Some(mime), info, ..known }
}

/// What the first bytes say, or what is claimed where that can do no harm.
fn true_type(image: Option<ImageType>, claimed: Option<&str>) -> String {
    if let Some(image) = image {
        return image.mime().to_owned();
    }
    let claimed = claimed.and_then(|claimed| claimed.split(';').next()).unwrap_or_default();
    let claimed = claimed.trim().to_ascii_lowercase();
    let token = |word: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.+_".contains(&byte);
        !word.is_empty() && word.bytes().all(is_plain)
    };
    let is_type = claimed.split_once('/').is_some_and(|(kind, rest)| token(kind) && token(rest));
    let is_active = ACTIVE_TYPES.iter().any(|active| claimed.contains(active));
    // A picture whose bytes are none is a lie.
    let is_lie = claimed.starts_with("image/");
    if is_type && !is_active && !is_lie { claimed } else { UNKNOWN_TYPE.to_owned() }
}

#[cfg(test)]
mod types {
    use super::*;

    #[test]
    fn a_claim_is_believed_only_where_it_can_do_no_harm() {
        for (image, claimed, expected) in [
            (Some(ImageType::Png), Some("text/html"), "image/png"),
            (None, Some("video/mp4"), "video/mp4"),
            (None, Some("Audio/Ogg; codecs=opus"), "audio/ogg"),
            (None, Some("image/png"), UNKNOWN_TYPE),
            (None, Some("image/svg+xml"), UNKNOWN_TYPE),
            (None, Some("text/html"), UNKNOWN_TYPE),
            (None, Some("text/html\r\nX: y"), UNKNOWN_TYPE),
            (None, Some("nonsense"), UNKNOWN_TYPE),
            (None, None, UNKNOWN_TYPE),
        ] {
            assert_eq!(true_type(image, claimed), expected, "{claimed:?}");
        }
    }
}
