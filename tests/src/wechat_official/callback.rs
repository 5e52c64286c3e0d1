//! Callbacks: what an account is told, how it is written, signed and sealed, and how it gets there.
//!
//! A deed becomes a [`Document`], waits in the queue ([`Callbacks`]) and is posted until the answer is `success` or empty, or WeChat gives up
//! ([`delivery`]). Before an address is used it must pass the check ([`OfficialSim::subscribe`]).

pub(crate) mod delivery;

use magpie_common::clock::Clock;

use super::{
    OfficialSim,
    state::{Inner, State},
    world::Follower,
};
use crate::wechat_envelope::Envelope;

/// How long an account is given for an answer, and how often it is told again.
pub const PAUSE_MS: i64 = 5000;
/// So often a callback is brought, at most.
pub const TIMES_MAX: usize = 4;

/// How callbacks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the open, with a signature over nothing but the time and the nonce.
    Plain,
    /// In the open and sealed beside it.
    Compatible,
    /// Sealed.
    Safe,
}

/// A callback as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What follows the question mark.
    pub query: String,
    /// The body.
    pub body: String,
}

/// What happened, before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    openid: String,
    fields: Vec<(String, String)>,
}

/// One callback with all attempts.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub app_id: String,
    pub openid: String,
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

impl Document {
    /// What every document begins with.
    pub fn new(state: &State, follower: &Follower, kind: &str) -> Self {
        let name = state.account(&follower.app_id).name.clone();
        let at = (state.now_ms() / 1000).to_string();
        let fields = [
            ("ToUserName", name.as_str()),
            ("FromUserName", follower.openid.as_str()),
            ("CreateTime", at.as_str()),
            ("MsgType", kind),
        ];
        Self { openid: follower.openid.clone(), fields: Vec::new() }.with(&fields)
    }

