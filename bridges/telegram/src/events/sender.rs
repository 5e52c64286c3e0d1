//! Who sent a message: a person, a bot, or a chat that speaks for itself.

use magpie_common::{
    ids::{AliasSet, RemoteUserId},
    message::Sender,
};
use serde_json::Value;

use crate::{
    json::user_name,
    place,
    session::world::{Known, chat_title},
};

/// The sender of a message. An anonymous admin speaks as the group, a linked channel and a person who chose so as the channel; the `from` of
/// such a message is a stand-in of Telegram's.
pub(super) fn of(message: &Value) -> Option<Sender> {
    if message["sender_chat"].is_object() {
        return of_chat(&message["sender_chat"]);
    }
    match message["from"].is_object() {
        true => of_user(&message["from"]),
        // A post of a channel that names nobody.
        false => of_chat(&message["chat"]),
    }
}

/// Whether the bot itself sent it.
pub(super) fn is_own(message: &Value, known: &Known) -> bool {
    message["sender_chat"].is_null() && message["from"]["id"].as_i64() == Some(known.me)
}

/// Who reacted or voted.
pub(super) fn actor(user: &Value, chat: &Value) -> Option<RemoteUserId> {
    let channel = || chat["id"].as_i64().map(place::channel_ghost);
    user["id"].as_i64().map(place::user).or_else(channel)
}

fn of_user(user: &Value) -> Option<Sender> {
    let ids = AliasSet::single(place::user(user["id"].as_i64()?));
    Some(Sender { ids, name: user_name(user), avatar: None })
}

fn of_chat(chat: &Value) -> Option<Sender> {
    let ids = AliasSet::single(place::channel_ghost(chat["id"].as_i64()?));
    Some(Sender { ids, name: chat_title(chat), avatar: None })
}
