//! Routes that put, list and take away reactions.

use serde_json::Value;

use super::{
    answer::{Answer, ApiError, Outcome},
    guilds::find_channel,
    messages,
};
use crate::discord::{
    model::{Message, ReactionEmoji, Records},
    permissions, react, render,
    snowflake::Snowflake,
    state::State,
};

/// How many different emoji a message bears.
const EMOJI_MAX: usize = 20;

/// `PUT`, `GET` and `DELETE` below `/channels/{id}/messages/{message}/reactions`
pub(crate) fn serve(
    state: &mut State,
    (method, channel, message): (&str, &str, &str),
    rest: &[&str],
) -> Outcome {
    let (_, found) = find_channel(state, channel, permissions::READ_MESSAGE_HISTORY)?;
    let place = (found.id, messages::find(found, message)?.id);
    let bot = state.records.application.id;
    match (method, rest) {
        ("PUT", [emoji, "@me"]) => {
            let emoji = known_emoji(&state.records, emoji)?;
            may_put(state, channel, message, &emoji)?;
            react::put(state, place, (bot, &emoji));
        }
        ("DELETE", [emoji, "@me"]) => {
            let emoji = read(emoji);
            react::take_back(state, place, (bot, &emoji));
        }
        ("DELETE", [emoji, user]) => {
            find_channel(state, channel, permissions::MANAGE_MESSAGES)?;
            let user: Snowflake = user.parse().map_err(|_| ApiError::unknown_user())?;
            react::take_back(state, place, (user, &read(emoji)));
        }
        ("DELETE", [emoji]) => {
            find_channel(state, channel, permissions::MANAGE_MESSAGES)?;
            react::clear(state, place, Some(&read(emoji)));
        }
        ("DELETE", []) => {
            find_channel(state, channel, permissions::MANAGE_MESSAGES)?;
            react::clear(state, place, None);
        }
        ("GET", [emoji]) => {
            let (_, found) = find_channel(state, channel, 0)?;
            return Ok(Answer::ok(who(&state.records, messages::find(found, message)?, &read(emoji))));
        }
        _ => return Err(ApiError::method_not_allowed()),
    }
    Ok(Answer::no_content())
}

fn who(records: &Records, message: &Message, emoji: &ReactionEmoji) -> Value {
    let reaction = message.reactions.iter().find(|reaction| reaction.emoji == *emoji);
    let users = reaction.into_iter().flat_map(|reaction| &reaction.users);
    users.map(|id| render::user(&records.users[id])).collect()
}

/// Whoever adds an emoji that nobody gave yet needs a right for that.
fn may_put(state: &State, channel: &str, message: &str, emoji: &ReactionEmoji) -> Result<(), ApiError> {
    let (_, found) = find_channel(state, channel, 0)?;
    let message = messages::find(found, message)?;
    if message.reactions.iter().any(|reaction| reaction.emoji == *emoji) {
        return Ok(());
    }
    find_channel(state, channel, permissions::ADD_REACTIONS)?;
    if message.reactions.len() >= EMOJI_MAX {
        return Err(ApiError::new(400, 30_010, "Maximum number of reactions reached (20)"));
    }
    Ok(())
}

/// An emoji that there is: a guild's own, or anything that is no word.
fn known_emoji(records: &Records, spelled: &str) -> Result<ReactionEmoji, ApiError> {
    let unknown = || ApiError::new(400, 10_014, "Unknown Emoji");
    let emoji = read(spelled);
    match emoji.id {
        Some(id) => {
            let own = records.guilds.values().find_map(|guild| guild.emojis.get(&id)).ok_or_else(unknown)?;
            Ok(ReactionEmoji { id: Some(id), name: own.name.clone() })
        }
        None if emoji.name.is_empty() || emoji.name.chars().any(char::is_alphabetic) => Err(unknown()),
        None => Ok(emoji),
    }
}

fn read(segment: &str) -> ReactionEmoji {
    let pair = format!("e={}", segment.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    ReactionEmoji::read(&decoded.map(|(_, value)| value.into_owned()).unwrap_or_default())
}
