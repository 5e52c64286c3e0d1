//! Files in: fetched and decrypted into a temporary file, and handed on as a stream only when they are whole and true.
//!
//! What WhatsApp's servers have deleted the phone is asked to upload anew.

use futures_util::StreamExt;
use magpie_common::platform::{Download, PlatformError};
use tokio_util::io::ReaderStream;
use wacore::download::DownloadWriter;
use wacore::media_retry::MediaRetryResult;
use wacore_binary::Jid;
use whatsapp_rust::{Client, ErrorChainExt, MediaReuploadRequest};

use crate::linked::{
    file::{MediaFile, RemoteFile},
    http::Http,
    verdict::told,
};

/// So much is fetched of a file that does not say how large it is.
const UNTOLD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What encryption and its padding may add while a file is written.
const SEAL_BYTES_MAX: u64 = 1024;

/// What a file that is gone for good means.
const GONE: &str = "The file is not on WhatsApp's servers any more, and your phone did not send it again. Open WhatsApp on your phone, see \
    whether the file is still there, and try again.";

/// Fetches a file.
pub(super) async fn download(
    client: &Client,
    http: &Http,
    file: RemoteFile,
) -> Result<Download, PlatformError> {
    match file {
        RemoteFile::Media(file) => media(client, *file).await,
        RemoteFile::Picture(of) => picture(client, http, &of).await,
    }
}

async fn media(client: &Client, file: MediaFile) -> Result<Download, PlatformError> {
    let fetched = match fetch(client, &file).await {
        Err(Failed::Gone) => {
            let renewed = uploaded_anew(client, file).await?;
            fetch(client, &renewed).await
        }
        fetched => fetched,
    };
    let (file, size_bytes) = fetched.map_err(|failed| match failed {
        Failed::Gone => PlatformError(GONE.to_owned()),
        Failed::Otherwise(error) => {
            PlatformError(format!("The file could not be fetched from WhatsApp: {}.", told(&error)))
        }
    })?;
    let read = |piece: std::io::Result<bytes::Bytes>| {
        piece.map_err(|error| PlatformError(format!("The file could not be read again: {error}.")))
    };
    let stream = ReaderStream::new(tokio::fs::File::from_std(file)).map(read).boxed();
    Ok(Download { mime: None, size_bytes: Some(size_bytes), stream })
}

enum Failed {
    Gone,
    Otherwise(String),
}

/// A file that takes only so much: the bridge has agreed to as much as the message said.
struct Capped {
    file: std::fs::File,
    bytes_max: u64,
}

impl Capped {
    fn new(file: std::fs::File, size_bytes: u64) -> Self {
        let told = if size_bytes > 0 { size_bytes } else { UNTOLD_BYTES_MAX };
        Self { file, bytes_max: told.saturating_add(SEAL_BYTES_MAX) }
    }
}

impl std::io::Write for Capped {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        use std::io::Seek;
        if self.file.stream_position()?.saturating_add(piece.len() as u64) > self.bytes_max {
            return Err(std::io::Error::other("the file is too large"));
        }
        self.file.write(piece)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl std::io::Seek for Capped {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

impl DownloadWriter for Capped {
    fn truncate(&mut self, len: u64) -> std::io::Result<()> {
        self.file.set_len(len)
    }
}

async fn fetch(client: &Client, file: &MediaFile) -> Result<(std::fs::File, u64), Failed> {
    let other = |error: &dyn std::fmt::Display| Failed::Otherwise(error.to_string());
    let room = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|error| other(&error))?;
    let room = Capped::new(room.map_err(|error| other(&error))?, file.size_bytes);
    let Capped { file, .. } =
        client.download_to_writer(&file.params(), room).await.map_err(|error| failed(&error))?;
    let size_bytes = file.metadata().map_err(|error| other(&error))?.len();
    Ok((file, size_bytes))
}

fn failed(error: &anyhow::Error) -> Failed {
    let cause: &(dyn std::error::Error + 'static) = error.as_ref();
    // Links get old, too; the phone gives new ones.
    match cause.http_status() {
        Some(401 | 403 | 404 | 410) => Failed::Gone,
        _ => Failed::Otherwise(format!("{error:#}")),
    }
}

/// Asks the phone to upload a file anew; where it is then.
async fn uploaded_anew(client: &Client, file: MediaFile) -> Result<MediaFile, PlatformError> {
    let bearer = &file.bearer;
    let key = file.key();
    let request = MediaReuploadRequest {
        msg_id: &bearer.stanza,
        chat_jid: &bearer.chat,
        media_key: &key,
        is_from_me: bearer.from_me,
        participant: bearer.participant.as_ref(),
    };
    match client.media_reupload().request(&request).await {
        Ok(MediaRetryResult::Success { direct_path }) if direct_path.starts_with('/') => {
            Ok(file.moved(direct_path))
        }
        _ => Err(PlatformError(GONE.to_owned())),
    }
}

async fn picture(client: &Client, http: &Http, of: &Jid) -> Result<Download, PlatformError> {
    let failed = |error: &dyn std::fmt::Display| {
        PlatformError(format!("The picture could not be fetched from WhatsApp: {}.", told(error)))
    };
    let picture = client.contacts().get_profile_picture(of, false).await.map_err(|error| failed(&error))?;
    let url = picture.map(|picture| picture.url);
    let url = url.ok_or_else(|| PlatformError("There is no picture any more.".to_owned()))?;
    let answer = http.get(&url).await.map_err(|error| failed(&error))?;
    let answer = answer.error_for_status().map_err(|error| failed(&error.without_url()))?;
    let size_bytes = answer.content_length();
    let piece = |piece: reqwest::Result<bytes::Bytes>| {
        piece.map_err(|error| PlatformError(format!("The picture broke off: {}.", error.without_url())))
    };
    Ok(Download {
        mime: Some("image/jpeg".to_owned()),
        size_bytes,
        stream: answer.bytes_stream().map(piece).boxed(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use whatsapp_rust::http::HttpStatusError;

    use super::*;

    #[test]
    fn only_a_status_says_that_a_file_is_gone() {
        for (status, is_gone) in
            [(401, true), (403, true), (404, true), (410, true), (500, false), (429, false)]
        {
            let error = anyhow::Error::new(HttpStatusError { status }).context("in the folder 404, Gone");
            assert_eq!(matches!(failed(&error), Failed::Gone), is_gone, "{status}");
        }
        assert!(matches!(failed(&anyhow::anyhow!("404 of 410 bytes came")), Failed::Otherwise(_)));
    }

    #[test]
    fn no_more_of_a_file_is_kept_than_was_agreed_to() {
        for (told, bytes_max) in
            [(10, 10 + SEAL_BYTES_MAX), (0, UNTOLD_BYTES_MAX + SEAL_BYTES_MAX), (u64::MAX, u64::MAX)]
        {
            let capped = Capped::new(tempfile::tempfile().expect("a file"), told);
            assert_eq!(capped.bytes_max, bytes_max, "{told}");
        }
        let mut capped = Capped::new(tempfile::tempfile().expect("a file"), 10);
        let whole = vec![0; 10 + 1024];
        capped.write_all(&whole).expect("as much as was told");
        capped.write_all(b"x").expect_err("and no more");
    }
}
