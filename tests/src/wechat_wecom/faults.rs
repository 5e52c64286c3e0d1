//! What goes wrong with the next requests, as ordered by a test.
//!
//! Each fault waits in a queue for the first request that fits its route and is used up by it. A route is a method and a path with `*` for any
//! one segment: `POST /cgi-bin/message/send`. What goes wrong with callbacks is in `callback`.

use serde_json::Value;

use super::WeComSim;
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

impl WeComSim {
    /// The next request that fits the route suffers this.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.inner.change(|state| state.faults.waiting.push((Route::new(route), fault)));
    }

    /// The secrets are others from now on, and what came of the old ones is worth nothing.
    pub fn resets_secrets(&self) {
        self.inner.change(|state| {
            state.secrets.iter_mut().for_each(|(_, secret)| *secret = "another secret".to_owned());
            state.tokens.clear();
        });
    }

    /// The tokens in use are worth nothing; new ones are given.
    pub fn ends_tokens(&self) {
        self.inner.change(|state| state.tokens.clear());
    }

    /// Whether requests from our address are trusted.
    pub fn trusts_address(&self, is_trusted: bool) {
        self.inner.change(|state| state.is_trusted = is_trusted);
    }

    /// Whether the app is shown to a member.
    pub fn shows_app(&self, userid: &str, is_visible: bool) {
        self.inner.change(|state| {
            let member = state.members.get_mut(userid).expect("tests name members who are there");
            member.is_visible = is_visible;
        });
    }

    /// Lists of customer service have so many items at most from now on, so that there is more.
    pub fn lists_at_most(&self, items: usize) {
        self.inner.change(|state| state.service.page_max = items);
    }

    /// The next list of customer service begins so many items too early.
    pub fn lists_again(&self, items: usize) {
        self.inner.change(|state| state.service.again = items);
    }
}
