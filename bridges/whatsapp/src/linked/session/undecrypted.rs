//! Messages that could not be decrypted. The library asks for them again, their writer and our own phone; until then words stand in their
//! place, if it takes longer than a moment.
//!
//! WhatsApp takes them for received, so the vault remembers them until either stands in the room: a crash leaves no gap that nobody sees.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{RemoteEvent, RemoteMessage},
    platform::{ConnectError, Encrypted, EventSink, Keeping, Kept as Row, NotStored, count_encrypted},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wacore::types::events::{DecryptFailMode, UnavailableType, UndecryptableMessage};
use whatsapp_rust::Client;

use super::{ending::End, scene::Scene, world::World};
use crate::linked::events;

#[cfg(test)]
mod tests;

/// Most come within a second.
const WORDS_AFTER: Duration = Duration::from_secs(15);
/// When so many are missing at once, words stand in their place without a delay.
const WAITING_MAX: usize = 256;
/// What is waited for, by chat and message.
const MISSING: &str = "missing";

/// Messages that are waited for. Clones share them.
#[derive(Clone)]
pub(super) struct Undecrypted(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    sink: EventSink,
    end: End,
    stop: CancellationToken,
    tasks: TaskTracker,
    waiting: Mutex<HashMap<Key, RemoteMessage>>,
}

type Key = (RemoteChatId, RemoteMessageId);

impl Undecrypted {
    /// Goes on where the session before ended.
    pub(super) async fn load(
        world: Arc<World>,
        sink: EventSink,
        (end, stop): (End, CancellationToken),
    ) -> Result<Self, NotStored> {
        let mut waiting = HashMap::new();
        for row in world.vault.all(MISSING).await? {
            if let Ok(placeholder) = serde_json::from_slice::<RemoteMessage>(&row.value) {
                waiting.insert((placeholder.chat.clone(), placeholder.id.clone()), placeholder);
            }
        }
        let keys: Vec<Key> = waiting.keys().cloned().collect();
        let (tasks, waiting) = (TaskTracker::new(), Mutex::new(waiting));
        let this = Self(Arc::new(Inner { world, sink, end, stop, tasks, waiting }));
        for key in keys {
            this.put_later(key);
        }
        Ok(this)
    }

    /// A message could not be decrypted.
    pub(super) async fn heard(
        &self,
        client: &Client,
        message: &UndecryptableMessage,
    ) -> Result<(), NotStored> {
        let inner = &self.0;
        // Votes and the like leave no gap that anybody would see.
        if message.decrypt_fail_mode == DecryptFailMode::Hide {
            return Ok(());
        }
        let info = &*message.info;
        let Some(scene) = Scene::of(&inner.world, client, &info.source).await else { return Ok(()) };
        let Some(sender) = scene.sender(&inner.world) else { return Ok(()) };
        let id = scene.message(&inner.world, &info.id);
        let is_once = matches!(message.unavailable_type, UnavailableType::ViewOnce);
        let words = match is_once {
            true => events::note("This may be seen once, and only on the phone."),
            false => events::waiting(),
        };
        let placeholder = RemoteMessage {
            chat: scene.chat,
            id,
            sender,
            sent_ms: info.timestamp.timestamp_millis(),
            message: words,
        };
        self.missing(&info.id, placeholder, is_once).await
    }

    /// A message is missing, and these words may stand in its place.
    async fn missing(&self, stanza: &str, words: RemoteMessage, at_once: bool) -> Result<(), NotStored> {
        let key = (words.chat.clone(), words.id.clone());
        if self.0.world.seen(stanza).is_some_and(|seen| seen == key) {
            return Ok(());
        }
        let value = serde_json::to_vec(&words).unwrap_or_default();
        let row = Row { key: row_key(&key), mark: words.sent_ms, value };
        self.0.world.vault.keep(vec![Keeping::Put { shelf: MISSING.to_owned(), row }]).await?;
        let is_full = {
            let mut waiting = self.lock();
            let is_told = waiting.insert(key.clone(), words).is_some();
            // The phone alone may show what is to be seen once, so there is nothing to be read.
            if !at_once && !is_told && !self.0.world.has_placeholder(&key.0, &key.1) {
                count_encrypted(Encrypted::NotRead);
            }
            waiting.len() > WAITING_MAX
        };
        if at_once || is_full {
            return self.put(&key).await;
        }
        self.put_later(key);
        Ok(())
    }

    fn put_later(&self, key: Key) {
        let (this, stop) = (self.clone(), self.0.stop.clone());
        self.0.tasks.spawn(stop.run_until_cancelled_owned(async move {
            tokio::time::sleep(WORDS_AFTER).await;
            if let Err(error) = this.put(&key).await {
                this.0.end.because(ConnectError::from(error));
            }
        }));
    }

    /// The message has come; whether it was waited for. Where it was, it is to be told to be [`Self::stored`].
    pub(super) fn came(&self, chat: &RemoteChatId, id: &RemoteMessageId) -> bool {
        self.lock().remove(&(chat.clone(), id.clone())).is_some()
    }

    /// What came is stored.
    pub(super) async fn stored(&self, keys: &[Key]) -> Result<(), NotStored> {
        let gone = keys.iter().map(|key| Keeping::Remove { shelf: MISSING.to_owned(), key: row_key(key) });
        let gone: Vec<_> = gone.collect();
        if gone.is_empty() { Ok(()) } else { self.0.world.vault.keep(gone).await }
    }

    /// Puts words for what is still missing, and pushes nothing any more.
    pub(super) async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        let keys: Vec<Key> = self.lock().keys().cloned().collect();
        for key in keys {
            // What cannot be stored now stands in the vault, and the next session does it.
            if self.put(&key).await.is_err() {
                return;
            }
        }
    }

    /// Puts words, unless the message came.
    async fn put(&self, key: &Key) -> Result<(), NotStored> {
        let (world, (chat, id)) = (&self.0.world, key);
        let words = {
            let mut waiting = self.lock();
            let Some(words) = waiting.remove(key) else { return Ok(()) };
            // From here on whatever comes takes the place of these words, also when it comes before they are stored.
            world.expect_placeholder(chat, id);
            words
        };
        world.note_placeholder(chat, id).await?;
        self.0.sink.push(RemoteEvent::Message(words)).await.stored().await?;
        self.stored(std::slice::from_ref(key)).await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, RemoteMessage>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row_key((chat, id): &Key) -> String {
    format!("{chat}\n{id}")
}
