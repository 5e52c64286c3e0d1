//! What is remembered of chats, topics and people while a bot is connected. Every list is bounded; what falls out is learned again.
//!
//! Telegram has no lists for bots: all that is known was told in passing, or asked for by id.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use lru::LruCache;
use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, ChatKind, MentionTarget, UserInfo, clean_line},
};
use serde_json::Value;

use crate::{
    file::{chat_picture, custom_emoji},
    format::Names,
    json::{name, text, user_name},
    place::{self, Scope, Spot},
};

mod learn;

const CHATS_MAX: NonZeroUsize = NonZeroUsize::new(2_000).unwrap();
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
const TOPICS_MAX: NonZeroUsize = NonZeroUsize::new(5_000).unwrap();
const POSTS_MAX: NonZeroUsize = NonZeroUsize::new(2_000).unwrap();
const POLLS_MAX: NonZeroUsize = NonZeroUsize::new(500).unwrap();

/// What is remembered, behind a lock that is never held across a wait.
pub(crate) struct World(RwLock<Known>);

/// What is remembered.
pub(crate) struct Known {
    /// The bot's own number.
    pub me: i64,
    /// The bot's own username.
    pub username: String,
    chats: LruCache<i64, Chat>,
    people: LruCache<i64, Met>,
    /// By username in lower case.
    usernames: LruCache<String, i64>,
    /// By forum and number.
    topics: LruCache<(i64, i64), Topic>,
    /// Posts of a channel in its discussion group, to which comments belong.
    pub posts: LruCache<(i64, i64), ()>,
    /// What a message looked like, by chat and number: an edit that changes nothing is none.
    pub looks: LruCache<(i64, i64), u64>,
    /// Polls of ours, by Telegram's id of the poll.
    pub polls: LruCache<String, (Spot, i64)>,
}

/// A chat, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chat {
    /// `private`, `group`, `supergroup` or `channel`.
    pub kind: String,
    pub title: Option<String>,
    pub username: Option<String>,
    pub is_forum: bool,
    pub description: Option<String>,
    /// Its picture.
    pub picture: Option<RemoteFileId>,
    /// Whether everybody can find it.
    pub is_public: bool,
    /// Whether all of it was asked for.
    pub is_whole: bool,
    /// What the bot may do there, where it was told.
    pub rights: Option<Rights>,
}

/// What the bot may do in a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// It is there.
    pub is_member: bool,
    /// It is an admin.
    pub is_admin: bool,
    /// The names of rights that an admin has.
    pub granted: HashSet<String>,
}

/// A person that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub name: Option<String>,
    pub username: Option<String>,
    pub is_bot: bool,
}

/// A topic of a forum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topic {
    pub name: Option<String>,
}

impl World {
    /// Nothing but who the bot is.
    pub fn new(me: &Value) -> Self {
        Self(RwLock::new(Known::new(me["id"].as_i64().unwrap_or_default(), text(&me["username"]))))
    }

    pub fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    pub fn new(me: i64, username: &str) -> Self {
        Self {
            me,
            username: username.to_owned(),
            chats: LruCache::new(CHATS_MAX),
            people: LruCache::new(PEOPLE_MAX),
            usernames: LruCache::new(PEOPLE_MAX),
            topics: LruCache::new(TOPICS_MAX),
            posts: LruCache::new(POSTS_MAX),
            looks: LruCache::new(POSTS_MAX),
            polls: LruCache::new(POLLS_MAX),
        }
    }

    pub fn chat(&self, id: i64) -> Option<&Chat> {
        self.chats.peek(&id)
    }

    pub fn met(&self, user: i64) -> Option<&Met> {
        self.people.peek(&user)
    }

    /// A chat as rooms see it; `None` while it is not known.
    pub fn chat_info(&self, id: &RemoteChatId) -> Option<ChatInfo> {
        if let Some(forum) = place::forum_of_space(id) {
            let chat = self.chat(forum).filter(|chat| chat.is_forum)?;
            let mut info = ChatInfo::new(ChatKind::Space, chat.title.clone());
            info.topic.clone_from(&chat.description);
            info.avatar.clone_from(&chat.picture);
            info.private = !chat.is_public;
            return Some(info);
        }
        let spot = self.own_spot(id)?;
        let chat = self.chat(spot.chat)?;
        let is_own = matches!(spot.scope, Scope::Bot(_));
        if is_own != matches!(chat.kind.as_str(), "private" | "group") {
            return None;
        }
        Some(match chat.kind.as_str() {
            "private" => {
                let mut info = ChatInfo::new(ChatKind::Direct, None);
                info.with = Some(place::user(spot.chat));
                info.private = true;
                info
            }
            _ => self.group_info(&spot, chat),
        })
    }

