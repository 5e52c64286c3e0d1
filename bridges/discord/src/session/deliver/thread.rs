//! Threads of Matrix as threads of Discord: begun from the message at their root, when somebody first writes in them.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    platform::DeliverError,
};
use serde_json::{Value, json};

use super::Deliverer;
use crate::{
    json::text,
    place::Place,
    session::{
        api::ApiError,
        permissions::CREATE_PUBLIC_THREADS,
        verdict::{is_unknown_message, verdict_on_question},
    },
};

/// Discord's code for a message that bears a thread already.
const THREAD_EXISTS: u64 = 160_004;

/// Longer names are cut.
const NAME_CHARS_MAX: usize = 80;

/// For so long nobody need write there before Discord closes the thread, in minutes.
const CLOSES_AFTER_MINUTES: u64 = 4_320;

impl Deliverer {
    /// The thread at a root; `None` where there can be none, so that the message goes to the channel.
    pub(super) async fn thread(
        &self,
        chat: &RemoteChatId,
        root: &RemoteMessageId,
    ) -> Result<Option<String>, DeliverError> {
        let Place { channel, message } = Place::of(chat, root);
        if channel != chat.as_str() {
            // An answer inside a thread stays in it.
            return Ok(Some(channel));
        }
        let (is_known, may_begin) = {
            let known = self.world.read();
            let is_thread = known.channels.get(&message).is_some_and(super::super::world::Channel::is_thread);
            (is_thread, known.own_permissions(&channel) & CREATE_PUBLIC_THREADS != 0)
        };
        if is_known {
            return Ok(Some(message));
        }
        if !may_begin {
            return Ok(None);
        }
        let name = self.thread_name(chat, root).await;
        let body = json!({"name": name, "auto_archive_duration": CLOSES_AFTER_MINUTES});
        match self.api.post(&format!("/channels/{channel}/messages/{message}/threads"), body).await {
            Ok(thread) => Ok(Some(self.learn(&thread)).filter(|id| !id.is_empty())),
            Err(ApiError::Refused(refusal)) if refusal.code == THREAD_EXISTS => Ok(Some(message)),
            Err(error) if is_unknown_message(&error) => Ok(None),
            Err(ApiError::Refused(_)) => Ok(None),
            Err(error) => Err(verdict_on_question(error)),
        }
    }

    fn learn(&self, thread: &Value) -> String {
        let guild = text(&thread["guild_id"]);
        self.world.write().learn_channel(thread, &guild);
        text(&thread["id"])
    }

    /// The first words of the root, as Discord itself would offer them.
    async fn thread_name(&self, chat: &RemoteChatId, root: &RemoteMessageId) -> String {
        let words = match self.seen(chat, root).await {
            Some(seen) if !seen.words.is_empty() => seen.words,
            Some(seen) => seen.name,
            None => String::new(),
        };
        let name: String = words.chars().take(NAME_CHARS_MAX).collect();
        if name.trim().is_empty() { "Thread".to_owned() } else { name }
    }
}
