//! Files on their way in: asked for at the gateway, which hands them over in a box, keeps them, or names an address on WeChat's own servers.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use magpie_common::platform::{Download, PlatformError};
use reqwest::{Client, Proxy, redirect::Policy};
use tonic::Status;
use url::Url;

use crate::{
    config::{WeChatConfig, web_address},
    public::PublicOnly,
    wechaty::{
        events,
        file::File,
        filebox::{FileBox, Holds},
        gateway::{Gateway, Where, call, endpoint},
        verdict::{self, not_answered},
        wire::{Boxed, ContactAvatar, Id, ImageOf},
    },
};

/// Servers from which files of WeChat come, with everything below them.
const HOSTS: [&str; 7] =
    ["qq.com", "qpic.cn", "qlogo.cn", "wechat.com", "weixin.com", "myqcloud.com", "wxwork.com"];

/// So often may an address lead on to another.
const REDIRECTS_MAX: usize = 4;

/// How long a server may take to answer, and to say nothing on the way.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
const QUIET_MAX: Duration = Duration::from_secs(60);

/// The gateway may have to fetch the file from WeChat first. Whoever asks for it gives up after a minute.
const FETCH_WITHIN: Duration = Duration::from_secs(50);

/// For a picture it is asked up to three times in that minute: a size that is slow must not cost the one that is there.
const SIZE_WITHIN: Duration = Duration::from_secs(18);

/// Sizes of a picture, the best first.
const SIZES: [i32; 2] = [3, 2];

/// Fetches files that the gateway only names.
pub(super) struct Web {
    client: Client,
    /// The gateway's own host and port, where it may serve files, too.
    gateway: (String, u16),
}

