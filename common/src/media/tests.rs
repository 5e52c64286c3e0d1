//! Pictures copied in and given out, over the fake homeserver.

use futures_util::{StreamExt, stream};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;
use crate::{
    appservice,
    clock::Clock,
    config::Secret,
    homeserver::Homeserver,
    testkit::fake_homeserver::{FakeHomeserver, FakeSettings},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

async fn homeserver() -> (FakeHomeserver, Homeserver) {
    let fake = FakeHomeserver::start(FakeSettings::with_bridge("@discord_", "discordbot")).await.unwrap();
    let homeserver = Homeserver::new(fake.client_settings()).unwrap();
    (fake, homeserver)
}

fn download(size_bytes: Option<u64>, pieces: Vec<Bytes>) -> Download {
    let stream = stream::iter(pieces.into_iter().map(Ok)).boxed();
    Download { mime: Some("text/html".to_owned()), size_bytes, stream }
}

#[tokio::test]
async fn an_avatar_is_copied_with_the_type_of_its_bytes() {
    let (fake, homeserver) = homeserver().await;
    let pieces = PNG.chunks(3).map(Bytes::from_static).collect();
    let (mxc, size_bytes) = copy_avatar(download(None, pieces), homeserver.bot()).await.unwrap();
    let stored = fake.media(&mxc).unwrap();
    assert_eq!(size_bytes, stored.bytes.len() as u64);
    assert_eq!((stored.mime.as_str(), &*stored.bytes), ("image/png", PNG));
}

#[tokio::test]
async fn what_is_too_large_or_no_picture_is_not_copied() {
    let (_fake, homeserver) = homeserver().await;
    let svg = download(None, vec![Bytes::from_static(b"<svg onload=alert(1)>")]);
    assert_eq!(copy_avatar(svg, homeserver.bot()).await, Err(MediaError::NotAPicture));
    let declared = download(Some(AVATAR_BYTES_MAX + 1), Vec::new());
    assert!(matches!(copy_avatar(declared, homeserver.bot()).await, Err(MediaError::TooLarge(_))));
    let piece = Bytes::from(vec![0; 1024 * 1024]);
    let lying = download(Some(10), vec![piece; 9]);
    assert!(matches!(copy_avatar(lying, homeserver.bot()).await, Err(MediaError::TooLarge(_))));
}

struct Public {
    fake: FakeHomeserver,
    media: PublicMedia,
    clock: Clock,
}

impl Public {
    async fn start() -> Self {
        let (fake, homeserver) = homeserver().await;
        let clock = Clock::fixed(1_800_000_000_000, 1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let settings = PublicMediaSettings { public_url, secret: Secret::new("key") };
        let media = PublicMedia::new(&settings, homeserver, clock.clone());
        tokio::spawn(appservice::serve(listener, media.router(), CancellationToken::new()));
        Self { fake, media, clock }
    }

    async fn get(&self, url: &str) -> (http::response::Parts, Bytes) {
        let client: Client<_, http_body_util::Empty<Bytes>> =
            Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.get(url.parse().unwrap()).await.unwrap().into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    }
}

#[tokio::test]
async fn a_signed_link_shows_the_picture_and_nothing_else() {
    let public = Public::start().await;
    let mxc = public.fake.put_media("text/html", PNG);
    let link = public.media.link(&mxc).unwrap();
    let (head, body) = public.get(link.as_str()).await;
    assert_eq!((head.status, &*body), (StatusCode::OK, PNG));
    for (name, value) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename=\"avatar.png\""),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("content-length", "17"),
    ] {
        assert_eq!(head.headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn forged_expired_and_unfit_links_are_refused() {
    let public = Public::start().await;
    let page = public.fake.put_media("image/png", &b"<html><script>"[..]);
    let (head, body) = public.get(public.media.link(&page).unwrap().as_str()).await;
    assert_eq!((head.status, &*body), (StatusCode::FORBIDDEN, &b"This file is not a picture."[..]));
    let mut large = PNG.to_vec();
    large.resize(AVATAR_BYTES_MAX as usize + 1, 0);
    let large = public.fake.put_media("image/png", large);
    assert_eq!(public.get(public.media.link(&large).unwrap().as_str()).await.0.status, StatusCode::FORBIDDEN);

    let gone = OwnedMxcUri::from("mxc://example.org/none");
    let link = public.media.link(&gone).unwrap();
    assert_eq!(public.get(link.as_str()).await.0.status, StatusCode::NOT_FOUND);
    let forged = link.as_str().replace("/media/A", "/media/B");
    assert_ne!(forged, link.as_str());
    assert_eq!(public.get(&forged).await.0.status, StatusCode::NOT_FOUND);
    public.clock.advance_ms(15 * 24 * 60 * 60 * 1000);
    assert_eq!(public.get(link.as_str()).await.0.status, StatusCode::GONE);
}
