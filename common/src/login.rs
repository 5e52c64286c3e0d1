//! Logins and their sessions: brought to life, watched, brought to life again.
//!
//! One login's failure never touches another: each has a task of its own. The portal asks here for the session that speaks for a
//! room. Next: `keeping`, which brings them back; `accounts`, which saves logins; `signing_in`, how people make them; [`crate::portal`].

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use prometheus::{IntGaugeVec, register_int_gauge_vec};
use ruma::{OwnedUserId, UserId};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    accounts::{AccountError, Accounts, AccountsParts, SignedOut},
    keeping::backoff,
    network::Network,
    signing_in::{Ask, Progress, Refused, Show, SigningIn, Stage},
};

use crate::{
    clock::Clock,
    ids::{LoginId, RemoteUserId},
    message::SessionState,
    platform::{ConnectError, SavedLogin, Session},
};

mod accounts;
mod keeping;
mod network;
mod signing_in;

static LOGINS: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!("magpie_logins", "Logins by state.", &["state"]).expect("the name is unique")
});

/// All logins of this process.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    slots: Mutex<HashMap<LoginId, Slot>>,
    changed: watch::Sender<u64>,
    clock: Clock,
    stop: CancellationToken,
    tasks: TaskTracker,
}

struct Slot {
    name: String,
    owner: Option<OwnedUserId>,
    /// Who the account is on the network, once that is known.
    me: Option<RemoteUserId>,
    state: SessionState,
    session: Option<Arc<dyn Session>>,
    stop: CancellationToken,
    ended: CancellationToken,
    /// Ends a pause before its time.
    again: Arc<Notify>,
}

/// A login that is to be kept connected.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The account, with what connects it.
    pub saved: SavedLogin,
    /// Who signed in; nobody in Matrix for the account that the configuration names.
    pub owner: Option<OwnedUserId>,
    /// Who it is on the network, where that is known from before.
    pub me: Option<RemoteUserId>,
}

/// How the sessions of a login come to be.
pub trait Connector: Send + Sync + 'static {
    /// Brings the login to life, with a new sink.
    fn connect(
        &self,
        login: &SavedLogin,
    ) -> futures_util::future::BoxFuture<'_, Result<Arc<dyn Session>, ConnectError>>;
}

/// Whether the bridge's own account is lent to somebody who has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lent {
    /// It is: for looking around, and for those who run the bridge.
    Yes,
    /// It is not: whoever writes needs an account of their own.
    No,
}

/// A login as the `status` command shows it.
#[derive(Clone, Debug)]
pub struct LoginStatus {
    /// The login.
    pub id: LoginId,
    /// Its name.
    pub name: String,
    /// Who signed in; nobody in Matrix for the account that the configuration names.
    pub owner: Option<OwnedUserId>,
    /// Who it is on the network, once that is known.
    pub me: Option<RemoteUserId>,
    /// What it is doing.
    pub state: SessionState,
}

impl Logins {
    /// No logins yet; they end when `stop` is cancelled.
    pub fn new(clock: Clock, stop: CancellationToken) -> Self {
        let (changed, _) = watch::channel(0);
        Self(Arc::new(Inner { slots: Mutex::default(), changed, clock, stop, tasks: TaskTracker::new() }))
    }

    /// Makes a login known before it is connected.
    pub fn announce(&self, login: &Kept) -> (CancellationToken, CancellationToken) {
        let (stop, ended) = (self.0.stop.child_token(), CancellationToken::new());
        let slot = Slot {
            name: login.saved.name.clone(),
            owner: login.owner.clone(),
            me: login.me.clone(),
            state: SessionState::Connecting,
            session: None,
            stop: stop.clone(),
            ended: ended.clone(),
            again: Arc::default(),
        };
        self.slots().insert(login.saved.id.clone(), slot);
        (stop, ended)
    }

    /// Shows a login that cannot be connected, and why.
    pub fn show_refused(&self, id: LoginId, name: String, owner: OwnedUserId, reason: String) {
        let ended = CancellationToken::new();
        ended.cancel();
        let stop = self.0.stop.child_token();
        let state = SessionState::BadCredentials { reason: reason.clone() };
        let (owner, again) = (Some(owner), Arc::default());
        let slot = Slot { name, owner, me: None, state: state.clone(), session: None, stop, ended, again };
        self.slots().insert(id.clone(), slot);
        self.set(&id, state, None);
    }

