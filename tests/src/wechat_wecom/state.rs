//! All that one running simulator holds, behind one lock.
//!
//! The lock is never held across an await. Whoever changes something through [`Inner::change`] wakes all who wait: tests, and the task that
//! brings callbacks.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use magpie_common::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    callback::Callbacks,
    faults::Faults,
    observe::{LoggedRequest, Sent},
    service::Service,
    world::{AES_KEY, CORP_ID, KF_SECRET, Member, Profile, SECRET, TOKEN, World},
};
use crate::wechat_envelope::Envelope;

/// What all tasks of one simulator share.
pub(crate) struct Inner {
    state: Mutex<State>,
    pub changed: Notify,
    pub stop: CancellationToken,
}

/// The changing part.
pub(crate) struct State {
    pub clock: Clock,
    pub origin: String,
    pub envelope: Envelope,
    /// The secrets of the app and of customer service.
    pub secrets: [(Speaker, String); 2],
    /// Whether our address is trusted.
    pub is_trusted: bool,
    pub tokens: Vec<Token>,
    pub members: BTreeMap<String, Member>,
    pub customers: BTreeMap<String, Profile>,
    pub groups: BTreeMap<String, Group>,
    pub service: Service,
    pub media: BTreeMap<String, Media>,
    pub sent: Vec<Sent>,
    pub requests: Vec<LoggedRequest>,
    pub faults: Faults,
    pub callback: Option<String>,
    pub callbacks: Callbacks,
    last_id: u64,
}

/// Who speaks with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    App,
    Service,
}

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub secret: String,
    pub speaker: Speaker,
    pub until_ms: i64,
}

/// A group that the app has made.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub name: String,
    pub owner: String,
    pub members: Vec<String>,
}

/// A stored file.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    /// `image`, `voice`, `video` or `file`.
    pub kind: String,
    pub mime: String,
    pub bytes: Bytes,
    pub until_ms: i64,
}

impl Inner {
    pub fn new(world: World, address: SocketAddr) -> Self {
        let state = State {
            clock: world.clock,
            origin: format!("http://{address}"),
            envelope: Envelope::new(TOKEN, AES_KEY, CORP_ID),
            secrets: [(Speaker::App, SECRET.to_owned()), (Speaker::Service, KF_SECRET.to_owned())],
            is_trusted: true,
            tokens: Vec::new(),
            members: world.members,
            customers: world.customers,
            groups: BTreeMap::new(),
            service: Service::default(),
            media: BTreeMap::new(),
            sent: Vec::new(),
            requests: Vec::new(),
            faults: Faults::default(),
            callback: None,
            callbacks: Callbacks::default(),
            last_id: 7_234_567_890_123_456_000,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), stop: CancellationToken::new() }
    }

    /// Looks at the state.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes everyone who waits for a change.
    pub fn change<T>(&self, deed: impl FnOnce(&mut State) -> T) -> T {
        let outcome = deed(&mut self.lock());
        self.changed.notify_waiters();
        outcome
    }
}

impl State {
    /// Now.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A fresh id; those of messages have 64 bits.
    pub fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Letters that nobody guesses.
    pub fn random(&self) -> String {
        self.clock.random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Stores a file for three days.
    pub fn keep(&mut self, kind: &str, mime: &str, bytes: Bytes) -> String {
        const LIFE_MS: i64 = 3 * 24 * 60 * 60 * 1000;
        let id = format!("3-{}_{}", self.id(), &self.random()[..8]);
        let until_ms = self.now_ms() + LIFE_MS;
        let media = Media { kind: kind.to_owned(), mime: mime.to_owned(), bytes, until_ms };
        self.media.insert(id.clone(), media);
        id
    }
}
