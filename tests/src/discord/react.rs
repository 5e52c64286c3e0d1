//! Reactions come and go. Whoever does it, it ends up here; permissions are the caller's business.

use serde_json::{Value, json};

use super::{
    gateway::dispatch::{self, Event},
    model::{Message, Reaction, ReactionEmoji},
    render,
    snowflake::Snowflake,
    state::State,
};

/// A message, by its channel and its id.
pub(crate) type Place = (Snowflake, Snowflake);

/// Puts a reaction; nothing happens when it is there.
pub(crate) fn put(state: &mut State, place: Place, (user, emoji): (Snowflake, &ReactionEmoji)) {
    let Some(message) = find(state, place) else { return };
    match message.reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) {
        Some(reaction) if reaction.users.contains(&user) => return,
        Some(reaction) => reaction.users.push(user),
        None => message.reactions.push(Reaction { emoji: emoji.clone(), users: vec![user] }),
    }
    let author = message.author.id();
    let guild = &state.records.guilds[&state.records.channels[&place.0].guild];
    let mut data = json!({"user_id": user, "message_author_id": author, "burst": false, "type": 0});
    data["emoji"] = render::reaction_emoji(emoji);
    if let Some(member) = guild.members.get(&user) {
        data["member"] = render::member(&state.records, user, member);
    }
    tell(state, "MESSAGE_REACTION_ADD", place, data);
}

/// Takes a reaction back. False when there is none.
pub(crate) fn take_back(state: &mut State, place: Place, (user, emoji): (Snowflake, &ReactionEmoji)) -> bool {
    let Some(message) = find(state, place) else { return false };
    let Some(reaction) = message.reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) else {
        return false;
    };
    let before = reaction.users.len();
    reaction.users.retain(|known| *known != user);
    let is_gone = reaction.users.len() < before;
    message.reactions.retain(|reaction| !reaction.users.is_empty());
    if is_gone {
        let mut data = json!({"user_id": user, "burst": false, "type": 0});
        data["emoji"] = render::reaction_emoji(emoji);
        tell(state, "MESSAGE_REACTION_REMOVE", place, data);
    }
    is_gone
}

/// Takes all reactions away, or all with one emoji.
pub(crate) fn clear(state: &mut State, place: Place, emoji: Option<&ReactionEmoji>) {
    let Some(message) = find(state, place) else { return };
    message.reactions.retain(|reaction| emoji.is_some_and(|emoji| reaction.emoji != *emoji));
    match emoji {
        None => tell(state, "MESSAGE_REACTION_REMOVE_ALL", place, json!({})),
        Some(emoji) => {
            let data = json!({"emoji": render::reaction_emoji(emoji)});
            tell(state, "MESSAGE_REACTION_REMOVE_EMOJI", place, data);
        }
    }
}

fn find(state: &mut State, (channel, message): Place) -> Option<&mut Message> {
    state.records.channels.get_mut(&channel)?.messages.get_mut(&message)
}

fn tell(state: &mut State, kind: &str, (channel, message): Place, mut data: Value) {
    let guild = state.records.channels[&channel].guild;
    render::merge(&mut data, json!({"channel_id": channel, "message_id": message, "guild_id": guild}));
    dispatch::event(state, Event { kind, guild, channel: Some(channel), data });
}
