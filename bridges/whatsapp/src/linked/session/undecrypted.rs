//! Messages that could not be decrypted. The library asks for them again, their writer and our own phone; until then words stand in their
//! place, if it takes longer than a moment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{RemoteEvent, RemoteMessage},
    platform::{EventSink, NotStored},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;
use wacore::types::events::{DecryptFailMode, UnavailableType, UndecryptableMessage};
use whatsapp_rust::Client;

use super::{scene::Scene, world::World};
use crate::linked::events;

/// Most come within a second.
const WORDS_AFTER: Duration = Duration::from_secs(15);
/// When so many are missing at once, words stand in their place without a delay.
const WAITING_MAX: usize = 256;

/// Messages that are waited for. Clones share them.
#[derive(Clone)]
pub(super) struct Undecrypted(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    sink: EventSink,
    stop: CancellationToken,
    tasks: TaskTracker,
    waiting: Mutex<HashMap<(RemoteChatId, RemoteMessageId), RemoteMessage>>,
}

impl Undecrypted {
    pub(super) fn new(world: Arc<World>, sink: EventSink, stop: CancellationToken) -> Self {
        let (tasks, waiting) = (TaskTracker::new(), Mutex::default());
        Self(Arc::new(Inner { world, sink, stop, tasks, waiting }))
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
            id: id.clone(),
            sender,
            sent_ms: info.timestamp.timestamp_millis(),
            message: words,
        };
        let key = (placeholder.chat.clone(), id);
        if is_once || self.lock().len() >= WAITING_MAX {
            return self.put(placeholder).await;
        }
        self.lock().insert(key.clone(), placeholder);
        let (this, stop) = (self.clone(), inner.stop.clone());
        inner.tasks.spawn(stop.run_until_cancelled_owned(async move {
            tokio::time::sleep(WORDS_AFTER).await;
            let missing = this.lock().remove(&key);
            if let Some(placeholder) = missing
                && let Err(error) = this.put(placeholder).await
            {
                warn!(%error, "The place of a message that is missing could not be marked.");
            }
        }));
        Ok(())
    }

    /// The message has come.
    pub(super) fn came(&self, chat: &RemoteChatId, id: &RemoteMessageId) {
        self.lock().remove(&(chat.clone(), id.clone()));
    }

    /// Waits until nothing is pushed any more.
    pub(super) async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn put(&self, placeholder: RemoteMessage) -> Result<(), NotStored> {
        // First remembered: when the message comes in between, it takes the place of these words.
        self.0.world.note_placeholder(&placeholder.chat, &placeholder.id).await?;
        self.0.sink.push(RemoteEvent::Message(placeholder)).await.stored().await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RemoteChatId, RemoteMessageId), RemoteMessage>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
