//! The homeserver of the benchmark: takes what a bridge sends, answers at once, and counts.
//!
//! Written by hand over a socket, so that as little as possible of the two cores goes to it: it is part of every figure, the
//! limit's too. It knows just the calls of a hop and of its set-up, and it does not push the ghosts' own events back. Requests
//! need a `content-length`, which is what our client sends.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::AbortHandle,
};

use super::{ids::Ids, tally::Tally};

/// The server's name in all ids.
pub(super) const SERVER_NAME: &str = "bench.example";
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// A running homeserver; ends when dropped.
pub(super) struct Homeserver {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

struct Shared {
    state: Mutex<State>,
    progress: Notify,
}

struct State {
    tally: Tally,
    ids: Ids,
}

impl Homeserver {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on loopback")?;
        let address = listener.local_addr()?;
        let state = State { tally: Tally::new(0), ids: Ids::new(1) };
        let shared = Arc::new(Shared { state: Mutex::new(state), progress: Notify::new() });
        let accepting = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Ok(Self { address, shared, accepting })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins to count anew; `number` tells this run's messages from those of others.
    pub(super) fn begin(&self, number: u32) {
        self.shared.state().tally = Tally::new(number);
    }

    /// Looks at the counts.
    pub(super) fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> T {
        look(&mut self.shared.state().tally)
    }

    /// Returns after one more answer than there was before the last call.
    pub(super) async fn progress(&self) {
        self.shared.progress.notified().await;
    }
}

impl Drop for Homeserver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // A bridge that was killed cuts its connections; what is missing then shows in the counts.
            let _ = serve(stream, &shared).await;
        });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::with_capacity(4_096);
    let mut output = Vec::with_capacity(512);
    loop {
        let Some(request) = Request::read(&input)? else {
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
            continue;
        };
        output.clear();
        answer(&request, shared, &mut output);
        let length = request.length;
        stream.write_all(&output).await?;
        input.drain(..length);
    }
}

/// One request, borrowed from the connection's buffer.
struct Request<'a> {
    path: &'a str,
    body: &'a str,
    length: usize,
}

impl<'a> Request<'a> {
    /// `None` while it is not there whole.
    fn read(input: &'a [u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = head_end(input) else {
            if input.len() > REQUEST_BYTES_MAX {
                bail!("a request without an end");
            }
            return Ok(None);
        };
        let head = std::str::from_utf8(&input[..end])?;
        let length = end + content_length(head);
        if input.len() < length {
            return Ok(None);
        }
        let path = head.split(' ').nth(1).context("a request line has a path")?;
        Ok(Some(Self { path, body: std::str::from_utf8(&input[end..length])?, length }))
    }
}

/// Where the head of an HTTP message ends, if it is there whole.
pub(super) fn head_end(input: &[u8]) -> Option<usize> {
    input.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// The length of the body that follows this head.
pub(super) fn content_length(head: &str) -> usize {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.unwrap_or(0)
}

fn answer(request: &Request<'_>, shared: &Shared, output: &mut Vec<u8>) {
    let body = match sent_into(request.path) {
        Some(room) => take(room, request.body, shared),
        None => other(request).to_string(),
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
    output.extend_from_slice(head.as_bytes());
    output.extend_from_slice(body.len().to_string().as_bytes());
    output.extend_from_slice(b"\r\n\r\n");
    output.extend_from_slice(body.as_bytes());
}

/// `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`
fn sent_into(path: &str) -> Option<&str> {
    path.strip_prefix("/_matrix/client/v3/rooms/")?.split_once("/send/").map(|(room, _)| room)
}

fn take(room: &str, body: &str, shared: &Shared) -> String {
    let text = body.split_once("\"body\":\"").and_then(|(_, rest)| rest.split_once('"'));
    let text = text.map_or("", |(text, _)| text);
    let now = Instant::now();
    let mut state = shared.state();
    state.tally.answer(room, text, now);
    let event_id = state.ids.event_id();
    drop(state);
    shared.progress.notify_one();
    format!(r#"{{"event_id":"{event_id}"}}"#)
}

/// The calls around a hop.
fn other(request: &Request<'_>) -> Value {
    let path = request.path.split('?').next().unwrap_or_default();
    if path.ends_with("/createRoom") {
        let asked: Value = serde_json::from_str(request.body).unwrap_or_default();
        return json!({ "room_id": room_id(asked["name"].as_str().unwrap_or_default()) });
    }
    if path.ends_with("/ping") {
        return json!({ "duration_ms": 1 });
    }
    if path.ends_with("/capabilities") {
        return json!({ "capabilities": { "m.room_versions": { "default": "12" } } });
    }
    if path.ends_with("/joined_members") {
        return json!({ "joined": { format!("@alice:{SERVER_NAME}"): { "display_name": "Alice" } } });
    }
    if path.contains("/profile/") {
        return json!({ "displayname": "Alice" });
    }
    json!({})
}

/// The room of the chat with this name, as long as ids of rooms are.
pub(super) fn room_id(chat: &str) -> String {
    format!("!{chat:_<43}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let whole =
            b"PUT /_matrix/client/v3/rooms/!a/send/m.room.message/t?user_id=x HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyPUT";
        for length in 0..whole.len() - 3 {
            assert!(Request::read(&whole[..length]).unwrap().is_none(), "{length}");
        }
        let request = Request::read(whole).unwrap().unwrap();
        assert_eq!((request.body, sent_into(request.path)), ("body", Some("!a")));
        assert_eq!(&whole[request.length..], b"PUT");
    }
}
