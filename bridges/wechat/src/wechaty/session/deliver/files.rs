//! Files on their way to WeChat: small ones go inside of the message, others are brought to the gateway first. Streamed, never held whole.

use std::{
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use magpie_common::{
    message::{Attachment, AttachmentKind, clean_line},
    platform::{DeliverError, FileError, PlatformError},
};

use super::Deliverer;
use crate::wechaty::{
    events,
    filebox::{FileBox, Holds, INSIDE_BYTES_MAX},
    session::{
        capabilities::{FILE_BYTES_MAX, VOICE_MIME},
        echoes::Print,
    },
    verdict::question_verdict,
    wire::Chunk,
};

/// How much goes at once; the gateway takes four times as much at most.
const CHUNK_BYTES_MAX: usize = 1024 * 1024;

/// The shortest time that is given to an upload, and how slow it may be at least, in bytes per second.
const UPLOAD_WITHIN: Duration = Duration::from_secs(60);
const BYTES_PER_SECOND_MIN: u64 = 64 * 1024;

/// Why bytes did not come.
enum Broken {
    /// The homeserver broke off.
    Off(String),
    /// There are too many.
    TooLarge,
}

/// Whether WeChat takes such a file; others become links.
pub(super) fn is_fit(file: &Attachment) -> bool {
    file.size_bytes.is_none_or(|size| size <= FILE_BYTES_MAX)
}

/// By what the echo of a file is known. The gateway looks at its name alone.
pub(super) fn print(file: &Attachment) -> Print {
    match events::mime(&file_name(file)).and_then(|mime| mime.split('/').next()) {
        Some("image") => Print::Picture,
        Some("video") => Print::Video,
        _ => Print::File,
    }
}

impl Deliverer {
    /// Makes a box of a file. A file that is brought twice has done nothing.
    pub(super) async fn bring(&self, file: &Attachment) -> Result<String, DeliverError> {
        let mut download = match self.world.sink.open(file).await {
            Ok(download) => download,
            Err(error @ FileError::Gone) => return Err(DeliverError::Rejected(format!("{error}."))),
            Err(FileError::Away(reason)) => return Err(DeliverError::Retry { after: None, reason }),
        };
        let name = file_name(file);
        let (mut head, mut size) = (Vec::new(), 0);
        while size <= INSIDE_BYTES_MAX {
            match download.stream.next().await {
                Some(Ok(chunk)) => {
                    size += chunk.len();
                    head.push(chunk);
                }
                Some(Err(error)) => return Err(off(error.0)),
                None if size == 0 => {
                    return Err(DeliverError::Rejected(
                        "The file is empty, and WeChat takes no such file.".to_owned(),
                    ));
                }
                None => {
                    let holds = Holds::Inside(head.concat().into());
                    let size_bytes = u64::try_from(size).ok();
                    return Ok(FileBox { name, size_bytes, holds }.write(voice_ms(file)));
                }
            }
        }
        let told = download.size_bytes.or(file.size_bytes);
        let within =
            UPLOAD_WITHIN + Duration::from_secs(told.unwrap_or(FILE_BYTES_MAX) / BYTES_PER_SECOND_MIN);
        let broken = Arc::new(Mutex::new(None));
        let counted = Counted { size: 0, broken: Arc::clone(&broken) };
        let bytes = stream::iter(head).map(Ok::<Bytes, PlatformError>).chain(download.stream);
        let bytes = bytes.scan(counted, |counted, chunk| ready(counted.pass(chunk)));
        let chunks = bytes.flat_map(|bytes| stream::iter(pieces(bytes))).boxed();
        let brought = self.world.gateway.upload(chunks, within).await;
        // What broke off here was brought as if it ended there.
        match broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Broken::Off(reason)) => return Err(off(reason)),
            Some(Broken::TooLarge) => {
                return Err(DeliverError::Rejected("The file is larger than WeChat takes.".to_owned()));
            }
            None => {}
        }
        let uuid = brought.map_err(|status| question_verdict(&status))?;
        if uuid.is_empty() {
            let reason = "The WeChat gateway does not say under which name it keeps the file.".to_owned();
            return Err(DeliverError::Retry { after: None, reason });
        }
        Ok(FileBox { name, size_bytes: told, holds: Holds::Uuid(uuid) }.write(voice_ms(file)))
    }
}

/// Counts what passes, and remembers why it does not any more.
struct Counted {
    size: u64,
    broken: Arc<Mutex<Option<Broken>>>,
}

impl Counted {
    fn pass(&mut self, chunk: Result<Bytes, PlatformError>) -> Option<Bytes> {
        let broken = match chunk {
            Ok(chunk) => {
                self.size = self.size.saturating_add(chunk.len() as u64);
                if self.size <= FILE_BYTES_MAX {
                    return Some(chunk);
                }
                Broken::TooLarge
            }
            Err(error) => Broken::Off(error.0),
        };
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(broken);
        None
    }
}

fn off(reason: String) -> DeliverError {
    DeliverError::Retry { after: None, reason }
}

/// Bytes in pieces that the gateway takes.
fn pieces(mut bytes: Bytes) -> Vec<Chunk> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES_MAX));
        pieces.push(Chunk { chunk });
    }
    pieces
}

