//! What goes wrong with the next requests, as ordered by a test.
//!
//! Each fault waits in a queue for the first request of its name and is used up by it. A name is the last part of a path: `sendmessage`,
//! `getupdates`, `get_qrcode_status`, `upload`, `download`; `*` fits every one.

use serde_json::{Value, json};

use super::{ILinkSim, model::BotId};
pub use crate::discord::Gate;

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends before the request has any effect.
    CutBefore,
    /// The request takes effect, then the connection ends without an answer.
    CutAfter,
    /// Answered with this status and body, without effect.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The JSON body; null for none.
        body: Value,
    },
    /// The request takes effect and is answered with this status and no JSON.
    AnswerAfter {
        /// The HTTP status, for example 502.
        status: u16,
    },
    /// The request waits at the gate before it has any effect.
    HoldBefore(Gate),
    /// The request takes effect and its answer waits at the gate.
    HoldAfter(Gate),
}

impl Fault {
    /// Refused in the way of this API: with HTTP 200, and a number in the body.
    pub fn refusal(number: i64, words: &str) -> Self {
        Self::Answer { status: 200, body: json!({"ret": number, "errmsg": words}) }
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<(String, Option<BotId>, Fault)>,
}

impl Faults {
    pub fn take(&mut self, name: &str, by: Option<BotId>) -> Option<Fault> {
        let fits = |(wanted, bot, _): &(String, Option<BotId>, Fault)| {
            (wanted == "*" || wanted == name) && (bot.is_none() || *bot == by)
        };
        let at = self.waiting.iter().position(fits)?;
        Some(self.waiting.remove(at).2)
    }
}

impl ILinkSim {
    /// The next request of that name suffers this.
    pub fn fault(&self, name: &str, fault: Fault) {
        self.inner.change(|state| state.faults.waiting.push((name.to_owned(), None, fault)));
    }

    /// The next request of that name by that bot suffers this.
    pub fn fault_of(&self, bot: BotId, name: &str, fault: Fault) {
        self.inner.change(|state| state.faults.waiting.push((name.to_owned(), Some(bot), fault)));
    }

    /// Faults that no request has met yet are forgotten.
    pub fn clear_faults(&self) {
        self.inner.change(|state| state.faults.waiting.clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_by_the_first_request_that_fits() {
        let mut faults = Faults::default();
        faults.waiting.push(("sendmessage".to_owned(), Some(BotId(1)), Fault::CutBefore));
        assert!(faults.take("getupdates", Some(BotId(1))).is_none());
        assert!(faults.take("sendmessage", Some(BotId(2))).is_none());
        assert!(faults.take("sendmessage", Some(BotId(1))).is_some());
        assert!(faults.take("sendmessage", Some(BotId(1))).is_none());
    }
}
