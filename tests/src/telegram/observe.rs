//! What a test sees of the simulated Telegram. Waiting is for events, never for time; the only clock is a last resort that turns a
//! hanging test into a failing one.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde_json::Value;

use super::{
    TelegramSim,
    effects::Effects,
    files,
    model::{Chat, ChatId, FileBytes, Message, MessageId, UserId},
    render,
    requests::LoggedRequest,
    state::State,
};
use crate::openapi::Finding;

const WAIT_MAX: Duration = Duration::from_secs(30);

impl TelegramSim {
    /// A chat as it stands.
    pub fn chat(&self, id: ChatId) -> Option<Chat> {
        self.inner.lock().records.chats.get(&id).cloned()
    }

    /// What was said in a chat, in the order of its numbers.
    pub fn messages(&self, chat: ChatId) -> Vec<Message> {
        let state = self.inner.lock();
        state.records.chats.get(&chat).map(|it| it.messages.values().cloned().collect()).unwrap_or_default()
    }

    /// The same without the first `from` of them.
    pub fn messages_from(&self, chat: ChatId, from: usize) -> Vec<Message> {
        let state = self.inner.lock();
        let messages = state.records.chats.get(&chat).map(|it| it.messages.values().skip(from).cloned());
        messages.map(Iterator::collect).unwrap_or_default()
    }

    /// One message.
    pub fn message(&self, chat: ChatId, id: MessageId) -> Option<Message> {
        self.inner.lock().records.chats.get(&chat)?.messages.get(&id).cloned()
    }

    /// One message as a bot sees it.
    pub fn message_json(&self, chat: ChatId, id: MessageId, bot: UserId) -> Option<Value> {
        let state = self.inner.lock();
        let message = state.records.chats.get(&chat)?.messages.get(&id)?;
        Some(render::message(&state.records, message, bot))
    }

    /// The texts and captions in a chat, in order.
    pub fn texts(&self, chat: ChatId) -> Vec<String> {
        self.messages(chat).into_iter().map(|message| message.text().to_owned()).collect()
    }

    /// The content of a file by its unique id.
    pub fn file_bytes(&self, unique_id: &str) -> Option<FileBytes> {
        self.inner.lock().records.files.get(unique_id).map(|file| file.bytes.clone())
    }

    /// The unique id of the file in a message: of the largest size for photos.
    pub fn file_of(&self, chat: ChatId, id: MessageId) -> Option<String> {
        let message = self.message(chat, id)?;
        // An animation comes first, because it fills `document` too.
        let kinds = ["animation", "photo", "audio", "document", "video", "voice", "video_note", "sticker"];
        let file = kinds.iter().find_map(|kind| message.body.get(*kind))?;
        let file = file.as_array().and_then(|sizes| sizes.last()).unwrap_or(file);
        file["file_unique_id"].as_str().map(str::to_owned)
    }

    /// The bytes of the file in a message, as far as they are kept.
    pub fn bytes_of(&self, chat: ChatId, id: MessageId) -> Option<Bytes> {
        match self.file_bytes(&self.file_of(chat, id)?)? {
            FileBytes::Kept(bytes) => Some(bytes),
            FileBytes::Made { .. } | FileBytes::Counted { .. } => None,
        }
    }

    /// The SHA-256 of the file in a message, in hexadecimal.
    pub fn sha256_of(&self, chat: ChatId, id: MessageId) -> Option<String> {
        Some(files::sha256(&self.file_bytes(&self.file_of(chat, id)?)?))
    }

