//! Files of messages, moved from the network into the homeserver's media store.
//!
//! Each is moved once, whatever it is called: known by its id on the network, and by its sum. What somebody claims of a file is shown and never
//! believed; a file whose first bytes are no picture is not shown as one. Next: `spool`, `look`, `moving/speaking`.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{
    Converter, ImageType, MediaError,
    failed::Failed,
    look::{Look, look, look_at_cover},
    lottie::{self, LottieError},
    metrics,
    pace::Pace,
    speech::{Spoken, Unplayable},
    spool::{Cap, Spool, Spooled},
};
use crate::{
    homeserver::Homeserver,
    ids::RemoteFileId,
    message::{Attachment, AttachmentKind, FileSource, LOTTIE_TYPE, MediaInfo, Thumbnail},
    platform::{Download, Session},
    store::{MediaRow, Store},
};

mod speaking;

/// So many files are on their way at once; each takes a little memory and some disk.
const MOVED_AT_ONCE_MAX: usize = 4;

/// The type of a file of which nothing is known that could be believed.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Types that a browser would run or draw as a page.
const ACTIVE_TYPES: [&str; 6] = ["html", "xml", "svg", "javascript", "ecmascript", "xhtml"];

/// One spoken message is converted while another is fetched. They have places of their own: a conversion may take a minute, and files from
/// the network do not wait for it.
const SPOKEN_AT_ONCE_MAX: usize = 2;

/// How files are moved; from the configuration.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// The largest file that is moved.
    pub size_bytes_max: u64,
    /// Where a file lies while it is moved.
    pub folder: PathBuf,
    /// What converts, where there is such a program.
    pub converter: Option<Converter>,
}

/// Moves files in. Cloning is cheap.
#[derive(Clone)]
pub struct Media(Arc<Inner>);

struct Inner {
    store: Store,
    homeserver: Homeserver,
    size_bytes_max: u64,
    spool: Spool,
    converter: Option<Converter>,
    places: Semaphore,
    speaking: Semaphore,
    /// Pictures are unpacked one at a time, so that two large ones are never in memory together.
    unpacking: Semaphore,
    failed: Failed,
}

/// What is remembered of a moved file.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    mime: String,
    /// Whether it can be shown as a picture.
    picture: bool,
    /// Whether it was spoken, and is in another form than it came in.
    #[serde(default)]
    converted: bool,
    info: MediaInfo,
}

