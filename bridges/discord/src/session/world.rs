//! What the gateway has told of guilds and channels: as little as names, rights and privacy need.
//!
//! Filled by the one task that reads events; read by deliveries. Never asks the network.

use std::{
    collections::{HashMap, HashSet},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{ChatInfo, ChatKind, clean_name},
};
use serde_json::Value;

use super::{
    permissions::{self, Member},
    seen::SeenMessages,
};
use crate::{
    config::{GuildMode, GuildSettings, Threads},
    json::{text, texts},
    place::Spot,
};

/// Discord's number for a conversation of two.
const DIRECT: u64 = 1;

/// Discord's number for a thread that only those in it see.
const PRIVATE_THREAD: u64 = 12;

/// What is remembered, shared between the reader and the writers.
#[derive(Default)]
pub(crate) struct World(RwLock<Known>);

/// What is remembered.
#[derive(Default)]
pub(crate) struct Known {
    /// Our user.
    pub me: String,
    /// Our application.
    pub application: String,
    /// The servers we are in.
    pub guilds: HashMap<String, Guild>,
    /// Their channels of all kinds.
    pub channels: HashMap<String, Channel>,
    /// Webhooks that are ours.
    pub own_webhooks: HashSet<String>,
    /// What was said lately.
    pub seen: SeenMessages,
    /// What is different in single servers.
    pub settings: HashMap<String, GuildSettings>,
}

/// A server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guild {
    /// Its id, which is also that of the role `@everyone`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The hash of its picture.
    pub icon: Option<String>,
    /// Who may do everything.
    pub owner: Option<String>,
    /// Its roles.
    pub roles: HashMap<String, Role>,
    /// Our roles.
    pub own_roles: Vec<String>,
    /// How far it is boosted: 0 to 3.
    pub tier: usize,
}

/// A role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Role {
    /// Its name.
    pub name: String,
    /// Its permission bits.
    pub permissions: u64,
}

/// A channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channel {
    /// Its id.
    pub id: String,
    /// The server it belongs to.
    pub guild: String,
    /// Discord's number for its kind.
    pub kind: u64,
    /// Its name.
    pub name: String,
    /// Its topic.
    pub topic: Option<String>,
    /// Exceptions from the permissions of roles and members.
    pub overwrites: Vec<Overwrite>,
    /// The newest message that is known of.
    pub newest: Option<String>,
    /// The channel that a thread belongs to.
    pub parent: Option<String>,
    /// The other one of a conversation of two, once they are known.
    pub with: Option<String>,
}

/// An exception from permissions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overwrite {
    /// A role or a member.
    pub id: String,
    /// Bits granted.
    pub allow: u64,
    /// Bits taken.
    pub deny: u64,
}

impl World {
    /// For looking.
    pub fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the reader of events, and for what a session learns of itself.
    pub fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Takes in a whole guild, with roles, channels and our own membership.
    pub fn learn_guild(&mut self, data: &Value) {
        let id = text(&data["id"]);
        let mut guild = self.guilds.remove(&id).unwrap_or_default();
        guild.id = id.clone();
        guild.name = clean_name(data["name"].as_str().unwrap_or_default());
        guild.icon = data["icon"].as_str().map(str::to_owned);
        guild.owner = data["owner_id"].as_str().map(str::to_owned).or(guild.owner);
        guild.tier = data["premium_tier"].as_u64().and_then(|tier| tier.try_into().ok()).unwrap_or_default();
        for role in data["roles"].as_array().into_iter().flatten() {
            guild.roles.insert(text(&role["id"]), Role::read(role));
        }
        for member in data["members"].as_array().into_iter().flatten() {
            if text(&member["user"]["id"]) == self.me {
                guild.own_roles = texts(&member["roles"]);
            }
        }
        self.guilds.insert(id.clone(), guild);
        let (channels, threads) = (data["channels"].as_array(), data["threads"].as_array());
        for channel in channels.into_iter().chain(threads).flatten() {
            self.learn_channel(channel, &id);
        }
    }

