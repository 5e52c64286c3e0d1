//! A file on its way through: in a nameless file on disk, so that it need not be in memory, and its sum is known before it is sent on.
//!
//! Must never trust a size that somebody claims: it is counted while it comes.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use super::{ImageType, MediaError, pace::Pace, speech::Unplayable};
use crate::platform::Download;

/// What is read at once when the file is sent on.
const PIECE_BYTES: usize = 64 * 1024;

/// So much of the beginning tells what a file is.
const HEAD_BYTES: usize = 36;
const _: () = assert!(HEAD_BYTES >= ImageType::SNIFF_BYTES && HEAD_BYTES >= Unplayable::SNIFF_BYTES);

/// How large a file may be, and who says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cap {
    pub(super) size_bytes_max: u64,
    pub(super) is_homeserver: bool,
}

impl Cap {
    /// The error of a file that is larger.
    pub(super) fn passed(self) -> MediaError {
        match self.is_homeserver {
            true => MediaError::TooLargeForHomeserver(self.size_bytes_max),
            false => MediaError::TooLarge(self.size_bytes_max),
        }
    }
}

/// Where files lie while they are moved: a folder on a disk. The system's own for such files is often in memory.
#[derive(Clone, Debug)]
pub(super) struct Spool {
    folder: PathBuf,
}

/// A file that is here for a moment. It is gone with this.
pub(super) struct Spooled {
    /// Open for reading alone, as it is handed to programs.
    file: tokio::fs::File,
    /// How large it turned out to be.
    pub(super) size_bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub(super) sha256: String,
    /// The picture that its first bytes say it is.
    pub(super) image: Option<ImageType>,
    /// The speech that they say it is, if no client plays it.
    pub(super) unplayable: Option<Unplayable>,
}

/// Makes the folder where files lie, ours alone, if it is not there, and tries whether one can lie there.
///
/// # Errors
/// When it cannot be made, or no file can be made in it.
pub fn prepare_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    nameless(folder).map(drop)
}

impl Spool {
    /// Uses a folder that was prepared.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Takes a file in.
    pub(super) async fn take(&self, download: Download, cap: Cap, pace: Pace) -> Result<Spooled, MediaError> {
        let Download { size_bytes: claimed, mut stream, .. } = download;
        if claimed.is_some_and(|size| size > cap.size_bytes_max) {
            return Err(cap.passed());
        }
        let (file, reader) = nameless(&self.folder).map_err(|error| disk(&error))?;
        let mut file = tokio::fs::File::from_std(file);
        let (mut sum, mut size_bytes, mut head) = (Sha256::new(), 0, Vec::new());
        let mut paced = pace.begin();
        while let Some(piece) = paced.next(&mut stream).await? {
            let piece = piece?;
            size_bytes += piece.len() as u64;
            if size_bytes > cap.size_bytes_max {
                return Err(cap.passed());
            }
            let missing = HEAD_BYTES.saturating_sub(head.len());
            head.extend_from_slice(&piece[..piece.len().min(missing)]);
            sum.update(&piece);
            file.write_all(&piece).await.map_err(|error| disk(&error))?;
        }
        // Less than was claimed is half a file.
        if claimed.is_some_and(|claimed| size_bytes < claimed) {
            return Err(MediaError::CutShort);
        }
        file.flush().await.map_err(|error| disk(&error))?;
        let sha256 = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let file = tokio::fs::File::from_std(reader);
        let (image, unplayable) = (ImageType::sniff(&head), Unplayable::sniff(&head));
        Ok(Spooled { file, size_bytes, sha256, image, unplayable })
    }
}

impl Spooled {
    /// The file for whoever reads it without waiting, from its start.
    pub(super) async fn reader(&mut self) -> Result<File, MediaError> {
        self.file.rewind().await.map_err(|error| disk(&error))?;
        let file = self.file.try_clone().await.map_err(|error| disk(&error))?;
        Ok(file.into_std().await)
    }

