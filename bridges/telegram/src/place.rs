//! Where things stand: how chats, topics and messages of Telegram are spelled as remote ids.
//!
//! | id | what it names |
//! |---|---|
//! | `42@7` | the private chat with user 42, or the basic group -42: each bot (here 7) has its own |
//! | `-1001234` | a supergroup or channel; of a forum, its General topic |
//! | `-1001234/56` | a topic of a forum |
//! | `forum-1001234` | the forum itself, a space |
//!
//! In chats of the first kind a message's number comes from the bot's own counter, so it is spelled `57@7`; elsewhere it is plain `57`. A basic
//! group that becomes a supergroup keeps its old messages, and their numbers cannot be taken for new ones. Only this file makes and
//! parses such ids.

use magpie_common::ids::{RemoteChatId, RemoteMessageId, RemoteUserId};
use serde_json::Value;

/// What a forum's space begins with.
const FORUM: &str = "forum";

/// What the ghost of a chat that speaks for itself begins with.
const CHANNEL: &str = "channel-";

/// Whose numbers the messages of a chat have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The chat's own.
    Chat,
    /// Those of the bot with this id.
    Bot(i64),
}

/// A chat, or a topic of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The number by which Telegram knows the chat.
    pub chat: i64,
    /// The topic; none for General.
    pub topic: Option<i64>,
    /// Whose numbers its messages have.
    pub scope: Scope,
}

impl Spot {
    /// Where a message of the Bot API stands, for the bot `me`.
    pub fn of_message(message: &Value, me: i64) -> Option<Self> {
        let spot = Self::of_chat(&message["chat"], me)?;
        let topic = message["message_thread_id"].as_i64().filter(|_| message["is_topic_message"] == true);
        Some(Self { topic: topic.filter(|topic| *topic != 1), ..spot })
    }

    /// A chat object of the Bot API.
    pub fn of_chat(chat: &Value, me: i64) -> Option<Self> {
        let id = chat["id"].as_i64()?;
        let scope = match chat["type"].as_str()? {
            "private" | "group" => Scope::Bot(me),
            _ => Scope::Chat,
        };
        Some(Self { chat: id, topic: None, scope })
    }

    /// A supergroup or channel.
    pub fn of_supergroup(id: i64) -> Self {
        Self { chat: id, topic: None, scope: Scope::Chat }
    }

    /// The chat that rooms name so; `None` for what names no chat that can be written to.
    pub fn parse(id: &RemoteChatId) -> Option<Self> {
        let id = id.as_str();
        if let Some((chat, bot)) = id.split_once('@') {
            return Some(Self { chat: number(chat)?, topic: None, scope: Scope::Bot(number(bot)?) });
        }
        let (chat, topic) = match id.split_once('/') {
            Some((chat, topic)) => (chat, Some(number(topic)?)),
            None => (id, None),
        };
        Some(Self { chat: number(chat)?, topic, scope: Scope::Chat })
    }

    /// The room's name for it.
    pub fn id(&self) -> RemoteChatId {
        RemoteChatId::new(match (self.scope, self.topic) {
            (Scope::Bot(bot), _) => format!("{}@{bot}", self.chat),
            (Scope::Chat, Some(topic)) => format!("{}/{topic}", self.chat),
            (Scope::Chat, None) => self.chat.to_string(),
        })
    }

    /// The space of the forum to which it belongs.
    pub fn space(&self) -> RemoteChatId {
        RemoteChatId::new(format!("{FORUM}{}", self.chat))
    }

    /// A message of this chat.
    pub fn message(&self, number: i64) -> RemoteMessageId {
        RemoteMessageId::new(match self.scope {
            Scope::Bot(bot) => format!("{number}@{bot}"),
            Scope::Chat => number.to_string(),
        })
    }

