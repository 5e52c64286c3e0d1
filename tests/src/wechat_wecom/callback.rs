//! Callbacks: what the app is told, how it is written, signed and sealed, and how it gets there.
//!
//! A deed becomes a document, waits in the queue ([`Callbacks`]) and is posted until the answer is empty, or WeCom gives up ([`delivery`]).
//! Before an address is used it must pass the check ([`WeComSim::subscribe`]).

pub(crate) mod delivery;

use magpie_common::clock::Clock;

use super::{
    WeComSim,
    state::{Inner, State},
    world::{AGENT_ID, CORP_ID},
};
use crate::wechat_envelope::Envelope;

/// How long until the app is told again.
pub const PAUSE_MS: i64 = 5000;
/// So often a callback is brought, at most.
pub const TIMES_MAX: usize = 4;

/// A callback as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What follows the question mark.
    pub query: String,
    /// The body.
    pub body: String,
}

/// One callback with all attempts.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub document: String,
    pub callback: String,
    /// As it went last.
    pub last: Option<Written>,
    /// Whether it goes again to the letter.
    pub is_replay: bool,
    /// The status of each attempt; none when nobody answered.
    pub answers: Vec<Option<u16>>,
    /// When it is tried next; none once it is over.
    pub due_ms: Option<i64>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Callbacks {
    pause_ms: i64,
    times_max: usize,
    /// How many of the next callbacks go out twice, as if the answer had come too late.
    repeats: u32,
    pub deliveries: Vec<Delivery>,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self { pause_ms: PAUSE_MS, times_max: TIMES_MAX, repeats: 0, deliveries: Vec::new() }
    }
}

/// Something happened to the app; nobody is told where nobody listens. WeCom promises neither an order of the fields nor how their words are
/// kept, so both differ from one to the next.
pub(crate) fn emit(state: &mut State, from: &str, fields: &[(&str, &str)]) {
    let Some(callback) = state.callback.clone() else { return };
    let now_ms = state.now_ms();
    let at = (now_ms / 1000).to_string();
    let mut all = vec![("ToUserName", CORP_ID), ("CreateTime", at.as_str())];
    if !from.is_empty() {
        all.push(("FromUserName", from));
    }
    all.extend(fields);
    let document = document(&all, state.callbacks.deliveries.len());
    let delivery = Delivery {
        document,
        callback,
        last: None,
        is_replay: false,
        answers: Vec::new(),
        due_ms: Some(now_ms),
    };
    if state.callbacks.repeats > 0 {
        state.callbacks.repeats -= 1;
        state.callbacks.deliveries.push(delivery.clone());
    }
    state.callbacks.deliveries.push(delivery);
}

fn document(fields: &[(&str, &str)], nth: usize) -> String {
    let written: Vec<String> =
        fields.iter().map(|(name, value)| format!("<{name}>{}</{name}>", kept(value, nth))).collect();
    let at = nth % written.len().max(1);
    format!("<xml>{}\n{}</xml>", written[at..].join("\n"), written[..at].join("\n"))
}

/// Words that are no markup, in either of XML's ways.
fn kept(words: &str, nth: usize) -> String {
    match nth % 2 {
        0 => format!("<![CDATA[{}]]>", words.replace("]]>", "]]]]><![CDATA[>")),
        _ => words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    }
}

/// Signs and seals a document.
pub(crate) fn write((envelope, clock): (&Envelope, &Clock), document: &str) -> Written {
    let (query, sealed) = signed((envelope, clock), document);
    let body = format!(
        "<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt><AgentID><![CDATA[{AGENT_ID}]]></AgentID></xml>"
    );
    Written { query, body }
}

fn signed((envelope, clock): (&Envelope, &Clock), words: &str) -> (String, String) {
    let timestamp = (clock.now_ms() / 1000).to_string();
    let nonce = u32::from_be_bytes(clock.random_bytes::<4>()).to_string();
    let sealed = envelope.seal(words, clock.random_bytes::<16>());
    let signature = envelope.sign(&[&timestamp, &nonce, &sealed]);
    (format!("msg_signature={signature}&timestamp={timestamp}&nonce={nonce}"), sealed)
}

