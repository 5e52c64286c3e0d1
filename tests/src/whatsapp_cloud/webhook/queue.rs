//! What waits to be told, and what was told.

use bytes::Bytes;
use serde_json::{Value, json};

use super::sign;
use crate::{
    openapi::SeenRequest,
    whatsapp_cloud::{
        description::WEBHOOK_PATH,
        ids::{AccountId, NumberId},
        state::State,
    },
};

/// The first pause after an answer that is not 200; each further one is twice as long.
pub const PAUSE_FIRST_MS: i64 = 5000;
/// The longest pause.
pub const PAUSE_MAX_MS: i64 = 60 * 60 * 1000;
/// After this time WhatsApp gives up.
pub const GIVES_UP_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// One change that somebody is to be told about.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub account: AccountId,
    pub number: NumberId,
    pub field: String,
    pub value: Value,
}

/// One POST to the business, with all attempts.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub callback: String,
    pub body: Bytes,
    pub signature: String,
    /// The status of each attempt; none when nobody answered.
    pub answers: Vec<Option<u16>>,
    /// When it is tried next; none once it is over.
    pub due_ms: Option<i64>,
    pub first_ms: i64,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Webhooks {
    /// The first pause and the longest one.
    pub pauses_ms: (i64, i64),
    /// Events that a test holds back.
    pub held: Option<Vec<Event>>,
    /// How many of the next POSTs go out twice.
    pub repeats: u32,
    pub deliveries: Vec<Delivery>,
}

impl Default for Webhooks {
    fn default() -> Self {
        let pauses_ms = (PAUSE_FIRST_MS, PAUSE_MAX_MS);
        Self { pauses_ms, held: None, repeats: 0, deliveries: Vec::new() }
    }
}

/// Something happened to a number.
pub(crate) fn emit(state: &mut State, number: NumberId, (field, value): (&str, Value)) {
    let Some(account) = state.records.numbers.get(&number).map(|number| number.account) else { return };
    let event = Event { account, number, field: field.to_owned(), value };
    match &mut state.webhooks.held {
        Some(held) => held.push(event),
        None => post(state, &[event]),
    }
}

/// Events go out in one POST; nobody is told where nobody listens.
pub(crate) fn post(state: &mut State, events: &[Event]) {
    let Some(first) = events.first() else { return };
    let body = pack(events);
    judge(state, &body);
    let Some(callback) = callback(state, first) else { return };
    let body = Bytes::from(body.to_string());
    let now_ms = state.now_ms();
    let signature = sign(&state.records.app_secret, &body);
    let delivery =
        Delivery { callback, body, signature, answers: Vec::new(), due_ms: Some(now_ms), first_ms: now_ms };
    if state.webhooks.repeats > 0 {
        state.webhooks.repeats -= 1;
        state.webhooks.deliveries.push(delivery.clone());
    }
    state.webhooks.deliveries.push(delivery);
}

/// One entry for each account, one change for each event.
fn pack(events: &[Event]) -> Value {
    let mut entries: Vec<(AccountId, Vec<Value>)> = Vec::new();
    for event in events {
        let change = json!({"value": event.value, "field": event.field});
        match entries.iter_mut().find(|(account, _)| *account == event.account) {
            Some((_, changes)) => changes.push(change),
            None => entries.push((event.account, vec![change])),
        }
    }
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(account, changes)| json!({"id": account.to_string(), "changes": changes}))
        .collect();
    json!({"object": "whatsapp_business_account", "entry": entries})
}

fn callback(state: &State, event: &Event) -> Option<String> {
    let account = state.records.accounts.get(&event.account).filter(|account| account.is_subscribed)?;
    let number = state.records.numbers.get(&event.number)?;
    [&number.callback, &account.callback, &state.records.callback].into_iter().flatten().next().cloned()
}

/// The simulator's own payloads must fit the description too.
fn judge(state: &mut State, body: &Value) {
    let Some(spec) = state.spec.clone() else { return };
    let media_type = Some("application/json");
    let request =
        SeenRequest { method: "POST", path: WEBHOOK_PATH, query: &[], media_type, body: Some(body) };
    state.findings.extend(spec.check_request(&request));
}

impl Webhooks {
    /// The delivery that is due first, with its place.
    pub fn next(&self) -> Option<(usize, &Delivery)> {
        let waiting = self.deliveries.iter().enumerate().filter(|(_, delivery)| delivery.due_ms.is_some());
        waiting.min_by_key(|(_, delivery)| delivery.due_ms)
    }

    /// An attempt is over.
    pub fn answered(&mut self, place: usize, answer: Option<u16>, now_ms: i64) {
        let (first_ms, max_ms) = self.pauses_ms;
        let Some(delivery) = self.deliveries.get_mut(place) else { return };
        delivery.answers.push(answer);
        delivery.due_ms = match answer {
            Some(200) => None,
            _ => {
                let doublings = u32::try_from(delivery.answers.len() - 1).unwrap_or(u32::MAX).min(20);
                let due_ms = now_ms + (first_ms << doublings).min(max_ms);
                (due_ms - delivery.first_ms <= GIVES_UP_MS).then_some(due_ms)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> Webhooks {
        let delivery = Delivery {
            callback: String::new(),
            body: Bytes::new(),
            signature: String::new(),
            answers: Vec::new(),
            due_ms: Some(0),
            first_ms: 0,
        };
        Webhooks { deliveries: vec![delivery], ..Webhooks::default() }
    }

    #[test]
    fn pauses_grow_until_it_gives_up() {
        let mut webhooks = waiting();
        let mut dues = Vec::new();
        while let Some(due_ms) = webhooks.next().and_then(|(_, delivery)| delivery.due_ms) {
            dues.push(due_ms);
            webhooks.answered(0, if dues.len() == 2 { None } else { Some(503) }, due_ms);
        }
        assert_eq!(dues[..4], [0, 5000, 15_000, 35_000]);
        assert!(dues.windows(2).all(|pair| pair[1] - pair[0] <= PAUSE_MAX_MS));
        let last = *dues.last().expect("there was one");
        assert!(last <= GIVES_UP_MS && GIVES_UP_MS - last < PAUSE_MAX_MS);
    }

    #[test]
    fn only_200_is_enough() {
        for (answer, is_over) in
            [(Some(200), true), (Some(201), false), (Some(302), false), (Some(404), false)]
        {
            let mut webhooks = waiting();
            webhooks.answered(0, answer, 0);
            assert_eq!(webhooks.next().is_none(), is_over, "{answer:?}");
        }
    }
}