    /// The number of a message in this chat; `None` for one from before the group became a supergroup.
    pub fn number(&self, id: &RemoteMessageId) -> Option<i64> {
        match (self.scope, id.as_str().split_once('@')) {
            (Scope::Bot(own), Some((message, bot))) => number(message).filter(|_| number(bot) == Some(own)),
            (Scope::Chat, None) => number(id.as_str()),
            _ => None,
        }
    }
}

/// The forum whose space this is.
pub(crate) fn forum_of_space(id: &RemoteChatId) -> Option<i64> {
    number(id.as_str().strip_prefix(FORUM)?)
}

/// A user, by number.
pub(crate) fn user(number: i64) -> RemoteUserId {
    RemoteUserId::new(number.to_string())
}

/// The ghost of a chat that speaks for itself.
pub(crate) fn channel_ghost(chat: i64) -> RemoteUserId {
    RemoteUserId::new(format!("{CHANNEL}{chat}"))
}

/// The number of a user; `None` for the ghost of a chat.
pub(crate) fn user_number(id: &RemoteUserId) -> Option<i64> {
    number(id.as_str()).filter(|number| *number > 0)
}

/// The chat that a ghost stands for.
pub(crate) fn ghost_channel(id: &RemoteUserId) -> Option<i64> {
    number(id.as_str().strip_prefix(CHANNEL)?)
}

/// A number as we spell it ourselves: `+1` and `007` are none, so that two spellings never mean one thing.
fn number(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_is_read_again() {
        for (message, id, message_id) in [
            (json!({"chat": {"id": 42, "type": "private"}}), "42@7", "57@7"),
            (json!({"chat": {"id": -42, "type": "group"}}), "-42@7", "57@7"),
            (json!({"chat": {"id": -100_123, "type": "supergroup"}}), "-100123", "57"),
            (json!({"chat": {"id": -100_123, "type": "channel"}}), "-100123", "57"),
            (
                json!({"chat": {"id": -100_123, "type": "supergroup"}, "message_thread_id": 9, "is_topic_message": true}),
                "-100123/9",
                "57",
            ),
            (
                json!({"chat": {"id": -100_123, "type": "supergroup"}, "message_thread_id": 1, "is_topic_message": true}),
                "-100123",
                "57",
            ),
            // A reply in a group without topics bears a thread's number, too.
            (
                json!({"chat": {"id": -100_123, "type": "supergroup"}, "message_thread_id": 9}),
                "-100123",
                "57",
            ),
        ] {
            let spot = Spot::of_message(&message, 7).expect("it stands somewhere");
            assert_eq!(spot.id().as_str(), id);
            assert_eq!(Spot::parse(&spot.id()), Some(spot));
            assert_eq!(spot.message(57).as_str(), message_id);
            assert_eq!(spot.number(&spot.message(57)), Some(57));
        }
    }

    #[test]
    fn numbers_from_before_a_migration_are_not_taken_for_new_ones() {
        let supergroup = Spot::of_supergroup(-100_123);
        assert_eq!(supergroup.number(&RemoteMessageId::new("57@7")), None);
        let group = Spot { chat: -42, topic: None, scope: Scope::Bot(7) };
        assert_eq!(group.number(&RemoteMessageId::new("57@8")), None, "another bot counts otherwise");
        assert_eq!(group.number(&RemoteMessageId::new("57")), None);
    }

    #[test]
    fn what_is_no_id_is_none() {
        for bad in
            ["", "x", "+1", "007", "1/x", "@7", "1@", "forum-1", "channel-1", "1.5", "99999999999999999999"]
        {
            assert_eq!(Spot::parse(&RemoteChatId::new(bad)), None, "{bad}");
        }
        assert_eq!(forum_of_space(&Spot::of_supergroup(-5).space()), Some(-5));
        assert_eq!(ghost_channel(&channel_ghost(-100_123)), Some(-100_123));
        assert_eq!(user_number(&channel_ghost(-5)), None);
        assert_eq!(user_number(&user(5)), Some(5));
    }
}
