//! One gateway socket: HELLO, then IDENTIFY or RESUME, heartbeats, and whatever the session has to say.
//!
//! It ends with one of Discord's close codes or by being cut. See the parent for how sessions and sockets relate.

use std::{collections::VecDeque, io::Write, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use flate2::{Compression, write::ZlibEncoder};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{payloads, session::Frame};
use crate::discord::{
    gateway::session::Session,
    intents,
    state::{Inner, State},
};

const SENT_MAX: usize = 120;
const SENT_WINDOW: Duration = Duration::from_secs(60);
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Close codes of Discord's gateway.
mod close {
    pub const UNKNOWN_OPCODE: u16 = 4001;
    pub const DECODE_ERROR: u16 = 4002;
    pub const NOT_AUTHENTICATED: u16 = 4003;
    pub const AUTHENTICATION_FAILED: u16 = 4004;
    pub const ALREADY_AUTHENTICATED: u16 = 4005;
    pub const RATE_LIMITED: u16 = 4008;
    pub const SESSION_TIMED_OUT: u16 = 4009;
    pub const INVALID_SHARD: u16 = 4010;
    pub const INVALID_VERSION: u16 = 4012;
    pub const INVALID_INTENTS: u16 = 4013;
    pub const DISALLOWED_INTENTS: u16 = 4014;
    pub const GOING_AWAY: u16 = 1001;
}

/// Why a socket ends from our side.
enum End {
    Close(u16),
    Cut,
}

struct Connection {
    inner: Arc<Inner>,
    socket: WebSocket,
    number: u64,
    session: Option<String>,
    compress: bool,
    sent: VecDeque<Instant>,
}

/// Serves a socket until it ends.
pub(crate) async fn serve(inner: Arc<Inner>, socket: WebSocket, query: Vec<(String, String)>) {
    let number = inner.change(|state| {
        state.sessions.connections += 1;
        state.sessions.connections
    });
    let mut connection =
        Connection { inner, socket, number, session: None, compress: false, sent: VecDeque::new() };
    let is_v10 = query.iter().any(|(name, value)| name == "v" && value == "10");
    let is_json = query.iter().all(|(name, value)| name != "encoding" || value == "json");
    let end = match is_v10 && is_json {
        true => connection.run().await,
        false => Some(End::Close(close::INVALID_VERSION)),
    };
    connection.leave();
    if let Some(End::Close(code)) = end {
        connection.say_goodbye(code).await;
    }
}

impl Connection {
    /// Talks until the end; none when the client left.
    async fn run(&mut self) -> Option<End> {
        let interval_ms = self.inner.lock().sessions.heartbeat_interval_ms;
        self.send(
            &json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": interval_ms, "_trace": []}}),
        )
        .await?;
        // Discord allows a beat some delay before it gives a session up.
        let patience = Duration::from_millis(interval_ms + interval_ms / 2);
        let mut deadline = Instant::now() + patience;
        let inner = Arc::clone(&self.inner);
        loop {
            let changed = inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(end) = self.flush().await? {
                return Some(end);
            }
            tokio::select! {
                received = self.socket.recv() => match self.receive(received?.ok()?).await {
                    Received::Nothing => {}
                    Received::Beat => deadline = Instant::now() + patience,
                    Received::Gone => return None,
                    Received::End(end) => return Some(end),
                },
                () = &mut changed => {}
                () = tokio::time::sleep_until(deadline) => return Some(End::Close(close::SESSION_TIMED_OUT)),
                () = inner.stop.cancelled() => return Some(End::Close(close::GOING_AWAY)),
            }
        }
    }

    /// Sends what waits. The outer none means that the client is gone.
    async fn flush(&mut self) -> Option<Option<End>> {
        loop {
            let Some(id) = &self.session else { return Some(None) };
            let frame = {
                let mut state = self.inner.lock();
                match state.sessions.by_id.get_mut(id) {
                    Some(session) if session.connection == Some(self.number) => session.unsent.pop_front(),
                    // Another socket has taken the session over, or it was ended.
                    _ => Some(Frame::Close(close::SESSION_TIMED_OUT)),
                }
            };
            match frame {
                None => return Some(None),
                Some(Frame::Payload(payload)) => self.send(&payload).await?,
                Some(Frame::Garbage(text)) => self.socket.send(Message::Text(text.into())).await.ok()?,
                Some(Frame::Close(code)) => return Some(Some(End::Close(code))),
                Some(Frame::Cut) => return Some(Some(End::Cut)),
            }
        }
    }

    async fn receive(&mut self, message: Message) -> Received {
        let parsed = match &message {
            Message::Text(text) => serde_json::from_str::<Value>(text),
            Message::Binary(bytes) => serde_json::from_slice::<Value>(bytes),
            Message::Close(_) => return Received::Gone,
            Message::Ping(_) | Message::Pong(_) => return Received::Nothing,
        };
        let Ok(payload) = parsed else { return Received::End(End::Close(close::DECODE_ERROR)) };
        if self.is_over_limit() {
            return Received::End(End::Close(close::RATE_LIMITED));
        }
        match (payload["op"].as_u64(), &self.session) {
            (Some(1), _) => self.beat().await,
            (Some(2), None) => self.answer(|this| this.identify(&payload["d"])).await,
            (Some(6), None) => self.answer(|this| this.resume(&payload["d"])).await,
            (Some(2 | 6), Some(_)) => Received::End(End::Close(close::ALREADY_AUTHENTICATED)),
            (Some(3 | 4 | 8), None) => Received::End(End::Close(close::NOT_AUTHENTICATED)),
            (Some(3 | 4), Some(_)) => Received::Nothing,
            (Some(8), Some(id)) => {
                let id = id.clone();
                self.inner.change(|state| request_members(state, &id, &payload["d"]));
                Received::Nothing
            }
            (Some(_), _) => Received::End(End::Close(close::UNKNOWN_OPCODE)),
            (None, _) => Received::End(End::Close(close::DECODE_ERROR)),
        }
    }

    async fn beat(&mut self) -> Received {
        if !self.inner.lock().sessions.heartbeats_muted {
            let acknowledged = self.send(&json!({"op": 11, "s": null, "t": null, "d": null})).await;
            if acknowledged.is_none() {
                return Received::Gone;
            }
        }
        Received::Beat
    }

    async fn answer(&mut self, deed: impl FnOnce(&mut Self) -> Result<Option<Value>, u16>) -> Received {
        match deed(self) {
            Err(code) => Received::End(End::Close(code)),
            Ok(None) => Received::Nothing,
            Ok(Some(payload)) => match self.send(&payload).await {
                Some(()) => Received::Nothing,
                None => Received::Gone,
            },
        }
    }

    /// Opcode 2. A payload in the answer is opcode 9.
    fn identify(&mut self, data: &Value) -> Result<Option<Value>, u16> {
        let mut guard = self.inner.lock();
        let state = &mut *guard;
        state.sessions.identifies += 1;
        check_token(state, data)?;
        let wanted = data["intents"].as_u64().ok_or(close::DECODE_ERROR)?;
        if !data["properties"].is_object() {
            return Err(close::DECODE_ERROR);
        }
        if wanted & !intents::KNOWN != 0 {
            return Err(close::INVALID_INTENTS);
        }
        if wanted & intents::PRIVILEGED & !state.records.application.privileged_intents != 0 {
            return Err(close::DISALLOWED_INTENTS);
        }
        let shard = match &data["shard"] {
            Value::Null => (0, 1),
            given => serde_json::from_value::<(u64, u64)>(given.clone()).map_err(|_| close::INVALID_SHARD)?,
        };
        if shard.0 >= shard.1 {
            return Err(close::INVALID_SHARD);
        }
        if state.sessions.refuses_new {
            return Ok(Some(invalid_session(false)));
        }
        self.compress = data["compress"].as_bool().unwrap_or(false);
        let id = state.secret();
        let mut session = Session::new(wanted, self.compress, shard);
        session.connection = Some(self.number);
        greet(state, &mut session, &id);
        state.sessions.by_id.insert(id.clone(), session);
        drop(guard);
        self.inner.changed.notify_waiters();
        self.session = Some(id);
        Ok(None)
    }

    /// Opcode 6.
    fn resume(&mut self, data: &Value) -> Result<Option<Value>, u16> {
        let mut guard = self.inner.lock();
        let state = &mut *guard;
        state.sessions.resumes += 1;
        check_token(state, data)?;
        let (now_ms, window_ms) = (state.clock.now_ms(), state.sessions.resume_window_ms);
        let id = data["session_id"].as_str().unwrap_or_default().to_owned();
        let sequence = data["seq"].as_u64().unwrap_or(0);
        let replay_max = state.sessions.replay_max;
        let found =
            state.sessions.by_id.get_mut(&id).filter(|session| !session.is_expired(now_ms, window_ms));
        let Some(session) = found else {
            state.sessions.by_id.remove(&id);
            return Ok(Some(invalid_session(false)));
        };
        if !session.replay_after(sequence) {
            state.sessions.by_id.remove(&id);
            return Ok(Some(invalid_session(false)));
        }
        session.connection = Some(self.number);
        session.tell("RESUMED", &json!({"_trace": ["simulator"]}), None, replay_max);
        self.compress = session.compress;
        drop(guard);
        self.inner.changed.notify_waiters();
        self.session = Some(id);
        Ok(None)
    }

    async fn send(&mut self, payload: &Value) -> Option<()> {
        let text = payload.to_string();
        let message =
            if self.compress { Message::Binary(zlib(&text).into()) } else { Message::Text(text.into()) };
        self.socket.send(message).await.ok()
    }

    fn is_over_limit(&mut self) -> bool {
        let now = Instant::now();
        self.sent.push_back(now);
        while self.sent.front().is_some_and(|at| now - *at > SENT_WINDOW) {
            self.sent.pop_front();
        }
        self.sent.len() > SENT_MAX
    }

    fn leave(&self) {
        self.inner.change(|state| {
            let now_ms = state.clock.now_ms();
            let session = self.session.as_ref().and_then(|id| state.sessions.by_id.get_mut(id));
            if let Some(session) = session.filter(|session| session.connection == Some(self.number)) {
                session.disconnect(now_ms);
            }
        });
    }

    /// Sends the close frame and lets the client read it before the socket goes.
    async fn say_goodbye(&mut self, code: u16) {
        let frame = CloseFrame { code, reason: "".into() };
        if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
            let drained = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = tokio::time::timeout(CLOSE_WAIT, drained).await;
        }
    }
}

