//! What goes wrong with the next requests, as ordered by a test.
//!
//! Each fault waits in a queue for the first request that fits its route and is used up by it. A route is a method and a path with `*` for any
//! one segment: `POST /cgi-bin/message/custom/send`. What goes wrong with callbacks is in `callback`.

use serde_json::Value;

use super::OfficialSim;
use crate::discord::{Gate, faults::Route};

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends before the request has any effect.
    CutBefore,
    /// The request takes effect, then the connection ends without an answer.
    CutAfter,
    /// Refused with this code, without effect.
    Refuse(i64),
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

impl OfficialSim {
    /// The next request that fits the route suffers this.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.inner.change(|state| state.faults.waiting.push((Route::new(route), fault)));
    }

    /// The AppSecret is another one from now on, and what came of the old one is worth nothing.
    pub fn resets_secret(&self, app_id: &str) {
        self.inner.change(|state| {
            state.account_mut(app_id).app_secret = "another secret".to_owned();
            state.tokens.retain(|token| token.app_id != app_id);
        });
    }

    /// Somebody else has asked for a token by force: the one in use is worth nothing.
    pub fn replaces_tokens(&self, app_id: &str) {
        self.inner.change(|state| {
            for token in state.tokens.iter_mut().filter(|token| token.app_id == app_id) {
                token.is_replaced = true;
            }
        });
    }

    /// Whether the account has been verified, without which it may not write.
    pub fn verifies(&self, app_id: &str, is_verified: bool) {
        self.inner.change(|state| state.account_mut(app_id).is_verified = is_verified);
    }

    /// Whether our address stands in the account's list.
    pub fn lists_address(&self, app_id: &str, is_listed: bool) {
        self.inner.change(|state| state.account_mut(app_id).is_listed = is_listed);
    }

    /// Whether the account has used up what it may ask for in a day.
    pub fn uses_up_the_day(&self, app_id: &str, is_used_up: bool) {
        self.inner.change(|state| state.account_mut(app_id).is_used_up = is_used_up);
    }
}
