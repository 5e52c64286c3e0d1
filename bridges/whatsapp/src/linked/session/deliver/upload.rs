//! Files out: streamed from Matrix, encrypted into a temporary file, and streamed to WhatsApp's servers.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

use futures_util::StreamExt;
use magpie_common::{
    message::{Attachment, AttachmentKind, MediaInfo},
    platform::{DeliverError, FileError},
};
use tokio::sync::mpsc;
use wacore::{
    download::MediaType,
    upload::{EncryptedMediaInfo, UploadSource, encrypt_media_streaming},
};
use waproto::{buffa::MessageField, whatsapp as wa};
use whatsapp_rust::media::{
    AudioOptions, DocumentOptions, ImageOptions, VideoOptions, audio_message, document_message,
    image_message, video_message,
};

use super::Deliverer;
use crate::linked::verdict::told;

/// How much of a file is on its way between the two threads.
const PIECES_MAX: usize = 8;
/// What WhatsApp shows of a waveform: 64 points from 0 to 100.
const WAVEFORM_POINTS: usize = 64;
const LOUDEST_HERE: u64 = 1_024;
const LOUDEST_THERE: u64 = 100;

impl Deliverer {
    /// Uploads a file and describes it as a message.
    pub(super) async fn file(&self, file: &Attachment, caption: String) -> Result<wa::Message, DeliverError> {
        let sort = match file.kind {
            AttachmentKind::Image => MediaType::Image,
            AttachmentKind::Video => MediaType::Video,
            AttachmentKind::Audio | AttachmentKind::Voice => MediaType::Audio,
            AttachmentKind::Sticker => MediaType::Sticker,
            AttachmentKind::File => MediaType::Document,
        };
        let (sealed, info) = self.sealed(file, sort).await?;
        let uploaded =
            self.client.upload_stream(sealed, info, sort).await.map_err(|error| DeliverError::Retry {
                after: None,
                reason: format!(
                    "The file could not be uploaded to WhatsApp: {}.",
                    told(&format!("{error:#}"))
                ),
            })?;
        Ok(described(file, uploaded, Some(caption).filter(|caption| !caption.is_empty())))
    }

    /// Encrypts a file of Matrix as it comes.
    async fn sealed(
        &self,
        file: &Attachment,
        sort: MediaType,
    ) -> Result<(Sealed, EncryptedMediaInfo), DeliverError> {
        let again = |reason: String| DeliverError::Retry { after: None, reason };
        let mut download = self.sink.open(file).await.map_err(|error| match error {
            FileError::Gone => DeliverError::Rejected(error.to_string()),
            FileError::Away(reason) => again(format!("The file could not be read from Matrix: {reason}.")),
        })?;
        let (pieces, taken) = mpsc::channel(PIECES_MAX);
        let sealing = tokio::task::spawn_blocking(move || seal(Pieces::new(taken), sort));
        let mut broken = None;
        while let Some(piece) = download.stream.next().await {
            let failed = piece.is_err();
            if let Err(error) = &piece {
                broken = Some(error.to_string());
            }
            // A thread that has given up says why below.
            if pieces.send(piece.map_err(std::io::Error::other)).await.is_err() || failed {
                break;
            }
        }
        drop(pieces);
        let sealed =
            sealing.await.map_err(|error| again(format!("The file could not be encrypted: {error}.")))?;
        if let Some(error) = broken {
            return Err(again(format!("The file broke off: {error}.")));
        }
        sealed.map_err(|error| again(format!("The file could not be encrypted: {error}.")))
    }
}

/// Encrypts into a file without a name, so that none is left by a kill.
fn seal(plain: impl Read, sort: MediaType) -> anyhow::Result<(Sealed, EncryptedMediaInfo)> {
    let mut writer = std::io::BufWriter::new(tempfile::tempfile()?);
    let info = encrypt_media_streaming(plain, &mut writer, sort)?;
    writer.flush()?;
    let room = writer.into_inner().map_err(|error| error.into_error())?;
    let size_bytes = room.metadata()?.len();
    Ok((Sealed { room: Arc::new(room), size_bytes }, info))
}

/// An encrypted file, to be read as often as it takes.
struct Sealed {
    room: Arc<File>,
    size_bytes: u64,
}

impl UploadSource for Sealed {
    fn len(&self) -> u64 {
        self.size_bytes
    }

    fn reader_from(&self, offset: u64) -> std::io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Reading { room: Arc::clone(&self.room), at: offset }))
    }
}

