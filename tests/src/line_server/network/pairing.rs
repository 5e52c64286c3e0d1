//! How a new device signs in: it shows a code, and a device that is signed in already admits it.
//!
//! A code belongs to the connection that asked for it and dies with it. It must never be good twice.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use serde_json::json;
use tokio::time::timeout;

use super::{Greeting, Network, Refusal};

/// For how long a code holds, unless a test says otherwise.
const VALID_FOR: Duration = Duration::from_secs(60);

/// The codes that somebody waits for.
pub(super) struct Pairings {
    open: BTreeMap<String, Option<Fate>>,
    valid_for: Duration,
}

/// What became of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::line_server) enum Fate {
    /// A device of that account has admitted the new one.
    Admitted(String),
    /// Nobody did in time.
    Expired,
    /// Somebody said no.
    Refused,
}

/// A connection that waits for its code to be confirmed.
pub(in crate::line_server) struct Pairing<'a> {
    network: &'a Network,
    request: u64,
    code: String,
    valid_for: Duration,
}

impl Default for Pairings {
    fn default() -> Self {
        Self { open: BTreeMap::new(), valid_for: VALID_FOR }
    }
}

impl Network {
    pub(super) fn pair(&self, request: u64) -> Greeting<'_> {
        let code = format!("line:{}", self.random());
        let mut state = self.state();
        state.pairings.open.insert(code.clone(), None);
        let valid_for = state.pairings.valid_for;
        drop(state);
        self.notify();
        let shown = json!({"code": code, "valid_ms": valid_for.as_millis()});
        let answer = json!({"re": request, "ok": shown}).to_string();
        Greeting::Pairing { answer, pairing: Pairing { network: self, request, code, valid_for } }
    }

    /// The codes that can be scanned, in no order.
    pub(in crate::line_server) fn codes(&self) -> Vec<String> {
        let state = self.state();
        let open = state.pairings.open.iter().filter(|(_, fate)| fate.is_none());
        open.map(|(code, _)| code.clone()).collect()
    }

    pub(in crate::line_server) fn codes_hold_for(&self, valid_for: Duration) {
        self.state().pairings.valid_for = valid_for;
    }

    pub(super) fn admit(&self, code: &str, account: &str) -> Result<(), Refusal> {
        match self.decide(code, Fate::Admitted(account.to_owned())) {
            true => Ok(()),
            false => Err(("no_code", "This code is not good, or not good any more.")),
        }
    }

    /// Decides about a code; false when it does not hold.
    pub(in crate::line_server) fn decide(&self, code: &str, fate: Fate) -> bool {
        let mut state = self.state();
        let is_known = match &fate {
            Fate::Admitted(account) => state.names.contains_key(account),
            Fate::Expired | Fate::Refused => true,
        };
        let holds = match state.pairings.open.get_mut(code) {
            Some(open @ None) if is_known => {
                *open = Some(fate);
                true
            }
            _ => false,
        };
        drop(state);
        self.notify();
        holds
    }

    /// What nobody can guess.
    fn random(&self) -> String {
        self.clock.random_bytes::<16>().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl Pairing<'_> {
    /// Waits for what becomes of the code; gives the last line of the connection.
    pub(in crate::line_server) async fn ended(self) -> String {
        let fate = timeout(self.valid_for, self.decided()).await.unwrap_or(Fate::Expired);
        let re = self.request;
        let (error, words) = match fate {
            Fate::Admitted(account) => {
                let token = self.network.random();
                let mut state = self.network.state();
                state.add_device(&account, &token);
                let name = &state.names[&account];
                let paired = json!({"account": account, "name": name, "token": token});
                return json!({"re": re, "ok": paired}).to_string();
            }
            Fate::Expired => ("expired", "Nobody scanned the code in time."),
            Fate::Refused => ("denied", "Somebody said no to it on their other device."),
        };
        super::refuse(re, error, words)
    }

    async fn decided(&self) -> Fate {
        let mut changes = self.network.changes();
        loop {
            changes.borrow_and_update();
            if let Some(Some(fate)) = self.network.state().pairings.open.get(&self.code) {
                return fate.clone();
            }
            if changes.changed().await.is_err() {
                return Fate::Expired;
            }
        }
    }
}

impl Drop for Pairing<'_> {
    fn drop(&mut self) {
        self.network.state().pairings.open.remove(&self.code);
        self.network.notify();
    }
}
