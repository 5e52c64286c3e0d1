//! Reactions of people, and what administrators among the bots are told of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    model::{ChatId, ChatKind, MessageId, UserId},
    render,
    state::State,
    updates,
};

/// The emoji that `ReactionTypeEmoji` lists.
pub const EMOJI: [&str; 73] = [
    "❤",
    "👍",
    "👎",
    "🔥",
    "🥰",
    "👏",
    "😁",
    "🤔",
    "🤯",
    "😱",
    "🤬",
    "😢",
    "🎉",
    "🤩",
    "🤮",
    "💩",
    "🙏",
    "👌",
    "🕊",
    "🤡",
    "🥱",
    "🥴",
    "😍",
    "🐳",
    "❤‍🔥",
    "🌚",
    "🌭",
    "💯",
    "🤣",
    "⚡",
    "🍌",
    "🏆",
    "💔",
    "🤨",
    "😐",
    "🍓",
    "🍾",
    "💋",
    "🖕",
    "😈",
    "😴",
    "😭",
    "🤓",
    "👻",
    "👨‍💻",
    "👀",
    "🎃",
    "🙈",
    "😇",
    "😨",
    "🤝",
    "✍",
    "🤗",
    "🫡",
    "🎅",
    "🎄",
    "☃",
    "💅",
    "🤪",
    "🗿",
    "🆒",
    "💘",
    "🙉",
    "🦄",
    "😘",
    "💊",
    "🙊",
    "😎",
    "👾",
    "🤷‍♂",
    "🤷",
    "🤷‍♀",
    "😡",
];

/// A `ReactionType`: an emoji, or a custom one by its number.
pub(crate) fn kind(emoji: &str) -> Value {
    match !emoji.is_empty() && emoji.bytes().all(|byte| byte.is_ascii_digit()) {
        true => json!({"type": "custom_emoji", "custom_emoji_id": emoji}),
        false => json!({"type": "emoji", "emoji": emoji}),
    }
}

/// Reactions as a text.
pub(crate) fn shown(reactions: &[Value]) -> String {
    let text = |it: &Value| it["emoji"].as_str().or(it["custom_emoji_id"].as_str()).map(str::to_owned);
    reactions.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

/// Somebody now has these reactions on a message. False when it is gone.
pub(crate) fn put(state: &mut State, place: (ChatId, MessageId), user: UserId, new: Vec<Value>) -> bool {
    let (chat, id) = place;
    let found = state.records.chats.get_mut(&chat).and_then(|it| it.messages.get_mut(&id));
    let Some(message) = found else { return false };
    let old = message.reactions.insert(user, new.clone()).unwrap_or_default();
    if old == new {
        return true;
    }
    let message = message.clone();
    let there = state.chat(chat);
    let (kind, date) = (there.kind, state.now());
    let is_anonymous = there.members.get(&user).is_some_and(|member| member.is_anonymous);
    for bot in updates::bots(state) {
        let there = state.chat(chat);
        let is_admin = there.members.get(&bot).is_some_and(|member| member.standing.is_admin());
        if !is_admin && there.id.bot != bot {
            continue;
        }
        let (chat, id) = (render::chat(&state.records, chat), message.id_for(bot));
        if kind == ChatKind::Channel {
            let payload = json!({"chat": chat, "message_id": id, "date": date, "reactions": counts(&message.reactions)});
            updates::emit(state, bot, "message_reaction_count", payload);
            continue;
        }
        let mut payload =
            json!({"chat": chat, "message_id": id, "date": date, "old_reaction": old, "new_reaction": new});
        match is_anonymous {
            true => payload["actor_chat"] = payload["chat"].clone(),
            false => payload["user"] = render::user(&state.records, user),
        }
        updates::emit(state, bot, "message_reaction", payload);
    }
    true
}

fn counts(reactions: &BTreeMap<UserId, Vec<Value>>) -> Value {
    let mut counts: Vec<(Value, usize)> = Vec::new();
    for reaction in reactions.values().flatten() {
        match counts.iter_mut().find(|(known, _)| known == reaction) {
            Some((_, count)) => *count += 1,
            None => counts.push((reaction.clone(), 1)),
        }
    }
    counts.into_iter().map(|(kind, count)| json!({"type": kind, "total_count": count})).collect()
}