    /// All requests so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.inner.lock().requests.clone()
    }

    /// What happened to messages so far.
    pub fn effects(&self) -> Effects {
        self.inner.lock().effects.clone()
    }

    /// How many things happened to messages so far.
    pub fn effect_count(&self) -> usize {
        self.inner.lock().effects.all().len()
    }

    /// How many updates wait for a bot to confirm them.
    pub fn updates_waiting(&self, bot: UserId) -> usize {
        self.inner.lock().records.bots.get(&bot).map_or(0, |bot| bot.updates.len())
    }

    /// Whether traffic is held against Telegram's description.
    pub fn is_judged(&self) -> bool {
        self.inner.spec.is_some()
    }

    /// Where traffic disagreed with Telegram's description.
    pub fn findings(&self) -> Vec<Finding> {
        self.inner.lock().findings.clone()
    }

    /// The findings so far, which are forgotten; for tests that misbehave on purpose.
    pub fn take_findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.inner.lock().findings)
    }

    /// Waits until more has happened to messages than `count` things.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn wait_for_effects(&self, count: usize) -> anyhow::Result<()> {
        self.wait(|state| (state.effects.all().len() > count).then_some(())).await
    }

    /// Waits for a message in a chat.
    ///
    /// # Errors
    /// When none comes.
    pub async fn wait_for_message(
        &self,
        chat: ChatId,
        wanted: impl Fn(&Message) -> bool,
    ) -> anyhow::Result<Message> {
        let find = |state: &State| {
            let messages = &state.records.chats.get(&chat)?.messages;
            messages.values().find(|message| wanted(message)).cloned()
        };
        let found = self.wait(find).await;
        found.with_context(|| format!("the chat held instead: {:#?}", self.messages(chat)))
    }

    /// Waits until a message is gone from a chat.
    ///
    /// # Errors
    /// When it stays.
    pub async fn wait_until_gone(&self, chat: ChatId, message: MessageId) -> anyhow::Result<()> {
        let is_gone = |state: &State| Some(!state.records.chats.get(&chat)?.messages.contains_key(&message));
        self.wait(|state| is_gone(state).filter(|gone| *gone).map(|_| ())).await
    }

    /// Waits until a chat is as wanted.
    ///
    /// # Errors
    /// When it does not become so.
    pub async fn wait_for_chat(&self, chat: ChatId, wanted: impl Fn(&Chat) -> bool) -> anyhow::Result<Chat> {
        self.wait(|state| state.records.chats.get(&chat).filter(|chat| wanted(chat)).cloned()).await
    }

    /// Waits for a request that was answered.
    ///
    /// # Errors
    /// When none comes.
    pub async fn wait_for_request(
        &self,
        wanted: impl Fn(&LoggedRequest) -> bool,
    ) -> anyhow::Result<LoggedRequest> {
        let answered = |request: &&LoggedRequest| request.status.is_some() && wanted(request);
        self.wait(|state| state.requests.iter().find(answered).cloned()).await
    }

    /// Waits until a bot has called `getUpdates` more often than `count` times; see [`Self::polls`].
    ///
    /// # Errors
    /// When it does not.
    pub async fn wait_for_poll(&self, bot: UserId, count: u64) -> anyhow::Result<()> {
        self.wait(|state| (state.records.bots.get(&bot)?.polls > count).then_some(())).await
    }

    /// How often a bot has called `getUpdates`.
    pub fn polls(&self, bot: UserId) -> u64 {
        self.inner.lock().records.bots.get(&bot).map_or(0, |bot| bot.polls)
    }

    /// Waits until a bot has confirmed all updates.
    ///
    /// # Errors
    /// When it does not.
    pub async fn wait_until_confirmed(&self, bot: UserId) -> anyhow::Result<()> {
        self.wait(|state| state.records.bots.get(&bot)?.updates.is_empty().then_some(())).await
    }

    async fn wait<T>(&self, look: impl Fn(&State) -> Option<T>) -> anyhow::Result<T> {
        let seen = async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                // From here on no change is missed, so looking comes second.
                changed.as_mut().enable();
                if let Some(found) = look(&self.inner.lock()) {
                    return found;
                }
                changed.await;
            }
        };
        tokio::time::timeout(WAIT_MAX, seen).await.context("it did not happen on the simulated Telegram")
    }
}