/// What a message from the client led to.
enum Received {
    Nothing,
    Beat,
    Gone,
    End(End),
}

fn check_token(state: &State, data: &Value) -> Result<(), u16> {
    let given = data["token"].as_str().unwrap_or_default();
    let is_right = given.trim_start_matches("Bot ") == state.records.application.token;
    if is_right { Ok(()) } else { Err(close::AUTHENTICATION_FAILED) }
}

fn greet(state: &State, session: &mut Session, id: &str) {
    let (replay_max, intents) = (state.sessions.replay_max, session.intents);
    let ready = payloads::ready(&state.records, id, session.shard, &state.urls.gateway);
    session.tell("READY", &ready, None, replay_max);
    if intents & intents::GUILDS != 0 {
        for guild in payloads::of_shard(&state.records, session.shard) {
            session.tell("GUILD_CREATE", &payloads::guild(&state.records, guild, intents), None, replay_max);
        }
    }
}

fn request_members(state: &mut State, session: &str, data: &Value) {
    let guild = data["guild_id"].as_str().and_then(|id| id.parse().ok());
    let Some(guild) = guild.and_then(|id| state.records.guilds.get(&id)) else { return };
    let chunk = payloads::members_chunk(&state.records, guild, data);
    let replay_max = state.sessions.replay_max;
    if let Some(session) = state.sessions.by_id.get_mut(session) {
        session.tell("GUILD_MEMBERS_CHUNK", &chunk, None, replay_max);
    }
}

fn invalid_session(is_resumable: bool) -> Value {
    json!({"op": 9, "s": null, "t": null, "d": is_resumable})
}

fn zlib(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}
