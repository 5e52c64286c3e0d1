//! The two rates at which a business may send: per number (130429) and to one person (131056).
//!
//! Meta: 80 messages a second for a number, 20 where the phone app is in use beside the API; one message in six seconds to the same person,
//! of which 45 may come at once and are paid back.

use std::collections::{BTreeMap, VecDeque};

use super::{
    WhatsAppCloudSim,
    errors::GraphError,
    ids::{Chat, NumberId},
};

const SECOND_MS: i64 = 1000;
const TOO_FAST: &str = "Message failed to send because there were too many messages sent from this phone number in a short \
                        period of time";
const TOO_FAST_TO_ONE: &str = "Message failed to send because there were too many messages sent from this phone number to the \
                               same phone number in a short period of time";

/// How fast a business may send.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Messages a second from one number.
    pub per_second: usize,
    /// Messages at once to one person.
    pub burst: u32,
    /// How long until one more may go to the same person.
    pub pause_ms: i64,
}

impl Default for Rates {
    fn default() -> Self {
        Self { per_second: 80, burst: 45, pause_ms: 6000 }
    }
}

/// What was sent lately.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    rates: Rates,
    lately: BTreeMap<NumberId, VecDeque<i64>>,
    /// When the last message to a person would have gone at the even pace.
    paid_until_ms: BTreeMap<Chat, i64>,
}

impl Limits {
    /// Counts a message from a number.
    pub fn count(&mut self, number: NumberId, now_ms: i64) -> Result<(), GraphError> {
        let lately = self.lately.entry(number).or_default();
        while lately.front().is_some_and(|sent_ms| now_ms - sent_ms >= SECOND_MS) {
            lately.pop_front();
        }
        if lately.len() >= self.rates.per_second {
            return Err(GraphError::new(130_429).details(TOO_FAST));
        }
        lately.push_back(now_ms);
        Ok(())
    }

    /// Counts a message to a person.
    pub fn count_pair(&mut self, chat: Chat, now_ms: i64) -> Result<(), GraphError> {
        let paid = self.paid_until_ms.entry(chat).or_insert(now_ms);
        let next = (*paid).max(now_ms) + self.rates.pause_ms;
        if next - now_ms > i64::from(self.rates.burst) * self.rates.pause_ms {
            return Err(GraphError::new(131_056).details(TOO_FAST_TO_ONE));
        }
        *paid = next;
        Ok(())
    }
}

impl WhatsAppCloudSim {
    /// The business may send this fast from now on.
    pub fn sends_at(&self, rates: Rates) {
        self.inner.change(|state| state.limits = Limits { rates, ..Limits::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatsapp_cloud::PersonId;

    #[test]
    fn a_second_holds_only_so_many() {
        let mut limits = Limits { rates: Rates { per_second: 2, ..Rates::default() }, ..Limits::default() };
        let mut codes = [0, 1, 2, 1000]
            .map(|now_ms| limits.count(NumberId(1), now_ms).map_err(|error| error.code))
            .into_iter();
        assert!(codes.next().is_some_and(|it| it.is_ok()) && codes.next().is_some_and(|it| it.is_ok()));
        assert_eq!(codes.next(), Some(Err(130_429)));
        assert_eq!(codes.next(), Some(Ok(())));
    }

    #[test]
    fn a_burst_to_one_person_is_paid_back() {
        let rates = Rates { burst: 2, pause_ms: 6000, ..Rates::default() };
        let mut limits = Limits { rates, ..Limits::default() };
        let chat = |person| Chat { number: NumberId(1), person: PersonId(person) };
        let mut count = |person, now_ms| limits.count_pair(chat(person), now_ms).map_err(|error| error.code);
        assert_eq!([count(1, 0), count(1, 0), count(1, 0)], [Ok(()), Ok(()), Err(131_056)]);
        assert_eq!(count(2, 0), Ok(()), "another person is another pair");
        assert_eq!([count(1, 5999), count(1, 6000), count(1, 6000)], [Err(131_056), Ok(()), Err(131_056)]);
    }
}