    /// All of it in memory, for what was taken with a small cap.
    pub(super) async fn whole(&mut self) -> Result<Vec<u8>, MediaError> {
        self.file.rewind().await.map_err(|error| disk(&error))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes).await.map_err(|error| disk(&error))?;
        Ok(bytes)
    }

    /// The bytes from the start.
    pub(super) async fn stream(&mut self) -> Result<BoxStream<'static, io::Result<Bytes>>, MediaError> {
        self.file.rewind().await.map_err(|error| disk(&error))?;
        let file = self.file.try_clone().await.map_err(|error| disk(&error))?;
        Ok(ReaderStream::with_capacity(file, PIECE_BYTES).boxed())
    }
}

/// A file without a name, to write it and to read it. It loses its name before anything is in it.
fn nameless(folder: &Path) -> io::Result<(File, File)> {
    let named = tempfile::NamedTempFile::new_in(folder)?;
    let reader = File::open(named.path())?;
    Ok((named.into_file(), reader))
}

fn disk(error: &io::Error) -> MediaError {
    tracing::warn!(%error, "A file cannot lie here while it is moved.");
    MediaError::Disk
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;

    use super::*;
    use crate::platform::PlatformError;

    const CAP: Cap = Cap { size_bytes_max: 1_000, is_homeserver: false };
    const IMPATIENT: Pace = Pace { stall: Duration::from_millis(20), ..Pace::FILE };

    fn download(
        size_bytes: Option<u64>,
        pieces: impl futures_util::Stream<Item = Result<Bytes, PlatformError>> + Send + 'static,
    ) -> Download {
        Download { mime: None, size_bytes, stream: pieces.boxed() }
    }

    fn spool() -> Spool {
        Spool::new(std::env::temp_dir())
    }

    fn piece() -> Result<Bytes, PlatformError> {
        Ok(Bytes::from_static(b"piece"))
    }

    #[tokio::test]
    async fn a_file_is_believed_only_by_what_comes() {
        let broken = || Err(PlatformError("it broke".to_owned()));
        for (name, claimed, pieces, wanted) in [
            ("whole", Some(10), vec![piece(), piece()], Ok(10)),
            ("larger than it says", Some(5), vec![piece(), piece()], Ok(10)),
            ("of no known size", None, vec![piece()], Ok(5)),
            ("smaller than it says", Some(11), vec![piece(), piece()], Err(MediaError::CutShort)),
            ("too large, and says so", Some(1_001), vec![], Err(MediaError::TooLarge(1_000))),
            ("too large", None, vec![piece(); 201], Err(MediaError::TooLarge(1_000))),
            ("broken", Some(10), vec![piece(), broken()], Err(PlatformError("it broke".to_owned()).into())),
        ] {
            let taken = spool().take(download(claimed, stream::iter(pieces)), CAP, Pace::FILE).await;
            assert_eq!(taken.map(|spooled| spooled.size_bytes), wanted, "{name}");
        }
    }

    #[tokio::test]
    async fn a_file_has_no_name_and_is_handed_on_for_reading_alone() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let mut taken =
            spool.take(download(None, stream::iter([piece()])), CAP, Pace::FILE).await.map_err(drop).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(io::Write::write(&mut taken.reader().await.unwrap(), b"x").is_err());
        assert_eq!(taken.whole().await, Ok(b"piece".to_vec()));
    }

    #[tokio::test]
    async fn a_folder_is_made_and_tried_and_its_name_stays_with_us() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("some/folder");
        let spool = Spool::new(folder.clone());
        let take = async || {
            let taken = spool.take(download(None, stream::iter([piece()])), CAP, Pace::FILE).await;
            taken.map(|spooled| spooled.size_bytes)
        };
        let error = take().await.unwrap_err();
        assert_eq!(error, MediaError::Disk);
        assert!(!error.to_string().contains("folder"), "{error}");
        prepare_folder(&folder).unwrap();
        prepare_folder(&folder).unwrap();
        assert_eq!(take().await, Ok(5));
        std::fs::write(parent.path().join("file"), "").unwrap();
        assert!(prepare_folder(&parent.path().join("file")).is_err());
    }

    #[tokio::test]
    async fn a_file_that_stands_still_is_given_up() {
        let stopped = stream::iter([piece()]).chain(stream::pending());
        let taken = spool().take(download(None, stopped), CAP, IMPATIENT).await;
        assert_eq!(taken.map(|spooled| spooled.size_bytes), Err(MediaError::Stalled));
    }
}
