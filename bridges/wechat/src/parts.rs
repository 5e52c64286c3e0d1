//! Messages that take several on WeChat: each part is sent once, and what became of the whole is told as it is.
//!
//! WeChat knows no key that makes a repeat harmless, so what is known of a message that could not be finished is kept longer than a session. It
//! is gone with the process; then the network is asked, where it can be, and else nobody knows. The adapters implement [`Parted`].

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use lru::LruCache;
use magpie_common::{
    ids::{LoginId, RemoteMessageId},
    message::{Message, Node},
    platform::{ConnectError, DeliverError, Delivered, DeliveryKey},
};

use crate::ending::{End, end_session};

/// So many accounts are kept in mind.
const ACCOUNTS_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// So many unfinished messages of an account.
const MESSAGES_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// What stands before a correction.
const CORRECTION: &str = "✏️ ";

/// A message in parts, on its way to one chat.
#[async_trait]
pub(crate) trait Parted: Sync {
    /// What becomes one message there.
    type Part: Sync;

    /// The same for every attempt, in the order in which they go.
    fn parts(&self) -> &[Self::Part];

    /// Whether so many parts may go now. What would end in the middle is not begun.
    ///
    /// # Errors
    /// When they surely may not, or nobody knows just now.
    async fn should_fit(&self, count: usize) -> Result<(), DeliverError>;

    /// Sends the part that comes behind these.
    ///
    /// # Errors
    /// With the verdict on this part alone.
    async fn send(
        &self,
        part: &Self::Part,
        before: &[RemoteMessageId],
    ) -> Result<RemoteMessageId, DeliverError>;

    /// These parts stand, and more may. Gives those that stand, where it is known that no others do.
    ///
    /// # Errors
    /// [`DeliverError::Uncertain`] when nobody knows.
    async fn resolve(&self, known: Vec<RemoteMessageId>) -> Result<Vec<RemoteMessageId>, DeliverError>;
}

/// What is unfinished of every account, by its login. It outlives their sessions.
pub(crate) struct Lasting(Mutex<LruCache<LoginId, Arc<Unfinished>>>);

/// The messages of one account that could not be finished, by their delivery keys.
pub(crate) struct Unfinished(Mutex<LruCache<String, Standing>>);

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    /// The parts that stand, the first one first.
    ids: Vec<RemoteMessageId>,
    rest: Rest,
}

/// What becomes of the parts behind those.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rest {
    /// They were surely not sent; the next attempt goes on with them.
    GoesOn,
    /// The next one was refused or is in doubt, as these words say. It is sent again only when a person has looked, and asks for it.
    IsOver(String),
}

impl Default for Lasting {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ACCOUNTS_MAX)))
    }
}

impl Lasting {
    /// What is unfinished of an account; nothing yet of one that was not connected before.
    pub fn of(&self, login: &LoginId) -> Arc<Unfinished> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(accounts.get_or_insert(login.clone(), Arc::default))
    }
}

impl Default for Unfinished {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MESSAGES_MAX)))
    }
}

impl Unfinished {
    /// Sends all parts of a message that do not stand yet. An account that is found signed out ends its session.
    ///
    /// # Errors
    /// With the verdict on the whole message: as soon as a part stands it is never said that nothing has gone.
    pub async fn send(
        &self,
        key: &DeliveryKey,
        end: &End,
        message: &impl Parted,
    ) -> Result<Delivered, DeliverError> {
        let mut ids = self.standing(key, message).await?;
        let rest = message.parts().len().saturating_sub(ids.len());
        if rest > 0
            && let Err(error) = message.should_fit(rest).await
        {
            return Err(self.give_up(key, end, (ids, error)));
        }
        while let Some(part) = message.parts().get(ids.len()) {
            let sent = message.send(part, &ids).await;
            match sent {
                Ok(id) => ids.push(id),
                Err(error) => return Err(self.give_up(key, end, (ids, error))),
            }
        }
        self.lock().pop(&key.key);
        Ok(Delivered { ids })
    }

    /// The parts behind which this attempt goes on.
    async fn standing(
        &self,
        key: &DeliveryKey,
        message: &impl Parted,
    ) -> Result<Vec<RemoteMessageId>, DeliverError> {
        let known = self.lock().get(&key.key).cloned();
        match known {
            Some(Standing { ids, rest: Rest::IsOver(words) }) if key.in_doubt.is_some() => {
                match message.resolve(ids).await {
                    // Why it is over says more than that nobody knows.
                    Err(DeliverError::Uncertain(_)) => Err(DeliverError::Uncertain(words)),
                    resolved => resolved,
                }
            }
            // Without a doubt an attempt behind one that is over is a person's, who misses the rest.
            Some(Standing { ids, .. }) => Ok(ids),
            None if key.in_doubt.is_some() => message.resolve(Vec::new()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Keeps what the next attempt must know, and says what has become of the message.
    fn give_up(
        &self,
        key: &DeliveryKey,
        end: &End,
        (ids, error): (Vec<RemoteMessageId>, DeliverError),
    ) -> DeliverError {
        if ids.is_empty() {
            return error;
        }
        if let DeliverError::LoggedOut(words) = &error {
            end_session(end, ConnectError::BadCredentials(words.clone()));
        }
        let (error, rest) = behind_first(key.in_doubt.is_some(), error);
        self.lock().put(key.key.clone(), Standing { ids, rest });
        error
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it means for a message whose beginning stands that the part behind it did not go. A doubt makes whoever delivers ask again with
/// [`DeliveryKey::in_doubt`], and whatever they do in the end, they say then that a part may stand.
fn behind_first(is_in_doubt: bool, error: DeliverError) -> (DeliverError, Rest) {
    let only = |reason: String| format!("Only the beginning of the message has gone. {reason}");
    match error {
        retry @ DeliverError::Retry { .. } if is_in_doubt => (retry, Rest::GoesOn),
        DeliverError::Retry { reason, .. } | DeliverError::LoggedOut(reason) => {
            (DeliverError::Uncertain(only(reason)), Rest::GoesOn)
        }
        DeliverError::Rejected(reason) | DeliverError::Unsupported(reason) => {
            let words = only(reason);
            (DeliverError::Uncertain(words.clone()), Rest::IsOver(words))
        }
        DeliverError::Uncertain(reason) => {
            let words = format!(
                "The beginning of the message has gone; of what comes behind it nobody knows. {reason}"
            );
            (DeliverError::Uncertain(words.clone()), Rest::IsOver(words))
        }
    }
}

/// Whether a message of so many parts is one that WeChat can be sent.
///
/// # Errors
/// In words, when it is nothing or too much.
pub(crate) fn check(count: usize, count_max: usize) -> Result<(), DeliverError> {
    let words = match count {
        0 => "There is nothing in the message that WeChat can show.".to_owned(),
        count if count > count_max => {
            format!("The message is too long: it would take more than {count_max} messages on WeChat.")
        }
        _ => return Ok(()),
    };
    Err(DeliverError::Rejected(words))
}

/// A correction, which goes as a message of its own: WeChat lets nobody change one.
pub(crate) fn correction(new: &Message) -> Message {
    let mut message = new.clone();
    message.text.0.insert(0, Node::Text(CORRECTION.to_owned()));
    message
}

/// What a correction has become: both stand for the message from now on.
pub(crate) fn corrected(before: &[RemoteMessageId], Delivered { ids }: Delivered) -> Delivered {
    Delivered { ids: before.iter().cloned().chain(ids).collect() }
}

#[cfg(test)]
mod tests;
