//! Conversations of two: Discord does not tell a bot which ones there are, so they are remembered.

use serde_json::Value;

use super::{Pump, cursor};
use crate::{
    format::is_id,
    session::{gateway::GatewayEvent, recovery::Missed, world::text},
};

/// Under this key stand the channels, the latest met last, with spaces between them.
const DIRECTS: &str = "directs";

/// So many are remembered.
const DIRECTS_MAX: usize = 200;

impl Pump {
    /// Knows the conversations again, and fetches what was missed in them.
    pub(super) async fn recall_directs(&mut self) {
        let remembered = self.remembered(DIRECTS).await.unwrap_or_default();
        self.directs = remembered.split(' ').filter(|id| is_id(id)).map(str::to_owned).collect();
        for channel in self.directs.clone() {
            self.world.write().learn_direct(&channel, &Value::Null);
            let Some(after) = self.remembered(&channel).await else { continue };
            self.held.entry(channel.clone()).or_default();
            self.to_recover.push_back(Missed::new(channel, after, "").reviewed());
        }
    }

    /// Gets to know a conversation by what somebody says in it.
    pub(super) async fn meet_direct(&mut self, channel: &str, event: &GatewayEvent) {
        let author = &event.data["author"];
        let is_nameless = {
            let known = self.world.read();
            let is_ours = text(&author["id"]) == known.me;
            let is_nameless =
                |direct: &crate::session::world::Channel| direct.is_direct() && direct.name.is_empty();
            !is_ours && known.channels.get(channel).is_none_or(is_nameless)
        };
        if event.kind != "MESSAGE_CREATE" || !event.data["guild_id"].is_null() || !is_nameless {
            return;
        }
        self.world.write().learn_direct(channel, author);
        if self.directs.iter().any(|known| known == channel) {
            return;
        }
        self.directs.push(channel.to_owned());
        let first = self.directs.len().saturating_sub(DIRECTS_MAX);
        self.directs.drain(..first);
        let all = self.directs.join(" ");
        self.remember(DIRECTS, &all).await;
    }

    /// Remembers where a stream begins.
    pub(super) async fn remember(&mut self, key: &str, value: &str) {
        if let Err(error) = self.out.sink.remember(cursor(key, value)).await {
            self.end(error.to_string());
        }
    }
}
