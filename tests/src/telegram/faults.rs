//! What goes wrong with the next requests, as ordered by a test.
//!
//! Each fault waits in a queue for the first request of its method and is used up by it. Methods are named as in the Bot API, in
//! any case; `*` fits every one, `file` is a download. `webhook` is an update that is brought: whatever the fault, it arrives and its
//! answer does not.

use super::model::UserId;
pub use crate::discord::Gate;

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends before the request has any effect.
    CutBefore,
    /// The request takes effect, then the connection ends without an answer.
    CutAfter,
    /// Answered with `{ok: false}`, this code and this description, without effect.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The description.
        description: String,
    },
    /// The request takes effect and is answered with this status and no JSON.
    AnswerAfter {
        /// The HTTP status, for example 502.
        status: u16,
    },
    /// Answered with 429, without effect.
    TooMany {
        /// How long to wait, in seconds.
        retry_after: u64,
    },
    /// The request waits at the gate before it has any effect.
    HoldBefore(Gate),
    /// The request takes effect and its answer waits at the gate; for downloads after the first bytes.
    HoldAfter(Gate),
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<(String, Option<UserId>, Fault)>,
    /// How many of the next updates come twice.
    pub duplicates: usize,
}

impl Faults {
    pub fn add(&mut self, method: &str, bot: Option<UserId>, fault: Fault) {
        self.waiting.push((method.to_lowercase(), bot, fault));
    }

    pub fn take(&mut self, method: &str, by: Option<UserId>) -> Option<Fault> {
        let fits = |(wanted, bot, _): &(String, Option<UserId>, Fault)| {
            (wanted == "*" || wanted == method) && (bot.is_none() || *bot == by)
        };
        let at = self.waiting.iter().position(fits)?;
        Some(self.waiting.remove(at).2)
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
        self.duplicates = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_by_the_first_request_that_fits() {
        let mut faults = Faults::default();
        faults.add("sendMessage", Some(1), Fault::CutBefore);
        assert!(faults.take("getme", Some(1)).is_none());
        assert!(faults.take("sendmessage", Some(2)).is_none());
        assert!(faults.take("sendmessage", Some(1)).is_some());
        assert!(faults.take("sendmessage", Some(1)).is_none());
    }
}