    /// Takes in a channel.
    pub fn learn_channel(&mut self, data: &Value, guild: &str) {
        let channel = Channel::read(data, guild);
        self.channels.insert(channel.id.clone(), channel);
    }

    /// A guild or channel as a chat; `None` for what is no chat of ours.
    pub fn chat_info(&self, chat: &str) -> Option<ChatInfo> {
        match chat.strip_prefix('g') {
            Some(guild) => self.guilds.get(guild).map(Guild::info),
            None => {
                let channel = self.channels.get(chat).filter(|_| self.shows(chat))?;
                if self.spot(chat).thread.is_some() {
                    return None;
                }
                if channel.kind == DIRECT {
                    return Some(channel.direct_info());
                }
                let create = self.settings.get(&channel.guild).and_then(|settings| settings.mode);
                let info = channel.info(self.guilds.get(&channel.guild)?, self.governing(channel));
                Some(ChatInfo { create: create.map(GuildMode::create), ..info })
            }
        }
    }

    /// Whether what happens in a channel is shown in a room. Posts of forums are threads without a channel that has a room.
    pub fn shows(&self, channel: &str) -> bool {
        let Some(channel) = self.channels.get(channel) else { return false };
        let is_parent_shown = || self.governing(channel).is_portal();
        channel.is_portal() && (!channel.is_thread() || is_parent_shown())
    }

    /// Takes in a conversation of two, by somebody's message there or as Discord describes it.
    pub fn learn_direct(&mut self, channel: &str, with: &Value) {
        let found = Channel {
            id: channel.to_owned(),
            kind: DIRECT,
            name: crate::events::shown_name(with, &Value::Null),
            with: Some(text(&with["id"])).filter(|id| !id.is_empty()),
            ..Channel::default()
        };
        self.channels.insert(channel.to_owned(), found);
    }

    /// The room in which a channel is shown. A thread that everybody sees is shown in its channel's room, unless its server's threads are
    /// kept apart; one that is not, never.
    pub fn spot(&self, channel: &str) -> Spot {
        let Some(found) = self.channels.get(channel) else { return Spot::plain(channel) };
        let inside = found.parent.as_ref().filter(|_| found.is_open_thread());
        let threads = self.settings.get(&found.guild).map(|settings| settings.threads).unwrap_or_default();
        match inside.filter(|_| threads == Threads::MatrixThread) {
            Some(parent) => Spot { chat: parent.clone(), thread: Some(channel.to_owned()) },
            None => Spot::plain(channel),
        }
    }

    /// The channel whose permissions and webhooks count: for a thread that of its parent.
    pub fn governing<'a>(&'a self, channel: &'a Channel) -> &'a Channel {
        let parent = channel.parent.as_ref().filter(|_| channel.is_thread());
        parent.and_then(|parent| self.channels.get(parent)).unwrap_or(channel)
    }

    /// The same by id.
    pub fn governing_id(&self, channel: &str) -> String {
        self.channels.get(channel).map_or_else(|| channel.to_owned(), |it| self.governing(it).id.clone())
    }

    /// What we may do in a channel; nothing when it is unknown.
    pub fn own_permissions(&self, channel: &str) -> u64 {
        let Some(channel) = self.channels.get(channel) else { return 0 };
        if channel.kind == DIRECT {
            return permissions::IN_DIRECT;
        }
        let channel = self.governing(channel);
        let Some(guild) = self.guilds.get(&channel.guild) else { return 0 };
        permissions::in_channel(guild, channel, &Member { id: &self.me, roles: &guild.own_roles })
    }

    /// Drops a guild and all that is in it; gives its channels.
    pub fn forget_guild(&mut self, guild: &str) -> Vec<String> {
        self.guilds.remove(guild);
        let gone: Vec<String> = self
            .channels
            .values()
            .filter(|channel| channel.guild == guild)
            .map(|channel| channel.id.clone())
            .collect();
        for id in &gone {
            self.channels.remove(id);
        }
        gone
    }
}

