//! The way in where Meta calls us: one address for all numbers.
//!
//! A body is looked into only when it bears the signature of an app whose secret we know, and success is answered only when all that it tells
//! is stored; anything else makes Meta bring it again, for days. Reference:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::{Method, StatusCode};
use magpie_common::{
    config::Secret,
    platform::{Webhook, WebhookAnswer, WebhookHead},
};
use serde_json::Value;
use sha2::Sha256;
use tokio::time::Instant;
use tracing::warn;

use super::{
    account::Account,
    json::text,
    session::intake::{Intake, Told},
};

/// The header that bears the signature.
const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// How a signature is written: this, and hex.
const SIGNATURE_PREFIX: &str = "sha256=";

const SIGNATURE_BYTES: usize = 32;

/// A challenge is a number; a longer one is not Meta's.
const CHALLENGE_CHARS_MAX: usize = 128;

/// For so long after the start, a number that nobody knows may be one whose account is just coming up.
const COMING_UP: Duration = Duration::from_secs(10 * 60);

/// So often it is told that webhooks are refused.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The numbers whose webhooks are taken.
pub(super) struct Hooks {
    numbers: Mutex<HashMap<String, Number>>,
    begun: Instant,
    refusals: Mutex<Refusals>,
}

/// Requests whose signature nobody knows: with a wrong app secret, these are all of WhatsApp's.
#[derive(Default)]
struct Refusals {
    count: u64,
    told: Option<Instant>,
}

impl Refusals {
    /// One more. Gives how many there were, now and then.
    fn add(&mut self) -> Option<u64> {
        self.count += 1;
        if self.told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return None;
        }
        self.told = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}

/// A number, and who takes what happens to it; nobody while its account is not connected.
struct Number {
    app_secret: Secret,
    verify_token: Secret,
    intake: Option<Arc<Intake>>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { numbers: Mutex::default(), begun: Instant::now(), refusals: Mutex::default() }
    }
}

/// What a body tells, by who takes it.
struct Sorted {
    parcels: Vec<(Arc<Intake>, Vec<Told>)>,
    /// What is answered when all of that is stored.
    answer: WebhookAnswer,
}

/// What becomes of one change.
enum Route {
    /// It goes there.
    Take(Arc<Intake>),
    /// It concerns nobody here.
    Skip,
    /// Nobody takes it now, but somebody will.
    Later,
    /// It bears another app's signature.
    Forged,
}

impl Hooks {
    /// From now on the handshake of this account is answered; its webhooks wait until it is connected.
    pub fn know(&self, account: &Account) {
        let mut numbers = self.lock();
        let intake = numbers.remove(&account.number).and_then(|known| known.intake);
        numbers.insert(account.number.clone(), Number::new(account, intake));
    }

    /// From now on what happens to this number goes there. Gives where it went before.
    pub fn take(&self, account: &Account, intake: &Arc<Intake>) -> Option<Arc<Intake>> {
        let number = Number::new(account, Some(Arc::clone(intake)));
        self.lock().insert(account.number.clone(), number)?.intake
    }

    /// The session is over, unless a newer one has taken its place.
    pub fn leave(&self, number: &str, intake: &Arc<Intake>) {
        if let Some(known) = self.lock().get_mut(number)
            && known.intake.as_ref().is_some_and(|current| Arc::ptr_eq(current, intake))
        {
            known.intake = None;
        }
    }

    /// The account has signed out: nothing is taken for it any more.
    pub fn forget(&self, number: &str) {
        self.lock().remove(number);
    }

    /// `GET …?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`
    fn shake_hands(&self, query: &str) -> WebhookAnswer {
        let fields: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let field = |name: &str| fields.get(name).map(|value| value.as_ref()).unwrap_or_default();
        let given = field("hub.verify_token").as_bytes();
        // Every token is compared, so that time tells nothing.
        let is_known = self
            .lock()
            .values()
            .fold(false, |is_known, number| number.verify_token.matches(given) | is_known);
        let challenge = field("hub.challenge");
        let is_challenge = (1..=CHALLENGE_CHARS_MAX).contains(&challenge.len())
            && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match field("hub.mode") == "subscribe" && is_known && is_challenge {
            true => WebhookAnswer::words(challenge),
            false => WebhookAnswer { status: StatusCode::FORBIDDEN, body: "not ours".to_owned() },
        }
    }

