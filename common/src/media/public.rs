//! Signed links under which remote networks fetch the Matrix pictures of relayed people, and people fetch files that a network does not take.
//!
//! Media of Matrix needs a token since authenticated media; a webhook's avatar cannot have one. So we fetch it ourselves
//! for whoever holds a link that we signed, with headers that keep a browser from running anything. Pictures are checked to be
//! ones, and are of bounded size; files are only ever saved.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::Response,
    routing::get,
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use ruma::MxcUri;
use tokio::sync::Semaphore;
use url::Url;

use super::{
    AVATAR_BYTES_MAX, ImageType,
    link::{BadToken, Signer},
    outlet,
    pace::Pace,
};
use crate::{
    clock::Clock,
    config::Secret,
    homeserver::{Homeserver, HomeserverError, MediaDownload},
};

/// Pictures on their way out at a time.
const PICTURES_MAX: usize = 16;

/// Files on their way out at a time. Apart from the pictures: a few large files must not take everybody's face away.
const FILES_MAX: usize = 8;

const ROUTE: &str = "/_magpie/media/";
const FILES_ROUTE: &str = "/_magpie/files/";

/// A longer name of a file is cut.
const SAVED_NAME_CHARS_MAX: usize = 100;

/// What the links are made of.
#[derive(Clone, Debug)]
pub struct PublicMediaSettings {
    /// Where the world reaches us, such as `https://bridge.example.org`.
    pub public_url: Url,
    /// What links are signed with; a key of its own is derived from it.
    pub secret: Secret,
}

/// Gives links out and answers them. Cloning is cheap.
#[derive(Clone)]
pub struct PublicMedia(Arc<Inner>);

struct Inner {
    base: String,
    files_base: String,
    signer: Signer,
    files_signer: Signer,
    homeserver: Homeserver,
    clock: Clock,
    picture_places: Arc<Semaphore>,
    file_places: Arc<Semaphore>,
}

impl PublicMedia {
    /// Prepares; asks nobody.
    pub fn new(settings: &PublicMediaSettings, homeserver: Homeserver, clock: Clock) -> Self {
        let public_url = settings.public_url.as_str().trim_end_matches('/');
        let secret = settings.secret.expose().as_bytes();
        Self(Arc::new(Inner {
            base: format!("{public_url}{ROUTE}"),
            files_base: format!("{public_url}{FILES_ROUTE}"),
            signer: Signer::new(secret),
            files_signer: Signer::of_files(secret),
            homeserver,
            clock,
            picture_places: Arc::new(Semaphore::new(PICTURES_MAX)),
            file_places: Arc::new(Semaphore::new(FILES_MAX)),
        }))
    }

    /// A link to a Matrix picture that holds for one to two weeks and stays the same for days; `None` for what is no
    /// media address.
    pub fn link(&self, mxc: &MxcUri) -> Option<Url> {
        let token = self.0.signer.token(mxc, self.0.clock.now_ms())?;
        Url::parse(&format!("{}{token}", self.0.base)).ok()
    }

    /// A link to a Matrix file of any type and size, under its name, that holds for one to two weeks: for files that a network itself
    /// does not take. `None` for what is no media address.
    pub fn file_link(&self, mxc: &MxcUri, name: &str) -> Option<Url> {
        let token = self.0.files_signer.token(mxc, self.0.clock.now_ms())?;
        let mut url = Url::parse(&format!("{}{token}", self.0.files_base)).ok()?;
        url.path_segments_mut().ok()?.push(if name.is_empty() { "file" } else { name });
        Some(url)
    }

    /// The routes that answer the links.
    pub fn router(&self) -> Router {
        Router::new()
            .route(&format!("{ROUTE}{{token}}"), get(open))
            .route(&format!("{FILES_ROUTE}{{token}}/{{name}}"), get(open_file))
            .with_state(self.clone())
    }
}

impl std::fmt::Debug for PublicMedia {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicMedia({})", self.0.base)
    }
}

