//! Gateway sessions: sequence numbers, what waits to be sent, what can be replayed.
//!
//! A session is made by IDENTIFY and outlives its socket for a while. While nobody is connected, events go to the replay
//! log only; what falls out of the log is lost without a word, as on Discord.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::GatewayFault;

const REPLAY_MAX: usize = 1000;
const RESUME_WINDOW_MS: i64 = 60_000;

/// What a connection has to send.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Payload(Value),
    Garbage(String),
    /// Close with a code.
    Close(u16),
    /// End the socket without a close frame.
    Cut,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub intents: u64,
    pub compress: bool,
    pub shard: (u64, u64),
    pub sequence: u64,
    /// The socket that serves it, by its number.
    pub connection: Option<u64>,
    pub unsent: VecDeque<Frame>,
    /// The client was told to identify anew.
    pub is_over: bool,
    held_back: Option<(String, Value)>,
    replay: VecDeque<(u64, Value)>,
    disconnected_ms: i64,
}

/// All sessions and the settings of the gateway.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub by_id: BTreeMap<String, Session>,
    pub faults: Vec<(String, GatewayFault)>,
    pub heartbeat_interval_ms: u64,
    pub heartbeats_muted: bool,
    pub refuses_new: bool,
    pub replay_max: usize,
    pub resume_window_ms: i64,
    pub identifies: u32,
    pub resumes: u32,
    pub connections: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            by_id: BTreeMap::new(),
            faults: Vec::new(),
            heartbeat_interval_ms: 41_250,
            heartbeats_muted: false,
            refuses_new: false,
            replay_max: REPLAY_MAX,
            resume_window_ms: RESUME_WINDOW_MS,
            identifies: 0,
            resumes: 0,
            connections: 0,
        }
    }
}

impl Session {
    pub fn new(intents: u64, compress: bool, shard: (u64, u64)) -> Self {
        Self {
            intents,
            compress,
            shard,
            sequence: 0,
            connection: None,
            unsent: VecDeque::new(),
            is_over: false,
            held_back: None,
            replay: VecDeque::new(),
            disconnected_ms: 0,
        }
    }

    /// Tells the session of an event, with or without an accident.
    pub fn tell(&mut self, kind: &str, data: &Value, fault: Option<GatewayFault>, replay_max: usize) {
        match fault {
            None => self.push(kind, data, replay_max),
            Some(GatewayFault::Duplicate) => {
                self.push(kind, data, replay_max);
                self.push(kind, data, replay_max);
            }
            // The number is used up, so the client cannot even see a gap that replay would fill.
            Some(GatewayFault::Drop) => self.sequence += 1,
            Some(GatewayFault::SwapWithNext) => {
                self.held_back = Some((kind.to_owned(), data.clone()));
                return;
            }
            Some(GatewayFault::Malformed) => self.push(kind, &malformed(data), replay_max),
            Some(GatewayFault::Garbage) => {
                self.unsent.push_back(Frame::Garbage(format!("{{\"op\":0,\"t\":\"{kind}\"")))
            }
        }
        if let Some((kind, data)) = self.held_back.take() {
            self.push(&kind, &data, replay_max);
        }
    }

    /// Queues everything after a sequence number again. False when that is no longer known.
    pub fn replay_after(&mut self, sequence: u64) -> bool {
        let known = self.replay.front().is_none_or(|(oldest, _)| *oldest <= sequence + 1);
        if !known || sequence > self.sequence {
            return false;
        }
        let missed = self.replay.iter().filter(|(number, _)| *number > sequence);
        self.unsent = missed.map(|(_, payload)| Frame::Payload(payload.clone())).collect();
        true
    }

    /// The socket is gone; what it had not sent waits in the replay log.
    pub fn disconnect(&mut self, now_ms: i64) {
        self.connection = None;
        self.unsent.clear();
        self.disconnected_ms = now_ms;
    }

    /// Whether RESUME comes too late.
    pub fn is_expired(&self, now_ms: i64, window_ms: i64) -> bool {
        self.is_over || (self.connection.is_none() && now_ms - self.disconnected_ms > window_ms)
    }

    fn push(&mut self, kind: &str, data: &Value, replay_max: usize) {
        self.sequence += 1;
        let payload = json!({"op": 0, "s": self.sequence, "t": kind, "d": data});
        self.replay.push_back((self.sequence, payload.clone()));
        while self.replay.len() > replay_max {
            self.replay.pop_front();
        }
        if self.connection.is_some() {
            self.unsent.push_back(Frame::Payload(payload));
        }
    }
}

fn malformed(data: &Value) -> Value {
    let fields = data.as_object().cloned().unwrap_or_default();
    let spoil = |value: Value| if value.is_object() { json!(7) } else { value };
    fields.into_iter().map(|(name, value)| (name, spoil(value))).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(session: &Session) -> Vec<(u64, String)> {
        let payloads = session.unsent.iter().filter_map(|frame| match frame {
            Frame::Payload(payload) => Some((payload["s"].as_u64()?, payload["t"].as_str()?.to_owned())),
            _ => None,
        });
        payloads.collect()
    }

    fn connected() -> Session {
        let mut session = Session::new(0, false, (0, 1));
        session.connection = Some(1);
        session
    }

    #[test]
    fn faults_drop_repeat_and_reorder() {
        let mut session = connected();
        session.tell("A", &json!({}), Some(GatewayFault::SwapWithNext), 9);
        session.tell("B", &json!({}), Some(GatewayFault::Duplicate), 9);
        session.tell("C", &json!({}), Some(GatewayFault::Drop), 9);
        session.tell("D", &json!({}), None, 9);
        let expected = [(1, "B"), (2, "B"), (3, "A"), (5, "D")].map(|(s, t)| (s, t.to_owned()));
        assert_eq!(sequences(&session), expected);
    }

    #[test]
    fn replay_reaches_back_only_as_far_as_the_log() {
        let mut session = connected();
        session.disconnect(0);
        for _ in 0..4 {
            session.tell("A", &json!({}), None, 3);
        }
        assert!(!session.replay_after(0), "number 1 fell out of the log");
        assert!(session.replay_after(1));
        assert_eq!(sequences(&session).len(), 3);
        assert!(!session.replay_after(9), "nobody was ever told number 9");
        assert!(session.is_expired(61, 60) && !session.is_expired(60, 60));
    }
}