impl Callbacks {
    /// The one that is due first, with its place.
    pub fn next(&self) -> Option<(usize, &Delivery)> {
        let waiting = self.deliveries.iter().enumerate().filter(|(_, delivery)| delivery.due_ms.is_some());
        waiting.min_by_key(|(_, delivery)| delivery.due_ms)
    }

    /// An attempt is over.
    pub fn answered(&mut self, place: usize, (written, answer): (Written, Option<u16>), now_ms: i64) {
        let Some(delivery) = self.deliveries.get_mut(place) else { return };
        delivery.answers.push(answer);
        delivery.last = Some(written);
        let is_over = answer == Some(200) || delivery.is_replay || delivery.answers.len() >= self.times_max;
        delivery.due_ms = (!is_over).then_some(now_ms + self.pause_ms);
    }
}

impl WeComSim {
    /// An admin writes an address into the console: it is checked, and used from then on.
    ///
    /// # Errors
    /// With what was wrong with the answer.
    pub async fn subscribe(&self, address: &str) -> Result<(), String> {
        let (query, sealed, challenge) = {
            let state = self.inner.lock();
            let challenge = u64::from_be_bytes(state.clock.random_bytes::<8>()).to_string();
            let (query, sealed) = signed((&state.envelope, &state.clock), &challenge);
            (query, sealed, challenge)
        };
        let echo: String = url::form_urlencoded::byte_serialize(sealed.as_bytes()).collect();
        let answer = delivery::client().get(format!("{address}?{query}&echostr={echo}")).send().await;
        let answer = answer.map_err(|_| "nobody answers there".to_owned())?;
        if answer.status() != 200 {
            return Err(format!("the status is {}", answer.status()));
        }
        match answer.text().await {
            Ok(text) if text == challenge => {}
            _ => return Err("the answer is not what was sealed".to_owned()),
        }
        self.was_subscribed(address);
        Ok(())
    }

    /// An admin wrote this address into the console long ago, and it was accepted.
    pub fn was_subscribed(&self, address: &str) {
        self.inner.change(|state| state.callback = Some(address.to_owned()));
    }

    /// What was not taken comes again after this pause, so many times in all. WeCom gives up after four.
    pub fn brings_again_after_ms(&self, pause_ms: i64, times_max: usize) {
        self.inner.change(|state| {
            (state.callbacks.pause_ms, state.callbacks.times_max) = (pause_ms, times_max);
        });
    }

    /// The next callbacks go out twice each.
    pub fn repeats_callbacks(&self, callbacks: u32) {
        self.inner.change(|state| state.callbacks.repeats = callbacks);
    }

    /// A callback of the past, counted from 0, goes out again to the letter: its time, its nonce, its signature.
    pub fn replays_callback(&self, place: usize) {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            let Some(old) = state.callbacks.deliveries.get(place).filter(|old| old.last.is_some()) else {
                return;
            };
            let again =
                Delivery { answers: Vec::new(), due_ms: Some(now_ms), is_replay: true, ..old.clone() };
            state.callbacks.deliveries.push(again);
        });
    }

    /// A document as it would go to the app now, for tests that change something about it.
    pub fn written(&self, fields: &[(&str, &str)]) -> Written {
        let state = self.inner.lock();
        write((&state.envelope, &state.clock), &document(fields, 0))
    }
}

/// Whatever is due, as it goes.
fn due(inner: &Inner, delivery: &Delivery) -> Written {
    let state = inner.lock();
    match &delivery.last {
        Some(last) if delivery.is_replay => last.clone(),
        _ => write((&state.envelope, &state.clock), &delivery.document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whatever_they_are() {
        assert_eq!(kept("a ]]> b", 0), "<![CDATA[a ]]]]><![CDATA[> b]]>");
        assert_eq!(document(&[("A", "1"), ("B", "<")], 1), "<xml><B>&lt;</B>\n<A>1</A></xml>");
    }
}
