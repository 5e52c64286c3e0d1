//! Events about guilds, channels, roles and webhooks: what is remembered of them, and what rooms should know.

use magpie_common::{
    ids::RemoteChatId,
    message::{ChatChange, RemoteEvent},
};
use serde_json::Value;
use tracing::{debug, info};

use super::{Pump, cursor, is_younger, last_message};
use crate::{
    events::{self, Mapped, snowflake_ms, timestamp_ms},
    json::{text, texts},
    session::{
        gateway::GatewayEvent,
        recovery::Missed,
        world::{Role, guild_chat},
    },
};

/// Where nothing was said for so long, nobody looks for changes.
const REVIEWED_WITHIN_MS: i64 = 24 * 60 * 60 * 1000;

impl Pump {
    pub(super) async fn take_other(&mut self, event: &GatewayEvent) {
        let data = &event.data;
        match event.kind.as_str() {
            "READY" => self.ready(data).await,
            "GUILD_CREATE" => self.guild_came(data).await,
            "GUILD_UPDATE" => self.guild_changed(data).await,
            "GUILD_DELETE" => self.guild_went(data).await,
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" => self.channel_changed(&event.kind, data).await,
            "CHANNEL_DELETE" | "THREAD_DELETE" => self.channel_went(data).await,
            "THREAD_CREATE" => self.thread_begun(data).await,
            "THREAD_UPDATE" => self.thread_changed(data).await,
            "THREAD_LIST_SYNC" => {
                for thread in data["threads"].as_array().into_iter().flatten() {
                    self.thread_changed(thread).await;
                }
            }
            "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE" => self.role_changed(data).await,
            "GUILD_MEMBER_UPDATE" => self.member_changed(data),
            "RESUMED" => info!("The connection to Discord was resumed; nothing was missed."),
            other => debug!(kind = other, "An event was counted that no room needs."),
        }
    }

    /// Each connection begins once; a second beginning means that its session was lost in between.
    async fn ready(&mut self, data: &Value) {
        let shard = data["shard"][0].as_u64().unwrap_or_default();
        if !self.begun.insert(shard) {
            return self.end("Discord began a new session; missed messages are fetched.".to_owned());
        }
        self.shards = data["shard"][1].as_u64().unwrap_or(1);
        // Conversations of two come to the first connection.
        if shard == 0 {
            self.recall_directs().await;
        }
        self.awaited.extend(data["guilds"].as_array().into_iter().flatten().map(|guild| text(&guild["id"])));
        self.tell_ready();
    }

    fn tell_ready(&mut self) {
        if self.awaited.is_empty() && self.begun.len() as u64 == self.shards {
            // Servers go first.
            self.to_recover.append(&mut self.directs_to_recover);
            self.out.ready.send_replace(true);
        }
    }

    async fn guild_came(&mut self, data: &Value) {
        let guild = text(&data["id"]);
        self.awaited.remove(&guild);
        if data["unavailable"] != true && self.config.wants_guild(&guild) {
            self.world.write().learn_guild(data);
            self.push_chat(&guild_chat(&guild), ChatChange::Present).await;
            for channel in data["channels"].as_array().into_iter().flatten() {
                self.channel_came(channel).await;
            }
            for thread in data["threads"].as_array().into_iter().flatten() {
                self.thread_came(thread).await;
            }
        }
        self.tell_ready();
    }

    /// A channel that was never seen has missed nothing: it stands where it is now. One that was is caught up.
    async fn channel_came(&mut self, data: &Value) {
        let channel = text(&data["id"]);
        let chat = RemoteChatId::new(channel.as_str());
        let Some(event) = self.chat_event(&chat, ChatChange::Present) else { return };
        let last = last_message(data);
        let remembered = self.remembered(&channel).await;
        let first = remembered.is_none().then(|| cursor(&channel, &last));
        self.push(Mapped { event, cursor: first }).await;
        if let Some(after) = remembered {
            self.catch_up(channel, after, &last);
        }
    }

    /// Fetches what was missed behind `after`, and looks at what changed where something was said lately.
    fn catch_up(&mut self, channel: String, after: String, last: &str) {
        let now_ms = self.clock.now_ms();
        let is_recent = *last != channel
            && snowflake_ms(last).is_some_and(|said_ms| now_ms - said_ms < REVIEWED_WITHIN_MS);
        if !is_recent && !is_younger(last, &after) {
            return;
        }
        let missed = Missed::new(channel.clone(), after, last);
        if !missed.is_caught_up() {
            self.hold(&channel);
        }
        self.to_recover.push_back(if is_recent { missed.reviewed() } else { missed });
    }

