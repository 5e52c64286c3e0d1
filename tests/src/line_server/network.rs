//! What the line network remembers, and how it answers one line.
//!
//! Everything happens under one lock that is never held across a wait, so that tests see each request done or not done.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::clock::Clock;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use self::pairing::Pairings;
pub(super) use self::pairing::{Fate, Pairing};
use super::TEXT_CHARS_MAX;

mod pairing;

/// As many events are handed to one connection at a time.
const EVENTS_AT_ONCE_MAX: usize = 256;
const KEY_BYTES_MAX: usize = 128;

/// What goes wrong with the next `say`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends; nothing was said.
    CutBeforeEffect,
    /// It is said, and the connection ends before the answer.
    CutAfterEffect,
    /// `busy`: nothing was said, try again.
    Busy,
    /// The answer takes this long.
    Slow(Duration),
}

/// A message as it stands in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMessage {
    /// Its id.
    pub id: String,
    /// The account that said it.
    pub by: String,
    /// For whom, when relayed.
    pub author: Option<String>,
    /// What it says.
    pub text: String,
}

/// How a connection goes on after its first line.
pub(super) enum Greeting<'a> {
    /// It does not.
    Refused(String),
    /// Signed in.
    SignedIn {
        answer: String,
        who: Device,
        /// From which event on it is told, if it is.
        after: Option<u64>,
    },
    /// It waits until somebody confirms its code.
    Pairing { answer: String, pairing: Pairing<'a> },
}

/// What a token stands for: one of an account's devices.
#[derive(Clone, Debug)]
pub(super) struct Device {
    account: String,
    id: String,
}

/// How a connection goes on after a request.
pub(super) enum Step {
    Answer(String),
    AnswerLate(String, Duration),
    Cut,
}

/// The whole network.
pub(super) struct Network {
    clock: Clock,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    cut: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    tokens: HashMap<String, Device>,
    devices: u64,
    pairings: Pairings,
    names: BTreeMap<String, String>,
    chats: BTreeMap<String, Chat>,
    events: Vec<String>,
    keys: HashMap<(String, String), String>,
    keyless: bool,
    faults: VecDeque<Fault>,
    messages: u64,
}

struct Chat {
    name: String,
    messages: Vec<LineMessage>,
}

#[derive(Deserialize)]
struct Line {
    id: u64,
    #[serde(flatten)]
    request: Request,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    Login { token: String, after: Option<u64> },
    Pair,
    Admit { code: String },
    Say(Say),
    Unsay { chat: String, message: String },
    Chat { chat: String },
    User { user: String },
}

#[derive(Deserialize)]
struct Say {
    chat: String,
    text: String,
    key: Option<String>,
    author: Option<String>,
}

