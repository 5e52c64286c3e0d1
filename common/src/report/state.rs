//! The state of the bridge or of one login, as it goes out to `homeserver.status_endpoint`.

use ruma::OwnedUserId;
use serde::Serialize;

use super::cut;
use crate::{clock::TimestampMs, ids::LoginId, message::SessionState};

/// So long a state may be believed, in seconds, when all is well and when something is wrong.
const TTL_WELL: u32 = 6 * 60 * 60;
const TTL_WRONG: u32 = 60 * 60;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StateEvent {
    /// The bridge is starting.
    Starting,
    /// It runs, and there is no login.
    Unconfigured,
    /// It runs.
    Running,
    /// A login is on its way.
    Connecting,
    /// A login is live.
    Connected,
    /// A login is interrupted and will be tried again.
    TransientDisconnect,
    /// The network does not take the credentials of a login.
    BadCredentials,
    /// A login is signed out, or was given up.
    LoggedOut,
}

/// The login that a state is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: LoginId,
    /// Its name.
    pub name: String,
    /// Who signed in; nobody in Matrix for the account that the configuration names.
    pub owner: Option<OwnedUserId>,
}

/// One state. Two that are equal are told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    event: StateEvent,
    account: Option<Account>,
    fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    code: &'static str,
    words: String,
}

/// The form that goes out. What is not known is left out.
#[derive(Serialize)]
struct Form<'a> {
    state_event: StateEvent,
    timestamp: i64,
    ttl: u32,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_profile: Option<Profile<'a>>,
}

#[derive(Serialize)]
struct Profile<'a> {
    name: &'a str,
}

impl State {
    /// A state of the bridge itself.
    pub fn of_bridge(event: StateEvent) -> Self {
        Self { event, account: None, fault: None }
    }

    /// What a login is doing.
    pub fn of_login(account: Account, state: &SessionState) -> Self {
        let fault = |code, reason: &str| Some(Fault { code, words: cut(reason) });
        let (event, fault) = match state {
            SessionState::Connecting => (StateEvent::Connecting, None),
            SessionState::Connected | SessionState::Warned { .. } => (StateEvent::Connected, None),
            SessionState::Disconnected { reason } => {
                (StateEvent::TransientDisconnect, fault("magpie-disconnected", reason))
            }
            SessionState::BadCredentials { reason } => {
                (StateEvent::BadCredentials, fault("magpie-bad-credentials", reason))
            }
            SessionState::LoggedOut => (StateEvent::LoggedOut, None),
        };
        Self { event, account: Some(account), fault }
    }

    /// The login that it is about; the bridge itself has none.
    pub(super) fn login(&self) -> Option<&LoginId> {
        self.account.as_ref().map(|account| &account.id)
    }

    /// The last state of a login that is not there any more.
    pub(super) fn gone(&self) -> Self {
        Self { event: StateEvent::LoggedOut, account: self.account.clone(), fault: None }
    }

    /// How long it may be believed, in seconds.
    pub(super) fn ttl(&self) -> u32 {
        if self.fault.is_some() { TTL_WRONG } else { TTL_WELL }
    }

    /// The JSON that goes out.
    pub(super) fn write(&self, now_ms: TimestampMs) -> Vec<u8> {
        let account = self.account.as_ref();
        let form = Form {
            state_event: self.event,
            timestamp: now_ms / 1_000,
            ttl: self.ttl(),
            source: "bridge",
            error: self.fault.as_ref().map(|fault| fault.code),
            message: self.fault.as_ref().map(|fault| &*fault.words),
            user_id: account.and_then(|account| account.owner.as_ref()).map(|owner| owner.as_str()),
            remote_id: account.map(|account| account.id.as_str()),
            remote_name: account.map(|account| &*account.name),
            remote_profile: account.map(|account| Profile { name: &account.name }),
        };
        serde_json::to_vec(&form).expect("a state has a JSON form")
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::{Value, json};

    use super::*;

    fn written(state: &State) -> Value {
        serde_json::from_slice(&state.write(1_234_567)).unwrap()
    }

    #[test]
    fn a_state_of_a_login_says_whose_it_is_and_what_is_wrong() {
        let owner = Some(user_id!("@alice:example.org").to_owned());
        let account = Account { id: LoginId::new("7"), name: "Alice".to_owned(), owner };
        let common = json!({
            "timestamp": 1_234, "source": "bridge", "user_id": "@alice:example.org", "remote_id": "7",
            "remote_name": "Alice", "remote_profile": { "name": "Alice" },
        });
        let with = |more: Value| {
            let mut all = common.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let reason = || "go away".to_owned();
        for (state, expected) in [
            (SessionState::Connecting, json!({ "state_event": "CONNECTING", "ttl": 21_600 })),
            (SessionState::Connected, json!({ "state_event": "CONNECTED", "ttl": 21_600 })),
            (SessionState::LoggedOut, json!({ "state_event": "LOGGED_OUT", "ttl": 21_600 })),
            (
                SessionState::Disconnected { reason: reason() },
                json!({ "state_event": "TRANSIENT_DISCONNECT", "ttl": 3_600, "error": "magpie-disconnected", "message": "go away" }),
            ),
            (
                SessionState::BadCredentials { reason: reason() },
                json!({ "state_event": "BAD_CREDENTIALS", "ttl": 3_600, "error": "magpie-bad-credentials", "message": "go away" }),
            ),
        ] {
            assert_eq!(written(&State::of_login(account.clone(), &state)), with(expected));
        }
    }

    #[test]
    fn a_state_of_the_bridge_names_nobody() {
        let expected = |event: &str| json!({ "state_event": event, "timestamp": 1_234, "ttl": 21_600, "source": "bridge" });
        for (event, word) in [
            (StateEvent::Starting, "STARTING"),
            (StateEvent::Unconfigured, "UNCONFIGURED"),
            (StateEvent::Running, "RUNNING"),
        ] {
            assert_eq!(written(&State::of_bridge(event)), expected(word));
        }
    }
}
