//! The limit: a bare echo with no database, no map, no checks and no recovery; what one could at best hope for.
//!
//! It takes transactions, and for each message sends one back as a ghost, through the client type that the bridges use, one at a
//! time in each room. It runs as a process of its own (`magpie-bench limit`), on one thread as bridges do.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::{
    Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{net::TcpListener, sync::mpsc};

/// Messages that wait in one room before transactions are kept waiting.
const ROOM_QUEUE_MAX: usize = 4_096;
/// As patient with idle connections as bridges are.
const HEAD_TIMEOUT: Duration = Duration::from_secs(150);
/// As many as a bridge keeps open.
const IDLE_CONNECTIONS_MAX: usize = 32;

/// How the limit is started.
#[derive(Args, Clone, Debug)]
pub struct LimitArguments {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// Where the homeserver is
    #[arg(long)]
    homeserver: String,
    /// The token that transactions must carry
    #[arg(long)]
    hs_token: String,
    /// The token for what is sent
    #[arg(long)]
    as_token: String,
}

/// Serves until it is killed.
///
/// # Errors
/// When it cannot listen.
pub fn serve(arguments: LimitArguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await.context("cannot listen")?;
        let echo = Arc::new(Echo::new(arguments));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let echo = echo.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| echo.clone().transaction(request));
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
                // A load tool that went away is no trouble of ours.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

type Answerer = mpsc::Sender<(Box<RawValue>, u64)>;

struct Echo {
    expected: String,
    sending: Arc<Sending>,
    rooms: Mutex<HashMap<String, Answerer>>,
    answers: std::sync::atomic::AtomicU64,
}

struct Sending {
    client: Client<HttpConnector, Full<Bytes>>,
    homeserver: String,
    authorization: String,
}

#[derive(Deserialize)]
struct Transaction<'a> {
    #[serde(borrow)]
    events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    room_id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(borrow)]
    content: &'a RawValue,
}

impl Echo {
    fn new(arguments: LimitArguments) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(tcp);
        Self {
            expected: format!("Bearer {}", arguments.hs_token),
            sending: Arc::new(Sending {
                client,
                homeserver: arguments.homeserver,
                authorization: format!("Bearer {}", arguments.as_token),
            }),
            rooms: Mutex::default(),
            answers: std::sync::atomic::AtomicU64::default(),
        }
    }

    async fn transaction(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let is_known = request
            .headers()
            .get(AUTHORIZATION)
            .is_some_and(|given| given.as_bytes() == self.expected.as_bytes());
        let status = match is_known {
            true => self.take(request).await.map_or(StatusCode::BAD_REQUEST, |()| StatusCode::OK),
            false => StatusCode::FORBIDDEN,
        };
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        *response.status_mut() = status;
        Ok(response)
    }

    async fn take(&self, request: Request<Incoming>) -> anyhow::Result<()> {
        let body = request.into_body().collect().await?.to_bytes();
        let transaction: Transaction<'_> = serde_json::from_slice(&body)?;
        for event in transaction.events.iter().filter(|event| event.event_type == "m.room.message") {
            let number = self.answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let room = self.room(event.room_id);
            room.send((event.content.to_owned(), number)).await.context("the room's task ended")?;
        }
        Ok(())
    }

    fn room(&self, room_id: &str) -> Answerer {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(room_id) {
            return room.clone();
        }
        let (room, waiting) = mpsc::channel(ROOM_QUEUE_MAX);
        tokio::spawn(answer(self.sending.clone(), room_id.to_owned(), waiting));
        rooms.insert(room_id.to_owned(), room.clone());
        room
    }
}

async fn answer(sending: Arc<Sending>, room_id: String, mut waiting: mpsc::Receiver<(Box<RawValue>, u64)>) {
    while let Some((content, number)) = waiting.recv().await {
        if let Err(error) = sending.send(&room_id, content, number).await {
            eprintln!("an answer was lost: {error:#}");
        }
    }
}

impl Sending {
    async fn send(&self, room_id: &str, content: Box<RawValue>, number: u64) -> anyhow::Result<()> {
        let uri = format!(
            "{}/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{number}?user_id=@echo_1:bench.example",
            self.homeserver
        );
        let request = Request::builder()
            .method(Method::PUT)
            .uri(uri)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(Box::<str>::from(content).into_string())))?;
        let response = self.client.request(request).await?;
        let answer = response.into_body().collect().await?.to_bytes();
        #[derive(Deserialize)]
        struct Sent<'a> {
            #[serde(rename = "event_id")]
            _event_id: &'a str,
        }
        serde_json::from_slice::<Sent<'_>>(&answer)?;
        Ok(())
    }
}
