//! The socket to WhatsApp: straight, or by an HTTP tunnel through a proxy, with the socket's own encryption inside it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use tokio::time::timeout;
use tokio_websockets::{ClientBuilder, Connector};
use tower_service::Service;
use url::Url;
use wacore::net::{Transport, TransportEvent, TransportFactory, WHATSAPP_WEB_ORIGIN, WHATSAPP_WEB_WS_URL};
use whatsapp_rust::transport::{TokioWebSocketTransportFactory, default_tls_connector, from_websocket};

use crate::config::WhatsAppConfig;

/// A proxy, or the server behind it, that does not answer for so long is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// How the socket is opened.
pub(super) enum Road {
    /// To the server itself.
    Straight(TokioWebSocketTransportFactory),
    /// By way of a proxy.
    Tunneled(Tunneled),
}

/// A way through a proxy.
pub(super) struct Tunneled {
    server: Uri,
    proxy: Uri,
    authorization: Option<HeaderValue>,
}

/// A transport with what it hears.
type Opened = (Arc<dyn Transport>, async_channel::Receiver<TransportEvent>);

impl Road {
    /// As it is set.
    ///
    /// # Errors
    /// When the proxy has no address. The words hold no part of it: it may bear a password.
    pub(super) fn of(config: &WhatsAppConfig) -> anyhow::Result<Self> {
        let server = config.linked_server_url.as_deref().unwrap_or(WHATSAPP_WEB_WS_URL);
        Ok(match &config.linked_proxy {
            None => Self::Straight(TokioWebSocketTransportFactory::new().with_url(server)),
            Some(proxy) => Self::Tunneled(Tunneled::new(server, proxy.expose())?),
        })
    }
}

impl Tunneled {
    fn new(server: &str, proxy: &str) -> anyhow::Result<Self> {
        let no_address = || anyhow!("`linked_proxy` is no proxy's address");
        let proxy = Url::parse(proxy).map_err(|_| no_address())?;
        let (host, port) = proxy.host_str().zip(proxy.port_or_known_default()).ok_or_else(no_address)?;
        let authorization = authorization(&proxy).transpose().map_err(|_| no_address())?;
        let proxy = Uri::try_from(format!("http://{host}:{port}")).map_err(|_| no_address())?;
        Ok(Self {
            server: server.parse().context("the server's address cannot be read")?,
            proxy,
            authorization,
        })
    }

    async fn open(&self) -> anyhow::Result<Opened> {
        let mut tunnel = Tunnel::new(self.proxy.clone(), HttpConnector::new());
        if let Some(authorization) = &self.authorization {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let host = self.server.host().context("the server has no name")?;
        let is_plain = self.server.scheme_str() == Some("ws");
        let port = self.server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let goal = Uri::try_from(format!("https://{host}:{port}"))?;
        let stream =
            tunnel.call(goal).await.map_err(|error| anyhow!("the proxy does not let us through: {error}"))?;
        let connector = if is_plain { Connector::Plain } else { default_tls_connector() };
        let stream = connector.wrap(host, stream.into_inner()).await?;
        let origin = HeaderValue::from_static(WHATSAPP_WEB_ORIGIN);
        let builder =
            ClientBuilder::from_uri(self.server.clone()).add_header(http::header::ORIGIN, origin)?;
        let (socket, _) = builder.connect_on(stream).await?;
        Ok(from_websocket(socket))
    }
}

#[async_trait]
impl TransportFactory for Road {
    async fn create_transport(&self) -> anyhow::Result<Opened> {
        match self {
            Self::Straight(straight) => straight.create_transport().await,
            Self::Tunneled(tunneled) => timeout(CONNECT_WITHIN, tunneled.open()).await?,
        }
    }
}

/// Who we are to the proxy, as its address says.
fn authorization(proxy: &Url) -> Option<Result<HeaderValue, http::header::InvalidHeaderValue>> {
    if proxy.username().is_empty() {
        return None;
    }
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", plain(proxy.username()), plain(proxy.password().unwrap_or_default()));
    let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)));
    Some(value.map(|mut value| {
        value.set_sensitive(true);
        value
    }))
}

#[cfg(test)]
mod tests {
    use magpie_common::config::Secret;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// Takes one call; gives what is asked first.
    async fn head(stream: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("the head goes on"));
        }
        String::from_utf8(head).expect("it is text")
    }

    fn config(proxy: &str) -> WhatsAppConfig {
        WhatsAppConfig {
            linked_server_url: Some("ws://server.example:8443/ws/chat".to_owned()),
            linked_proxy: Some(Secret::new(proxy)),
            ..WhatsAppConfig::default()
        }
    }

    #[tokio::test]
    async fn the_socket_goes_through_the_proxy_and_no_other_way() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let road = Road::of(&config(&format!("http://me:p%40s&s@127.0.0.1:{port}"))).expect("a road");
        let proxy = async {
            let (mut stream, _) = listener.accept().await.expect("a call");
            let asked = head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("it hears");
            let inside = head(&mut stream).await;
            drop(stream);
            (asked, inside)
        };
        // The name of the server is one that nobody can resolve: the proxy alone is asked for it.
        let ((asked, inside), opened) = tokio::join!(proxy, road.create_transport());
        assert!(asked.starts_with("CONNECT server.example:8443 HTTP/1.1\r\n"), "{asked}");
        assert!(
            asked.contains(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode("me:p@s&s"))),
            "{asked}"
        );
        assert!(inside.starts_with("GET /ws/chat HTTP/1.1\r\n"), "{inside}");
        assert!(inside.to_lowercase().contains("origin: https://web.whatsapp.com"), "{inside}");
        assert!(opened.is_err(), "the proxy has hung up");
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_told_without_its_password() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let road = Road::of(&config(&format!("http://me:secret@127.0.0.1:{port}"))).expect("a road");
        let proxy = async {
            let (mut stream, _) = listener.accept().await.expect("a call");
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.expect("it hears");
        };
        let ((), opened) = tokio::join!(proxy, road.create_transport());
        let words = opened.err().expect("it is refused").to_string();
        assert!(words.contains("does not let us through") && !words.contains("secret"), "{words}");
        let bad = Road::of(&config("secret")).err().expect("it is no address").to_string();
        assert!(!bad.contains("secret"), "{bad}");
    }
}
