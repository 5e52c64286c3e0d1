//! The door, tried over a real connection: tokens, bodies, paths, refusals, the end.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::appservice::{Incoming, registration::Previous, serve};
use crate::config::Secret;

const GOOD: &str = "Authorization: Bearer current-token\r\n";

#[derive(Default)]
struct Recorder {
    events: Mutex<Vec<String>>,
    full: AtomicBool,
}

impl Handler for Recorder {
    async fn transaction(&self, transaction: Transaction<'_>) -> Result<(), NotAccepted> {
        if self.full.load(Ordering::Relaxed) {
            return Err(NotAccepted("the disk is full".to_owned()));
        }
        let mut events = self.events.lock().unwrap();
        events.extend(transaction.events.iter().map(|incoming| match incoming {
            Incoming::Event(envelope) => envelope.event_id.to_string(),
            Incoming::Unreadable(unreadable) => format!("unreadable {}", unreadable.event_id),
        }));
        Ok(())
    }

    async fn user_exists(&self, user: &UserId) -> bool {
        user == "@discord_a/b:example.org"
    }

    async fn alias_exists(&self, alias: &str) -> bool {
        alias == "#discord_1:example.org"
    }
}

struct Service {
    address: SocketAddr,
    recorder: Arc<Recorder>,
    clock: Clock,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let recorder = Arc::new(Recorder::default());
        let tokens = Tokens {
            as_token: Secret::new("our-own-token"),
            hs_token: Secret::new("current-token"),
            previous: Some(Previous {
                as_token: Secret::new("our-own-token-before"),
                hs_token: Secret::new("previous-token"),
                until_ms: 1_000,
            }),
            secrets_key: None,
        };
        let (stop, clock) = (CancellationToken::new(), Clock::fixed(999, 1));
        let task =
            tokio::spawn(serve(listener, router(tokens, clock.clone(), Arc::clone(&recorder)), stop.clone()));
        Self { address, recorder, clock, stop, task }
    }

    /// Sends bytes and reads the status line and the body.
    async fn ask(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        read_answer(&mut stream).await
    }

    async fn put(&self, headers: &str, body: &[u8]) -> (u16, String) {
        let length = body.len();
        let head = format!(
            "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        self.ask(&[head.as_bytes(), body].concat()).await
    }

    async fn get(&self, path: &str, headers: &str) -> (u16, String) {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        self.ask(head.as_bytes()).await
    }

    fn stored(&self) -> Vec<String> {
        self.recorder.events.lock().unwrap().clone()
    }
}