    fn group_info(&self, spot: &Spot, chat: &Chat) -> ChatInfo {
        let kind = if chat.kind == "channel" { ChatKind::Broadcast } else { ChatKind::Group };
        let mut info = ChatInfo::new(kind, chat.title.clone());
        info.private = !chat.is_public;
        info.parent = (chat.is_forum).then(|| spot.space());
        match spot.topic {
            Some(topic) => {
                let known = self.topics.peek(&(spot.chat, topic)).and_then(|topic| topic.name.clone());
                info.name = Some(known.unwrap_or_else(|| format!("Topic {topic}")));
            }
            None => {
                info.topic.clone_from(&chat.description);
                info.avatar.clone_from(&chat.picture);
            }
        }
        info
    }

    /// A chat that this bot can write to under that id.
    pub fn own_spot(&self, id: &RemoteChatId) -> Option<Spot> {
        Spot::parse(id).filter(|spot| match spot.scope {
            Scope::Bot(bot) => bot == self.me,
            Scope::Chat => spot.chat < 0,
        })
    }

    /// A person as they are known.
    pub fn user_info(&self, user: i64) -> Option<UserInfo> {
        let met = self.met(user)?;
        Some(UserInfo {
            ids: AliasSet::single(place::user(user)),
            name: met.name.clone(),
            avatar: None,
            bot: met.is_bot,
        })
    }

    /// People whose name or username goes with the words, those met last first.
    pub fn search(&self, words: &str, count_max: usize) -> Vec<i64> {
        let words = clean_line(words).to_lowercase();
        let words = words.strip_prefix('@').unwrap_or(&words);
        if words.is_empty() {
            return Vec::new();
        }
        let goes = |name: &Option<String>| {
            let name = name.as_deref().unwrap_or_default().to_lowercase();
            name.starts_with(words) || name.split(' ').any(|part| part.starts_with(words))
        };
        let found = self
            .people
            .iter()
            .filter(|(id, met)| **id != self.me && (goes(&met.name) || goes(&met.username)));
        found.take(count_max).map(|(id, _)| *id).collect()
    }

    /// The address of a chat in Telegram, where it has one.
    fn chat_address(&self, chat: i64) -> Option<String> {
        if let Some(username) = self.chat(chat).and_then(|chat| chat.username.as_ref()) {
            return Some(format!("https://t.me/{username}"));
        }
        let inside = chat.to_string();
        inside.strip_prefix("-100").map(|inside| format!("https://t.me/c/{inside}"))
    }
}

impl Names for Known {
    fn person(&self, username: &str) -> Option<RemoteUserId> {
        self.usernames.peek(&username.to_lowercase()).map(|id| place::user(*id))
    }

    fn user(&self, number: i64) -> RemoteUserId {
        place::user(number)
    }

    fn username(&self, user: &RemoteUserId) -> Option<String> {
        self.met(place::user_number(user)?)?.username.clone()
    }

    fn number(&self, user: &RemoteUserId) -> Option<i64> {
        place::user_number(user)
    }

    fn emoji(&self, custom_emoji_id: &str) -> RemoteFileId {
        custom_emoji(custom_emoji_id)
    }

    fn address(&self, target: &MentionTarget) -> Option<String> {
        match target {
            MentionTarget::Chat(chat) => self.chat_address(self.own_spot(chat)?.chat),
            MentionTarget::Message(chat, message) => {
                let spot = self.own_spot(chat)?;
                let number = spot.number(message).filter(|_| spot.scope == Scope::Chat)?;
                Some(format!("{}/{number}", self.chat_address(spot.chat)?))
            }
            MentionTarget::Person(_)
            | MentionTarget::Room(_)
            | MentionTarget::Group(_)
            | MentionTarget::Everyone => None,
        }
    }
}

/// The picture of a chat, as `getChat` tells it.
pub(super) fn picture(chat: &Value) -> Option<RemoteFileId> {
    let unique = chat["photo"]["big_file_unique_id"].as_str()?;
    Some(chat_picture(chat["id"].as_i64()?, unique))
}

/// The title of a chat, or the name of the person whose private chat it is.
pub(crate) fn chat_title(chat: &Value) -> Option<String> {
    name(&chat["title"]).or_else(|| user_name(chat))
}