/// The chat that stands for a guild: `g` and its id, because Discord gives the first channel of old guilds the guild's own id.
pub(crate) fn guild_chat(guild: &str) -> RemoteChatId {
    RemoteChatId::new(format!("g{guild}"))
}

impl Guild {
    fn info(&self) -> ChatInfo {
        let avatar =
            self.icon.as_ref().map(|hash| RemoteFileId::new(format!("icons/{}/{hash}.png", self.id)));
        ChatInfo { avatar, ..ChatInfo::new(ChatKind::Space, Some(self.name.clone())) }
    }
}

impl Role {
    /// Reads a role.
    pub fn read(data: &Value) -> Self {
        let name = clean_name(data["name"].as_str().unwrap_or_default());
        Self { name, permissions: bits(&data["permissions"]) }
    }
}

impl Channel {
    fn read(data: &Value, guild: &str) -> Self {
        let overwrites = data["permission_overwrites"].as_array().into_iter().flatten();
        Self {
            id: text(&data["id"]),
            guild: guild.to_owned(),
            kind: data["type"].as_u64().unwrap_or(u64::MAX),
            name: clean_name(data["name"].as_str().unwrap_or_default()),
            topic: data["topic"].as_str().filter(|topic| !topic.is_empty()).map(str::to_owned),
            parent: Some(text(&data["parent_id"])).filter(|id| !id.is_empty()),
            newest: Some(text(&data["last_message_id"])).filter(|id| !id.is_empty()),
            with: None,
            overwrites: overwrites
                .map(|it| Overwrite {
                    id: text(&it["id"]),
                    allow: bits(&it["allow"]),
                    deny: bits(&it["deny"]),
                })
                .collect(),
        }
    }

    /// Text (0) and announcement (5) channels are rooms, and so is what is written beside voice (2) and stage (13) channels, in threads and
    /// to the bot alone.
    pub fn is_portal(&self) -> bool {
        matches!(self.kind, 0 | 2 | 5 | 13) || self.is_thread() || self.is_direct()
    }

    /// Conversations of two.
    pub fn is_direct(&self) -> bool {
        self.kind == DIRECT
    }

    /// Threads: of announcements (10), open (11) and private (12).
    pub fn is_thread(&self) -> bool {
        matches!(self.kind, 10..=12)
    }

    fn is_open_thread(&self) -> bool {
        matches!(self.kind, 10 | 11)
    }

    fn direct_info(&self) -> ChatInfo {
        let name = Some(self.name.clone()).filter(|name| !name.is_empty());
        let with = self.with.as_deref().map(RemoteUserId::new);
        ChatInfo { private: true, with, ..ChatInfo::new(ChatKind::Direct, name) }
    }

    fn info(&self, guild: &Guild, governing: &Self) -> ChatInfo {
        ChatInfo {
            topic: self.topic.clone(),
            parent: Some(guild_chat(&guild.id)),
            private: self.kind == PRIVATE_THREAD || permissions::is_private(guild, governing),
            newest: self.newest.as_deref().map(RemoteMessageId::new),
            ..ChatInfo::new(ChatKind::Group, Some(self.name.clone()))
        }
    }
}

fn bits(value: &Value) -> u64 {
    text(value).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_thread_is_shown_where_its_channel_is() {
        let mut known = Known::default();
        let thread = |id: &str, parent: &str| json!({"id": id, "type": 11, "name": "t", "parent_id": parent});
        known.learn_guild(&json!({
            "id": "9", "name": "Birds",
            "channels": [{"id": "3", "type": 0, "name": "general"}, {"id": "4", "type": 15, "name": "forum"}],
            "threads": [thread("31", "3"), thread("41", "4")],
        }));
        assert!(known.shows("3") && known.shows("31"));
        assert_eq!(known.spot("31").chat, "3");
        assert!(!known.shows("4") && !known.shows("41") && !known.shows("77"));
        assert!(known.chat_info("41").is_none());
    }
}
