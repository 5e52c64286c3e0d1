//! The way in where WeChat calls us: one address for each account, `/_magpie/webhook/official/<AppID>`.
//!
//! Only what is signed and sealed with the account's secrets is looked into, and success is answered only when all that it tells is stored.
//! WeChat waits five seconds for that, and asks three times. Reference:
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html>.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use http::Method;
use magpie_common::{
    clock::Clock,
    platform::{WebhookAnswer, WebhookHead},
};
use tracing::warn;

use super::{account::Account, session::intake::Intake};
use crate::{
    callback::{Envelope, xml},
    config::WeChatConfig,
    json::{at_ms, text},
};

/// What WeChat reads as success.
const SUCCESS: &str = "success";

/// A challenge is a number; a longer one is not WeChat's.
const CHALLENGE_CHARS_MAX: usize = 128;

/// So often the log tells of what is not taken.
const TELL_EVERY_MS: i64 = 60_000;

/// The accounts whose callbacks are taken. Clones share them.
#[derive(Clone)]
pub(super) struct Hooks {
    accounts: Arc<Mutex<HashMap<String, Known>>>,
    clock: Clock,
    age_max_ms: Option<i64>,
    /// When the log last told of a callback that was not taken.
    told_ms: Arc<AtomicI64>,
}

/// An account, and who takes what happens to it; nobody while it is not connected.
struct Known {
    envelope: Arc<Envelope>,
    intake: Option<Arc<Intake>>,
}

/// What stands in the address of a callback.
struct Query(HashMap<String, String>);

