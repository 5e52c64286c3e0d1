//! Learning from what passes by: chats, topics and people in messages and other updates.

use magpie_common::message::clean_line;
use serde_json::Value;

use super::{Chat, Known, Met, Rights, Topic, chat_title, picture};
use crate::json::{name, text, user_name};

/// Keys of an update under which a message stands.
const MESSAGES: [&str; 6] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_message",
    "edited_business_message",
];

impl Known {
    /// Learns from an update.
    pub fn learn(&mut self, update: &Value) {
        for key in MESSAGES {
            self.learn_message(&update[key]);
        }
        for (_, told) in update.as_object().into_iter().flatten() {
            self.learn_chat(&told["chat"]);
            for person in ["user", "from"] {
                self.learn_user(&told[person]);
            }
            self.learn_user(&told["new_chat_member"]["user"]);
        }
        let own = &update["my_chat_member"];
        if let Some(chat) = own["chat"]["id"].as_i64() {
            self.learn_rights(chat, &own["new_chat_member"]);
        }
    }

    fn learn_message(&mut self, message: &Value) {
        let Some(chat) = message["chat"]["id"].as_i64() else { return };
        self.learn_chat(&message["chat"]);
        self.learn_chat(&message["sender_chat"]);
        self.learn_user(&message["from"]);
        self.learn_user(&message["via_bot"]);
        self.learn_user(&message["left_chat_member"]);
        self.learn_user(&message["forward_origin"]["sender_user"]);
        self.learn_user(&message["reply_to_message"]["from"]);
        for joined in message["new_chat_members"].as_array().into_iter().flatten() {
            self.learn_user(joined);
        }
        for list in ["entities", "caption_entities"] {
            for entity in message[list].as_array().into_iter().flatten() {
                self.learn_user(&entity["user"]);
            }
        }
        if let Some(title) = name(&message["new_chat_title"]) {
            self.chats.get_or_insert_mut(chat, Chat::default).title = Some(title);
        }
        if message["is_automatic_forward"] == true
            && let Some(number) = message["message_id"].as_i64()
        {
            self.posts.put((chat, number), ());
        }
        if let Some(topic) =
            message["message_thread_id"].as_i64().filter(|_| message["is_topic_message"] == true)
        {
            self.learn_topic(chat, topic, message);
        }
    }

    /// A message in a topic answers the one that made it, which tells its name.
    fn learn_topic(&mut self, chat: i64, topic: i64, message: &Value) {
        let made = [&message["forum_topic_edited"], &message["forum_topic_created"]];
        let new = made.into_iter().find_map(|made| name(&made["name"]));
        let first = || name(&message["reply_to_message"]["forum_topic_created"]["name"]);
        let known = self.topics.get_or_insert_mut((chat, topic), Topic::default);
        if let Some(new) = new {
            known.name = Some(new);
        } else if known.name.is_none() {
            known.name = first();
        }
    }

    /// Whether the name of a topic is known.
    pub fn is_named(&self, chat: i64, topic: i64) -> bool {
        self.topics.peek(&(chat, topic)).is_some_and(|topic| topic.name.is_some())
    }

    /// Learns the name of a topic from an earlier session.
    pub fn name_topic(&mut self, chat: i64, topic: i64, name: String) {
        self.topics.put((chat, topic), Topic { name: Some(name) });
    }

    /// Learns from a chat that stands in an update, which tells little.
    pub fn learn_chat(&mut self, chat: &Value) {
        let (Some(id), Some(kind)) = (chat["id"].as_i64(), chat["type"].as_str()) else { return };
        let known = self.chats.get_or_insert_mut(id, Chat::default);
        kind.clone_into(&mut known.kind);
        known.title = chat_title(chat).or_else(|| known.title.take());
        known.username = chat["username"].as_str().map(str::to_owned);
        known.is_public = known.username.is_some();
        known.is_forum = chat["is_forum"] == true;
        if kind == "private" {
            let mut user = chat.clone();
            user["is_bot"] = false.into();
            self.learn_user(&user);
        }
    }

    /// Learns from the answer of `getChat`, which tells all.
    pub fn learn_whole_chat(&mut self, chat: &Value) {
        self.learn_chat(chat);
        let Some(id) = chat["id"].as_i64() else { return };
        let known = self.chats.get_or_insert_mut(id, Chat::default);
        known.description = Some(clean_line(text(&chat["description"]))).filter(|words| !words.is_empty());
        known.picture = picture(chat);
        known.is_whole = true;
    }

    /// Something about a chat may have changed that only `getChat` tells.
    pub fn is_stale(&mut self, chat: i64) {
        if let Some(known) = self.chats.get_mut(&chat) {
            known.is_whole = false;
        }
    }

    /// Learns from a `User`.
    pub fn learn_user(&mut self, user: &Value) {
        let Some(id) = user["id"].as_i64().filter(|id| *id > 0) else { return };
        if user["first_name"].is_null() && user["username"].is_null() {
            return;
        }
        let username = user["username"].as_str().map(str::to_owned);
        let met = Met { name: user_name(user), username, is_bot: user["is_bot"] == true };
        if let Some(old) = self.met(id).and_then(|old| old.username.clone())
            && met.username.as_ref() != Some(&old)
        {
            self.usernames.pop(&old.to_lowercase());
        }
        if let Some(username) = &met.username {
            self.usernames.put(username.to_lowercase(), id);
        }
        self.people.put(id, met);
    }

    /// Learns from a `ChatMember` that is the bot itself.
    pub fn learn_rights(&mut self, chat: i64, member: &Value) {
        let status = text(&member["status"]);
        let granted = member.as_object().into_iter().flatten();
        let granted = granted.filter(|(name, held)| name.starts_with("can_") && **held == true);
        let rights = Rights {
            is_member: matches!(status, "creator" | "administrator" | "member")
                || status == "restricted" && member["is_member"] == true,
            is_admin: matches!(status, "creator" | "administrator"),
            granted: granted.map(|(name, _)| name.clone()).collect(),
        };
        self.chats.get_or_insert_mut(chat, Chat::default).rights = Some(rights);
    }
}
