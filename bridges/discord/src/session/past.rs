//! What was said in a channel before its room was made.

use async_trait::async_trait;
use magpie_common::{
    ids::RemoteChatId,
    message::RemoteMessage,
    platform::{History, PlatformError, Until},
};
use serde_json::Value;

use super::DiscordSession;
use crate::{events, format::is_id, json::text, place::Place};

/// Discord gives at most so many messages at once.
const PAGE_MESSAGES_MAX: usize = 100;

#[async_trait]
impl History for DiscordSession {
    async fn messages(
        &self,
        chat: &RemoteChatId,
        until: &Until,
        count: usize,
    ) -> Result<Vec<RemoteMessage>, PlatformError> {
        let mut before = match until {
            Until::Before(id) => Place::of(chat, id).message,
            Until::Including(id) => following(&Place::of(chat, id).message),
        };
        let mut newest_first: Vec<Value> = Vec::new();
        while is_id(&before) && newest_first.len() < count {
            let limit = (count - newest_first.len()).min(PAGE_MESSAGES_MAX);
            let path = format!("/channels/{chat}/messages?before={before}&limit={limit}");
            let page = match self.api.get(&path).await {
                Ok(Value::Array(page)) => page,
                // A channel whose past we may not read has none.
                Ok(_) => Vec::new(),
                Err(error) if error.is_not_found() => Vec::new(),
                Err(error) => {
                    return Err(PlatformError(format!("Discord does not give the channel's past: {error}.")));
                }
            };
            let is_last = page.len() < limit;
            before = page.last().map(|oldest| text(&oldest["id"])).unwrap_or_default();
            newest_first.extend(page);
            if is_last {
                break;
            }
        }
        let known = self.world.read();
        newest_first.iter().for_each(|message| self.addresses.note(message));
        Ok(newest_first.iter().rev().filter_map(|message| events::said(message, &known)).collect())
    }
}

/// The first id that something after this message can have.
fn following(id: &str) -> String {
    id.parse::<u64>().map(|id| id.saturating_add(1).to_string()).unwrap_or_default()
}