/// How long a voice message is, which is all that tells gateways that a file is one.
fn voice_ms(file: &Attachment) -> Option<u64> {
    let is_voice = file.kind == AttachmentKind::Voice && file.mime.as_deref() == Some(VOICE_MIME);
    file.info.duration_ms.filter(|_| is_voice)
}

/// The file's name, with an ending that tells what it is: the gateway goes by that.
fn file_name(file: &Attachment) -> String {
    const CHARS_MAX: usize = 100;
    let claimed = file.mime.as_deref().unwrap_or_default();
    let ending = match claimed.split(';').next().unwrap_or_default().trim() {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "video/mp4" => ".mp4",
        "audio/mpeg" => ".mp3",
        "audio/ogg" => ".ogg",
        VOICE_MIME => ".sil",
        "application/pdf" => ".pdf",
        "text/plain" => ".txt",
        _ => match file.kind {
            AttachmentKind::Image if claimed.is_empty() => ".jpg",
            AttachmentKind::Video if claimed.is_empty() => ".mp4",
            AttachmentKind::Image
            | AttachmentKind::Video
            | AttachmentKind::Audio
            | AttachmentKind::Voice
            | AttachmentKind::Sticker
            | AttachmentKind::File => "",
        },
    };
    let name: String = clean_line(&file.name).replace(['/', '\\'], "_");
    let stem: String = name.chars().take(CHARS_MAX).collect();
    let stem = if stem.is_empty() { "file".to_owned() } else { stem };
    if claimed == VOICE_MIME && file.kind == AttachmentKind::Voice {
        // Gateways know speech by this very ending.
        return stem.rsplit_once('.').map_or(stem.as_str(), |(stem, _)| stem).to_owned() + ending;
    }
    if events::mime(&stem).is_some() || stem.to_lowercase().ends_with(ending) { stem } else { stem + ending }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::FileSource;
    use proptest::prelude::{any, proptest};

    use super::*;

    fn file(kind: AttachmentKind, name: &str, mime: &str) -> Attachment {
        let source = FileSource::Matrix("mxc://example.org/x".into());
        let mime = Some(mime.to_owned()).filter(|mime| !mime.is_empty());
        Attachment { mime, ..Attachment::new(kind, source, name) }
    }

    #[test]
    fn names_tell_what_a_file_is() {
        use AttachmentKind::{File, Image, Video, Voice};
        for (kind, name, mime, called, print_) in [
            (Image, "bird", "image/png", "bird.png", Print::Picture),
            (Image, "bird.JPG", "image/jpeg", "bird.JPG", Print::Picture),
            (Image, "", "", "file.jpg", Print::Picture),
            (Video, "a", "video/mp4; codecs=x", "a.mp4", Print::Video),
            (Voice, "Voice message", "audio/ogg", "Voice message.ogg", Print::File),
            (Voice, "Voice message.silk", "audio/silk", "Voice message.sil", Print::File),
            (File, "a/b\\c.tar.gz", "", "a_b_c.tar.gz", Print::File),
            (File, "notes.doc", "application/msword", "notes.doc", Print::File),
        ] {
            let file = file(kind, name, mime);
            assert_eq!((file_name(&file).as_str(), print(&file)), (called, print_), "{name} {mime}");
        }
    }

    #[test]
    fn speech_tells_its_length() {
        let mut said = file(AttachmentKind::Voice, "a.silk", "audio/silk");
        assert_eq!(voice_ms(&said), None);
        said.info.duration_ms = Some(1_500);
        assert_eq!(voice_ms(&said), Some(1_500));
        said.mime = Some("audio/ogg".to_owned());
        assert_eq!(voice_ms(&said), None);
    }

    #[test]
    fn what_is_too_large_or_breaks_off_is_not_sent_as_if_it_were_whole() {
        let broken = Arc::new(Mutex::new(None));
        let mut counted = Counted { size: FILE_BYTES_MAX - 1, broken: Arc::clone(&broken) };
        assert_eq!(counted.pass(Ok(Bytes::from_static(b"1"))), Some(Bytes::from_static(b"1")));
        assert_eq!(counted.pass(Ok(Bytes::from_static(b"2"))), None);
        assert!(matches!(*broken.lock().expect("nobody panicked"), Some(Broken::TooLarge)));
        assert_eq!(counted.pass(Err(PlatformError("cut".to_owned()))), None);
        assert!(matches!(&*broken.lock().expect("nobody panicked"), Some(Broken::Off(why)) if why == "cut"));
        let mut large = file(AttachmentKind::File, "x", "");
        large.size_bytes = Some(FILE_BYTES_MAX + 1);
        assert!(!is_fit(&large));
    }

    proptest! {
        #[test]
        fn pieces_are_small_and_whole(bytes in proptest::collection::vec(any::<u8>(), 0..64), times in 1_usize..70_000) {
            let whole = Bytes::from(bytes.repeat(times));
            let pieces = pieces(whole.clone());
            assert!(pieces.iter().all(|piece| (1..=CHUNK_BYTES_MAX).contains(&piece.chunk.len())));
            assert!(pieces.iter().map(|piece| piece.chunk.len()).sum::<usize>() == whole.len());
        }
    }
}
