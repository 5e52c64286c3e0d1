//! The listener: connections with a cap and a deadline for their first words, and an end that lets answers finish.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::Router;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::answer::MatrixError;

/// Connections at a time. A homeserver uses a handful; the rest is for probes and public links.
const CONNECTIONS_MAX: usize = 512;
/// How long a connection may take to send the head of a request, idle time included. Longer than the 120 s for which
/// Synapse keeps idle connections, so that we never close one into which it is just writing a transaction.
const HEAD_TIMEOUT: Duration = Duration::from_secs(150);
/// How long answers under way may take once we are told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The machine at the other end of the connection: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Serves `router` until `stop`; answers everything else with a Matrix error. Returns when every answer under way is out.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let router = router
        .fallback(|| async { MatrixError::unrecognized() })
        .method_not_allowed_fallback(|| async { MatrixError::wrong_method() });
    serve_connections(listener, TowerToHyperService::new(router), stop).await;
}

/// Serves any service over HTTP/1.1; a service that fails cuts its connection without an answer.
pub(crate) async fn serve_connections<S, B>(listener: TcpListener, service: S, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>, Data: Send> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    while let Some(place) = free_place(&places, &stop).await {
        let Some(stream) = accept(&listener, &stop).await else { break };
        let (service, stop) = (service.clone(), stop.clone());
        tasks.spawn(async move {
            serve_one(stream, service, stop).await;
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(STOP_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::warn!("Some answers were still under way when the listener ended.");
    }
}

async fn free_place(
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<tokio::sync::OwnedSemaphorePermit> {
    let place = stop.run_until_cancelled(Arc::clone(places).acquire_owned()).await?;
    place.ok()
}

async fn accept(listener: &TcpListener, stop: &CancellationToken) -> Option<TcpStream> {
    loop {
        match stop.run_until_cancelled(listener.accept()).await? {
            Ok((stream, _)) => return Some(stream),
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one<S, B>(stream: TcpStream, service: S, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    let _: Result<(), std::io::Error> = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip()));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection ended early.");
    }
}