impl Query {
    fn of(head: &WebhookHead) -> Self {
        let query = head.query.as_deref().unwrap_or_default();
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn field(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether it bears the signature that stands beside every callback, whatever its mode.
    fn is_signed(&self, envelope: &Envelope) -> bool {
        envelope.is_signed(self.field("signature"), &[self.field("timestamp"), self.field("nonce")])
    }
}

impl Hooks {
    /// Knows nobody yet.
    pub fn new(config: &WeChatConfig, clock: Clock) -> Self {
        let minutes = i64::from(config.callback_age_max_minutes);
        let age_max_ms = (minutes > 0).then_some(minutes * 60_000);
        Self { accounts: Arc::default(), clock, age_max_ms, told_ms: Arc::default() }
    }

    /// From now on the check of this account's address is answered; its callbacks wait until it is connected.
    pub fn know(&self, account: &Account) {
        let _ = self.put(account, None);
    }

    /// From now on what happens to this account goes there.
    /// Gives who has taken it before.
    pub fn take(&self, account: &Account, intake: &Arc<Intake>) -> Option<Arc<Intake>> {
        self.put(account, Some(Arc::clone(intake)))
    }

    fn put(&self, account: &Account, intake: Option<Arc<Intake>>) -> Option<Arc<Intake>> {
        let envelope = Arc::new(account.envelope()?);
        self.lock().insert(account.app_id.clone(), Known { envelope, intake })?.intake
    }

    /// The session is over, unless a newer one has taken its place.
    pub fn leave(&self, app_id: &str, intake: &Arc<Intake>) {
        if let Some(known) = self.lock().get_mut(app_id)
            && known.intake.as_ref().is_some_and(|current| Arc::ptr_eq(current, intake))
        {
            known.intake = None;
        }
    }

    /// The account has signed out: nothing is taken for it any more.
    pub fn forget(&self, app_id: &str) {
        self.lock().remove(app_id);
    }

    /// Whether a callback may come in. Its signature covers the time, so both are looked at before the body is read.
    pub fn admit(&self, app_id: &str, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        let (envelope, _) = self.known(app_id).ok_or_else(WebhookAnswer::not_found)?;
        let query = Query::of(head);
        if !matches!(head.method, Method::GET | Method::POST) || !query.is_signed(&envelope) {
            return Err(WebhookAnswer::unauthorized());
        }
        let told_ms = at_ms(&query.field("timestamp").into()).unwrap_or_default();
        let age_ms = self.clock.now_ms().saturating_sub(told_ms).saturating_abs();
        if self.age_max_ms.is_some_and(|age_max_ms| age_ms > age_max_ms) {
            self.tell(Trouble::Old);
            return Err(WebhookAnswer::unauthorized());
        }
        Ok(())
    }

    /// Takes a callback whose head was admitted.
    pub async fn receive(&self, app_id: &str, head: &WebhookHead, body: &[u8]) -> WebhookAnswer {
        let query = Query::of(head);
        if head.method == Method::GET {
            return shake_hands(&query);
        }
        let Some((envelope, intake)) = self.known(app_id) else { return WebhookAnswer::not_found() };
        let document = match opened(&envelope, &query, body) {
            Ok(document) => document,
            Err(trouble) => {
                self.tell(trouble);
                return WebhookAnswer::unauthorized();
            }
        };
        let Ok(told) = xml::read(&document) else {
            self.tell(Trouble::NotRead);
            return WebhookAnswer::malformed();
        };
        let Some(intake) = intake else { return WebhookAnswer::again() };
        match intake.take(&told).await {
            Ok(()) => WebhookAnswer::words(SUCCESS),
            Err(_) => WebhookAnswer::again(),
        }
    }

    /// Tells the log why a callback is not taken; whoever brings the same one again and again does not fill it.
    fn tell(&self, trouble: Trouble) {
        let now_ms = self.clock.now_ms();
        let told_ms = self.told_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(told_ms).saturating_abs() >= TELL_EVERY_MS {
            self.told_ms.store(now_ms, Ordering::Relaxed);
            warn!("{}", trouble.words());
        }
    }

    fn known(&self, app_id: &str) -> Option<(Arc<Envelope>, Option<Arc<Intake>>)> {
        let accounts = self.lock();
        let known = accounts.get(app_id)?;
        Some((Arc::clone(&known.envelope), known.intake.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET …?signature=…&timestamp=…&nonce=…&echostr=…`: repeats what WeChat made up.
fn shake_hands(query: &Query) -> WebhookAnswer {
    let challenge = query.field("echostr");
    let is_challenge = (1..=CHALLENGE_CHARS_MAX).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_challenge { WebhookAnswer::words(challenge) } else { WebhookAnswer::malformed() }
}

/// Why a callback is not taken, although its address bears a right signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Old,
    Bare,
    Forged,
    NotForUs,
    NotRead,
}

impl Trouble {
    /// What happened, and what the operator does about it.
    fn words(self) -> &'static str {
        match self {
            Self::Old => "A callback bears an old time and is refused. Check this machine's clock.",
            Self::Bare => {
                "A callback is not sealed and is refused. Set the message mode in WeChat's console to safe (encrypted)."
            }
            Self::Forged => "A callback bears a wrong signature over its body and is refused.",
            Self::NotForUs => {
                "A callback is signed rightly and sealed for another account or with another key, and is refused. Compare the AppID and the \
                 EncodingAESKey with WeChat's console."
            }
            Self::NotRead => "A callback holds no XML as WeChat writes it, and is refused.",
        }
    }
}

/// What is sealed in a body. Whatever stands beside it in the open is not trusted.
fn opened(envelope: &Envelope, query: &Query, body: &[u8]) -> Result<String, Trouble> {
    let body = std::str::from_utf8(body).map_err(|_| Trouble::NotRead)?;
    let outer = xml::read(body).map_err(|_| Trouble::NotRead)?;
    let sealed = text(&outer["Encrypt"]);
    if sealed.is_empty() {
        return Err(Trouble::Bare);
    }
    let (signature, moment) =
        (query.field("msg_signature"), (query.field("timestamp"), query.field("nonce")));
    match envelope.open_signed(signature, moment, sealed) {
        Ok(opened) => String::from_utf8(opened).map_err(|_| Trouble::NotRead),
        Err(_) if envelope.is_signed(signature, &[moment.0, moment.1, sealed]) => Err(Trouble::NotForUs),
        Err(_) => Err(Trouble::Forged),
    }
}

#[cfg(test)]
mod tests;
