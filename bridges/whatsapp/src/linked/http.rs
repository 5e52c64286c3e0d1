//! How the WhatsApp library asks web servers: for files, and for the version of the day.
//!
//! The library streams from threads that may block; the requests themselves run on the bridge's one runtime.

use std::{io::Read, time::Duration};

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{Client, Method, Proxy, RequestBuilder, Url};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::io::{StreamReader, SyncIoBridge};
use wacore::net::{HttpClient, HttpRequest, HttpResponse, StreamingHttpResponse, UploadBody};

use crate::config::WhatsAppConfig;

/// A server that does not take the call for so long is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// A server that says nothing more for so long is away.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// What is held in memory is small; files are streamed.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How much of a file is on its way between the two threads.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES_MAX: usize = 4;

/// Asks web servers for the library.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    /// Where files are, in the place of the hosts that WhatsApp names.
    media: Option<Url>,
    runtime: Handle,
}

impl Http {
    /// A client whose requests run on the current runtime, by way of the proxy where one is set.
    pub(super) fn new(config: &WhatsAppConfig) -> Result<Self, String> {
        let media = config.linked_media_url.as_deref();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(READ_WITHIN)
            .https_only(media.is_none());
        if let Some(proxy) = &config.linked_proxy {
            // The words of the error could hold the password.
            let proxy =
                Proxy::all(proxy.expose()).map_err(|_| "`linked_proxy` is no proxy's address".to_owned())?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| error.without_url().to_string())?;
        let media = media.map(Url::parse).transpose().map_err(|error| error.to_string())?;
        Ok(Self { client, media, runtime: Handle::current() })
    }

    /// A file at an address that WhatsApp named. The size is bounded by whoever reads.
    pub(super) async fn get(&self, url: &str) -> anyhow::Result<reqwest::Response> {
        let request = self.request(&HttpRequest::get(url))?;
        Ok(request.send().await.map_err(reqwest::Error::without_url)?)
    }

    fn request(&self, asked: &HttpRequest) -> anyhow::Result<RequestBuilder> {
        let mut url = Url::parse(&asked.url).context("an address cannot be read")?;
        if let Some(media) = &self.media {
            let moved = url.set_scheme(media.scheme()).is_ok() && url.set_host(media.host_str()).is_ok();
            if !moved || url.set_port(media.port()).is_err() {
                return Err(anyhow!("an address cannot be moved to the media server"));
            }
        }
        let method = Method::from_bytes(asked.method.as_bytes())?;
        let request = self.client.request(method, url);
        Ok(asked.headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let mut sending = self.request(&request)?;
        if let Some(body) = request.body {
            sending = sending.body(body);
        }
        let answer = sending.send().await.map_err(reqwest::Error::without_url)?;
        let status_code = answer.status().as_u16();
        let mut pieces = answer.bytes_stream();
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(reqwest::Error::without_url)?;
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(anyhow!("the answer is larger than {ANSWER_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(HttpResponse { status_code, body })
    }

    fn supports_streaming(&self) -> bool {
        true
    }

    fn execute_streaming(&self, request: HttpRequest) -> anyhow::Result<StreamingHttpResponse> {
        let sending = self.request(&request)?;
        let answer = self.runtime.block_on(sending.send()).map_err(reqwest::Error::without_url)?;
        let status_code = answer.status().as_u16();
        let pieces = answer.bytes_stream().map_err(|error| std::io::Error::other(error.without_url()));
        let reader = StreamReader::new(Box::pin(pieces));
        let body = Box::new(SyncIoBridge::new_with_handle(reader, self.runtime.clone()));
        Ok(StreamingHttpResponse { status_code, body })
    }

    fn supports_upload_streaming(&self) -> bool {
        true
    }

    fn execute_upload(
        &self,
        request: HttpRequest,
        body: UploadBody,
        content_length: u64,
    ) -> anyhow::Result<HttpResponse> {
        let (pieces, taken) = mpsc::channel::<std::io::Result<Bytes>>(PIECES_MAX);
        let stream = futures_util::stream::unfold(taken, async |mut taken| {
            let piece = taken.recv().await?;
            Some((piece, taken))
        });
        let sending = self
            .request(&request)?
            .header(reqwest::header::CONTENT_LENGTH, content_length)
            .body(reqwest::Body::wrap_stream(stream));
        let answer = self.runtime.spawn(async move {
            let answer = sending.send().await.map_err(reqwest::Error::without_url)?;
            let status_code = answer.status().as_u16();
            let body = answer.bytes().await.map_err(reqwest::Error::without_url)?.to_vec();
            Ok::<_, anyhow::Error>(HttpResponse { status_code, body })
        });
        feed(body.take(content_length), &pieces);
        drop(pieces);
        self.runtime.block_on(answer)?
    }
}

/// Hands a body over piece by piece, until it ends or nobody takes it any more.
fn feed(mut body: impl Read, pieces: &mpsc::Sender<std::io::Result<Bytes>>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let sent = match body.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => {
                piece.truncate(count);
                pieces.blocking_send(Ok(Bytes::from(piece)))
            }
            Err(error) => pieces.blocking_send(Err(error)),
        };
        if sent.is_err() {
            return;
        }
    }
}
