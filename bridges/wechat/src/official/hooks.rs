//! The way in where WeChat calls us: one address for each account, `/_magpie/webhook/official/<AppID>`.
//!
//! Only what is signed and sealed with the account's secrets is looked into, and success is answered only when all that it tells is stored.
//! WeChat waits five seconds for that, and asks three times. Reference:
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html>.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::Method;
use magpie_common::{
    clock::Clock,
    platform::{WebhookAnswer, WebhookHead},
};

use super::{account::Account, session::intake::Intake};
use crate::{
    callback::{
        Envelope,
        hooks::{Doorman, Query, Trouble, is_challenge, is_too_long, opened},
        xml,
    },
    config::WeChatConfig,
};

/// What WeChat reads as success.
const SUCCESS: &str = "success";

/// The accounts whose callbacks are taken. Clones share them.
#[derive(Clone)]
pub(super) struct Hooks {
    accounts: Arc<Mutex<HashMap<String, Known>>>,
    doorman: Doorman,
}

/// An account, and who takes what happens to it; nobody while it is not connected.
struct Known {
    envelope: Arc<Envelope>,
    intake: Option<Arc<Intake>>,
}

impl Hooks {
    /// Knows nobody yet.
    pub fn new(config: &WeChatConfig, clock: Clock) -> Self {
        let doorman = Doorman::new("WeChat", config.callback_age_max_minutes, clock);
        Self { accounts: Arc::default(), doorman }
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
        if !matches!(head.method, Method::GET | Method::POST) || !is_signed(&query, &envelope) {
            return Err(WebhookAnswer::unauthorized());
        }
        self.doorman.of_now(&query).map_err(|trouble| self.doorman.refuse(trouble))?;
        if is_too_long(head) { Err(WebhookAnswer::malformed()) } else { Ok(()) }
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
            Err(trouble) => return self.doorman.refuse(trouble),
        };
        let Ok(told) = xml::read(&document) else {
            self.doorman.tell(Trouble::NotRead);
            return WebhookAnswer::malformed();
        };
        let Some(intake) = intake else { return WebhookAnswer::again() };
        match intake.take(&told).await {
            Ok(()) => WebhookAnswer::words(SUCCESS),
            Err(_) => WebhookAnswer::again(),
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

/// Whether it bears the signature that stands beside every callback, whatever its mode.
fn is_signed(query: &Query, envelope: &Envelope) -> bool {
    envelope.is_signed(query.field("signature"), &[query.field("timestamp"), query.field("nonce")])
}

/// `GET …?signature=…&timestamp=…&nonce=…&echostr=…`: repeats what WeChat made up.
fn shake_hands(query: &Query) -> WebhookAnswer {
    let challenge = query.field("echostr");
    if is_challenge(challenge) { WebhookAnswer::words(challenge) } else { WebhookAnswer::malformed() }
}

#[cfg(test)]
mod tests;
