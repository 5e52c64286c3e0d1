//! What goes wrong with the next requests, as ordered by a test.
//!
//! Each fault waits in a queue for the first request that fits its route and is used up by it. A route is a method and a path below the
//! version with `*` for any one segment: `POST /*/messages`, `GET /*`. What goes wrong with webhooks is in `webhook`.

use serde_json::Value;

use super::WhatsAppCloudSim;
use crate::discord::{Gate, faults::Route};

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends before the request has any effect.
    CutBefore,
    /// The request takes effect, then the connection ends without an answer.
    CutAfter,
    /// Refused with this code of the Cloud API, without effect.
    Refuse(u32),
    /// Answered with this status and body, without effect.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The JSON body; null for none.
        body: Value,
    },
    /// The request takes effect and is answered with this status and no body.
    AnswerAfter {
        /// The HTTP status, for example 502.
        status: u16,
    },
    /// The request waits at the gate before it has any effect.
    HoldBefore(Gate),
    /// The request takes effect and its answer waits at the gate.
    HoldAfter(Gate),
    /// A message is accepted and fails later with this code; only for `POST /*/messages`.
    FailLater(u32),
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<(Route, Fault)>,
}

impl Faults {
    pub fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let at = self.waiting.iter().position(|(route, _)| route.fits(method, path))?;
        Some(self.waiting.remove(at).1)
    }
}

impl WhatsAppCloudSim {
    /// The next request that fits the route suffers this.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.inner.change(|state| state.faults.waiting.push((Route::new(route), fault)));
    }

    /// Faults that no request has met yet are forgotten.
    pub fn clear_faults(&self) {
        self.inner.change(|state| state.faults.waiting.clear());
    }

    /// The token is of no use any more: every request gets error 190.
    pub fn revoke_token(&self) {
        self.inner.change(|state| state.records.is_token_valid = false);
    }

    /// Another token is valid from now on.
    pub fn renew_token(&self, token: &str) {
        self.inner.change(|state| {
            state.records.is_token_valid = true;
            token.clone_into(&mut state.records.token);
        });
    }

    /// The token may do this no more.
    pub fn takes_right(&self, right: &str) {
        self.inner.change(|state| state.records.rights.retain(|held| held != right));
    }

    /// The app hears of no account any more.
    pub fn unsubscribes(&self) {
        self.inner.change(|state| {
            state.records.accounts.values_mut().for_each(|account| account.is_subscribed = false);
        });
    }

    /// Every account is locked for breaking the rules (131031), or free again.
    pub fn locks_accounts(&self, is_locked: bool) {
        self.inner.change(|state| {
            state.records.accounts.values_mut().for_each(|account| account.is_locked = is_locked);
        });
    }
}
