//! Opens connections to a gateway: with TLS, or without on this machine.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{endpoint::Where, tls};

/// An open connection.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Opens connections to one gateway.
#[derive(Clone)]
pub(super) struct Connector {
    host: String,
    port: u16,
    sealed: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Reads certificates; touches no network.
    ///
    /// # Errors
    /// With words for the operator.
    pub fn new(place: &Where) -> Result<Self, String> {
        let sealed = match &place.proof {
            None => None,
            Some(proof) => {
                let name = ServerName::try_from(proof.server_name.clone()).map_err(|_| {
                    "`wechaty_server_name`, or the beginning of the token, is no server's name.".to_owned()
                })?;
                Some((TlsConnector::from(Arc::new(tls::config(proof)?)), name))
            }
        };
        let host = place.host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: place.port, sealed })
    }

    async fn open(self) -> io::Result<TokioIo<Box<dyn Line>>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let line: Box<dyn Line> = match self.sealed {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name, stream).await?),
        };
        Ok(TokioIo::new(line))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Line>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().open())
    }
}
