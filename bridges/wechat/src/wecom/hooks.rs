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

use super::{account::Account, place::Names, session::intake::Intake};
use crate::{
    callback::{
        Envelope,
        hooks::{Doorman, Query, Trouble, is_challenge, is_too_long, opened},
        xml,
    },
    config::WeChatConfig,
};

/// The apps whose callbacks are taken. Clones share them.
#[derive(Clone)]
pub(super) struct Hooks {
    apps: Arc<Mutex<HashMap<String, Known>>>,
    doorman: Doorman,
}

/// An app, and who takes what happens to it; nobody while it is not connected.
struct Known {
    envelope: Arc<Envelope>,
    intake: Option<Arc<Intake>>,
}

impl Hooks {
    /// Knows nobody yet.
    pub fn new(config: &WeChatConfig, clock: Clock) -> Self {
        let doorman = Doorman::new("WeCom", config.callback_age_max_minutes, clock);
        Self { apps: Arc::default(), doorman }
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

    /// Whether a callback may come in. What a message's signature covers stands in its body, so its time is looked at there; that of a check is
    /// looked at here.
    pub fn admit(&self, path: &str, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        let (envelope, _) = self.known(path).ok_or_else(WebhookAnswer::not_found)?;
        let query = Query::of(head);
        let is_fit = match head.method {
            Method::GET => query.signs(&envelope, &challenge(&query)),
            Method::POST => !query.field("msg_signature").is_empty(),
            _ => false,
        };
        if !is_fit {
            return Err(WebhookAnswer::unauthorized());
        }
        if head.method == Method::GET {
            self.doorman.of_now(&query).map_err(|trouble| self.doorman.refuse(trouble))?;
        }
        if is_too_long(head) { Err(WebhookAnswer::malformed()) } else { Ok(()) }
    }

    /// Takes a callback whose head was admitted.
    pub async fn receive(&self, path: &str, head: &WebhookHead, body: &[u8]) -> WebhookAnswer {
        let query = Query::of(head);
        let Some((envelope, intake)) = self.known(path) else { return WebhookAnswer::not_found() };
        if head.method == Method::GET {
            return match shake_hands(&envelope, &query) {
                Ok(challenge) => WebhookAnswer::words(challenge),
                Err(trouble) => self.doorman.refuse(trouble),
            };
        }
        let opened = opened(&envelope, &query, body);
        let document = match opened.and_then(|opened| self.doorman.of_now(&query).map(|()| opened)) {
            Ok(document) => document,
            Err(trouble) => return self.doorman.refuse(trouble),
        };
        let Ok(told) = xml::read(&document) else {
            self.doorman.tell(Trouble::NotRead);
            return WebhookAnswer::malformed();
        };
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

/// What is sealed in the check of an address. A plus that was not written as it should be was read as a blank.
fn challenge(query: &Query) -> String {
    query.field("echostr").replace(' ', "+")
}

/// `GET …?msg_signature=…&timestamp=…&nonce=…&echostr=…`: says what is sealed, and nothing else. The same signature stands over messages, which
/// are not to be told to whoever has caught one.
fn shake_hands(envelope: &Envelope, query: &Query) -> Result<String, Trouble> {
    let sealed = challenge(query);
    if !query.signs(envelope, &sealed) {
        return Err(Trouble::Forged);
    }
    let opened = envelope.open(&sealed).map_err(|_| Trouble::NotForUs)?;
    let opened = String::from_utf8(opened).map_err(|_| Trouble::NotRead)?;
    if is_challenge(&opened) { Ok(opened) } else { Err(Trouble::NotRead) }
}

#[cfg(test)]
mod tests;