/// Reads one answer with a `Content-Length`; the connection may break afterwards.
async fn read_answer(stream: &mut TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    loop {
        if let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
            let length = text.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            if answer.len() >= head + 4 + length.parse::<usize>().unwrap() {
                let status = text[9..12].parse().unwrap();
                return (status, String::from_utf8_lossy(&answer[head + 4..]).into_owned());
            }
        }
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn only_the_two_tokens_open_the_door() {
    let service = Service::start().await;
    let table = [
        (GOOD, 200),
        ("Authorization: Bearer previous-token\r\n", 200),
        ("authorization: bearer current-token\r\n", 200),
        ("", 403),
        ("Authorization: Bearer wrong\r\n", 403),
        ("Authorization: Bearer current-toke\r\n", 403),
        ("Authorization: Bearer current-token2\r\n", 403),
        ("Authorization: Bearer \r\n", 403),
        ("Authorization: Bearer\r\n", 403),
        ("Authorization: current-token\r\n", 403),
        ("Authorization: Basic current-token\r\n", 403),
        ("Authorization: Bearer \u{ff}\r\n", 403),
    ];
    for (headers, expected) in table {
        let (status, body) = service.put(headers, br#"{"events":[]}"#).await;
        assert_eq!(status, expected, "{headers:?}");
        if expected == 403 {
            assert!(body.contains(r#""errcode":"M_FORBIDDEN""#), "{body}");
        }
        for path in ["users/@a:x", "rooms/%23a:x"] {
            let (status, body) = service.get(&format!("/_matrix/app/v1/{path}"), headers).await;
            assert_eq!(status, if expected == 200 { 404 } else { 403 }, "{headers:?} {body}");
        }
    }
    // A token in the query is not taken: it would stand in every log.
    let (status, _) = service.get("/_matrix/app/v1/users/@a:x?access_token=current-token", "").await;
    assert_eq!(status, 403);
    service.clock.advance_ms(1);
    let late = b"PUT /_matrix/app/v1/transactions/9 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\
        Authorization: Bearer previous-token\r\n\r\n";
    assert_eq!(service.ask(late).await.0, 403, "the window is over");
}

#[tokio::test]
async fn a_wrong_token_is_refused_before_the_body_is_read() {
    let service = Service::start().await;
    let head = "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{";
    assert_eq!(service.ask(head.as_bytes()).await.0, 403);
}

#[tokio::test]
async fn bad_bodies_get_matrix_errors_and_store_nothing() {
    let service = Service::start().await;
    let table: [(&[u8], u16, &str); 9] = [
        (b"", 400, "M_NOT_JSON"),
        (b"{", 400, "M_NOT_JSON"),
        (br#"{"events":[}"#, 400, "M_NOT_JSON"),
        (br#"{"events":[]} x"#, 400, "M_NOT_JSON"),
        (b"{\"events\":[{\"a\":\"\xff\"}]}", 400, "M_NOT_JSON"),
        (b"7", 400, "M_BAD_JSON"),
        (br#"{"events":{}}"#, 400, "M_BAD_JSON"),
        (br#"{"events":"none"}"#, 400, "M_BAD_JSON"),
        (br#"{"events":[],"ephemeral":5}"#, 400, "M_BAD_JSON"),
    ];
    for (body, status, errcode) in table {
        let (got, answer) = service.put(GOOD, body).await;
        let body = String::from_utf8_lossy(body);
        assert_eq!(got, status, "{body}: {answer}");
        assert!(answer.contains(errcode), "{body}: {answer}");
    }
    assert!(service.stored().is_empty());
}

#[tokio::test]
async fn one_byte_too_many_is_refused_declared_or_streamed() {
    let service = Service::start().await;
    let declared = format!(
        "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nHost: x\r\n{GOOD}Content-Length: {}\r\n\r\n",
        TRANSACTION_BYTES_MAX + 1
    );
    let (status, body) = service.ask(declared.as_bytes()).await;
    assert_eq!(status, 413);
    assert!(body.contains("M_TOO_LARGE"), "{body}");

    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let head = format!(
        "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nHost: x\r\n{GOOD}Transfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1024 * 1024], b"\r\n"].concat();
    for _ in 0..TRANSACTION_BYTES_MAX / (1024 * 1024) {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"1\r\n{\r\n").await.unwrap();
    let (status, body) = read_answer(&mut stream).await;
    assert_eq!(status, 413);
    assert!(body.contains("M_TOO_LARGE"), "{body}");
    assert!(service.stored().is_empty());
}

#[tokio::test]
async fn a_body_as_large_as_allowed_is_read() {
    let service = Service::start().await;
    let mut body = br#"{"events":[]}"#.to_vec();
    body.resize(TRANSACTION_BYTES_MAX, b' ');
    assert_eq!(service.put(GOOD, &body).await.0, 200);
}

#[tokio::test]
async fn an_unreadable_event_fails_no_transaction() {
    let service = Service::start().await;
    let good = r#"{"event_id":"$1","room_id":"!r","sender":"@a:x","type":"t","origin_server_ts":1}"#;
    let body =
        format!(r#"{{"events":[{good},{{"event_id":"$odd","type":4}},{}]}}"#, good.replace("$1", "$2"));
    assert_eq!(service.put(GOOD, body.as_bytes()).await.0, 200);
    assert_eq!(service.stored(), ["$1", "unreadable $odd", "$2"]);
}

#[tokio::test]
async fn what_is_not_stored_is_not_acknowledged() {
    let service = Service::start().await;
    service.recorder.full.store(true, Ordering::Relaxed);
    let (status, body) = service.put(GOOD, br#"{"events":[]}"#).await;
    assert_eq!(status, 503);
    assert!(body.contains("M_UNKNOWN") && body.contains("the disk is full"), "{body}");
}

#[tokio::test]
async fn users_and_aliases_are_answered_with_their_escapes_undone() {
    let service = Service::start().await;
    for (path, expected) in [
        ("users/@discord_a%2Fb:example.org", 200),
        ("users/%40discord_a%2Fb%3Aexample.org", 200),
        ("users/@discord_2:example.org", 404),
        ("users/nonsense", 404),
        ("rooms/%23discord_1:example.org", 200),
        ("rooms/%23other:example.org", 404),
    ] {
        let (status, body) = service.get(&format!("/_matrix/app/v1/{path}"), GOOD).await;
        assert_eq!(status, expected, "{path}: {body}");
        if expected == 404 {
            assert!(body.contains("M_NOT_FOUND"), "{body}");
        }
    }
}

#[tokio::test]
async fn all_other_paths_and_methods_are_denied_in_the_matrix_shape() {
    let service = Service::start().await;
    for path in
        ["/", "/_matrix/app/v1/transactions/", "/_matrix/app/v1/thirdparty/x", "/transactions/1", "/admin"]
    {
        let (status, body) = service.get(path, GOOD).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("M_UNRECOGNIZED"), "{path}: {body}");
    }
    let (status, body) = service.get("/_matrix/app/v1/transactions/1", GOOD).await;
    assert_eq!(status, 405);
    assert!(body.contains("M_UNRECOGNIZED"), "{body}");
    let ping = format!(
        "POST /_matrix/app/v1/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{GOOD}Content-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(service.ask(ping.as_bytes()).await, (200, "{}".to_owned()));
}

#[tokio::test]
async fn it_stops_although_a_connection_is_idle() {
    let service = Service::start().await;
    let mut idle = TcpStream::connect(service.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(read_answer(&mut idle).await.0, 404);
    service.stop.cancel();
    service.task.await.unwrap();
    assert!(TcpStream::connect(service.address).await.is_err());
}
