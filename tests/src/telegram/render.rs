//! How things look in the Bot API. Everything that is written for a bot is written here.

use serde_json::{Value, json};

use super::model::{Chat, ChatId, ChatKind, Fields, Message, MessageId, Records, Standing, UserId};

/// A `User`.
pub(crate) fn user(records: &Records, id: UserId) -> Value {
    let Some(user) = records.users.get(&id) else {
        return json!({"id": id, "is_bot": false, "first_name": "Deleted Account"});
    };
    let first_name = if user.is_deactivated { "" } else { &user.first_name };
    let mut it = json!({"id": id, "is_bot": user.is_bot, "first_name": first_name});
    for (name, value) in [("last_name", &user.last_name), ("username", &user.username)] {
        put(&mut it, name, value.as_deref());
    }
    if !user.is_bot && !user.is_deactivated {
        it["language_code"] = json!("en");
    }
    it
}

/// What `getMe` says.
pub(crate) fn me(records: &Records, id: UserId) -> Value {
    let mut it = user(records, id);
    let reads_all = records.bots.get(&id).is_some_and(|bot| bot.reads_all);
    it["can_join_groups"] = json!(true);
    it["can_read_all_group_messages"] = json!(reads_all);
    for no in [
        "supports_guest_queries",
        "supports_inline_queries",
        "can_connect_to_business",
        "has_main_web_app",
        "has_topics_enabled",
        "allows_users_to_create_topics",
        "can_manage_bots",
        "supports_join_request_queries",
    ] {
        it[no] = json!(false);
    }
    it
}

/// A `Chat`.
pub(crate) fn chat(records: &Records, id: ChatId) -> Value {
    let Some(chat) = records.chats.get(&id) else {
        return json!({"id": id, "type": "private", "first_name": "Nobody"});
    };
    let mut it = json!({"id": id, "type": chat.kind.name()});
    if chat.kind == ChatKind::Private {
        let person = user(records, id.number);
        for name in ["first_name", "last_name", "username"] {
            put(&mut it, name, person[name].as_str());
        }
        return it;
    }
    it["title"] = json!(chat.title);
    put(&mut it, "username", chat.username.as_deref());
    if chat.is_forum {
        it["is_forum"] = json!(true);
    }
    it
}