    /// The numbers whose app has signed this; `None` where no app did.
    fn signers(&self, head: &WebhookHead, body: &[u8]) -> Option<HashSet<String>> {
        let signature = signature(head)?;
        let is_by = |secret: &str| {
            let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
            mac.is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
        };
        // A body may be long, and nobody else is kept waiting for it. The numbers of an app share its secret.
        let secrets: HashMap<String, Secret> = {
            let numbers = self.lock();
            numbers.iter().map(|(id, number)| (id.clone(), number.app_secret.clone())).collect()
        };
        let different: HashSet<&str> = secrets.values().map(Secret::expose).collect();
        let right: HashSet<&str> = different.into_iter().filter(|secret| is_by(secret)).collect();
        let is_right = |secret: &Secret| right.contains(secret.expose());
        let signers: HashSet<String> =
            secrets.iter().filter(|(_, secret)| is_right(secret)).map(|(id, _)| id.clone()).collect();
        (!signers.is_empty()).then_some(signers)
    }

    /// Takes a body apart: each change goes to whoever takes it now, and the answer says whether that is all of it.
    fn sort(&self, told: &mut Value, signers: &HashSet<String>) -> Sorted {
        let mut parcels: Vec<(Arc<Intake>, Vec<Told>)> = Vec::new();
        let (mut is_later, mut is_forged) = (false, false);
        for mut entry in taken(told, "entry") {
            let account = text(&entry["id"]).to_owned();
            for change in taken(&mut entry, "changes") {
                let number = text(&change["value"]["metadata"]["phone_number_id"]);
                match self.route(number, signers) {
                    Route::Take(intake) => {
                        let told = Told { account: account.clone(), change };
                        match parcels.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &intake)) {
                            Some((_, parcel)) => parcel.push(told),
                            None => parcels.push((intake, vec![told])),
                        }
                    }
                    Route::Later => is_later = true,
                    Route::Forged => is_forged = true,
                    Route::Skip => warn!(
                        field = text(&change["field"]),
                        "A webhook about a number that nobody has here is left out."
                    ),
                }
            }
        }
        let answer = match (is_later, is_forged) {
            (true, _) => WebhookAnswer::again(),
            (false, true) => WebhookAnswer::unauthorized(),
            (false, false) => WebhookAnswer::done(),
        };
        Sorted { parcels, answer }
    }

    fn route(&self, number: &str, signers: &HashSet<String>) -> Route {
        match self.lock().get(number) {
            Some(_) if !signers.contains(number) => Route::Forged,
            Some(Number { intake: Some(intake), .. }) => Route::Take(Arc::clone(intake)),
            Some(_) => Route::Later,
            None if !number.is_empty() && self.begun.elapsed() < COMING_UP => Route::Later,
            // News of the account, or of a number whose account nobody has here.
            None => Route::Skip,
        }
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Number>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Number {
    fn new(account: &Account, intake: Option<Arc<Intake>>) -> Self {
        let Account { app_secret, verify_token, .. } = account.clone();
        Self { app_secret, verify_token, intake }
    }
}

#[async_trait]
impl Webhook for Hooks {
    fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        match head.method {
            Method::GET => Ok(()),
            Method::POST if self.is_empty() => Err(WebhookAnswer::again()),
            Method::POST if signature(head).is_some() => Ok(()),
            _ => Err(WebhookAnswer::unauthorized()),
        }
    }

    async fn receive(&self, head: &WebhookHead, body: Bytes) -> WebhookAnswer {
        if head.method == Method::GET {
            return self.shake_hands(head.query.as_deref().unwrap_or_default());
        }
        let Some(signers) = self.signers(head, &body) else {
            if let Some(count) = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).add() {
                warn!(
                    count,
                    "Webhooks are refused, because no known app has signed them. Is the app secret right?"
                );
            }
            return WebhookAnswer::unauthorized();
        };
        let Ok(mut told) = serde_json::from_slice::<Value>(&body) else { return WebhookAnswer::malformed() };
        let Sorted { parcels, mut answer } = self.sort(&mut told, &signers);
        // One number that cannot take its part just now keeps no other from theirs.
        for (intake, told) in parcels {
            if intake.take(told).await.is_err() {
                answer = WebhookAnswer::again();
            }
        }
        answer
    }
}

/// The items of a list in an object, moved out of it; none where it is no list, or no object.
fn taken(object: &mut Value, name: &str) -> Vec<Value> {
    match object.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// The signature of a request.
fn signature(head: &WebhookHead) -> Option<[u8; SIGNATURE_BYTES]> {
    let hex = head.headers.get(SIGNATURE_HEADER)?.to_str().ok()?.strip_prefix(SIGNATURE_PREFIX)?;
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).filter(|pair| pair.len() == 2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (hex.len() == 2 * SIGNATURE_BYTES).then_some(())?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests;
