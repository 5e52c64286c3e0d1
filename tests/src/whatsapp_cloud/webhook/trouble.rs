//! What goes wrong with webhooks, as ordered by a test: held back, batched, out of order, repeated, replayed, forged.

use serde_json::Value;

use super::{
    SIGNATURE_HEADER, delivery,
    queue::{self, Event},
    sign,
};
use crate::whatsapp_cloud::{WhatsAppCloudSim, ids::NumberId};

/// How events that were held back go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// One after the other.
    InOrder,
    /// One after the other, the youngest first.
    Reversed,
    /// In one POST, one change each.
    InOnePost,
    /// In one POST, with many messages or statuses in one change where they are of the same number and kind.
    Merged,
}

/// How a forged webhook is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// Not at all.
    Unsigned,
    /// With another secret.
    OtherSecret,
    /// With the right secret, over another body.
    OtherBody,
    /// In a form that is no signature.
    Garbage,
    /// Rightly: for payloads that WhatsApp would never send.
    None,
}

impl WhatsAppCloudSim {
    /// Events wait from now on.
    pub fn holds_webhooks(&self) {
        self.inner.change(|state| {
            state.webhooks.held.get_or_insert_default();
        });
    }

    /// What was held goes out, and later events at once again. Says how many there were.
    pub fn releases_webhooks(&self, release: Release) -> usize {
        self.inner.change(|state| {
            let mut events = state.webhooks.held.take().unwrap_or_default();
            let count = events.len();
            match release {
                Release::InOrder => {
                    events.iter().for_each(|event| queue::post(state, std::slice::from_ref(event)))
                }
                Release::Reversed => {
                    events.iter().rev().for_each(|event| queue::post(state, std::slice::from_ref(event)))
                }
                Release::InOnePost => queue::post(state, &events),
                Release::Merged => {
                    merge(&mut events);
                    queue::post(state, &events);
                }
            }
            count
        })
    }

    /// The next POSTs go out twice each.
    pub fn repeats_webhooks(&self, posts: u32) {
        self.inner.change(|state| state.webhooks.repeats = posts);
    }

    /// What was not taken comes again after this pause at first, and after this one at most.
    pub fn brings_again_after_ms(&self, first_ms: i64, max_ms: i64) {
        self.inner.change(|state| state.webhooks.pauses_ms = (first_ms, max_ms));
    }

    /// A POST of the past, counted from 0, goes out again to the letter.
    pub fn replays_webhook(&self, place: usize) {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            let Some(old) = state.webhooks.deliveries.get(place) else { return };
            let again = queue::Delivery { answers: Vec::new(), due_ms: Some(now_ms), ..old.clone() };
            state.webhooks.deliveries.push(again);
        });
    }

    /// Any other change of a number, as its field and value.
    pub fn tells(&self, number: NumberId, field: &str, value: Value) {
        self.inner.change(|state| queue::emit(state, number, (field, value)));
    }

    /// Somebody else posts to an address. Gives the status of the answer.
    pub async fn forges_webhook(&self, address: &str, body: &[u8], forgery: Forgery) -> anyhow::Result<u16> {
        let secret = self.inner.lock().records.app_secret.clone();
        let signature = match forgery {
            Forgery::Unsigned => None,
            Forgery::OtherSecret => Some(sign("another secret", body)),
            Forgery::OtherBody => Some(sign(&secret, &[body, b" "].concat())),
            Forgery::Garbage => Some("sha256=garbage".to_owned()),
            Forgery::None => Some(sign(&secret, body)),
        };
        let mut request =
            delivery::client().post(address).header("Content-Type", "application/json").body(body.to_vec());
        if let Some(signature) = signature {
            request = request.header(SIGNATURE_HEADER, signature);
        }
        Ok(request.send().await?.status().as_u16())
    }
}

/// Lists of the same kind in values of the same number become one.
fn merge(events: &mut Vec<Event>) {
    let mut merged: Vec<Event> = Vec::new();
    for event in events.drain(..) {
        let list = ["messages", "statuses"].into_iter().find(|name| event.value[name].is_array());
        let same = |other: &&mut Event| {
            let is_same_kind = list.is_some_and(|list| other.value[list].is_array());
            let has_contacts = |event: &Event| event.value["contacts"].is_array();
            is_same_kind
                && other.number == event.number
                && other.field == event.field
                && has_contacts(other) == has_contacts(&event)
        };
        match (merged.iter_mut().find(same), list) {
            (Some(other), Some(list)) => {
                append(&mut other.value, &event.value, list);
                append(&mut other.value, &event.value, "contacts");
            }
            _ => merged.push(event),
        }
    }
    *events = merged;
}

fn append(to: &mut Value, from: &Value, list: &str) {
    let (Some(to), Some(from)) = (to[list].as_array_mut(), from[list].as_array()) else { return };
    for one in from {
        // The same person is named once.
        if list != "contacts" || !to.contains(one) {
            to.push(one.clone());
        }
    }
}