/// One reader of several, each at a place of its own.
struct Reading {
    room: Arc<File>,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.room.read_at(into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Pieces that come from another task, as one reader.
struct Pieces {
    taken: mpsc::Receiver<std::io::Result<bytes::Bytes>>,
    rest: bytes::Bytes,
}

impl Pieces {
    fn new(taken: mpsc::Receiver<std::io::Result<bytes::Bytes>>) -> Self {
        Self { taken, rest: bytes::Bytes::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.rest.is_empty() {
            match self.taken.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.rest = piece?,
            }
        }
        let count = self.rest.len().min(into.len());
        into[..count].copy_from_slice(&self.rest.split_to(count));
        Ok(count)
    }
}

fn described(
    file: &Attachment,
    uploaded: whatsapp_rust::upload::UploadResponse,
    caption: Option<String>,
) -> wa::Message {
    let MediaInfo { width, height, duration_ms, waveform, .. } = &file.info;
    let mimetype = file.mime.clone();
    let secs = duration_ms.map(|ms| u32::try_from(ms.div_ceil(1_000)).unwrap_or(u32::MAX));
    match file.kind {
        AttachmentKind::Image => {
            let mut message =
                image_message(uploaded, ImageOptions { mimetype, caption, ..ImageOptions::default() });
            if let Some(image) = message.image_message.as_option_mut() {
                (image.width, image.height) = (*width, *height);
            }
            message
        }
        AttachmentKind::Video => {
            let options =
                VideoOptions { mimetype, caption, duration_seconds: secs, ..VideoOptions::default() };
            let mut message = video_message(uploaded, options);
            if let Some(video) = message.video_message.as_option_mut() {
                (video.width, video.height) = (*width, *height);
            }
            message
        }
        AttachmentKind::Audio => {
            let options = AudioOptions { mimetype, duration_seconds: secs, ..AudioOptions::default() };
            audio_message(uploaded, options)
        }
        AttachmentKind::Voice => {
            let options = AudioOptions {
                mimetype: Some("audio/ogg; codecs=opus".to_owned()),
                duration_seconds: secs,
                ptt: Some(true),
                waveform: Some(points(waveform)).filter(|points| !points.is_empty()),
                ..AudioOptions::default()
            };
            audio_message(uploaded, options)
        }
        AttachmentKind::Sticker => sticker_message(uploaded, mimetype, (*width, *height)),
        AttachmentKind::File => {
            let options = DocumentOptions {
                mimetype,
                file_name: Some(file.name.clone()),
                caption,
                ..DocumentOptions::default()
            };
            document_message(uploaded, options)
        }
    }
}

fn sticker_message(
    uploaded: whatsapp_rust::upload::UploadResponse,
    mimetype: Option<String>,
    (width, height): (Option<u32>, Option<u32>),
) -> wa::Message {
    let sticker = wa::message::StickerMessage {
        url: Some(uploaded.url),
        direct_path: Some(uploaded.direct_path),
        media_key: Some(uploaded.media_key.to_vec()),
        file_sha256: Some(uploaded.file_sha256.to_vec()),
        file_enc_sha256: Some(uploaded.file_enc_sha256.to_vec()),
        file_length: Some(uploaded.file_length),
        media_key_timestamp: Some(uploaded.media_key_timestamp),
        mimetype: mimetype.or_else(|| Some("image/webp".to_owned())),
        width,
        height,
        ..wa::message::StickerMessage::default()
    };
    wa::Message { sticker_message: MessageField::some(sticker), ..wa::Message::default() }
}

/// A waveform as WhatsApp shows it.
fn points(waveform: &[u16]) -> Vec<u8> {
    if waveform.is_empty() {
        return Vec::new();
    }
    let scaled = |loudness: u16| {
        let loudness = u64::from(loudness).min(LOUDEST_HERE) * LOUDEST_THERE / LOUDEST_HERE;
        u8::try_from(loudness).unwrap_or(u8::MAX)
    };
    (0..WAVEFORM_POINTS).map(|point| scaled(waveform[point * waveform.len() / WAVEFORM_POINTS])).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn an_encrypted_file_has_no_name_and_many_readers() {
        let (sealed, _) = seal(&[7_u8; 100_000][..], MediaType::Image).expect("there is room");
        assert_eq!(sealed.room.metadata().expect("it is there").nlink(), 0, "none is left by a kill");
        let read = |offset: u64| {
            let mut bytes = Vec::new();
            sealed.reader_from(offset)?.read_to_end(&mut bytes).map(|_| bytes)
        };
        let whole = read(0).expect("it can be read");
        assert_eq!(whole.len() as u64, sealed.len());
        let mut first = sealed.reader_from(0).expect("it can be read");
        first.read_exact(&mut [0; 10]).expect("it is longer");
        assert_eq!(read(30_000).expect("it can be read"), whole[30_000..]);
        let mut rest = Vec::new();
        first.read_to_end(&mut rest).expect("it can be read");
        assert_eq!(rest, whole[10..], "another reader moves nothing");
    }

    #[test]
    fn a_waveform_has_64_points_up_to_100() {
        assert!(points(&[]).is_empty());
        assert_eq!(points(&[1_024, 0]).iter().map(|it| usize::from(*it)).sum::<usize>(), 32 * 100);
        let long: Vec<u16> = (0..1_000).collect();
        assert_eq!((points(&long).len(), points(&[9_999])[0]), (WAVEFORM_POINTS, 100));
    }
}