    /// Closes a login's session and forgets it. Returns when nothing of it runs any more.
    pub async fn remove(&self, id: &LoginId) {
        let ended = self.slots().get(id).map(|slot| {
            slot.stop.cancel();
            slot.ended.clone()
        });
        if let Some(ended) = ended {
            ended.cancelled().await;
            self.slots().remove(id);
            self.count();
        }
    }

    /// The accounts that somebody has signed in with, by their ids.
    pub fn of(&self, owner: &UserId) -> Vec<LoginId> {
        let slots = self.slots();
        let mut own: Vec<_> = slots
            .iter()
            .filter(|(_, slot)| slot.owner.as_deref() == Some(owner))
            .map(|(id, _)| id.clone())
            .collect();
        own.sort();
        own
    }

    /// Whether the configuration names it.
    pub fn is_configured(&self, id: &LoginId) -> bool {
        self.slots().get(id).is_some_and(|slot| slot.owner.is_none())
    }

    /// Whether there is more than one login.
    pub fn are_several(&self) -> bool {
        self.slots().len() > 1
    }

    /// Who somebody in Matrix is on the network, by the accounts of theirs.
    pub fn faces_of(&self, owner: &UserId) -> Vec<RemoteUserId> {
        let slots = self.slots();
        let own = slots.values().filter(|slot| slot.owner.as_deref() == Some(owner));
        own.filter_map(|slot| slot.me.clone()).collect()
    }

    /// The accounts that may be used for somebody: their own first, then the bridge's where that is lent. Nobody uses somebody else's.
    pub fn usable_by(&self, user_id: &UserId, lent: Lent) -> Vec<LoginId> {
        let mut usable = self.of(user_id);
        if lent == Lent::Yes {
            let configured = self.statuses().into_iter().filter(|login| login.owner.is_none());
            usable.extend(configured.map(|login| login.id));
        }
        usable
    }

    /// Whether somebody has signed in with it, rather than the configuration naming it.
    pub fn is_owned(&self, id: &LoginId) -> bool {
        self.slots().get(id).is_some_and(|slot| slot.owner.is_some())
    }

    /// What one login is doing.
    pub fn status(&self, id: &LoginId) -> Option<LoginStatus> {
        self.slots().get(id).map(|slot| slot.status(id))
    }

    /// The account that is somebody on the network.
    pub fn account_of(&self, user: &RemoteUserId) -> Option<LoginId> {
        let slots = self.slots();
        slots.iter().find(|(_, slot)| slot.me.as_ref() == Some(user)).map(|(id, _)| id.clone())
    }

    /// Who in Matrix has signed in as somebody on the network.
    pub fn person_behind(&self, user: &RemoteUserId) -> Option<OwnedUserId> {
        let slots = self.slots();
        let mut behind = slots.values().filter(|slot| slot.me.as_ref() == Some(user));
        behind.find_map(|slot| slot.owner.clone())
    }

    /// The live session of a login, if it has one now.
    pub fn session(&self, id: &LoginId) -> Option<Arc<dyn Session>> {
        self.slots().get(id)?.session.clone()
    }

    /// What every login is doing.
    pub fn statuses(&self) -> Vec<LoginStatus> {
        let slots = self.slots();
        let mut all: Vec<_> = slots.iter().map(|(id, slot)| slot.status(id)).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// A signal that goes off whenever a login changes its state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Waits until every session is closed. Call it after the stop signal was given.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// A session said of itself what it is doing.
    pub fn report(&self, id: &LoginId, state: SessionState) {
        let session = self.session(id);
        self.set(id, state, session);
    }

    fn set(&self, id: &LoginId, state: SessionState, session: Option<Arc<dyn Session>>) {
        if let Some(slot) = self.slots().get_mut(id) {
            slot.state = state;
            if let Some(session) = &session {
                slot.me = Some(session.me());
            }
            slot.session = session;
        }
        self.count();
    }

    fn count(&self) {
        LOGINS.reset();
        for status in self.statuses() {
            LOGINS.with_label_values(&[state_name(&status.state)]).inc();
        }
        self.0.changed.send_modify(|version| *version += 1);
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<LoginId, Slot>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn status(&self, id: &LoginId) -> LoginStatus {
        LoginStatus {
            id: id.clone(),
            name: self.name.clone(),
            owner: self.owner.clone(),
            me: self.me.clone(),
            state: self.state.clone(),
        }
    }
}

fn state_name(state: &SessionState) -> &'static str {
    match state {
        SessionState::Connecting => "connecting",
        SessionState::Connected | SessionState::Warned { .. } => "connected",
        SessionState::Disconnected { .. } => "disconnected",
        SessionState::BadCredentials { .. } => "bad_credentials",
        SessionState::LoggedOut => "logged_out",
    }
}
