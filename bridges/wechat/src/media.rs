//! Files on their way to WeChat's platforms and from them: streamed from the homeserver and to it, never held.

use std::time::Duration;

use futures_util::StreamExt;
use magpie_common::{
    message::{Attachment, clean_line},
    platform::{DeliverError, Download, EventSink, FileError, PlatformError},
};
use reqwest::{
    Body, Response,
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};

/// So slow may an upload be at least, in bytes per second, before it is given up.
const BYTES_PER_SECOND_MIN: u64 = 32 * 1024;

/// A file on its way out.
pub(crate) struct Brought {
    /// The body of the upload.
    pub form: Form,
    /// How much longer than other requests it may take.
    pub more: Duration,
    /// How large the file is.
    pub size_bytes: Option<u64>,
}

/// Opens a file of Matrix as the body of an upload.
pub(crate) async fn bring(sink: &EventSink, file: &Attachment) -> Result<Brought, DeliverError> {
    let download = match sink.open(file).await {
        Ok(download) => download,
        Err(error @ FileError::Gone) => return Err(DeliverError::Rejected(format!("{error}."))),
        Err(FileError::Away(reason)) => return Err(DeliverError::Retry { after: None, reason }),
    };
    let size_bytes = download.size_bytes;
    let body = Body::wrap_stream(download.stream);
    let part = match size_bytes {
        Some(size) => Part::stream_with_length(body, size),
        None => Part::stream(body),
    };
    let part = part.file_name(file_name(file)).mime_str(&essence(file));
    let part = part.map_err(|error| DeliverError::Rejected(format!("The file has no fit type: {error}.")))?;
    let more = Duration::from_secs(size_bytes.unwrap_or_default() / BYTES_PER_SECOND_MIN);
    Ok(Brought { form: Form::new().part("media", part), more, size_bytes })
}

/// An answer that is a file, on its way in.
pub(crate) fn download(answer: Response) -> Download {
    let mime = answer.headers().get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).map(str::to_owned);
    let size_bytes = answer.content_length();
    let broke_off = |error: reqwest::Error| {
        PlatformError(format!("The file could not be fetched from WeChat: {}.", error.without_url()))
    };
    let stream = answer.bytes_stream().map(move |chunk| chunk.map_err(broke_off));
    Download { mime, size_bytes, stream: stream.boxed() }
}

/// A media type without its parameters.
pub(crate) fn essence(file: &Attachment) -> String {
    let claimed = file.mime.as_deref().unwrap_or_default();
    let essence = claimed.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence.is_empty() { "application/octet-stream".to_owned() } else { essence }
}

/// The name under which a file goes.
pub(crate) fn file_name(file: &Attachment) -> String {
    const CHARS_MAX: usize = 100;
    let name: String = clean_line(&file.name).chars().take(CHARS_MAX).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}
