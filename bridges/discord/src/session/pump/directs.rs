//! Conversations of two: Discord does not tell a bot which ones there are, so they are remembered.

use serde_json::Value;

use super::{Pump, cursor};
use crate::{
    format::is_id,
    json::text,
    session::{gateway::GatewayEvent, recovery::Missed, world::Channel},
};

/// Under this key stand the channels, with spaces between them; the first is forgotten first.
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
            self.hold(&channel);
            self.directs_to_recover.push_back(Missed::new(channel, after, "").reviewed());
        }
    }

    /// Gets to know a conversation, and who is in it, by what somebody says there.
    pub(super) async fn meet_direct(&mut self, channel: &str, event: &GatewayEvent) {
        let (author, id) = (&event.data["author"], text(&event.data["id"]));
        if event.kind != "MESSAGE_CREATE" || !event.data["guild_id"].is_null() {
            return;
        }
        let (is_direct, is_nameless) = {
            let known = self.world.read();
            let is_ours = text(&author["id"]) == known.me;
            let found = known.channels.get(channel);
            (found.is_none_or(Channel::is_direct), !is_ours && found.is_none_or(|it| it.name.is_empty()))
        };
        if is_direct && is_nameless {
            self.world.write().learn_direct(channel, author);
        }
        if is_direct {
            self.keep_direct(channel, &id).await;
        }
    }

    /// Remembers a conversation; one that was of use lately is the last to be forgotten.
    async fn keep_direct(&mut self, channel: &str, message: &str) {
        let place = self.directs.iter().position(|known| known == channel);
        // As long as there is room the order does not matter.
        if place.is_some_and(|place| self.directs.len() < DIRECTS_MAX || place >= DIRECTS_MAX / 2) {
            return;
        }
        if let Some(place) = place {
            self.directs.remove(place);
        } else if self.remembered(channel).await.is_none()
            && let Some(before) = message.parse::<u64>().ok().and_then(|id| id.checked_sub(1))
        {
            // Should the message not be stored, it is fetched.
            self.remember(channel, &before.to_string()).await;
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
