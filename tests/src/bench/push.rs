//! The homeserver's other half: pushes transactions, one at a time and in order, as homeservers do.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, sleep_until, timeout},
};

use super::{
    homeserver::{Homeserver, SERVER_NAME, content_length, head_end, room_id},
    ids::Ids,
};

/// So many messages may wait for their answers before the next transaction is held back.
const UNANSWERED_MAX: usize = 4_000;
/// Without one more answer for this long, what is missing is lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two knocks at a subject that is starting.
const KNOCK_PAUSE: Duration = Duration::from_micros(500);
/// How many events a homeserver puts into one transaction.
const EVENTS_MAX: usize = 100;

/// What is pushed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// So many messages, …
    pub(super) messages: usize,
    /// … spread over so many rooms, …
    pub(super) rooms: usize,
    /// … each answered by one of so many people of its room in turn; 0 leaves it to the room.
    pub(super) answerers: usize,
    /// How fast.
    pub(super) pace: Pace,
}

/// How fast messages come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As fast as they are taken, so many in each transaction.
    Catching { batch: usize },
    /// One at a time with this pause, whether the earlier ones are answered or not.
    Steady { every: Duration },
}

/// The connection to one subject.
pub(super) struct Pusher {
    address: SocketAddr,
    hs_token: String,
    stream: Option<TcpStream>,
    next_txn: u64,
    ids: Ids,
    answer: Vec<u8>,
    /// Messages so far in this load.
    sent: usize,
}

impl Pusher {
    /// `seed` keeps the event ids of two subjects on one database apart.
    pub(super) fn new(address: SocketAddr, hs_token: &str, seed: u64) -> Self {
        let hs_token = hs_token.to_owned();
        Self {
            address,
            hs_token,
            stream: None,
            next_txn: 0,
            ids: Ids::new(seed),
            answer: Vec::new(),
            sent: 0,
        }
    }

    /// Pushes a load and waits for its answers; answers how long that took from the first push to the last answer.
    pub(super) async fn push(&mut self, load: Load, homeserver: &Homeserver) -> anyhow::Result<Duration> {
        // Another subject's turn may have been longer than an idle connection lives.
        self.disconnect();
        let begun = Instant::now();
        self.sent = 0;
        match load.pace {
            Pace::Catching { batch } => self.catch_up(load, batch, homeserver).await?,
            Pace::Steady { every } => self.steady(load, every, homeserver).await?,
        }
        wait_for_all(homeserver).await;
        Ok(begun.elapsed())
    }

    /// Tries until a transaction with one message is taken: the subject is up. Answers when that was.
    pub(super) async fn knock(&mut self, load: Load, homeserver: &Homeserver) -> anyhow::Result<Instant> {
        self.sent = 0;
        let body = self.transaction(load, 1, Instant::now(), homeserver);
        let begun = Instant::now();
        while let Err(error) = self.put(&body).await {
            self.stream = None;
            if begun.elapsed() > PATIENCE {
                return Err(error.context("it does not take a transaction"));
            }
            sleep(KNOCK_PAUSE).await;
        }
        Ok(Instant::now())
    }

    /// Ends the connection, so that the subject can end too.
    pub(super) fn disconnect(&mut self) {
        self.stream = None;
    }

    async fn catch_up(&mut self, load: Load, batch: usize, homeserver: &Homeserver) -> anyhow::Result<()> {
        while self.sent < load.messages {
            let unanswered = || homeserver.tally(|tally| tally.pushed() - tally.answered());
            while unanswered() + batch > UNANSWERED_MAX.max(batch) {
                if timeout(PATIENCE, homeserver.progress()).await.is_err() {
                    return Ok(());
                }
            }
            let count = batch.min(load.messages - self.sent);
            let body = self.transaction(load, count, Instant::now(), homeserver);
            self.put(&body).await?;
        }
        Ok(())
    }

    /// Open loop. A timer that wakes late is not held against the subject; a transaction that is answered late is.
    async fn steady(&mut self, load: Load, every: Duration, homeserver: &Homeserver) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.sent < load.messages {
            let due = begun + every * u32::try_from(self.sent).context("a load is counted in 32 bits")?;
            let late = Instant::now() > due;
            if !late {
                sleep_until(due.into()).await;
            }
            let offered = if late { due } else { Instant::now() };
            let overdue = Instant::now().saturating_duration_since(due).as_nanos() / every.as_nanos().max(1);
            let count = 1 + usize::try_from(overdue).unwrap_or(0);
            let count = count.min(EVENTS_MAX).min(load.messages - self.sent);
            let body = self.transaction(load, count, offered, homeserver);
            self.put(&body).await?;
        }
        Ok(())
    }

    fn transaction(&mut self, load: Load, count: usize, offered: Instant, homeserver: &Homeserver) -> String {
        let mut body = String::with_capacity(64 + 512 * count);
        body.push_str(r#"{"events":["#);
        for nth in 0..count {
            let room = self.sent % load.rooms;
            let mut text = homeserver.tally(|tally| tally.next_text(offered));
            if load.answerers > 0 {
                text.insert_str(0, &format!("as {}: ", self.sent / load.rooms % load.answerers));
            }
            let comma = if nth > 0 { "," } else { "" };
            let (event_id, room_id) = (self.ids.event_id(), room_id(&format!("load-{room}")));
            let _ = write!(
                body,
                r#"{comma}{{"type":"m.room.message","room_id":"{room_id}","sender":"@alice:{SERVER_NAME}","content":{{"msgtype":"m.text","body":"{text}","m.mentions":{{}}}},"origin_server_ts":1750000000000,"unsigned":{{"age":12}},"event_id":"{event_id}","user_id":"@alice:{SERVER_NAME}","age":12}}"#
            );
            self.sent += 1;
        }
        body.push_str("]}");
        body
    }

    async fn put(&mut self, body: &str) -> anyhow::Result<()> {
        let request = format!(
            "PUT /_matrix/app/v1/transactions/{} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.next_txn,
            self.address,
            self.hs_token,
            body.len(),
        );
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().expect("it was just connected");
        stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        read_answer(stream, &mut self.answer).await?;
        self.next_txn += 1;
        Ok(())
    }
}

async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    loop {
        if let Some(end) = head_end(answer) {
            let head = std::str::from_utf8(&answer[..end])?;
            if answer.len() >= end + content_length(head) {
                if head.starts_with("HTTP/1.1 200 ") {
                    return Ok(());
                }
                bail!("a transaction was refused: {}", String::from_utf8_lossy(answer));
            }
        }
        if stream.read_buf(answer).await? == 0 {
            bail!("the connection ended before the answer");
        }
    }
}

/// Waits until everything is answered, or nothing more is.
pub(super) async fn wait_for_all(homeserver: &Homeserver) {
    while homeserver.tally(|tally| tally.answered() < tally.pushed()) {
        if timeout(PATIENCE, homeserver.progress()).await.is_err() {
            return;
        }
    }
}