    pub fn with(mut self, fields: &[(&str, &str)]) -> Self {
        self.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// The document. WeChat promises neither an order of the fields nor how their words are kept, so both differ from one to the next.
    fn write(&self, nth: usize) -> String {
        let written: Vec<String> = self
            .fields
            .iter()
            .map(|(name, value)| format!("<{name}>{}</{name}>", kept(value, nth)))
            .collect();
        let at = nth % written.len().max(1);
        format!("<xml>{}\n{}</xml>", written[at..].join("\n"), written[..at].join("\n"))
    }
}

/// Words that are no markup, in either of XML's ways.
fn kept(words: &str, nth: usize) -> String {
    match nth % 2 {
        0 => format!("<![CDATA[{}]]>", words.replace("]]>", "]]]]><![CDATA[>")),
        _ => words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    }
}

/// Something happened; nobody is told where nobody listens.
pub(crate) fn emit(state: &mut State, app_id: &str, document: Document) {
    let Some(callback) = state.account(app_id).callback.clone() else { return };
    let due_ms = Some(state.now_ms());
    let delivery = Delivery {
        app_id: app_id.to_owned(),
        openid: document.openid.clone(),
        document: document.write(state.callbacks.deliveries.len()),
        callback,
        last: None,
        is_replay: false,
        answers: Vec::new(),
        due_ms,
    };
    if state.callbacks.repeats > 0 {
        state.callbacks.repeats -= 1;
        state.callbacks.deliveries.push(delivery.clone());
    }
    state.callbacks.deliveries.push(delivery);
}

/// Signs and seals a document for an account.
pub(crate) fn write(
    (envelope, clock): (&Envelope, &Clock),
    mode: Mode,
    (openid, document): (&str, &str),
) -> Written {
    let timestamp = (clock.now_ms() / 1000).to_string();
    let nonce = u32::from_be_bytes(clock.random_bytes::<4>()).to_string();
    let signature = envelope.sign(&[&timestamp, &nonce]);
    let query = format!("signature={signature}&timestamp={timestamp}&nonce={nonce}&openid={openid}");
    if mode == Mode::Plain {
        return Written { query, body: document.to_owned() };
    }
    let sealed = envelope.seal(document, clock.random_bytes::<16>());
    let full = envelope.sign(&[&timestamp, &nonce, &sealed]);
    let query = format!("{query}&encrypt_type=aes&msg_signature={full}");
    let sealed = format!("<Encrypt><![CDATA[{sealed}]]></Encrypt>");
    let body = match mode {
        Mode::Compatible => document.replace("</xml>", &format!("{sealed}</xml>")),
        _ => format!("<xml><ToUserName><![CDATA[gh_of_the_account]]></ToUserName>{sealed}</xml>"),
    };
    Written { query, body }
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

impl OfficialSim {
    /// The owner writes an address into the console: it is checked, and used from then on.
    ///
    /// # Errors
    /// With what was wrong with the answer.
    pub async fn subscribe(&self, app_id: &str, address: &str) -> Result<(), String> {
        let (query, challenge) = {
            let state = self.inner.lock();
            let account = state.account(app_id);
            let query = write((&account.envelope, &state.clock), Mode::Plain, ("", "")).query;
            (query, u64::from_be_bytes(state.clock.random_bytes::<8>()).to_string())
        };
        let address_asked = format!("{address}?{query}&echostr={challenge}");
        let answer = delivery::client().get(address_asked).send().await;
        let answer = answer.map_err(|_| "nobody answers there".to_owned())?;
        if answer.status() != 200 {
            return Err(format!("the status is {}", answer.status()));
        }
        match answer.text().await {
            Ok(text) if text == challenge => {}
            _ => return Err("the answer is not the echostr".to_owned()),
        }
        self.was_subscribed(app_id, address);
        Ok(())
    }

    /// The owner wrote this address into the console long ago, and it was accepted.
    pub fn was_subscribed(&self, app_id: &str, address: &str) {
        self.inner.change(|state| state.account_mut(app_id).callback = Some(address.to_owned()));
    }

    /// Callbacks are written like this from now on.
    pub fn writes_in_mode(&self, mode: Mode) {
        self.inner.change(|state| state.mode = mode);
    }

    /// What was not taken comes again after this pause, so many times in all. WeChat gives up after four.
    pub fn brings_again_after_ms(&self, pause_ms: i64, times_max: usize) {
        self.inner.change(|state| {
            (state.callbacks.pause_ms, state.callbacks.times_max) = (pause_ms, times_max);
        });
    }

    /// The next callbacks go out twice each.
    pub fn repeats_callbacks(&self, callbacks: u32) {
        self.inner.change(|state| state.callbacks.repeats = callbacks);
    }

    /// A callback of the past, counted from 0, goes out again to the letter: its time, its nonce, its signatures.
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

    /// A document as it would go to an account now, for tests that change something about it.
    pub fn written(&self, follower: &Follower, document: &str, mode: Mode) -> Written {
        let state = self.inner.lock();
        let account = state.account(&follower.app_id);
        write((&account.envelope, &state.clock), mode, (&follower.openid, document))
    }
}

/// Whatever is due, as it goes.
fn due(inner: &Inner, delivery: &Delivery) -> Written {
    let state = inner.lock();
    let envelope = &state.account(&delivery.app_id).envelope;
    match &delivery.last {
        Some(last) if delivery.is_replay => last.clone(),
        _ => write((envelope, &state.clock), state.mode, (&delivery.openid, &delivery.document)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whatever_they_are() {
        assert_eq!(kept("a ]]> b", 0), "<![CDATA[a ]]]]><![CDATA[> b]]>");
        assert_eq!(kept("<a&b>", 1), "&lt;a&amp;b&gt;");
        let fields = vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())];
        let document = Document { openid: String::new(), fields };
        assert_eq!(document.write(1), "<xml><B>2</B>\n<A>1</A></xml>");
    }

    #[test]
    fn a_callback_comes_four_times_at_most() {
        let delivery = Delivery {
            app_id: String::new(),
            openid: String::new(),
            document: String::new(),
            callback: String::new(),
            last: None,
            is_replay: false,
            answers: Vec::new(),
            due_ms: Some(0),
        };
        let mut callbacks = Callbacks { deliveries: vec![delivery], ..Callbacks::default() };
        let written = Written { query: String::new(), body: String::new() };
        for nth in 0..4 {
            assert_eq!(callbacks.next().and_then(|(_, next)| next.due_ms), Some(nth * PAUSE_MS));
            callbacks.answered(0, (written.clone(), Some(503)), nth * PAUSE_MS);
        }
        assert!(callbacks.next().is_none());
    }
}