impl Network {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default(), changed: watch::Sender::new(0), cut: watch::Sender::new(0) }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    pub(super) fn cut(&self) {
        self.cut.send_modify(|times| *times += 1);
    }

    pub(super) fn add_account(&self, account: &str, name: &str, token: &str) {
        let mut state = self.state();
        state.names.insert(account.to_owned(), name.to_owned());
        state.add_device(account, token);
    }

    pub(super) fn add_chat(&self, chat: &str, name: &str) {
        self.state().chats.insert(chat.to_owned(), Chat { name: name.to_owned(), messages: Vec::new() });
    }

    pub(super) fn person_says(&self, chat: &str, person: &str, text: &str) -> String {
        let say = Say { chat: chat.to_owned(), text: text.to_owned(), key: None, author: None };
        let mut state = self.state();
        state.names.entry(person.to_owned()).or_insert_with(|| person.to_owned());
        let message =
            state.say(person, None, say, self.clock.now_ms()).expect("a test says it where it can be said");
        drop(state);
        self.notify();
        message
    }

    pub(super) fn tell(&self, event: Value) {
        self.state().tell(event);
        self.notify();
    }

    pub(super) fn messages(&self, chat: &str) -> Vec<LineMessage> {
        self.messages_from(chat, 0)
    }

    pub(super) fn messages_from(&self, chat: &str, from: usize) -> Vec<LineMessage> {
        let state = self.state();
        let messages = state.chats.get(chat).and_then(|chat| chat.messages.get(from..));
        messages.map(<[_]>::to_vec).unwrap_or_default()
    }

    pub(super) fn add_fault(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    pub(super) fn forget_keys(&self) {
        self.state().keyless = true;
    }

    pub(super) fn revoke(&self, token: &str) {
        self.state().tokens.remove(token);
    }

    /// Answers a connection's first line.
    pub(super) fn greet(&self, line: &str) -> Greeting<'_> {
        let (id, request) = match parse(line) {
            Ok(parsed) => parsed,
            Err(refusal) => return Greeting::Refused(refusal),
        };
        match request {
            Request::Login { token, after } => self.login(id, &token, after),
            Request::Pair => self.pair(id),
            _ => Greeting::Refused(refuse(id, "login_first", "The first line must be a login.")),
        }
    }

    fn login(&self, id: u64, token: &str, after: Option<u64>) -> Greeting<'_> {
        let state = self.state();
        let Some(device) = state.tokens.get(token) else {
            return Greeting::Refused(refuse(id, "bad_token", "There is no account with this token."));
        };
        let Device { account, id: device_id } = device;
        let welcome = json!({"account": account, "name": state.names[account], "device": device_id,
            "keys": !state.keyless});
        let answer = json!({"re": id, "ok": welcome}).to_string();
        Greeting::SignedIn { answer, who: device.clone(), after }
    }

    /// The next events, and moves the mark past them.
    pub(super) fn events_after(&self, told: &mut Option<u64>) -> Vec<String> {
        let Some(told) = told else { return Vec::new() };
        let state = self.state();
        let first = usize::try_from(*told).unwrap_or(usize::MAX).min(state.events.len());
        let last = (first + EVENTS_AT_ONCE_MAX).min(state.events.len());
        *told = last as u64;
        if last < state.events.len() {
            // Wakes this connection again for the rest.
            self.notify();
        }
        state.events[first..last].to_vec()
    }

    pub(super) fn perform(&self, who: &Device, line: &str) -> Step {
        let (id, request) = match parse(line) {
            Ok(parsed) => parsed,
            Err(refusal) => return Step::Answer(refusal),
        };
        let step = match request {
            Request::Login { .. } | Request::Pair => {
                Step::Answer(refuse(id, "twice", "You are logged in already."))
            }
            Request::Admit { code } => Step::Answer(done(id, self.admit(&code, &who.account))),
            Request::Say(say) => self.say(id, who, say),
            Request::Unsay { chat, message } => {
                Step::Answer(done(id, self.state().unsay(&who.account, &chat, &message)))
            }
            Request::Chat { chat } => {
                let chat = self.state().chats.get(&chat).map(|chat| json!({"name": chat.name}));
                Step::Answer(json!({"re": id, "ok": chat}).to_string())
            }
            Request::User { user } => {
                let name = self.state().names.get(&user).map(|name| json!({"name": name}));
                Step::Answer(json!({"re": id, "ok": name}).to_string())
            }
        };
        self.notify();
        step
    }

    fn say(&self, id: u64, who: &Device, say: Say) -> Step {
        let mut state = self.state();
        let fault = state.faults.pop_front();
        match fault {
            Some(Fault::CutBeforeEffect) => return Step::Cut,
            Some(Fault::Busy) => {
                let busy =
                    json!({"re": id, "error": "busy", "words": "Too much is going on.", "retry_ms": 5});
                return Step::Answer(busy.to_string());
            }
            Some(Fault::CutAfterEffect | Fault::Slow(_)) | None => {}
        }
        let answer = match state.say(&who.account, Some(&who.id), say, self.clock.now_ms()) {
            Ok(message) => json!({"re": id, "ok": {"message": message}}).to_string(),
            Err((error, words)) => refuse(id, error, words),
        };
        match fault {
            Some(Fault::CutAfterEffect) => Step::Cut,
            Some(Fault::Slow(late)) => Step::AnswerLate(answer, late),
            _ => Step::Answer(answer),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}

type Refusal = (&'static str, &'static str);

impl State {
    /// A new device of an account, signed in by that token.
    fn add_device(&mut self, account: &str, token: &str) {
        self.devices += 1;
        let device = Device { account: account.to_owned(), id: format!("d{}", self.devices) };
        self.tokens.insert(token.to_owned(), device);
    }

    fn say(&mut self, by: &str, via: Option<&str>, say: Say, now_ms: i64) -> Result<String, Refusal> {
        if say.text.is_empty() || say.text.chars().count() > TEXT_CHARS_MAX {
            return Err(("too_long", "A text has 1 to 1000 characters."));
        }
        if say.key.as_ref().is_some_and(|key| key.len() > KEY_BYTES_MAX) {
            return Err(("bad_request", "A key has at most 128 bytes."));
        }
        let Some(chat) = self.chats.get_mut(&say.chat) else {
            return Err(("no_chat", "There is no such chat."));
        };
        let key = say.key.filter(|_| !self.keyless).map(|key| (say.chat.clone(), key));
        if let Some(known) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return Ok(known.clone());
        }
        self.messages += 1;
        let id = format!("m{}", self.messages);
        chat.messages.push(LineMessage {
            id: id.clone(),
            by: by.to_owned(),
            author: say.author,
            text: say.text.clone(),
        });
        if let Some(key) = key {
            self.keys.insert(key, id.clone());
        }
        self.tell(json!({"event": "said", "chat": say.chat, "message": id, "by": by, "via": via,
            "name": self.names[by], "text": say.text, "at": now_ms}));
        Ok(id)
    }

    fn unsay(&mut self, by: &str, chat: &str, message: &str) -> Result<(), Refusal> {
        let Some(stands) = self.chats.get_mut(chat) else {
            return Err(("no_chat", "There is no such chat."));
        };
        let Some(at) = stands.messages.iter().position(|known| known.id == message) else {
            // Taken back already: a repeat changes nothing.
            return Ok(());
        };
        if stands.messages[at].by != by {
            return Err(("not_yours", "Only who said it can take it back."));
        }
        stands.messages.remove(at);
        self.tell(json!({"event": "unsaid", "chat": chat, "message": message, "by": by}));
        Ok(())
    }

    fn tell(&mut self, mut event: Value) {
        event["seq"] = json!(self.events.len() + 1);
        self.events.push(event.to_string());
    }
}

fn parse(line: &str) -> Result<(u64, Request), String> {
    match serde_json::from_str::<Line>(line) {
        Ok(Line { id, request }) => Ok((id, request)),
        Err(error) => Err(refuse(0, "bad_request", &format!("This line is no request: {error}."))),
    }
}

fn done(id: u64, outcome: Result<(), Refusal>) -> String {
    match outcome {
        Ok(()) => json!({"re": id, "ok": {}}).to_string(),
        Err((error, words)) => refuse(id, error, words),
    }
}

fn refuse(id: u64, error: &str, words: &str) -> String {
    json!({"re": id, "error": error, "words": words}).to_string()
}