impl Media {
    /// Prepares; asks nobody.
    pub fn new(store: Store, homeserver: Homeserver, settings: MediaSettings) -> Self {
        let MediaSettings { size_bytes_max, folder, converter } = settings;
        Self(Arc::new(Inner {
            store,
            homeserver,
            size_bytes_max,
            spool: Spool::new(folder),
            converter,
            places: Semaphore::new(MOVED_AT_ONCE_MAX),
            speaking: Semaphore::new(SPOKEN_AT_ONCE_MAX),
            unpacking: Semaphore::new(1),
            failed: Failed::new(),
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
        let brought = self.bring(session, attachment, file).await;
        brought.inspect_err(|_| metrics::count_failed())
    }

    async fn bring(
        &self,
        session: Option<&dyn Session>,
        attachment: &Attachment,
        file: &RemoteFileId,
    ) -> Result<Attachment, MediaError> {
        // A drawing is kept as the picture that was made of it, apart from the same file as itself.
        let is_drawn = is_drawn(attachment);
        let (by_id, by_sum) = if is_drawn { ("drawn:", "drawn:sha256:") } else { ("file:", "sha256:") };
        let key = format!("{by_id}{file}");
        if let Some(known) = self.known(&key).await {
            metrics::count_moved(None);
            return Ok(moved(attachment, known));
        }
        self.0.failed.known(&key)?;
        let cap = match is_drawn {
            true => Cap { size_bytes_max: lottie::DOCUMENT_BYTES_MAX, is_homeserver: false },
            false => self.cap().await,
        };
        if attachment.size_bytes.is_some_and(|size| size > cap.size_bytes_max) {
            return Err(cap.passed());
        }
        let session = session.ok_or(MediaError::NotConnected)?;
        let _place = self.0.places.acquire().await;
        let download = Pace::FILE.begin().wait(session.download(file)).await??;
        let mut spooled = self.0.spool.take(download, cap, Pace::FILE).await?;
        // Speech that no client plays is kept as what was made of it, apart from the same file as itself.
        let spoken = spooled.unplayable.filter(|_| attachment.kind == AttachmentKind::Voice);
        let by_sum = spoken.map_or(by_sum, |_| "spoken:sha256:");
        let sum = format!("{by_sum}{}", spooled.sha256);
        let row = match self.0.store.media(&sum).await.ok().flatten() {
            Some(same) => same,
            None if is_drawn => {
                let mut picture = self.drawn(spooled, &[&key, &sum]).await?;
                self.put_in(&mut picture, attachment).await?
            }
            None => match spoken {
                Some(form) => self.put_in_spoken(&mut spooled, form).await?,
                None => self.put_in(&mut spooled, attachment).await?,
            },
        };
        metrics::count_moved(Some(row.size_bytes));
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

    /// The picture that a document draws, as if it had come from the network itself. Drawing is tried once: it costs seconds, and a sticker
    /// is sent again and again.
    async fn drawn(&self, mut document: Spooled, keys: &[&str]) -> Result<Spooled, MediaError> {
        for key in keys {
            self.0.failed.known(key).inspect_err(|it| self.0.failed.remember(keys, it))?;
        }
        let document = document.whole().await?;
        let drawn = {
            let _alone = self.0.unpacking.acquire().await;
            // A fault while drawing costs the sticker its picture, not the bridge its life.
            tokio::task::spawn_blocking(move || lottie::draw(&document))
                .await
                .unwrap_or(Err(LottieError::Fault))
        };
        let picture =
            drawn.map_err(MediaError::NotDrawn).inspect_err(|it| self.0.failed.remember(keys, it))?;
        let size_bytes = Some(picture.len() as u64);
        let stream = stream::once(async { Ok(Bytes::from(picture)) }).boxed();
        let cap = Cap { size_bytes_max: u64::MAX, is_homeserver: false };
        self.0.spool.take(Download { mime: None, size_bytes, stream }, cap, Pace::FILE).await
    }

    async fn put_in(&self, spooled: &mut Spooled, attachment: &Attachment) -> Result<MediaRow, MediaError> {
        let look = match spooled.image {
            Some(image) => {
                let file = spooled.reader().await?;
                self.alone(move || look(file, image)).await
            }
            None if attachment.kind == AttachmentKind::Video => self.look_at_video(spooled).await,
            None => Look::default(),
        };
        let bot = self.0.homeserver.bot();
        let mime = true_type(spooled.image, attachment.mime.as_deref());
        let mxc = bot.upload_stream(&mime, spooled.size_bytes, spooled.stream().await?).await?;
        let picture = spooled.image.is_some() && look.size.is_some();
        let info = self.info(look).await;
        let info = serde_json::to_string(&Moved { mime, picture, converted: false, info }).ok();
        Ok(MediaRow { mxc, size_bytes: spooled.size_bytes, info })
    }

    async fn alone(&self, look: impl FnOnce() -> Look + Send + 'static) -> Look {
        let _alone = self.0.unpacking.acquire().await;
        // A fault in a decoder costs the picture its size, not the bridge its life.
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    /// What the first picture of a video shows, where there is a program that finds it.
    async fn look_at_video(&self, spooled: &mut Spooled) -> Look {
        match self.cover(spooled).await {
            Ok(look) => look,
            Err(error) => {
                tracing::debug!(%error, "A video stays without its small picture.");
                Look::default()
            }
        }
    }

    async fn cover(&self, spooled: &mut Spooled) -> Result<Look, MediaError> {
        let Some(converter) = &self.0.converter else { return Ok(Look::default()) };
        let mut cover = converter.first_picture(spooled.reader().await?, &self.0.spool).await?;
        let (image, file) = (cover.image.ok_or(MediaError::NotAPicture)?, cover.reader().await?);
        Ok(self.alone(move || look_at_cover(file, image)).await)
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

/// Whether a file is shown as what it draws.
fn is_drawn(attachment: &Attachment) -> bool {
    attachment.kind == AttachmentKind::Sticker && attachment.mime.as_deref() == Some(LOTTIE_TYPE)
}

/// The attachment as it is after the move: what the network told of it is kept where nothing better was found.
fn moved(attachment: &Attachment, MediaRow { mxc, size_bytes, info }: MediaRow) -> Attachment {
    let found: Option<Moved> = info.and_then(|info| serde_json::from_str(&info).ok());
    let source = FileSource::Matrix(mxc);
    let known = Attachment { source, size_bytes: Some(size_bytes), ..attachment.clone() };
    let Some(Moved { mime, picture, converted, info: found }) = found else { return known };
    let kind = match attachment.kind {
        AttachmentKind::Image | AttachmentKind::Sticker if !picture => AttachmentKind::File,
        AttachmentKind::Voice if Unplayable::is_one(&mime) => AttachmentKind::File,
        kind => kind,
    };
    let told = attachment.info.clone();
    let info = MediaInfo {
        width: found.width.or(told.width),
        height: found.height.or(told.height),
        blurhash: found.blurhash.or(told.blurhash),
        thumbnail: found.thumbnail.or(told.thumbnail),
        duration_ms: found.duration_ms.or(told.duration_ms),
        waveform: if found.waveform.is_empty() { told.waveform } else { found.waveform },
    };
    let name = if converted { Spoken::Opus.name(&known.name) } else { known.name };
    Attachment { kind, name, mime: Some(mime), info, ..known }
}

/// What the first bytes say, or what is claimed where that can do no harm.
fn true_type(image: Option<ImageType>, claimed: Option<&str>) -> String {
    if let Some(image) = image {
        return image.mime().to_owned();
    }
    let claimed = essence(claimed);
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

/// A media type without its parameters.
fn essence(mime: Option<&str>) -> String {
    mime.and_then(|mime| mime.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;

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
