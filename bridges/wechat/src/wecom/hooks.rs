//! The way in where WeCom calls us: one address for each app, `/_magpie/webhook/wecom/<CorpID>/<AgentId>`.
//!
//! Only what is signed and sealed with the app's secrets is looked into, and success is answered only when all that it tells is stored, or is sure
//! to be asked for. WeCom waits five seconds for that, and asks three times. Reference:
//! <https://developer.work.weixin.qq.com/document/path/90930>.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::Method;
use magpie_common::{
    clock::Clock,
    platform::{WebhookAnswer, WebhookHead},
};
use tracing::warn;

use super::{account::Account, place::Names, session::intake::Intake};
use crate::{
    callback::{Envelope, xml},
    config::WeChatConfig,
    json::{at_ms, text},
};

/// The apps whose callbacks are taken. Clones share them.
#[derive(Clone)]
pub(super) struct Hooks {
    apps: Arc<Mutex<HashMap<String, Known>>>,
    clock: Clock,
    age_max_ms: Option<i64>,
}

/// An app, and who takes what happens to it; nobody while it is not connected.
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

    /// What is sealed in the check of an address. A plus that was not written as it should be was read as a blank.
    fn challenge(&self) -> String {
        self.field("echostr").replace(' ', "+")
    }

    /// Whether it bears the signature of what is sealed.
    fn signs(&self, envelope: &Envelope, sealed: &str) -> bool {
        let words = [self.field("timestamp"), self.field("nonce"), sealed];
        !sealed.is_empty() && envelope.is_signed(self.field("msg_signature"), &words)
    }
}

impl Hooks {
    /// Knows nobody yet.
    pub fn new(config: &WeChatConfig, clock: Clock) -> Self {
        let minutes = i64::from(config.callback_age_max_minutes);
        Self { apps: Arc::default(), clock, age_max_ms: (minutes > 0).then_some(minutes * 60_000) }
    }

    /// From now on the check of this app's address is answered; its callbacks wait until it is connected.
    pub fn know(&self, account: &Account) {
        let _ = self.put(account, None);
    }

    /// From now on what happens to this app goes there. Gives who has taken it before.
    pub fn take(&self, account: &Account, intake: &Arc<Intake>) -> Option<Arc<Intake>> {
        self.put(account, Some(Arc::clone(intake)))
    }

    fn put(&self, account: &Account, intake: Option<Arc<Intake>>) -> Option<Arc<Intake>> {
        let envelope = Arc::new(account.envelope()?);
        self.lock().insert(path(&account.names), Known { envelope, intake })?.intake
    }

    /// The session is over, unless a newer one has taken its place.
    pub fn leave(&self, names: &Names, intake: &Arc<Intake>) {
        if let Some(known) = self.lock().get_mut(&path(names))
            && known.intake.as_ref().is_some_and(|current| Arc::ptr_eq(current, intake))
        {
            known.intake = None;
        }
    }

    /// The app has signed out: nothing is taken for it any more.
    pub fn forget(&self, names: &Names) {
        self.lock().remove(&path(names));
    }

    /// Whether a callback may come in. What a message's signature covers stands in its body; that of a check is looked at here.
    pub fn admit(&self, path: &str, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        let (envelope, _) = self.known(path).ok_or_else(WebhookAnswer::not_found)?;
        let query = Query::of(head);
        let is_fit = match head.method {
            Method::GET => query.signs(&envelope, &query.challenge()),
            Method::POST => !query.field("msg_signature").is_empty(),
            _ => false,
        };
        if !is_fit {
            return Err(WebhookAnswer::unauthorized());
        }
        let told_ms = at_ms(&query.field("timestamp").into()).unwrap_or_default();
        let age_ms = self.clock.now_ms().saturating_sub(told_ms).saturating_abs();
        if self.age_max_ms.is_some_and(|age_max_ms| age_ms > age_max_ms) {
            warn!(
                age_seconds = age_ms / 1000,
                "A callback bears an old time and is refused. Check this machine's clock."
            );
            return Err(WebhookAnswer::unauthorized());
        }
        Ok(())
    }

    /// Takes a callback whose head was admitted.
    pub async fn receive(&self, path: &str, head: &WebhookHead, body: &[u8]) -> WebhookAnswer {
        let query = Query::of(head);
        let Some((envelope, intake)) = self.known(path) else { return WebhookAnswer::not_found() };
        if head.method == Method::GET {
            return shake_hands(&envelope, &query);
        }
        let Some(document) = opened(&envelope, &query, body) else { return WebhookAnswer::unauthorized() };
        let Ok(told) = xml::read(&document) else { return WebhookAnswer::malformed() };
        let Some(intake) = intake else { return WebhookAnswer::again() };
        match intake.take(&told).await {
            Ok(()) => WebhookAnswer::done(),
            Err(_) => WebhookAnswer::again(),
        }
    }

    fn known(&self, path: &str) -> Option<(Arc<Envelope>, Option<Arc<Intake>>)> {
        let apps = self.lock();
        let known = apps.get(path)?;
        Some((Arc::clone(&known.envelope), known.intake.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where an app is called, below the adapter's own address.
fn path(names: &Names) -> String {
    format!("{}/{}", names.corp_id, names.agent_id)
}

/// `GET …?msg_signature=…&timestamp=…&nonce=…&echostr=…`: says what is sealed, and nothing else.
fn shake_hands(envelope: &Envelope, query: &Query) -> WebhookAnswer {
    let sealed = query.challenge();
    let opened = query.signs(envelope, &sealed).then(|| envelope.open(&sealed).ok()).flatten();
    match opened.and_then(|opened| String::from_utf8(opened).ok()) {
        Some(challenge) => WebhookAnswer::words(challenge),
        None => WebhookAnswer::unauthorized(),
    }
}

/// What is sealed in a body. Whatever stands beside it in the open is not trusted.
fn opened(envelope: &Envelope, query: &Query, body: &[u8]) -> Option<String> {
    let outer = xml::read(std::str::from_utf8(body).ok()?).ok()?;
    let sealed = text(&outer["Encrypt"]);
    query.signs(envelope, sealed).then_some(())?;
    String::from_utf8(envelope.open(sealed).ok()?).ok()
}

#[cfg(test)]
mod tests;
