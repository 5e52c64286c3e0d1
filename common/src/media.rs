//! Files between the networks: pictures of people and chats copied in, files of messages moved, and links to Matrix files given out.
//!
//! Everything has a hard cap while it is read, and a type is believed from the first bytes only, never from what
//! somebody claims. Nothing here fetches an address that a message names. Next: [`Media`], [`PublicMedia`].

use bytes::{Bytes, BytesMut};
use ruma::{MxcUri, OwnedMxcUri};

pub(crate) use self::metrics::begin_counting;
use self::pace::Pace;
pub use self::{
    converter::Converter,
    image_type::ImageType,
    lottie::LottieError,
    measure::Measured,
    moving::{Media, MediaSettings},
    public::{PublicMedia, PublicMediaSettings},
    spool::prepare_folder,
};
use crate::{
    homeserver::{Homeserver, HomeserverError, Intent},
    ids::RemoteFileId,
    platform::{Download, PlatformError, Session},
    store::{MediaRow, Store, StoreError},
};

mod converter;
mod failed;
mod image_type;
mod link;
mod look;
mod lottie;
mod measure;
mod metrics;
mod moving;
mod outlet;
mod pace;
mod public;
mod speech;
mod spool;

/// The largest picture of a person or chat, in either direction.
pub const AVATAR_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What the key of a copied picture begins with.
const PICTURE: &str = "picture:";

/// Why a file was not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// It is larger than we move.
    #[error("it is larger than {}", size_words(*.0))]
    TooLarge(u64),
    /// It is larger than the homeserver takes.
    #[error("it is larger than {}, and the homeserver takes no more", size_words(*.0))]
    TooLargeForHomeserver(u64),
    /// Its first bytes are of no picture that we pass on.
    #[error("the file is no PNG, JPEG, GIF or WebP picture")]
    NotAPicture,
    /// The network could not give it.
    #[error("the network could not give it: {0}")]
    Remote(#[from] PlatformError),
    /// The homeserver could not take it.
    #[error("the homeserver could not take it: {0}")]
    Homeserver(#[from] HomeserverError),
    /// A drawing could not be made a picture.
    #[error(transparent)]
    NotDrawn(#[from] LottieError),
    /// No account is connected that could fetch it.
    #[error("no account is connected that could fetch it")]
    NotConnected,
    /// The network stopped in the middle.
    #[error("the network stopped giving it")]
    Stalled,
    /// It ended before it had the size that the network gave.
    #[error("it ended before it was whole")]
    CutShort,
    /// It could not be brought into the form that was wanted.
    #[error("it could not be converted: {0}")]
    Unconvertible(String),
    /// Others are being converted, and it is not known when its turn comes.
    #[error("too much is being converted just now")]
    Busy,
    /// This machine could not hold it for a moment. Why stands in the log alone: it names our folders, and an error is shown in rooms.
    #[error("it could not be held while it was moved")]
    Disk,
}

impl MediaError {
    /// Whether another attempt can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TooLarge(_)
            | Self::TooLargeForHomeserver(_)
            | Self::NotAPicture
            | Self::NotDrawn(_)
            | Self::Unconvertible(_) => false,
            Self::Homeserver(error) => error.is_transient(),
            Self::Remote(_)
            | Self::NotConnected
            | Self::Stalled
            | Self::CutShort
            | Self::Busy
            | Self::Disk => true,
        }
    }
}

impl From<pace::Stalled> for MediaError {
    fn from(_: pace::Stalled) -> Self {
        Self::Stalled
    }
}

/// A size as people say it.
fn size_words(size_bytes: u64) -> String {
    const KIBIBYTE: u64 = 1024;
    const MEBIBYTE: u64 = 1024 * KIBIBYTE;
    match size_bytes {
        0..KIBIBYTE => format!("{size_bytes} bytes"),
        KIBIBYTE..MEBIBYTE => format!("{} KiB", size_bytes / KIBIBYTE),
        MEBIBYTE.. => format!("{} MiB", size_bytes / MEBIBYTE),
    }
}

/// Which file of the network a picture in the media store was copied from, if it was.
///
/// # Errors
/// When the database cannot be read.
pub async fn picture_source(store: &Store, mxc: &MxcUri) -> Result<Option<RemoteFileId>, StoreError> {
    let keys = store.media_keys(mxc).await?;
    Ok(keys.iter().find_map(|key| key.strip_prefix(PICTURE).map(RemoteFileId::new)))
}

/// The homeserver's copy of a picture of a person or chat, made now if there is none yet. `None` when it cannot be had, with a line in the
/// log: nothing waits for a picture.
pub async fn copy_picture(
    store: &Store,
    homeserver: &Homeserver,
    session: &dyn Session,
    file: &RemoteFileId,
) -> Option<OwnedMxcUri> {
    let key = format!("{PICTURE}{file}");
    if let Ok(Some(known)) = store.media(&key).await {
        return Some(known.mxc);
    }
    let copied = match Pace::PICTURE.begin().wait(session.download(file)).await {
        Ok(Ok(download)) => copy_avatar(download, homeserver.bot()).await,
        Ok(Err(error)) => Err(error.into()),
        Err(stalled) => Err(stalled.into()),
    };
    match copied {
        Ok((mxc, size_bytes)) => {
            let row = MediaRow { mxc: mxc.clone(), size_bytes, info: None };
            if let Err(error) = store.save_media(&key, &row).await {
                tracing::warn!(%error, "A picture was copied but not remembered.");
            }
            Some(mxc)
        }
        Err(error) => {
            tracing::warn!(%error, "Somebody stays without their picture.");
            None
        }
    }
}

/// Copies a remote picture into the homeserver, as `intent` (the bot, usually), and tells its size.
///
/// # Errors
/// When it is too large, no picture, or one of the two ends fails.
pub async fn copy_avatar(download: Download, intent: Intent<'_>) -> Result<(OwnedMxcUri, u64), MediaError> {
    let bytes = read_capped(download, AVATAR_BYTES_MAX, Pace::PICTURE).await?;
    let size_bytes = bytes.len() as u64;
    let image = ImageType::sniff(&bytes).ok_or(MediaError::NotAPicture)?;
    Ok((intent.upload(image.mime(), Some(image.filename()), bytes).await?, size_bytes))
}

async fn read_capped(mut download: Download, size_bytes_max: u64, pace: Pace) -> Result<Bytes, MediaError> {
    if download.size_bytes.is_some_and(|size| size > size_bytes_max) {
        return Err(MediaError::TooLarge(size_bytes_max));
    }
    let (mut whole, mut paced) = (BytesMut::new(), pace.begin());
    while let Some(piece) = paced.next(&mut download.stream).await? {
        let piece = piece?;
        if (whole.len() + piece.len()) as u64 > size_bytes_max {
            return Err(MediaError::TooLarge(size_bytes_max));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