/// `GET /_magpie/media/{token}`
async fn open(State(media): State<PublicMedia>, Path(token): Path<String>) -> Response {
    let inner = &media.0;
    let mxc = match inner.signer.open(&token, inner.clock.now_ms()) {
        Ok(mxc) => mxc,
        Err(BadToken::Forged) => return words(StatusCode::NOT_FOUND, "There is no such picture."),
        Err(BadToken::Expired) => return words(StatusCode::GONE, "This link is no longer valid."),
    };
    let Ok(place) = Arc::clone(&inner.picture_places).try_acquire_owned() else {
        return words(StatusCode::SERVICE_UNAVAILABLE, "Too many pictures are on their way; try again.");
    };
    let download = match inner.homeserver.bot().download(&mxc, AVATAR_BYTES_MAX).await {
        Ok(Some(download)) => download,
        Ok(None) => return words(StatusCode::NOT_FOUND, "There is no such picture."),
        Err(HomeserverError::AnswerTooLarge(_)) => {
            return words(StatusCode::FORBIDDEN, "This picture is too large.");
        }
        Err(error) => {
            tracing::warn!(%error, "A picture for a public link could not be fetched.");
            return words(StatusCode::BAD_GATEWAY, "The homeserver did not give the picture.");
        }
    };
    let MediaDownload { size_bytes, mut stream, .. } = download;
    let mut start = BytesMut::new();
    while start.len() < ImageType::SNIFF_BYTES {
        match stream.next().await {
            Some(Ok(piece)) => start.extend_from_slice(&piece),
            Some(Err(_)) => {
                return words(StatusCode::BAD_GATEWAY, "The homeserver did not give the picture.");
            }
            None => break,
        }
    }
    let Some(image) = ImageType::sniff(&start) else {
        return words(StatusCode::FORBIDDEN, "This file is not a picture.");
    };
    let first = stream::once(std::future::ready(Ok::<Bytes, HomeserverError>(start.freeze())));
    picture(image, size_bytes, outlet::body(first.chain(stream), place, Pace::READER))
}

/// `GET /_magpie/files/{token}/{name}`: the name is only for whoever saves the file.
async fn open_file(
    State(media): State<PublicMedia>,
    Path((token, name)): Path<(String, String)>,
) -> Response {
    let inner = &media.0;
    let mxc = match inner.files_signer.open(&token, inner.clock.now_ms()) {
        Ok(mxc) => mxc,
        Err(BadToken::Forged) => return words(StatusCode::NOT_FOUND, "There is no such file."),
        Err(BadToken::Expired) => return words(StatusCode::GONE, "This link is no longer valid."),
    };
    let Ok(place) = Arc::clone(&inner.file_places).try_acquire_owned() else {
        return words(StatusCode::SERVICE_UNAVAILABLE, "Too many files are on their way; try again.");
    };
    let MediaDownload { size_bytes, stream, .. } = match inner.homeserver.bot().download(&mxc, u64::MAX).await
    {
        Ok(Some(download)) => download,
        Ok(None) => return words(StatusCode::NOT_FOUND, "There is no such file."),
        Err(error) => {
            tracing::warn!(%error, "A file for a public link could not be fetched.");
            return words(StatusCode::BAD_GATEWAY, "The homeserver did not give the file.");
        }
    };
    let mut response = Response::new(outlet::body(stream, place, Pace::READER));
    let headers = response.headers_mut();
    harden(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let disposition = format!("attachment; filename=\"{}\"", saved_name(&name));
    headers.extend(HeaderValue::from_str(&disposition).ok().map(|value| (CONTENT_DISPOSITION, value)));
    headers.extend(size_bytes.map(|size| (CONTENT_LENGTH, HeaderValue::from(size))));
    response
}

/// A name that no file system and no header takes for anything else.
fn saved_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
    let name: String = name.chars().take(SAVED_NAME_CHARS_MAX).map(plain).collect();
    let name = name.trim_matches(['.', ' ']).to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}

fn picture(image: ImageType, size_bytes: Option<u64>, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    harden(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(image.mime()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400, immutable"));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", image.filename()))
    {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    if let Some(size) = size_bytes {
        headers.insert(CONTENT_LENGTH, size.into());
    }
    response
}

fn words(status: StatusCode, words: &'static str) -> Response {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    harden(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A browser that is led here must neither guess nor run anything.
fn harden(headers: &mut axum::http::HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
}
