//! Files to the homeserver's media repository and back. Downloads are streams with a hard cap.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::{HeaderValue, Method, header::CONTENT_LENGTH, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use ruma::{MxcUri, OwnedMxcUri};
use serde::Deserialize;

use super::{Homeserver, HomeserverError, intent::Intent, transport::Body};

/// How long one piece of a download may take to arrive.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(30);

/// The homeserver's limit is asked for again after so long: an operator who raises it should not have to restart us.
const LIMIT_HOLDS: Duration = Duration::from_secs(5 * 60);

/// What the homeserver last said of its limit, and when.
pub(super) type UploadLimit = std::sync::Mutex<Option<(Instant, Option<u64>)>>;

/// A file on its way from the media repository.
pub struct MediaDownload {
    /// Media type as the homeserver claims it.
    pub mime: Option<String>,
    /// Size as the homeserver claims it.
    pub size_bytes: Option<u64>,
    /// The bytes; ends with [`HomeserverError::AnswerTooLarge`] where the cap is passed.
    pub stream: BoxStream<'static, Result<Bytes, HomeserverError>>,
}

impl Homeserver {
    /// The largest file that the homeserver takes, in bytes; `None` where it names no limit. Its answer holds for some minutes.
    /// `GET /_matrix/client/v1/media/config`, on older homeservers `GET /_matrix/media/v3/config`
    ///
    /// # Errors
    /// As every call.
    pub async fn upload_bytes_max(&self) -> Result<Option<u64>, HomeserverError> {
        let limit = || self.0.upload_limit.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = limit().filter(|(asked, _)| asked.elapsed() < LIMIT_HOLDS) {
            return Ok(known);
        }
        let asked = Instant::now();
        let told = match self.ask_limit("/_matrix/client/v1/media/config").await {
            Err(error) if !error.is_transient() => self.ask_limit("/_matrix/media/v3/config").await,
            told => told,
        };
        let told = match told {
            // A homeserver that has neither call names no limit.
            Err(error) if !error.is_transient() => None,
            told => told?,
        };
        *limit() = Some((asked, told));
        Ok(told)
    }

    async fn ask_limit(&self, route: &'static str) -> Result<Option<u64>, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "m.upload.size")]
            upload_size: Option<u64>,
        }
        let answer: Answer =
            self.transport().call(Method::GET, self.transport().path(route), Body::None).await?;
        Ok(answer.upload_size)
    }
}

impl Intent<'_> {
    /// Stores a file. `POST /_matrix/media/v3/upload`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::TooLarge`] when the homeserver allows no file of that size.
    pub async fn upload(
        &self,
        mime: &str,
        filename: Option<&str>,
        bytes: Bytes,
    ) -> Result<OwnedMxcUri, HomeserverError> {
        let mime = media_type(mime)?;
        self.put_in(filename, Body::of_bytes(mime, bytes)).await
    }

    /// The same for a file that is read while it is sent; `size_bytes` must be its true size.
    ///
    /// # Errors
    /// As [`Intent::upload`]; a stream that ends early or late breaks the call off.
    pub async fn upload_stream(
        &self,
        mime: &str,
        size_bytes: u64,
        stream: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<OwnedMxcUri, HomeserverError> {
        let mime = media_type(mime)?;
        self.put_in(None, Body::Stream { mime, size_bytes, stream }).await
    }

    async fn put_in(&self, filename: Option<&str>, body: Body) -> Result<OwnedMxcUri, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            content_uri: OwnedMxcUri,
        }
        let mut path = self.masquerade(self.path("/_matrix/media/v3/upload"));
        if let Some(filename) = filename {
            path = path.query("filename", filename);
        }
        let answer: Answer = self.transport().call(Method::POST, path, body).await?;
        Ok(answer.content_uri)
    }

    /// Opens a file of at most `size_bytes_max`; `None` when there is none.
    /// `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::AnswerTooLarge`] at once when the homeserver says that it is larger.
    pub async fn download(
        &self,
        mxc: &MxcUri,
        size_bytes_max: u64,
    ) -> Result<Option<MediaDownload>, HomeserverError> {
        let (server, id) = mxc
            .parts()
            .map_err(|error| HomeserverError::BadRequest(format!("not a Matrix media address: {error}")))?;
        let path = self.path("/_matrix/client/v1/media/download/").segment(server.as_str());
        let path = self.masquerade(path.raw("/").segment(id));
        let Some(response) = super::intent::optional(self.transport().open(path).await)? else {
            return Ok(None);
        };
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let mime = header(CONTENT_TYPE).map(str::to_owned);
        let size_bytes = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if size_bytes.is_some_and(|size| size > size_bytes_max) {
            return Err(HomeserverError::AnswerTooLarge(size_bytes_max));
        }
        let stream = capped(response.into_body(), size_bytes_max).boxed();
        Ok(Some(MediaDownload { mime, size_bytes, stream }))
    }
}

fn media_type(mime: &str) -> Result<HeaderValue, HomeserverError> {
    HeaderValue::from_str(mime)
        .map_err(|_| HomeserverError::BadRequest("the media type is no header value".to_owned()))
}

impl std::fmt::Debug for MediaDownload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaDownload")
            .field("mime", &self.mime)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

/// The body's pieces until its end, the cap or the first failure.
fn capped(body: Incoming, size_bytes_max: u64) -> impl stream::Stream<Item = Result<Bytes, HomeserverError>> {
    stream::unfold(Some((body, 0u64)), move |state| async move {
        let (mut body, read) = state?;
        loop {
            let frame = match tokio::time::timeout(CHUNK_TIMEOUT, body.frame()).await {
                Err(_) => return Some((Err(HomeserverError::Timeout(CHUNK_TIMEOUT)), None)),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some((Err(HomeserverError::Broken(error.to_string())), None)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let read = read + data.len() as u64;
            if read > size_bytes_max {
                return Some((Err(HomeserverError::AnswerTooLarge(size_bytes_max)), None));
            }
            return Some((Ok(data), Some((body, read))));
        }
    })
}