/// A `ChatFullInfo` for a bot.
pub(crate) fn chat_full(records: &Records, chat: &Chat, bot: UserId) -> Value {
    let mut it = self::chat(records, chat.id);
    it["accent_color_id"] = json!(chat.id.number.rem_euclid(7));
    it["max_reaction_count"] = json!(11);
    it["accepted_gift_types"] = json!({"unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false});
    let is_private = chat.kind == ChatKind::Private;
    put(&mut it, if is_private { "bio" } else { "description" }, chat.description.as_deref());
    if let Some(username) = it["username"].as_str().map(str::to_owned) {
        it["active_usernames"] = json!([username]);
    }
    let photo = match is_private {
        true => records.users.get(&chat.id.number).and_then(|user| user.photos.first()),
        false => chat.photo.as_ref(),
    };
    if let Some(photo) = photo {
        let file = file_id(photo, bot);
        it["photo"] = json!({
            "small_file_id": file, "small_file_unique_id": photo,
            "big_file_id": file, "big_file_unique_id": photo,
        });
    }
    if !is_private && chat.kind != ChatKind::Channel {
        it["permissions"] = json!(chat.permissions);
    }
    put(&mut it, "linked_chat_id", chat.linked);
    let emoji = |list: &Vec<String>| list.iter().map(|it| json!({"type": "emoji", "emoji": it})).collect();
    let reactions: Option<Vec<Value>> = chat.reactions.as_ref().map(emoji);
    put(&mut it, "available_reactions", reactions);
    if let Some(pinned) = chat.pinned.last().and_then(|id| chat.messages.get(id)) {
        it["pinned_message"] = message(records, pinned, bot);
    }
    it
}

/// A `Message` as a bot sees it.
pub(crate) fn message(records: &Records, message: &Message, bot: UserId) -> Value {
    let mut it = alone(records, message, bot);
    let Some(chat) = records.chats.get(&message.chat) else { return it };
    if let Some(other) = message.reply_to.and_then(|id| chat.messages.get(&id)) {
        it["reply_to_message"] = alone(records, other, bot);
    }
    if let Some(id) = message.pins {
        it["pinned_message"] = match chat.messages.get(&id) {
            Some(pinned) => alone(records, pinned, bot),
            None => json!({"chat": it["chat"], "message_id": id, "date": 0}),
        };
    }
    it
}

/// A `Message` without what it answers.
fn alone(records: &Records, message: &Message, bot: UserId) -> Value {
    let mut it = Value::Object(message.body.clone());
    it["message_id"] = json!(message.id_for(bot));
    it["date"] = json!(message.date);
    it["chat"] = chat(records, message.chat);
    put(&mut it, "from", message.from.map(|id| user(records, id)));
    put(&mut it, "sender_chat", message.sender_chat.map(|id| chat(records, id)));
    put(&mut it, "edit_date", message.edit_date);
    if let Some(topic) = message.topic {
        it["message_thread_id"] = json!(topic);
        it["is_topic_message"] = json!(true);
    }
    if let Some(poll) = &message.poll {
        it["poll"] = self::poll(records, poll);
    }
    with_file_ids(&mut it, bot);
    it
}

/// A `Poll`.
pub(crate) fn poll(records: &Records, id: &str) -> Value {
    let Some(poll) = records.polls.get(id) else { return Value::Null };
    let count = |nth: usize| poll.votes.values().filter(|chosen| chosen.contains(&nth)).count();
    let option = |(nth, text): (usize, &String)| json!({"persistent_id": format!("{id}-{nth}"), "text": text, "voter_count": count(nth)});
    let mut it = Value::Object(poll.fields.clone());
    it["id"] = json!(id);
    it["options"] = poll.options.iter().enumerate().map(option).collect();
    it["total_voter_count"] = json!(poll.votes.values().filter(|chosen| !chosen.is_empty()).count());
    it["is_closed"] = json!(poll.is_closed);
    it
}

/// A `ChatMember`.
pub(crate) fn member(records: &Records, chat: &Chat, id: UserId) -> Value {
    let user = user(records, id);
    let Some(member) = chat.members.get(&id) else { return json!({"user": user, "status": "left"}) };
    let mut it = json!({"user": user, "status": member.standing.name()});
    match member.standing {
        Standing::Creator => it["is_anonymous"] = json!(member.is_anonymous),
        Standing::Administrator => {
            it["is_anonymous"] = json!(member.is_anonymous);
            it["can_be_edited"] = json!(false);
            merge(&mut it, super::rights::ADMIN.map(|right| (right.to_owned(), false)));
            merge(&mut it, member.rights.clone());
        }
        Standing::Restricted => {
            it["is_member"] = json!(true);
            it["until_date"] = json!(member.until);
            merge(&mut it, super::rights::MEMBER.map(|right| (right.to_owned(), false)));
            merge(&mut it, member.rights.clone());
        }
        Standing::Kicked => it["until_date"] = json!(member.until),
        Standing::Member | Standing::Left => {}
    }
    put(&mut it, "custom_title", member.title.as_deref().filter(|_| member.standing.is_admin()));
    it
}

/// The id by which a bot knows a file.
pub(crate) fn file_id(unique_id: &str, bot: UserId) -> String {
    format!("{unique_id}.{bot}")
}

/// Puts ids into all files of a value, which bear only their unique ones.
pub(crate) fn with_file_ids(value: &mut Value, bot: UserId) {
    match value {
        Value::Object(fields) => {
            if let Some(unique) = fields.get("file_unique_id").and_then(Value::as_str).map(str::to_owned) {
                fields.insert("file_id".to_owned(), json!(file_id(&unique, bot)));
            }
            fields.values_mut().for_each(|value| with_file_ids(value, bot));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| with_file_ids(value, bot)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The number in the chat of a message that a bot knows by another.
pub(crate) fn find(chat: &Chat, bot: UserId, number: i64) -> Option<MessageId> {
    if chat.kind.numbers_itself() {
        return chat.messages.contains_key(&number).then_some(number);
    }
    let known = |message: &&Message| message.ids.get(&bot) == Some(&number);
    chat.messages.values().rev().find(known).map(|message| message.id)
}

/// Makes an object of a JSON literal.
pub(crate) fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Fields::new(),
    }
}

fn put(object: &mut Value, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        object[name] = json!(value);
    }
}

fn merge(object: &mut Value, rights: impl IntoIterator<Item = (String, bool)>) {
    for (right, is_given) in rights {
        object[right.as_str()] = json!(is_given);
    }
}
