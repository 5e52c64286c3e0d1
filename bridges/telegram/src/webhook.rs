//! The way in where Telegram calls us: each bot below the path has a session that takes its updates.
//!
//! The secret is compared before a body is read, and success is answered only when all that an update tells is stored; anything else makes
//! Telegram bring it again. Reference: <https://core.telegram.org/bots/api#setwebhook>.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use magpie_common::{
    config::Secret,
    platform::{Webhook, WebhookAnswer, WebhookHead},
};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// The header in which Telegram repeats the secret.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// An update, and who waits until it is stored.
pub(crate) type Brought = (Value, oneshot::Sender<()>);

/// The sessions that take updates, by bot.
pub(crate) struct Hooks {
    secret: Option<Secret>,
    sessions: Mutex<HashMap<i64, mpsc::Sender<Brought>>>,
}

impl Hooks {
    /// Takes the secret that Telegram must repeat; without one nothing is admitted.
    pub fn new(secret: Option<Secret>) -> Self {
        Self { secret, sessions: Mutex::default() }
    }

    /// From now on the updates of this bot go there.
    pub fn take(&self, bot: i64, session: mpsc::Sender<Brought>) {
        self.lock().insert(bot, session);
    }

    /// The path of a bot's updates below the webhook's.
    pub fn path(bot: i64) -> String {
        format!("/{bot}")
    }

    fn session(&self, path: &str) -> Option<mpsc::Sender<Brought>> {
        let bot: i64 = path.strip_prefix('/')?.parse().ok()?;
        self.lock().get(&bot).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, mpsc::Sender<Brought>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Webhook for Hooks {
    fn admit(&self, head: &WebhookHead) -> Result<(), WebhookAnswer> {
        let given = head.headers.get(SECRET_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
        let is_right = self.secret.as_ref().is_some_and(|secret| !secret.is_empty() && secret.matches(given));
        if is_right { Ok(()) } else { Err(WebhookAnswer::unauthorized()) }
    }

    async fn receive(&self, head: &WebhookHead, body: Bytes) -> WebhookAnswer {
        let Ok(update) = serde_json::from_slice::<Value>(&body) else { return WebhookAnswer::malformed() };
        if update["update_id"].as_i64().is_none() {
            return WebhookAnswer::malformed();
        }
        // The session may be just about to come up.
        let Some(session) = self.session(&head.path) else { return WebhookAnswer::again() };
        let (stored, done) = oneshot::channel();
        if session.send((update, stored)).await.is_err() {
            return WebhookAnswer::again();
        }
        match done.await {
            Ok(()) => WebhookAnswer::done(),
            Err(_) => WebhookAnswer::again(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(secret: Option<&str>, path: &str) -> WebhookHead {
        let mut head = WebhookHead {
            method: "POST".parse().expect("it is a method"),
            path: path.to_owned(),
            query: None,
            headers: Default::default(),
        };
        if let Some(secret) = secret {
            head.headers.insert(SECRET_HEADER, secret.parse().expect("it is a header"));
        }
        head
    }

    #[test]
    fn only_the_secret_opens() {
        let hooks = Hooks::new(Some(Secret::new("the-right-secret")));
        assert_eq!(hooks.admit(&head(Some("the-right-secret"), "/7")), Ok(()));
        for wrong in [None, Some(""), Some("the-right-secre"), Some("the-right-secret2")] {
            assert_eq!(hooks.admit(&head(wrong, "/7")), Err(WebhookAnswer::unauthorized()), "{wrong:?}");
        }
        assert!(Hooks::new(None).admit(&head(Some(""), "/7")).is_err(), "no secret is no open door");
    }

    #[tokio::test]
    async fn success_is_answered_when_it_is_stored_and_not_before() {
        let hooks = Hooks::new(None);
        let update = || Bytes::from_static(b"{\"update_id\": 5}");
        assert_eq!(hooks.receive(&head(None, "/7"), update()).await, WebhookAnswer::again());
        let (session, mut brought) = mpsc::channel::<Brought>(1);
        hooks.take(7, session);
        assert_eq!(
            hooks.receive(&head(None, "/7"), Bytes::from_static(b"{")).await,
            WebhookAnswer::malformed()
        );
        let store = async {
            let (_, stored) = brought.recv().await.expect("it is brought");
            drop(stored);
            let (update, stored) = brought.recv().await.expect("it is brought again");
            assert_eq!(update["update_id"], 5);
            stored.send(()).expect("somebody waits");
        };
        let bring = async {
            assert_eq!(hooks.receive(&head(None, "/7"), update()).await, WebhookAnswer::again());
            assert_eq!(hooks.receive(&head(None, "/7"), update()).await, WebhookAnswer::done());
        };
        tokio::join!(store, bring);
    }
}