impl Web {
    /// # Errors
    /// When no client can be made, with words for the operator.
    pub fn new(config: &WeChatConfig, place: &Where) -> Result<Self, String> {
        let gateway = (place.host.clone(), place.port);
        let own = gateway.clone();
        // Where people name gateways, the name of one is as foreign as any other.
        let operators = config.wechaty_endpoint.as_deref().and_then(endpoint::host);
        let follow = Policy::custom(move |attempt| {
            if attempt.previous().len() <= REDIRECTS_MAX && is_known(attempt.url(), &own) {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let mut builder = Client::builder()
            .redirect(follow)
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(QUIET_MAX)
            .dns_resolver(PublicOnly::but(operators, config));
        if let Some(proxy) = &config.proxy {
            let proxy =
                Proxy::all(proxy.expose()).map_err(|_| "`proxy` is no proxy's address.".to_owned())?;
            builder = builder.proxy(proxy);
        }
        let client =
            builder.build().map_err(|error| format!("The bridge cannot start a client: {error}."))?;
        Ok(Self { client, gateway })
    }

    async fn open(&self, address: &str) -> Result<Download, PlatformError> {
        let url = web_address(address).filter(|url| is_known(url, &self.gateway)).ok_or_else(|| {
            PlatformError(
                "The file lies on a server that is not WeChat's, and is not fetched from there.".to_owned(),
            )
        })?;
        let broke_off = |error: reqwest::Error| {
            PlatformError(format!("The file could not be fetched from WeChat: {}.", error.without_url()))
        };
        let answer = self.client.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let answer = answer.map_err(broke_off)?;
        if answer.status().is_redirection() {
            return Err(PlatformError("The file leads on to a server that is not WeChat's.".to_owned()));
        }
        let size_bytes = answer.content_length();
        let stream = answer.bytes_stream().map(move |chunk| chunk.map_err(broke_off)).boxed();
        Ok(Download { mime: None, size_bytes, stream })
    }
}

/// Opens a file.
pub(super) async fn download(
    gateway: &Gateway,
    web: &Web,
    file: &File<'_>,
) -> Result<Download, PlatformError> {
    let found = find(gateway, file).await;
    let json = found.map_err(|status| not_answered("The WeChat gateway does not have the file", &status))?;
    let FileBox { name, size_bytes, holds } = FileBox::read(&json).ok_or_else(|| {
        PlatformError(
            "The WeChat gateway hands the file over in a way that this bridge cannot read.".to_owned(),
        )
    })?;
    let mime = events::mime(&name).map(str::to_owned);
    match holds {
        Holds::Inside(bytes) => {
            let stream = stream::once(async move { Ok::<Bytes, PlatformError>(bytes) }).boxed();
            Ok(Download { mime, size_bytes, stream })
        }
        Holds::Url(url) => {
            let Download { mime: _, size_bytes: told, stream } = web.open(&url).await?;
            Ok(Download { mime, size_bytes: told.or(size_bytes), stream })
        }
        Holds::Uuid(uuid) => {
            let chunks = gateway.download(&uuid).await;
            let chunks = chunks
                .map_err(|status| not_answered("The WeChat gateway does not have the file", &status))?;
            let broke_off = |status: Status| {
                PlatformError(format!("The WeChat gateway broke the file off ({}).", verdict::name(&status)))
            };
            let stream = chunks.map(move |chunk| chunk.map(|chunk| chunk.chunk).map_err(broke_off)).boxed();
            Ok(Download { mime, size_bytes, stream })
        }
    }
}

/// The box of a file.
async fn find(gateway: &Gateway, file: &File<'_>) -> Result<String, Status> {
    let of_message = |id: &str| Id { id: id.to_owned() };
    match file {
        File::Image(id) => {
            for size in SIZES {
                let asked = ImageOf { id: (*id).to_owned(), size };
                let found = gateway.ask_within::<_, Boxed>(call::MESSAGE_IMAGE, asked, SIZE_WITHIN).await;
                if let Ok(Boxed { file_box }) = found
                    && FileBox::read(&file_box).is_some()
                {
                    return Ok(file_box);
                }
            }
            let found =
                gateway.ask_within::<_, Boxed>(call::MESSAGE_FILE, of_message(id), SIZE_WITHIN).await?;
            Ok(found.file_box)
        }
        File::Message(id) => {
            let found =
                gateway.ask_within::<_, Boxed>(call::MESSAGE_FILE, of_message(id), FETCH_WITHIN).await?;
            Ok(found.file_box)
        }
        File::Contact(id) => Ok(gateway.about::<ContactAvatar>(call::CONTACT_AVATAR, id).await?.file_box),
        File::Room(id) => Ok(gateway.about::<Boxed>(call::ROOM_AVATAR, id).await?.file_box),
    }
}

/// Whether files are fetched from there: what a message names may be anybody's.
fn is_known(url: &Url, (own, port): &(String, u16)) -> bool {
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
        return false;
    };
    let is_below =
        |known: &&str| host.strip_suffix(*known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (host == own && url.port_or_known_default() == Some(*port)) || HOSTS.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use magpie_common::config::Secret;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn files_come_from_wechat_and_the_gateway_alone() {
        let known = |address: &str| {
            web_address(address).is_some_and(|url| is_known(&url, &("10.0.0.7".to_owned(), 8788)))
        };
        for address in [
            "http://wx.qlogo.cn/a",
            "https://mmbiz.qpic.cn/x?y",
            "http://10.0.0.7:8788/file",
            "https://10.0.0.7:8788/file",
            "https://qq.com/",
        ] {
            assert!(known(address), "{address}");
        }
        for address in [
            "http://10.0.0.7/",
            "http://10.0.0.7:8080/file",
            "http://10.0.0.8:8788/",
            "http://127.0.0.1/",
            "http://evilqq.com/",
            "http://qq.com.example.org/",
            "file:///etc/passwd",
            "ftp://qq.com/",
            "",
        ] {
            assert!(!known(address), "{address}");
        }
    }

    /// A server on this machine that answers one request so; its port.
    async fn serves(answer: String) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it has one").port();
        tokio::spawn(async move {
            let (mut line, _) = listener.accept().await.expect("somebody asks");
            let _ = line.read(&mut [0; 4096]).await;
            let _ = line.write_all(answer.as_bytes()).await;
        });
        port
    }

    /// What goes to the web when the gateway is at this port.
    fn web_at(port: u16) -> Web {
        let config = WeChatConfig::default();
        let address = format!("http://127.0.0.1:{port}");
        let place = Where::read(&address, &Secret::new("token"), &config).expect("an address");
        Web::new(&config, &place).expect("a client can be made")
    }

    #[tokio::test]
    async fn the_gateways_own_port_serves_files_and_leads_to_no_other() {
        let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        elsewhere.set_nonblocking(true).expect("it can be looked at");
        let hidden = format!("http://{}/hidden", elsewhere.local_addr().expect("it has one"));
        let port =
            serves("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfile".to_owned()).await;
        let web = web_at(port);
        let mut whole = web.open(&format!("http://127.0.0.1:{port}/file")).await.expect("it is there").stream;
        assert_eq!(whole.next().await.expect("it has bytes").expect("they come"), "file");
        assert!(web.open(&hidden).await.is_err(), "another port");
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {hidden}\r\nContent-Length: 0\r\n\r\n");
        let port = serves(head).await;
        let led = web_at(port).open(&format!("http://127.0.0.1:{port}/file")).await;
        assert!(led.is_err_and(|error| error.0.contains("leads on")));
        assert!(elsewhere.accept().is_err(), "nobody was there");
    }
}
