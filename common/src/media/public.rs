//! Signed links under which remote networks fetch the Matrix pictures of relayed people.
//!
//! Media of Matrix needs a token since authenticated media; a webhook's avatar cannot have one. So we fetch it ourselves
//! for whoever holds a link that we signed: pictures only, of bounded size, with headers that keep a browser from
//! running anything.

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
};
use crate::{
    clock::Clock,
    config::Secret,
    homeserver::{Homeserver, HomeserverError, MediaDownload},
};

/// Pictures on their way out at a time.
const DOWNLOADS_MAX: usize = 16;
const ROUTE: &str = "/_magpie/media/";

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
    signer: Signer,
    homeserver: Homeserver,
    clock: Clock,
    places: Arc<Semaphore>,
}

impl PublicMedia {
    /// Prepares; asks nobody.
    pub fn new(settings: &PublicMediaSettings, homeserver: Homeserver, clock: Clock) -> Self {
        let base = format!("{}{ROUTE}", settings.public_url.as_str().trim_end_matches('/'));
        let signer = Signer::new(settings.secret.expose().as_bytes());
        Self(Arc::new(Inner {
            base,
            signer,
            homeserver,
            clock,
            places: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
        }))
    }

    /// A link to a Matrix picture that holds for one to two weeks and stays the same for days; `None` for what is no
    /// media address.
    pub fn link(&self, mxc: &MxcUri) -> Option<Url> {
        let token = self.0.signer.token(mxc, self.0.clock.now_ms())?;
        Url::parse(&format!("{}{token}", self.0.base)).ok()
    }

    /// The route that answers the links.
    pub fn router(&self) -> Router {
        Router::new().route(&format!("{ROUTE}{{token}}"), get(open)).with_state(self.clone())
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
    let Ok(place) = Arc::clone(&inner.places).try_acquire_owned() else {
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
    // The place is given back when the last byte is out or the reader is gone.
    let rest = stream.map(move |piece| {
        let _held = &place;
        piece
    });
    picture(image, size_bytes, Body::from_stream(first.chain(rest)))
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