    /// A thread is caught up like a channel. One that began while nobody listened has missed everything in it; of one that was hidden
    /// then, only what was said since is new.
    async fn thread_came(&mut self, data: &Value) {
        let thread = text(&data["id"]);
        let (has_room, is_shown) = {
            let known = self.world.read();
            (known.spot(&thread).thread.is_none(), known.shows(&thread))
        };
        if has_room || !is_shown {
            return self.channel_came(data).await;
        }
        let last = last_message(data);
        if let Some(after) = self.remembered(&thread).await {
            return self.catch_up(thread, after, &last);
        }
        let Some(listened) = self.remembered(&text(&data["parent_id"])).await else {
            return self.remember(&thread, &last).await;
        };
        let begun_ms = data["thread_metadata"]["create_timestamp"].as_str().and_then(timestamp_ms);
        let is_new = begun_ms.or_else(|| snowflake_ms(&thread)) > snowflake_ms(&listened);
        let after = if is_new { thread.clone() } else { listened };
        self.catch_up(thread, after, &last);
    }

    /// A thread that comes while somebody listens is known from its beginning.
    async fn thread_begun(&mut self, data: &Value) {
        let thread = text(&data["id"]);
        self.thread_changed(data).await;
        let is_shown = self.world.read().shows(&thread);
        if is_shown && self.remembered(&thread).await.is_none() {
            let from = if data["newly_created"] == true { thread.clone() } else { last_message(data) };
            self.remember(&thread, &from).await;
        }
    }

    async fn thread_changed(&mut self, data: &Value) {
        let (thread, guild) = (text(&data["id"]), text(&data["guild_id"]));
        if !self.world.read().guilds.contains_key(&guild) {
            return;
        }
        self.world.write().learn_channel(data, &guild);
        // Shown inside its channel's room, a thread has nothing of its own to show.
        self.push_chat(&RemoteChatId::new(thread), ChatChange::Info).await;
    }

    async fn guild_changed(&mut self, data: &Value) {
        let guild = text(&data["id"]);
        if self.world.read().guilds.contains_key(&guild) {
            self.world.write().learn_guild(data);
            self.push_chat(&guild_chat(&guild), ChatChange::Info).await;
        }
    }

    async fn guild_went(&mut self, data: &Value) {
        let guild = text(&data["id"]);
        self.awaited.remove(&guild);
        self.tell_ready();
        // An outage of Discord's is no farewell.
        if data["unavailable"] == true || !self.world.read().guilds.contains_key(&guild) {
            return;
        }
        let channels = self.world.write().forget_guild(&guild);
        for channel in channels {
            self.push_event(events::chat_gone(RemoteChatId::new(channel))).await;
        }
        self.push_event(events::chat_gone(guild_chat(&guild))).await;
    }

    async fn channel_changed(&mut self, kind: &str, data: &Value) {
        let (channel, guild) = (text(&data["id"]), text(&data["guild_id"]));
        if !self.world.read().guilds.contains_key(&guild) {
            return;
        }
        self.world.write().learn_channel(data, &guild);
        if kind == "CHANNEL_CREATE" {
            return self.channel_came(data).await;
        }
        self.push_chat(&RemoteChatId::new(channel), ChatChange::Info).await;
    }

    async fn channel_went(&mut self, data: &Value) {
        let channel = text(&data["id"]);
        let had_room = {
            let known = self.world.read();
            known.shows(&channel) && known.spot(&channel).thread.is_none()
        };
        self.world.write().channels.remove(&channel);
        if had_room {
            self.push_event(events::chat_gone(RemoteChatId::new(channel))).await;
        }
    }

    /// A role may open or close channels to everybody.
    async fn role_changed(&mut self, data: &Value) {
        let id = text(&data["guild_id"]);
        let everyone = {
            let mut known = self.world.write();
            let Some(guild) = known.guilds.get_mut(&id) else { return };
            match &data["role"] {
                Value::Null => drop(guild.roles.remove(&text(&data["role_id"]))),
                role => drop(guild.roles.insert(text(&role["id"]), Role::read(role))),
            }
            text(&data["role"]["id"]) == id
        };
        if !everyone {
            return;
        }
        let channels: Vec<String> = {
            let known = self.world.read();
            known
                .channels
                .values()
                .filter(|channel| channel.guild == id)
                .map(|channel| channel.id.clone())
                .collect()
        };
        for channel in channels {
            self.push_chat(&RemoteChatId::new(channel), ChatChange::Info).await;
        }
    }

    fn member_changed(&mut self, data: &Value) {
        let mut known = self.world.write();
        if text(&data["user"]["id"]) != known.me {
            return;
        }
        if let Some(guild) = known.guilds.get_mut(&text(&data["guild_id"])) {
            guild.own_roles = texts(&data["roles"]);
        }
    }

    fn chat_event(
        &self,
        chat: &RemoteChatId,
        made: fn(Box<magpie_common::message::ChatInfo>) -> ChatChange,
    ) -> Option<RemoteEvent> {
        events::chat_changed(chat, &self.world.read(), made)
    }

    async fn push_chat(
        &mut self,
        chat: &RemoteChatId,
        made: fn(Box<magpie_common::message::ChatInfo>) -> ChatChange,
    ) {
        if let Some(event) = self.chat_event(chat, made) {
            self.push_event(event).await;
        }
    }

    async fn push_event(&mut self, event: RemoteEvent) {
        self.push(Mapped { event, cursor: None }).await;
    }
}
