//! Files from WhatsApp, and from nowhere else. Their addresses hold for minutes, so they are asked for when a file is opened. The reader caps
//! the size.

use std::sync::Arc;

use futures_util::StreamExt;
use magpie_common::{
    ids::RemoteFileId,
    platform::{Download, PlatformError},
};
use reqwest::header::CONTENT_TYPE;

use super::api::{Api, ApiError};
use crate::cloud::{file, json::text};

/// Opens files.
pub(super) struct Files {
    pub(super) api: Arc<Api>,
    pub(super) number: String,
}

impl Files {
    /// `GET /{Media-ID}`, then the file itself.
    pub(super) async fn open(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let gone = || {
            PlatformError("The file is not in WhatsApp any more. Ask the person to send it again.".to_owned())
        };
        let id = file::id(file).ok_or_else(gone)?;
        let words = |error: ApiError| match error.is_not_found() {
            true => gone(),
            false => PlatformError(format!("The file could not be fetched from WhatsApp: {error}.")),
        };
        let found = self.api.get(&format!("{id}?phone_number_id={}", self.number)).await.map_err(words)?;
        let answer = self.api.open(text(&found["url"])).await.map_err(words)?;
        let told = answer.headers().get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).map(str::to_owned);
        let mime = found["mime_type"].as_str().map(str::to_owned).or(told);
        let size_bytes = answer.content_length().or_else(|| found["file_size"].as_u64());
        let broke_off = |error: reqwest::Error| {
            PlatformError(format!("The file could not be fetched from WhatsApp: {}.", error.without_url()))
        };
        let stream = answer.bytes_stream().map(move |chunk| chunk.map_err(broke_off));
        Ok(Download { mime, size_bytes, stream: stream.boxed() })
    }
}
