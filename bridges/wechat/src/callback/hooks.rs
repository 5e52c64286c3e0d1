//! What both ways in share: what stands in the address of a callback, what is sealed in its body, and what the log tells of one that is not
//! taken.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use http::header::CONTENT_LENGTH;
use magpie_common::{
    clock::Clock,
    platform::{WebhookAnswer, WebhookHead},
};
use tracing::warn;

use super::{Envelope, xml};
use crate::json::{at_ms, text};

/// A challenge is a number; what is longer, or anything else, is none.
const CHALLENGE_CHARS_MAX: usize = 128;

/// So often the log tells of what is not taken, for each reason.
const TELL_EVERY_MS: i64 = 60_000;

/// What stands in the address of a callback.
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    /// Takes it from the head.
    pub fn of(head: &WebhookHead) -> Self {
        let query = head.query.as_deref().unwrap_or_default();
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// What stands under a name; nothing where it is missing.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether it bears the signature of what is sealed.
    pub fn signs(&self, envelope: &Envelope, sealed: &str) -> bool {
        let words = [self.field("timestamp"), self.field("nonce"), sealed];
        !sealed.is_empty() && envelope.is_signed(self.field("msg_signature"), &words)
    }
}

/// Whether the body is longer than any callback, as far as the head tells.
pub(crate) fn is_too_long(head: &WebhookHead) -> bool {
    let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: u64| length > xml::BYTES_MAX as u64)
}

/// Whether that can be what a platform makes up to check an address. Nothing else is repeated to whoever asks.
pub(crate) fn is_challenge(words: &str) -> bool {
    (1..=CHALLENGE_CHARS_MAX).contains(&words.len()) && words.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What is sealed in a body. Whatever stands beside it in the open is not trusted.
pub(crate) fn opened(envelope: &Envelope, query: &Query, body: &[u8]) -> Result<String, Trouble> {
    let body = std::str::from_utf8(body).map_err(|_| Trouble::NotRead)?;
    let outer = xml::read(body).map_err(|_| Trouble::NotRead)?;
    let sealed = text(&outer["Encrypt"]);
    if sealed.is_empty() {
        return Err(Trouble::Bare);
    }
    if !query.signs(envelope, sealed) {
        return Err(Trouble::Forged);
    }
    let opened = envelope.open(sealed).map_err(|_| Trouble::NotForUs)?;
    String::from_utf8(opened).map_err(|_| Trouble::NotRead)
}

/// Why a callback is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its time is not now.
    Old,
    /// It is not sealed.
    Bare,
    /// Its signature is wrong.
    Forged,
    /// Its signature is right, and it cannot be opened.
    NotForUs,
    /// It is no XML.
    NotRead,
}

impl Trouble {
    /// What happened, and what the operator does about it.
    fn words(self, platform: &str) -> String {
        match self {
            Self::Old => "It bears an old time. Check this machine's clock.".to_owned(),
            Self::Bare => {
                format!(
                    "It is not sealed. Set the mode of messages in {platform}'s console to safe (encrypted)."
                )
            }
            Self::Forged => format!(
                "It bears a wrong signature over its body. Where {platform} wrote it, compare the Token with {platform}'s console."
            ),
            Self::NotForUs => format!(
                "It is signed rightly, and sealed for another account or with another key. Compare the account's id and the EncodingAESKey with \
                 {platform}'s console."
            ),
            Self::NotRead => format!("It holds no XML as {platform} writes it."),
        }
    }
}

/// Looks at the time of callbacks, and tells the log why they are not taken. Clones share what was told.
#[derive(Clone)]
pub(crate) struct Doorman {
    platform: &'static str,
    clock: Clock,
    age_max_ms: Option<i64>,
    /// When each reason was told last.
    told_ms: Arc<[AtomicI64; 5]>,
}

impl Doorman {
    /// Takes what the platform is called, and how old a callback may be, in minutes; 0 takes any.
    pub fn new(platform: &'static str, age_max_minutes: u32, clock: Clock) -> Self {
        let age_max_ms = (age_max_minutes > 0).then_some(i64::from(age_max_minutes) * 60_000);
        Self { platform, clock, age_max_ms, told_ms: Arc::default() }
    }

    /// Whether a callback is of now, by the time in its address. Only what is signed is worth the question.
    pub fn of_now(&self, query: &Query) -> Result<(), Trouble> {
        let told_ms = at_ms(&query.field("timestamp").into()).unwrap_or_default();
        let age_ms = self.clock.now_ms().saturating_sub(told_ms).saturating_abs();
        match self.age_max_ms {
            Some(age_max_ms) if age_ms > age_max_ms => Err(Trouble::Old),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a callback, and tells the log why. Whoever brings the same one again and again does not fill it.
    pub fn refuse(&self, trouble: Trouble) -> WebhookAnswer {
        self.tell(trouble);
        WebhookAnswer::unauthorized()
    }

    /// Tells the log why a callback is refused. True where it was not told just before.
    pub fn tell(&self, trouble: Trouble) -> bool {
        let now_ms = self.clock.now_ms();
        let last_ms = &self.told_ms[trouble as usize];
        let is_due = now_ms.saturating_sub(last_ms.load(Ordering::Relaxed)).saturating_abs() >= TELL_EVERY_MS;
        if is_due {
            last_ms.store(now_ms, Ordering::Relaxed);
            warn!("A callback of {} is refused. {}", self.platform, trouble.words(self.platform));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_once_a_minute() {
        let clock = Clock::fixed(1_790_000_000_000, 7);
        let doorman = Doorman::new("WeCom", 10, clock.clone());
        assert!(doorman.tell(Trouble::Forged) && !doorman.tell(Trouble::Forged));
        assert!(doorman.tell(Trouble::NotForUs), "strangers hide another reason");
        clock.advance_ms(TELL_EVERY_MS);
        assert!(doorman.tell(Trouble::Forged));
    }

    #[test]
    fn only_numbers_and_letters_are_challenges() {
        for (words, is_one) in [
            ("1616140317555161061", true),
            ("", false),
            ("<xml>", false),
            ("a b", false),
            (&*"1".repeat(129), false),
        ] {
            assert_eq!(is_challenge(words), is_one, "{words}");
        }
    }
}
